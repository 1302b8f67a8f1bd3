"""The script in docs/security.md that checks an export of the audit log, on a real one."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kyo_pipeline.db import audit_chain
from kyo_pipeline.domain import anchors
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.audit_chain import End, Entry, follow
from kyo_pipeline.domain.audit_check import Anchor
from kyo_pipeline.domain.audit_export import Format, line
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import auditing
from tests.conftest import Clock

SECURITY = Path(__file__).resolve().parents[2] / "docs" / "security.md"
HOLDS = "OK: rows 1 to 6; "

Lines = list[str]
Check = Callable[..., tuple[int, str]]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    [found] = re.findall(r"^```python\n(.*?)^```$", SECURITY.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(found.splitlines()) <= 30
    path = tmp_path / "check.py"
    path.write_text(found, encoding="utf-8")
    return path


@pytest.fixture
def check(script: Path, tmp_path: Path) -> Check:
    """Runs it as anybody would; returns its exit code and what it says."""

    def run(lines: Lines, kept: Lines | None = None) -> tuple[int, str]:
        files = [tmp_path / "log.jsonl"]
        files[0].write_text("".join(lines), encoding="utf-8")
        if kept is not None:
            files.append(tmp_path / "anchors.jsonl")
            files[1].write_text("\n".join(kept), encoding="utf-8")
        done = subprocess.run([sys.executable, "-I", script, *files], capture_output=True, text=True, timeout=60)
        assert "Traceback" not in done.stderr
        return done.returncode, (done.stdout + done.stderr).strip()

    return run


@pytest.fixture
def exported(kyo: Kyo, admin: Actor, clock: Clock) -> Lines:
    """Five rows with all that a row may hold, and the one about the export."""
    details: list[dict[str, object]] = [
        {},
        {"before": {"Straße": 'a "quoted" \\ name\n'}, "after": None},
        {"😀": [1, 1.5, -0.0, 1e300, 2**53 + 1, 10**20, True], "b": "\u2028</script>"},
        {"a" * 50: "x" * 500},
        {"z": 1, "a": 2, "A": 3},
    ]
    with kyo.db.transaction(OPERATOR) as tx:
        for number, one in enumerate(details):
            address, request = (None, None) if number % 2 else ("192.0.2.1", "r-1")
            audit_chain.await_commit(
                tx, Entry(clock(), OPERATOR.id, "kyo", "document:change", str(number), "done", one, address, request)
            )
    list(auditing.export(kyo, admin, Format.JSONL))
    return list(auditing.export(kyo, admin, Format.JSONL))[:6]


def rows(lines: Lines) -> list[dict[str, Any]]:
    return [json.loads(one) for one in lines]


def changed(one: str, **said: object) -> str:
    row = json.loads(one)
    row["said"] |= said
    return json.dumps(row) + "\n"


def test_an_export_holds(check: Check, exported: Lines) -> None:
    code, said = check(exported)
    assert code == 0
    assert said == f"{HOLDS}the last hash is {rows(exported)[-1]['hash']}"


def test_an_address_that_was_forgotten_is_not_missed(check: Check, exported: Lines) -> None:
    forgotten = [one.replace('"192.0.2.1"', "null") for one in exported]
    assert forgotten != exported
    assert check(forgotten)[0] == 0


@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        (lambda log: [*log[:2], changed(log[2], actor_name="nobody"), *log[3:]], "row 3 is not as it was written"),
        (lambda log: [*log[:2], *log[3:]], "row 4 follows on row 2"),
        (lambda log: log[1:], "the log begins with row 2, and no row says why"),
        (lambda log: [*log[:2], log[1], *log[2:]], "row 2 follows on row 2"),
        (lambda log: [log[0], *reversed(log[1:3]), *log[3:]], "row 3 follows on row 1"),
        (lambda log: [*log[:1], *renumbered(log[2:], 2)], "row 2 was written in another place"),
    ],
    ids=["changed", "removed", "beheaded", "inserted", "reordered", "renumbered"],
)
def test_what_was_done_to_it_is_named(
    check: Check, exported: Lines, tamper: Callable[[Lines], Lines], sentence: str
) -> None:
    assert check(tamper(exported)) == (1, f"BROKEN: {sentence}")


def renumbered(lines: Lines, first: int) -> Lines:
    return [json.dumps(row | {"row": number}) + "\n" for number, row in enumerate(rows(lines), first)]


def anchor_of(lines: Lines, clock: Clock) -> str:
    last = rows(lines)[-1]
    return anchors.written(Anchor(clock(), End(last["row"], bytes.fromhex(last["hash"]))))


def test_with_an_anchor_it_sees_that_the_end_was_cut_off(check: Check, exported: Lines, clock: Clock) -> None:
    kept = [anchor_of(exported[:2], clock), anchor_of(exported, clock)]
    assert check(exported, kept)[0] == 0
    assert check(exported[:5])[0] == 0
    assert check(exported[:5], kept) == (1, "BROKEN: the log ends with row 5, and had 6 rows")


def test_with_an_anchor_it_sees_that_all_hashes_are_new(check: Check, exported: Lines, clock: Clock) -> None:
    """Whoever has the key may write another history, but not one with the hash that was kept."""
    entries = [Entry(clock(), None, "nobody", "document:change", "1", "done", {}) for _ in exported]
    forged = [line(row, Format.JSONL) for row in follow(End(), entries, b"any")]
    assert check(forged)[0] == 0
    assert check(forged, [anchor_of(exported[:3], clock)]) == (1, "BROKEN: row 3 is not the one that was anchored")


def test_where_old_rows_were_deleted_a_row_says_so(check: Check, clock: Clock) -> None:
    before = list(follow(End(), [Entry(clock(), None, "a", "answer:ask", "1", "done", {})] * 3, b"key"))
    about = {"through": 2, "hash": before[1].hash.hex(), "rows": 2}
    pruned = Entry(clock(), None, "kyo", "audit:prune", "log", "done", about)
    log = [line(row, Format.JSONL) for row in (before[2], *follow(before[2].end, [pruned], b"key"))]
    assert check(log)[1].startswith("OK: rows 3 to 4; ")
    assert check(log[:1])[0] == 1


def test_an_empty_log_holds(check: Check) -> None:
    assert check([])[0] == 0
