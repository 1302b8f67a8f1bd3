"""Nights in which the organisation's own questions were asked, and what each question scored."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, text

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.quality import Compared, Conditions, Drop, Figures, QualityRun, Score, Scores

#: Of so many nights, the scores of each question are kept: no more are ever compared with.
KEPT = 40

_RUN = TypeAdapter(QualityRun)


def corpus(tx: Connection) -> tuple[int, int]:
    """The revision of the corpus, and how many passages answer questions now."""
    row = tx.execute(
        text(
            """
            select c.revision, coalesce(k.chunk_count, 0) as chunks
            from corpus c
            left join embedding_sets s on s.state = 'active'
            left join cuttings k on k.id = s.cutting_id
            """
        )
    ).one()
    return row.revision, row.chunks


def add(
    tx: Connection,
    at: datetime,
    conditions: Conditions,
    figures: Figures,
    origins: Mapping[str, Figures],
    left_out: int,
    compared: Compared,
    scores: Sequence[Score],
) -> QualityRun:
    """Keep a night, and forget the scores of questions of nights long past."""
    row = tx.execute(
        text(
            """
            insert into quality_runs (at, conditions, figures, origins, left_out, nights, shared, drops)
            values (:at, :conditions, :figures, :origins, :left_out, :nights, :shared, :drops)
            returning *
            """
        ),
        {
            "at": at,
            "conditions": json.dumps(asdict(conditions)),
            "figures": json.dumps(asdict(figures)),
            "origins": json.dumps({name: asdict(one) for name, one in origins.items()}),
            "left_out": left_out,
            "nights": compared.nights,
            "shared": compared.shared,
            "drops": TypeAdapter(tuple[Drop, ...]).dump_json(compared.drops).decode(),
        },
    ).one()
    _add_scores(tx, row.id, scores)
    tx.execute(
        text(
            """
            delete from quality_scores
            where run_id <= (select id from quality_runs order by id desc offset :kept limit 1)
            """
        ),
        {"kept": KEPT},
    )
    return _run(row)


def newest(tx: Connection, limit: int) -> tuple[QualityRun, ...]:
    """The newest first."""
    rows = tx.execute(text("select * from quality_runs order by at desc, id desc limit :limit"), {"limit": limit})
    return tuple(_run(row) for row in rows)


def scores(tx: Connection, run_ids: Sequence[int]) -> dict[int, Scores]:
    """What each question scored in these nights."""
    rows = tx.execute(
        text(
            """
            select run_id, question, origin, ndcg, recall, reciprocal_rank, answered, milliseconds
            from quality_scores
            where run_id = any(:ids)
            """
        ),
        {"ids": list(run_ids)},
    )
    found: dict[int, dict[bytes, Score]] = {}
    for run_id, question, *values in rows:
        found.setdefault(run_id, {})[bytes(question)] = Score(bytes(question), *values)
    return dict(found)


def accept(tx: Connection, run_id: int, actor: Actor, now: datetime) -> bool:
    """Say that this night is what is normal from now on; False where somebody has, or there is no such night."""
    done = tx.execute(
        text(
            """
            update quality_runs set accepted_at = :now, accepted_by = :actor
            where id = :id and accepted_at is null
            """
        ),
        {"id": run_id, "actor": actor.id, "now": now},
    )
    return done.rowcount == 1


def _add_scores(tx: Connection, run_id: int, scores: Sequence[Score]) -> None:
    tx.execute(
        text(
            """
            insert into quality_scores
              (run_id, question, origin, ndcg, recall, reciprocal_rank, answered, milliseconds)
            values (:run, :question, :origin, :ndcg, :recall, :reciprocal_rank, :answered, :milliseconds)
            """
        ),
        [{"run": run_id, **asdict(score)} for score in scores],
    )


def _run(row: Row[Any]) -> QualityRun:
    return _RUN.validate_python({name: getattr(row, name) for name in QualityRun.__dataclass_fields__})
