"""Anchors of the audit log as lines of JSON: one a day, kept where whoever runs the database cannot write."""

import json
from collections.abc import Iterable
from datetime import datetime, timezone

from kyo_pipeline.domain.audit_chain import End
from kyo_pipeline.domain.audit_check import Anchor
from kyo_pipeline.errors import Invalid


def as_json(anchor: Anchor) -> dict[str, object]:
    at = anchor.at.astimezone(timezone.utc).isoformat(timespec="seconds")
    return {"at": at, "row": anchor.end.id, "hash": anchor.end.hash.hex()}


def written(anchor: Anchor) -> str:
    """One line, without its end."""
    return json.dumps(as_json(anchor))


def read(lines: Iterable[str]) -> tuple[Anchor, ...]:
    """Raises `Invalid` that names the first line that is none; empty lines are passed over."""
    return tuple(_read(number, line) for number, line in enumerate(lines, start=1) if line.strip())


def _read(number: int, line: str) -> Anchor:
    try:
        values = json.loads(line)
        at = datetime.fromisoformat(values["at"])
        return Anchor(at, End(int(values["row"]), bytes.fromhex(values["hash"])))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Invalid(f"Line {number} is no anchor of the audit log, as `kyo audit anchor` prints them.") from error
