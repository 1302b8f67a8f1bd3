"""Rows of the audit log as lines of a file: JSON that anybody can check, or CSV for a spreadsheet."""

import json
from collections.abc import Iterator
from enum import Enum

from kyo_pipeline.domain import spreadsheet
from kyo_pipeline.domain.audit_chain import Row, canonical, said

_HEADER = ("row", "at", "actor", "actor_id", "event", "object", "outcome", "details", "address", "request", "hash")


class Format(str, Enum):
    """What `kyo audit export` can write."""

    JSONL = "jsonl"
    CSV = "csv"


def header(wanted: Format) -> Iterator[str]:
    """What stands before the rows."""
    if wanted is Format.CSV:
        yield spreadsheet.line(_HEADER)


def line(row: Row, wanted: Format) -> str:
    """One row, with the end of its line."""
    return _as_json(row) if wanted is Format.JSONL else _as_csv(row)


def _as_json(row: Row) -> str:
    """`said` is what was hashed, byte for byte when its keys are in order and there are no spaces."""
    beside = {"row": row.id, "hash": row.hash.hex(), "seal": row.seal.hex(), "address": row.entry.address}
    return f'{json.dumps(beside, ensure_ascii=False)[:-1]}, "said": {canonical(_said(row))}}}\n'


def _as_csv(row: Row) -> str:
    entry = row.entry
    return spreadsheet.line(
        (
            str(row.id),
            str(_said(row)["at"]),
            entry.actor_name,
            str(entry.actor_id or ""),
            entry.event,
            entry.object_id,
            entry.outcome,
            canonical(entry.details),
            entry.address or "",
            entry.request_id or "",
            row.hash.hex(),
        )
    )


def _said(row: Row) -> dict[str, object]:
    return said(row.entry, row.address_digest, row.previous_hash)
