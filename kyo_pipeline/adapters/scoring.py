"""Scores of rankings, by trec_eval itself (pytrec_eval): nothing is computed here."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from kyo_pipeline.domain.evaluation import Scores
from kyo_pipeline.errors import Unavailable

_MEASURES = {"ndcg_cut.10", "recall.10,100"}
_CUT = 10
_MISSING = "`kyo eval` needs the extra `eval`: pip install -e '.[eval]' in the checkout of KYO."

#: Ids of passages for each question, best first.
Rankings = Mapping[str, Sequence[str]]
Judgements = Mapping[str, Mapping[str, int]]


def require() -> None:
    """Raise `Unavailable` where the evaluator is not installed."""
    score({"question": ["passage"]}, {"question": {"passage": 1}})


def score(rankings: Rankings, relevant: Judgements) -> Scores:
    """Means over the questions in `rankings`, at least one, all of which are judged. Raises `Unavailable`."""
    per_question = score_each(rankings, relevant)
    return Scores(
        **{name: fmean(getattr(one, name) for one in per_question.values()) for name in Scores.__dataclass_fields__}
    )


def score_each(rankings: Rankings, relevant: Judgements) -> dict[str, Scores]:
    """The scores of each question. Raises `Unavailable` where the evaluator is not installed."""
    whole = _evaluated(rankings, relevant, _MEASURES)
    # trec_eval knows the reciprocal rank without a cut only: what stands below it is left out instead.
    cut = _evaluated({question: ids[:_CUT] for question, ids in rankings.items()}, relevant, {"recip_rank"})
    return {
        question: Scores(
            ndcg_at_10=found["ndcg_cut_10"],
            recall_at_10=found["recall_10"],
            recall_at_100=found["recall_100"],
            mrr_at_10=cut[question]["recip_rank"],
        )
        for question, found in whole.items()
    }


def _evaluated(rankings: Rankings, relevant: Judgements, measures: set[str]) -> Mapping[str, Mapping[str, float]]:
    # Late: an extra, and nobody but `kyo eval` needs it.
    try:
        from pytrec_eval import RelevanceEvaluator
    except ImportError:
        raise Unavailable(_MISSING) from None
    # trec_eval sorts by score, and equal scores by name: ranks are what is to be judged, so ranks are the scores.
    run = {
        question: {name: float(len(ids) - rank) for rank, name in enumerate(ids)} for question, ids in rankings.items()
    }
    judged = {question: dict(relevant[question]) for question in rankings}
    found: Mapping[str, Mapping[str, float]] = RelevanceEvaluator(judged, measures).evaluate(run)
    return found
