"""What a tenant has decided about its web forms; both its sides go by it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.models import TenantRow

__all__ = ["IntakeSettings"]


class IntakeSettings(TenantRow):
    """One row a tenant, kept on its live side: which sites may send, and which field is the trap."""

    allowed_origins = ArrayField(models.CharField(max_length=300), default=list)
    honeypot_field = models.CharField(max_length=50, null=True)

    class Meta:
        verbose_name = verbose_name_plural = "intake settings"
        constraints = [models.UniqueConstraint(fields=["tenant"], name="intake_settings_once")]

    def __str__(self) -> str:
        return f"Intake settings of {self.tenant}"
