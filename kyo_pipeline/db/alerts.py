"""Alerts, and what each channel has still to be told of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from kyo_pipeline.db.engine import lock_name
from kyo_pipeline.domain.actor import OPERATOR_ID
from kyo_pipeline.domain.alerts import Alert, Channel, Condition, Kind, News, Notice, pause

_COLUMNS = "id, kind, subject, sentence, opened_at, last_sent_at, missing_since, closed_at"

#: Notices that one message takes up.
_MOST = 200


@dataclass(frozen=True)
class Waiting:
    """How many files wait to be processed, and when the oldest was uploaded; None where none waits."""

    files: int
    oldest_at: datetime | None


def lock(tx: Connection) -> None:
    """Whoever looks at what holds takes this lock, so that nothing is told twice."""
    lock_name(tx, "alerts")


def waiting(tx: Connection) -> Waiting:
    """Those that have never been ready: what is made anew, as by a repair, keeps the date of its upload."""
    row = tx.execute(
        text(
            """
            select count(*) as files, min(uploaded_at) as oldest
            from document_versions
            where status not in ('ready', 'failed') and ready_at is null
            """
        )
    ).one()
    return Waiting(row.files, row.oldest)


def last_verification(tx: Connection) -> str | None:
    """What was wrong with the chain of the audit log when it was last verified; None where nothing was.

    Anybody's verification may find something; that nothing is wrong is the operator's to say, who verifies every night.
    """
    found: str | None = tx.scalar(
        text(
            """
            select details ->> 'found'
            from audit_log
            where event = 'audit:verify' and (actor_id = :operator or details ->> 'found' is not null)
            order by at desc, id desc
            limit 1
            """
        ),
        {"operator": OPERATOR_ID},
    )
    return found


def open_ones(tx: Connection) -> tuple[Alert, ...]:
    """In the order in which they began."""
    rows = tx.execute(text(f"select {_COLUMNS} from alerts where closed_at is null order by id"))  # noqa: S608 — a constant
    return tuple(_alert(row) for row in rows)


def newest(tx: Connection, limit: int) -> tuple[Alert, ...]:
    """Those that people were told of: open ones first, then those that ended last."""
    rows = tx.execute(
        text(
            f"""
            select {_COLUMNS}
            from alerts
            where last_sent_at is not null
            order by closed_at desc nulls first, id desc
            limit :limit
            """  # noqa: S608 — a constant
        ),
        {"limit": limit},
    )
    return tuple(_alert(row) for row in rows)


def begin(tx: Connection, condition: Condition, now: datetime) -> Alert | None:
    """A new one, of which nobody has been told; None where it is open already."""
    row = tx.execute(
        text(
            f"""
            insert into alerts (kind, subject, sentence, opened_at)
            values (:kind, :subject, :sentence, :now)
            on conflict (kind, subject) where closed_at is null do nothing
            returning {_COLUMNS}
            """  # noqa: S608 — a constant
        ),
        {"kind": condition.kind.value, "subject": condition.subject, "sentence": condition.sentence, "now": now},
    ).one_or_none()
    return None if row is None else _alert(row)


def see(tx: Connection, alert_id: int, sentence: str) -> None:
    """It holds."""
    tx.execute(
        text(
            """
            update alerts set sentence = :sentence, missing_since = null
            where id = :id and (sentence <> :sentence or missing_since is not null)
            """
        ),
        {"id": alert_id, "sentence": sentence},
    )


def miss(tx: Connection, alert_id: int, now: datetime) -> None:
    """It was not seen any more."""
    tx.execute(text("update alerts set missing_since = :now where id = :id"), {"id": alert_id, "now": now})


def close(tx: Connection, alert_id: int, now: datetime) -> None:
    tx.execute(text("update alerts set closed_at = :now where id = :id"), {"id": alert_id, "now": now})


def forget(tx: Connection, alert_id: int) -> None:
    tx.execute(text("delete from alerts where id = :id"), {"id": alert_id})


def forget_closed(tx: Connection, before: datetime) -> None:
    tx.execute(text("delete from alerts where closed_at < :before"), {"before": before})


def note(tx: Connection, alert_id: int, news: News, sentence: str, channels: Sequence[Channel], now: datetime) -> None:
    """Each channel is to be told; what it has not been told of the same kind yet is said once."""
    tx.execute(text("update alerts set last_sent_at = :now where id = :id"), {"id": alert_id, "now": now})
    for channel in channels:
        tx.execute(
            text(
                """
                insert into alert_notices (alert_id, channel, news, sentence, noted_at, retry_at)
                select :id, :channel, :news, :sentence, :now, :now
                where not exists (
                  select
                  from alert_notices
                  where alert_id = :id and channel = :channel and news = :news
                    and sent_at is null and given_up_at is null
                )
                """
            ),
            {"id": alert_id, "channel": channel.value, "news": news.value, "sentence": sentence, "now": now},
        )


def give_up(tx: Connection, before: datetime, now: datetime) -> int:
    """Notices of before this moment that nobody has taken are not sent any more; returns how many."""
    return tx.execute(
        text(
            """
            update alert_notices set given_up_at = :now
            where sent_at is null and given_up_at is null and noted_at < :before
            """
        ),
        {"before": before, "now": now},
    ).rowcount


def claim(tx: Connection, channel: Channel, now: datetime, lease: timedelta) -> tuple[Notice, ...]:
    """What this channel is to be told now, all of it in one message; nobody else gets it before the `lease` is over.

    None while the channel is left alone because it has failed.
    """
    lock_name(tx, f"alerts:{channel.value}")
    rows = tx.execute(
        text(
            """
            select n.id as notice_id, n.news, n.sentence as said, n.noted_at, n.attempts, n.retry_at, a.*
            from alert_notices n
            join alerts a on a.id = n.alert_id
            where n.channel = :channel and n.sent_at is null and n.given_up_at is null
            order by n.id
            limit :most
            """
        ),
        {"channel": channel.value, "most": _MOST},
    ).all()
    if not rows or any(row.retry_at > now for row in rows):
        return ()
    found = tuple(
        Notice(row.notice_id, _alert(row), News(row.news), row.said, row.noted_at, row.attempts) for row in rows
    )
    tx.execute(
        text("update alert_notices set retry_at = :until where id = any(:ids)"),
        {"ids": [one.id for one in found], "until": now + lease},
    )
    return found


def sent(tx: Connection, notices: Sequence[Notice], now: datetime) -> None:
    tx.execute(
        text("update alert_notices set sent_at = :now, problem = null where id = any(:ids)"),
        {"ids": [one.id for one in notices], "now": now},
    )


def failed(tx: Connection, notices: Sequence[Notice], problem: str, now: datetime) -> None:
    """They are tried again after a pause: of those that have failed most often, for all."""
    attempts = 1 + max(one.attempts for one in notices)
    tx.execute(
        text(
            """
            update alert_notices set attempts = :attempts, retry_at = :until, problem = :problem
            where id = any(:ids)
            """
        ),
        {
            "ids": [one.id for one in notices],
            "attempts": attempts,
            "until": now + pause(attempts),
            "problem": problem,
        },
    )


def problems(tx: Connection) -> dict[Channel, str]:
    """For each channel that has not taken something: why not, the last time."""
    rows = tx.execute(
        text(
            """
            select distinct on (channel) channel, problem
            from alert_notices
            where sent_at is null and given_up_at is null and problem is not null
            order by channel, id desc
            """
        )
    )
    return {Channel(row.channel): row.problem for row in rows}


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        row.id,
        Kind(row.kind),
        row.subject,
        row.sentence,
        row.opened_at,
        row.last_sent_at,
        row.missing_since,
        row.closed_at,
    )
