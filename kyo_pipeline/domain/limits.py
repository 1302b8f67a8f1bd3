"""How much one person may do: questions a day and a minute, uploads an hour. The operator is not limited.

PostgreSQL has the last word on questions and uploads, Redis refuses early. For a question (`admission.py`):

1. Redis: the number of questions that PostgreSQL last counted for this person and day; at the limit, the question is
   refused without touching the database. A key that is missing or older than the truth lets through: see 3.
2. Redis: one more attempt (`INCR`) in this minute, for questions and searches alike, refused or not. In an outage each
   process counts for itself. A search stops here: it has no place in the day, because no answer is written.
3. PostgreSQL, in the transaction that stores the question: a lock for this person, then the count of their questions
   in this day and in this minute, then the row. Questions at the same moment take turns, so none slips over the limit.
4. Redis is told the new count; so a key that is missing, after a flush or a restart, is there again.

So nothing needs to be given back: what was not stored was never counted. Redis may know less than PostgreSQL, which
costs a statement, and never more. A question counts once it is stored, however it ends: an answer that fails or is
stopped has cost something too. Uploads are counted in PostgreSQL alone: before the bytes are stored, and with the row.

Windows are fixed and begin at full minutes, hours and days of UTC: everybody can be told when one ends, and every
process agrees on it. The price is that around such a moment twice the limit fits into one window's length.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from uuid import UUID

from kyo_pipeline.errors import TooMany

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Limit(str, Enum):
    """What is limited. The value stands in the audit log."""

    QUESTIONS_A_DAY = "questions_a_day"
    QUESTIONS_A_MINUTE = "questions_a_minute"
    UPLOADS_AN_HOUR = "uploads_an_hour"

    @property
    def length(self) -> timedelta:
        return _LENGTHS[self]


_LENGTHS = {
    Limit.QUESTIONS_A_DAY: timedelta(days=1),
    Limit.QUESTIONS_A_MINUTE: timedelta(minutes=1),
    Limit.UPLOADS_AN_HOUR: timedelta(hours=1),
}

_REFUSALS = {
    Limit.QUESTIONS_A_DAY: "You have asked as many questions as one day allows ({allowed}).",
    Limit.QUESTIONS_A_MINUTE: "You have asked as much as one minute allows ({allowed}).",
    Limit.UPLOADS_AN_HOUR: "You have uploaded as many files as one hour allows ({allowed}).",
}


@dataclass(frozen=True)
class Window:
    """From `start` up to, and without, `end`."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def window(length: timedelta, now: datetime) -> Window:
    """The one that holds this moment. Windows of one length tile time, counted from 1970 in UTC."""
    start = now.astimezone(timezone.utc)
    start -= (start - _EPOCH) % length
    return Window(start, start + length)


@dataclass(frozen=True)
class Usage:
    """How much of a limit somebody has used in the present window."""

    limit: Limit
    allowed: int
    used: int
    resets_at: datetime

    @staticmethod
    def of(limit: Limit, allowed: int, used: int, now: datetime) -> "Usage":
        """In the window that holds this moment."""
        return Usage(limit, allowed, used, window(limit.length, now).end)

    @property
    def left(self) -> int:
        return max(self.allowed - self.used, 0)

    @property
    def is_low(self) -> bool:
        """Less than a fifth is left."""
        return self.left * 5 < self.allowed

    def require_one(self) -> None:
        """Raise `LimitReached` unless there is room for one more."""
        if not self.left:
            raise LimitReached(self)


class LimitReached(TooMany):
    """A limit is used up until its window ends."""

    def __init__(self, usage: Usage) -> None:
        super().__init__(_REFUSALS[usage.limit].format(allowed=usage.allowed), usage.resets_at)
        self.usage = usage


def counter_key(limit: Limit, user_id: UUID, now: datetime) -> str:
    """Where the cache counts for a person. Each window has its own key, so that no clock has to agree on expiry."""
    return f"{limit.value}:{user_id}:{window(limit.length, now).start:%Y-%m-%dT%H:%M}"
