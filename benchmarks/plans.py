"""What PostgreSQL does inside a function of ours: the plans of its statements, with times.

The module auto_explain does not come with the embedded PostgreSQL. So the function is made anew inside a transaction
that is rolled back, with an `explain analyze` before each of its statements that gives back rows.
"""

import logging
import re
from collections.abc import Callable

from sqlalchemy import text

from kyo_pipeline.db.engine import Database, Transaction
from kyo_pipeline.domain.actor import Actor

_QUERY = re.compile(r"return query\s+(?P<execute>execute\s+)?(?P<statement>[^;]+?)(?P<using>\s+using\s+[^;]+)?;")
_VOLATILITY = re.compile(r"\b(STABLE|IMMUTABLE)\b")  # as pg_get_functiondef writes it; only volatile ones may explain
_DECLARE = re.compile(r"^declare$|(?=^begin$)", re.MULTILINE)


def plans_of(owner: Database, actor: Actor, function: str, call: Callable[[Transaction], object]) -> list[str]:
    """The plans of the statements in `function`, line by line, while `call` runs as `actor`. Nothing is kept."""
    lines = _Lines()
    logger = logging.getLogger("sqlalchemy.dialects.postgresql")
    level = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    try:
        with owner.transaction(actor) as tx:
            call(tx)  # not to measure what is read for the first time
            definition = tx.scalar(text("select pg_get_functiondef(cast(:name as regproc))"), {"name": function})
            tx.exec_driver_sql(explained(str(definition)).replace("%", "%%"))
            call(tx)
            tx.rollback()
    finally:
        logger.removeHandler(lines)
        logger.setLevel(level)
    return lines.lines


def explained(definition: str) -> str:
    """The definition of a PL/pgSQL function with a notice of the plan before each `return query`."""
    volatile = _VOLATILITY.sub("VOLATILE", definition, count=1)
    declared = _DECLARE.sub("declare\n  plan_line record;\n  plan text := '';\n", volatile, count=1)
    return _QUERY.sub(_with_plan, declared)


def _with_plan(found: re.Match[str]) -> str:
    statement, using = found["statement"], found["using"] or ""
    explain = (
        f"execute 'explain (analyze, buffers) ' || {statement}" if found["execute"] else f"explain analyze {statement}"
    )
    # One notice for all lines: psycopg2 keeps the last fifty notices only.
    loop = (
        f'for plan_line in {explain}{using} loop plan := plan || plan_line."QUERY PLAN" || chr(10); end loop; '
        "raise notice '%', plan; plan := '';"
    )
    return f"{loop}\n  {found[0]}"


class _Lines(logging.Handler):
    """Keeps the notices that SQLAlchemy logs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().removeprefix("NOTICE:").strip())
