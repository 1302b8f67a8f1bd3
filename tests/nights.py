"""Nights that nobody has measured: rows as the nightly run would have left them."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

Sql = Callable[..., list[Any]]

CONDITIONS = {
    "embedding_set": 1,
    "model": "m",
    "dense_weight": 0.5,
    "similarity_threshold": 0.5,
    "cutting": "c",
    "storage": "vector",
    "passages": 5,
    "reranker": "off",
    "corpus_revision": 120,
    "chunks": 4000,
}
NOBODY_ASKED = dict.fromkeys(("recall_at_10", "mrr_at_10", "refused_wrongly", "answered_wrongly", "p50_ms", "p95_ms"))


def add_night(
    sql: Sql,
    ndcg: float = 0.9,
    *,
    worse: bool = False,
    days_ago: float = 0,
    now: datetime | None = None,
    times: tuple[float, float] | None = None,
) -> int:
    """One on forty questions; a `worse` one tells of a drop; `times` are p50 and p95 in ms. Returns its number."""
    at = (now or datetime.now(timezone.utc)) - timedelta(days=days_ago)
    drop = {
        "measure": "nDCG@10",
        "before": 0.9,
        "after": ndcg,
        "questions": 40,
        "since": at.isoformat(),
        "sentence": f"nDCG@10 fell from 0.900 to {ndcg:.3f}.",
    }
    figures = {"questions": 40, "unanswerable": 2, "ndcg_at_10": ndcg, **NOBODY_ASKED}
    if times is not None:
        figures |= dict(zip(("p50_ms", "p95_ms"), times, strict=True))
    [(number,)] = sql(
        "insert into quality_runs (at, conditions, figures, origins, left_out, nights, shared, drops) "
        "values (:at, :conditions, :figures, :origins, 0, 7, 42, :drops) returning id",
        at=at,
        conditions=json.dumps(CONDITIONS),
        figures=json.dumps(figures),
        origins=json.dumps({"cases": figures}),
        drops=json.dumps([drop] if worse else []),
    )
    return int(number)
