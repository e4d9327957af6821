"""When an appointment is: clocks of a place read as moments, and the range of one member's time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import NumericRange

from crm.errors import Invalid
from crm.resources.appointments.models import LONGEST, Appointment
from crm.resources.products.models import Product

__all__ = ["Times", "moment_of", "slot_of", "times_of"]

Times = tuple[datetime, datetime]
# Within them, buffers included, a moment's seconds take 34 bits.
FIRST_YEAR, LAST_YEAR = 2000, 2199
SECONDS = 2**34


def times_of(appointment: Appointment, fields: Mapping[str, Any], service: Product | None) -> Times:
    """Return when an appointment is once `fields` are its own; raises Invalid where they make no time.

    Its end is as told, else as far from the start as a newly chosen service takes, else as far as it was.
    """
    zone = fields.get("timezone", appointment.timezone)
    before: datetime | None = appointment.ends_at
    start = moment_of(fields["starts_at"], zone, "starts_at") if "starts_at" in fields else appointment.starts_at
    if "ends_at" in fields:
        end = moment_of(fields["ends_at"], zone, "ends_at")
    elif service is not None and service.duration_minutes:
        end = start + timedelta(minutes=service.duration_minutes)
    elif before is not None:
        end = start + (before - appointment.starts_at)
    else:
        raise Invalid("Required where no {service_id} with {duration_minutes} tells it.", "ends_at")
    if not start < end <= start + LONGEST:
        raise Invalid(f"Must be after {{starts_at}}, and at most {LONGEST.days} days after it.", "ends_at")
    return start, end


def moment_of(value: datetime, zone: str, name: str) -> datetime:
    """Return a moment in UTC, to the second; one without an offset is what the clocks of `zone` show.

    Raises Invalid for what these clocks never show or show twice.
    """
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise Invalid(f"Must be in the years {FIRST_YEAR} to {LAST_YEAR}.", name)
    value = value.replace(microsecond=0)
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    early, late = (value.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    found = early.astimezone(UTC)
    if found.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) != value:
        raise Invalid(f"{value} does not exist in {zone}: its clocks go forward then. Choose another time.", name)
    if early.utcoffset() != late.utcoffset():
        message = f"{value} comes twice in {zone}: its clocks go back then. Say which with its offset: {{}} or {{}}."
        raise Invalid(message.format(early.isoformat(), late.isoformat()), name)
    return found


def slot_of(appointment: Appointment, member_id: Any) -> NumericRange:
    """Return the member's time that an appointment takes, buffers included, as a range that no other member shares."""
    before = timedelta(minutes=appointment.buffer_before_minutes)
    after = timedelta(minutes=appointment.buffer_after_minutes)
    first, last = (
        member_id.int * SECONDS + int(moment.timestamp())
        for moment in (appointment.starts_at - before, appointment.ends_at + after)
    )
    return NumericRange(Decimal(first), Decimal(last))
