"""Days of a time zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo


def day_of(at: datetime, zone: str) -> date:
    """The day that it is at a moment in a time zone, an IANA name."""
    return at.astimezone(ZoneInfo(zone)).date()
