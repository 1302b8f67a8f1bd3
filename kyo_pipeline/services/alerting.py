"""Telling whoever runs KYO what needs them: looked for every minute, sent to a webhook and by e-mail."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from kyo_pipeline.adapters import mail, webhook
from kyo_pipeline.adapters.deadline import within
from kyo_pipeline.db import alerts, audit, quality
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import OPERATOR, Actor, Permission
from kyo_pipeline.domain.alerts import (
    GIVE_UP_AFTER,
    KEPT_FOR,
    Alert,
    Channel,
    Condition,
    Kind,
    Message,
    News,
    decide,
    is_told_at_once,
    message_of,
    trial,
)
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.errors import KyoError
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.settings import Settings

_log = logging.getLogger(__name__)

#: How long one channel may take, whatever it does: Dagster ends a look after 60 s.
SEND_SECONDS = 20.0

#: Nobody else sends what is being sent, unless that took longer than it can.
_LEASE = timedelta(minutes=2)

_LATE = "It did not take the message within {:.0f} seconds."


@dataclass(frozen=True)
class Delivery:
    """What became of one message; `problem` None: it was taken."""

    channel: Channel
    alerts: int
    problem: str | None


@dataclass(frozen=True)
class Overview:
    """Alerts, the open ones first, where they go, and why a channel does not take them."""

    alerts: tuple[Alert, ...]
    channels: tuple[Channel, ...]
    problems: dict[Channel, str]

    @property
    def open_ones(self) -> tuple[Alert, ...]:
        return tuple(one for one in self.alerts if one.closed_at is None)


def _queue(kyo: Kyo, tx: Transaction) -> Iterable[Condition]:
    found, minutes = alerts.waiting(tx), kyo.settings.KYO_ALERT_QUEUE_MINUTES
    if found.oldest_at is None or kyo.now() - found.oldest_at <= timedelta(minutes=minutes):
        return ()
    waited = int((kyo.now() - found.oldest_at).total_seconds() // 60)
    sentence = (
        f"{found.files} files wait to be processed, the oldest was uploaded {waited} minutes ago (allowed: {minutes})."
    )
    return (Condition(Kind.QUEUE, "files", sentence),)


def _quality(kyo: Kyo, tx: Transaction) -> Iterable[Condition]:  # noqa: ARG001 — as all conditions
    newest = next(iter(quality.newest(tx, 1)), None)
    if newest is None or not newest.has_dropped:
        return ()
    return (Condition(Kind.QUALITY, "answers", " ".join(drop.sentence for drop in newest.drops)),)


def _audit_chain(kyo: Kyo, tx: Transaction) -> Iterable[Condition]:  # noqa: ARG001 — as all conditions
    found = alerts.last_verification(tx)
    return () if found is None else (Condition(Kind.AUDIT_CHAIN, "log", found),)


#: What is looked for in the database, a function for each kind. Failed runs are Dagster's to tell.
CONDITIONS: tuple[Callable[[Kyo, Transaction], Iterable[Condition]], ...] = (_audit_chain, _quality, _queue)


def channels(settings: Settings) -> tuple[Channel, ...]:
    """Those that are configured."""
    webhooks = (Channel.WEBHOOK,) if settings.KYO_ALERT_WEBHOOK is not None else ()
    return (*webhooks, *((Channel.EMAIL,) if settings.KYO_ALERT_EMAILS else ()))


def begin(kyo: Kyo, condition: Condition) -> bool:
    """Something has happened that is an alert until `watch` does not see it any more; whether it is new."""
    with kyo.db.transaction(OPERATOR) as tx:
        alerts.lock(tx)
        is_new = _begin(kyo, tx, condition)
    if is_new:
        _log.warning("Alert %s: %s", News.OPENED.value, condition.sentence)
    return is_new


def watch(kyo: Kyo, failing: Sequence[Condition] = ()) -> tuple[str, ...]:
    """Look at what holds now, and note what is to be told: returned, and in the log. `failing` is what Dagster knows.

    Each alert is told once when it begins, once when it ends, and once a day in between, however often this runs.
    """
    now = kyo.now()
    with kyo.db.transaction(OPERATOR) as tx:
        alerts.lock(tx)
        found = [*failing, *(one for look in CONDITIONS for one in look(kyo, tx))]
        decision = decide(alerts.open_ones(tx), found, now)
        said = [f"{News.OPENED.value}: {one.sentence}" for one in decision.begun if _begin(kyo, tx, one)]
        for alert, sentence in decision.seen:
            alerts.see(tx, alert.id, sentence)
        for alert in decision.missing:
            alerts.miss(tx, alert.id, now)
        for alert in decision.forgotten:
            alerts.forget(tx, alert.id)
        for alert, news, sentence in decision.told:
            if news is News.RESOLVED:
                alerts.close(tx, alert.id, now)
            alerts.note(tx, alert.id, news, sentence, channels(kyo.settings), now)
            said.append(f"{news.value}: {sentence}")
        alerts.forget_closed(tx, now - KEPT_FOR)
    for sentence in said:
        _log.warning("Alert %s", sentence)
    return tuple(said)


def deliver(kyo: Kyo) -> tuple[Delivery, ...]:
    """Send what is noted, in one message a channel. One that fails is left alone for a while, and holds nobody up."""
    with kyo.db.transaction(OPERATOR) as tx:
        if given_up := alerts.give_up(tx, kyo.now() - GIVE_UP_AFTER, kyo.now()):
            _log.warning("%d notices of alerts were taken by nobody within a day, and are given up.", given_up)
    return tuple(done for channel in channels(kyo.settings) if (done := _deliver(kyo, channel)) is not None)


def overview(kyo: Kyo, actor: Actor, limit: int = 50) -> Overview:
    """The newest alerts, and how their channels do. For admins."""
    actor.require(Permission.ALERT_READ)
    with kyo.db.transaction(actor) as tx:
        return Overview(alerts.newest(tx, limit), channels(kyo.settings), alerts.problems(tx))


def send_trial(kyo: Kyo, actor: Actor) -> tuple[Delivery, ...]:
    """Send a message to each channel that is configured, and say what became of it; it goes on record."""
    actor.require(Permission.ALERT_TEST)
    message = trial(kyo.now(), kyo.settings.KYO_PUBLIC_URL)
    done = tuple(Delivery(one, 0, _attempted(kyo, one, message)) for one in channels(kyo.settings))
    with kyo.db.transaction(actor) as tx:
        details = {one.channel.value: one.problem or "taken" for one in done}
        audit.record(tx, actor, Event.ALERT_TEST, "channels", kyo.now(), details)
    return done


def _begin(kyo: Kyo, tx: Transaction, condition: Condition) -> bool:
    """Whether people are told now."""
    alert = alerts.begin(tx, condition, kyo.now())
    if alert is None or not is_told_at_once(condition.kind):
        return False
    alerts.note(tx, alert.id, News.OPENED, condition.sentence, channels(kyo.settings), kyo.now())
    return True


def _deliver(kyo: Kyo, channel: Channel) -> Delivery | None:
    with kyo.db.transaction(OPERATOR) as tx:
        notices = alerts.claim(tx, channel, kyo.now(), _LEASE)
    if not notices:
        return None
    problem = _attempted(kyo, channel, message_of(notices, kyo.now(), kyo.settings.KYO_PUBLIC_URL))
    with kyo.db.transaction(OPERATOR) as tx:
        if problem is None:
            alerts.sent(tx, notices, kyo.now())
        else:
            alerts.failed(tx, notices, problem, kyo.now())
            _log.warning("Alerts were not taken (%s): %s", channel.value, problem)
    return Delivery(channel, len(notices), problem)


def _attempted(kyo: Kyo, channel: Channel, message: Message) -> str | None:
    """Send it; why that failed, as a sentence without addresses and secrets. No transaction is open meanwhile."""
    send = {Channel.WEBHOOK: _post, Channel.EMAIL: _mail}[channel]
    try:
        within(SEND_SECONDS, lambda: send(kyo, message), _LATE.format(SEND_SECONDS))
    except KyoError as error:
        return error.message
    except Exception as error:  # noqa: BLE001 — whatever it is, the other channel and the next look go on
        return f"Something unexpected went wrong ({type(error).__name__})."
    return None


def _post(kyo: Kyo, message: Message) -> None:
    url = kyo.settings.KYO_ALERT_WEBHOOK
    if url is not None:
        webhook.send(url.get_secret_value(), message.payload)


def _mail(kyo: Kyo, message: Message) -> None:
    settings = kyo.settings
    where = f"KYO at {settings.KYO_PUBLIC_URL}. " if settings.KYO_PUBLIC_URL else ""
    body = "\n\n".join([*message.lines, f"{where}`kyo alerts list` shows all alerts.", ""])
    if refused := mail.send(settings, message.subject, body, kyo.now()):
        _log.warning("The mail server takes no mail for %d of %d addresses.", refused, len(settings.KYO_ALERT_EMAILS))
