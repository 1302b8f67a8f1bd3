"""What whoever runs KYO is told of at once, and when: as it begins, as it ends, and once a day in between."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


class Kind(str, Enum):
    """Alphabetical. The value is stored and sent."""

    AUDIT_CHAIN = "audit_chain"
    FAILED_RUN = "failed_run"
    QUALITY = "quality"
    QUEUE = "queue"


class News(str, Enum):
    """What is said of an alert. The value is sent."""

    OPENED = "opened"
    REMINDER = "reminder"
    RESOLVED = "resolved"


class Channel(str, Enum):
    """Where alerts go, besides the log."""

    WEBHOOK = "webhook"
    EMAIL = "email"


#: Of what lasts, people are told once more after this time.
REMIND_AFTER = timedelta(hours=24)

#: What was not seen for so long has ended: what comes and goes is one alert, not many.
GONE_AFTER = timedelta(minutes=5)

#: How long something must last before anybody is told. A file that is tried again has waited since it was uploaded.
HOLDS_FOR: Mapping[Kind, timedelta] = {Kind.QUEUE: timedelta(minutes=5)}

#: What no channel has taken for so long is given up: who is still concerned gets a reminder.
GIVE_UP_AFTER = timedelta(hours=24)

#: Closed alerts are kept for so long.
KEPT_FOR = timedelta(days=90)

#: Alerts that one message tells of; the others are counted.
MOST_IN_MESSAGE = 20

_LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True)
class Condition:
    """Something that holds now. `subject` tells two of a kind apart; no text of a person or a document is in it."""

    kind: Kind
    subject: str
    sentence: str


@dataclass(frozen=True)
class Alert:
    """A condition that holds, or held. `last_sent_at` None: nobody has been told yet."""

    id: int
    kind: Kind
    subject: str
    sentence: str
    opened_at: datetime
    last_sent_at: datetime | None = None
    missing_since: datetime | None = None
    closed_at: datetime | None = None

    @property
    def condition(self) -> Condition:
        return Condition(self.kind, self.subject, self.sentence)


@dataclass(frozen=True)
class Notice:
    """What one channel has to be told of one alert."""

    id: int
    alert: Alert
    news: News
    sentence: str
    noted_at: datetime
    attempts: int


@dataclass(frozen=True)
class Decision:
    """What follows from a look. `begun` are new; `told` says which of the others are news, with what there is to say.

    `seen` hold, with their newest sentences; `missing` are not there any more, and may have ended; `forgotten` have
    ended before anybody was told.
    """

    begun: tuple[Condition, ...] = ()
    told: tuple[tuple[Alert, News, str], ...] = ()
    seen: tuple[tuple[Alert, str], ...] = ()
    missing: tuple[Alert, ...] = ()
    forgotten: tuple[Alert, ...] = ()


def is_told_at_once(kind: Kind) -> bool:
    return kind not in HOLDS_FOR


def decide(known: Sequence[Alert], conditions: Iterable[Condition], now: datetime) -> Decision:
    """What to do about alerts that are open, beside all that holds now. Says the same twice of nothing."""
    holds = {(one.kind, one.subject): one.sentence for one in conditions}
    names = {(one.kind, one.subject) for one in known}
    there = [(one, holds[one.kind, one.subject]) for one in known if (one.kind, one.subject) in holds]
    gone = [one for one in known if (one.kind, one.subject) not in holds]
    told: list[tuple[Alert, News, str]] = [
        (one, news, sentence) for one, sentence in there if (news := _news(one, now)) is not None
    ]
    told += [(one, News.RESOLVED, one.sentence) for one in gone if _has_ended(one, now)]
    return Decision(
        begun=tuple(Condition(*name, sentence) for name, sentence in holds.items() if name not in names),
        told=tuple(told),
        seen=tuple(there),
        missing=tuple(one for one in gone if one.last_sent_at is not None and one.missing_since is None),
        forgotten=tuple(one for one in gone if one.last_sent_at is None),
    )


def pause(attempts: int) -> timedelta:
    """How long a channel that failed so many times in a row is left alone: a minute, then twice as long each time."""
    return min(timedelta(minutes=2 ** min(max(attempts - 1, 0), 10)), _LONGEST_PAUSE)


@dataclass(frozen=True)
class Message:
    """What a channel gets: a subject and lines for people, and `payload`, which a webhook gets as JSON.

    In the payload `text` is for people, as Slack shows it; docs/operations.md says what else there is.
    """

    subject: str
    lines: tuple[str, ...]
    payload: Mapping[str, object]


def message_of(notices: Sequence[Notice], now: datetime, address: str | None) -> Message:
    """One message about all of them. `address` is where KYO is opened, if anybody knows."""
    only = notices[0] if len(notices) == 1 else None
    subject = f"KYO: {_WORDS[only.news]}{_NAMES[only.alert.kind]}" if only else f"KYO: {len(notices)} alerts"
    return _message(subject, _lines(notices), [_as_json(one) for one in notices], now, address)


def trial(now: datetime, address: str | None) -> Message:
    """A message that says nothing but that messages arrive."""
    sentence = "This is a test: alerts of KYO arrive here. Nothing is wrong."
    return _message("KYO: a test of alerts", [sentence], [], now, address)


def _message(
    subject: str, lines: Sequence[str], alerts: Sequence[object], now: datetime, address: str | None
) -> Message:
    words = _escaped("\n".join([subject, *(f"• {line}" for line in lines)]))
    payload = {"text": words, "source": "kyo", "address": address, "sent_at": now.isoformat(), "alerts": alerts}
    return Message(subject, tuple(lines), payload)


def _lines(notices: Sequence[Notice]) -> list[str]:
    """An alert a line; of many the first."""
    said = [
        f"{_WORDS[one.news]}{_NAMES[one.alert.kind]}, since {one.alert.opened_at:%Y-%m-%d %H:%M} UTC: {one.sentence}"
        for one in notices[:MOST_IN_MESSAGE]
    ]
    more = len(notices) - MOST_IN_MESSAGE
    return [*said, f"… and {more} more: `kyo alerts list`."] if more > 0 else said


def _as_json(one: Notice) -> dict[str, object]:
    return {
        "id": one.alert.id,
        "kind": one.alert.kind.value,
        "subject": one.alert.subject,
        "news": one.news.value,
        "sentence": one.sentence,
        "opened_at": one.alert.opened_at.isoformat(),
        "closed_at": one.alert.closed_at and one.alert.closed_at.isoformat(),
    }


_NAMES = {
    Kind.AUDIT_CHAIN: "the audit log was changed",
    Kind.FAILED_RUN: "a run failed",
    Kind.QUALITY: "answers became worse",
    Kind.QUEUE: "files wait for too long",
}
_WORDS = {News.OPENED: "", News.REMINDER: "Reminder: ", News.RESOLVED: "Over: "}


def _news(one: Alert, now: datetime) -> News | None:
    if one.last_sent_at is None:
        return News.OPENED if now - one.opened_at >= HOLDS_FOR.get(one.kind, timedelta()) else None
    return News.REMINDER if now - one.last_sent_at >= REMIND_AFTER else None


def _has_ended(one: Alert, now: datetime) -> bool:
    if one.last_sent_at is None or one.missing_since is None:
        return False
    return now - one.missing_since >= GONE_AFTER


def _escaped(text: str) -> str:
    """Slack takes these three for the beginning of links and calls."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
