"""Indexes for the charts of the admin's home."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0010_files"),
        ("tenants", "0006_about"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                fields=["tenant", "paid_at"], include=("status", "currency", "amount"), name="payment_paid"
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["tenant", "at"], name="refund_at"),
        ),
    ]
