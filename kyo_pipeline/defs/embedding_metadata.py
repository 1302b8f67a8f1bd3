"""What data engineers see of embedding sets: how far one is, what it took, how it does beside the one that answers."""

import math
from collections.abc import Mapping, Sequence

import dagster as dg

from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.defs.metadata import failure_table
from kyo_pipeline.domain import comparison
from kyo_pipeline.domain.embedding_sets import SetFacts
from kyo_pipeline.domain.judging import Judgement
from kyo_pipeline.services.reembedding import WorkReport


def of_building(
    reports: Sequence[WorkReport], known: Mapping[int, SetFacts], price: float | None
) -> dict[str, dg.MetadataValue]:
    """Metadata of one run that took documents into sets: what it did, and how far the set is that it worked on most."""
    done: dict[str, dg.MetadataValue] = {
        "files": dg.MetadataValue.int(sum(report.versions for report in reports)),
        "passages_embedded": dg.MetadataValue.int(sum(report.embedded for report in reports)),
        "tokens": dg.MetadataValue.int(sum(report.tokens for report in reports)),
        "model_calls": dg.MetadataValue.int(sum(report.calls for report in reports)),
        "seconds": dg.MetadataValue.float(round(math.fsum(report.seconds for report in reports), 3)),
        "failed": dg.MetadataValue.int(sum(len(report.failures) for report in reports)),
    }
    failures = [failure for report in reports for failure in report.failures]
    if failures:
        done["failures"] = dg.MetadataValue.md(failure_table(failures))
    if reports:
        most = max(reports, key=lambda report: report.chunks)
        done |= of_progress(known[most.set_id], price)
    return done


def of_progress(facts: SetFacts, price: float | None) -> dict[str, dg.MetadataValue]:
    """How far a set is, as numbers that are plotted."""
    found: dict[str, dg.MetadataValue] = {
        "embedding_set": dg.MetadataValue.int(facts.id),
        "model": dg.MetadataValue.text(facts.spec.model),
        "files_in_set": dg.MetadataValue.int(facts.done),
        "files_waiting": dg.MetadataValue.int(facts.waiting),
        "percent_done": dg.MetadataValue.float(round(100 * facts.share_done, 1)),
        "tokens_in_all": dg.MetadataValue.int(facts.tokens),
    }
    if facts.chunks_per_second is not None:
        found["passages_per_second"] = dg.MetadataValue.float(round(facts.chunks_per_second, 1))
    if facts.seconds_left is not None:
        found["seconds_left"] = dg.MetadataValue.float(round(facts.seconds_left, 1))
    if (cost := facts.cost(price)) is not None:
        found["cost_in_all"] = dg.MetadataValue.float(round(cost, 4))
    return found


def progress(facts: SetFacts) -> str:
    """The same as a line of the log."""
    files = f"{facts.done} of {facts.done + facts.waiting + facts.failed} files"
    rate = "" if facts.chunks_per_second is None else f", {facts.chunks_per_second:.0f} passages/s"
    left = "" if facts.seconds_left is None else f", about {facts.seconds_left / 60:.0f} min left"
    return f"Embedding set {facts.id} ({facts.spec.model}): {files}{rate}{left}"


def of_judgement(one: EmbeddingSet, judgement: Judgement) -> dict[str, dg.MetadataValue]:
    """Both sets side by side, and the candidate's figures as numbers that are plotted from set to set."""
    found: dict[str, dg.MetadataValue] = {
        "embedding_set": dg.MetadataValue.int(one.id),
        "model": dg.MetadataValue.text(one.spec.model),
        "verdict": dg.MetadataValue.text(judgement.verdict.value.replace("_", " ")),
        "questions": dg.MetadataValue.int(judgement.questions),
        "unanswerable_questions": dg.MetadataValue.int(judgement.unanswerable),
        "comparison": dg.MetadataValue.md(f"{comparison.picture(judgement)}\n\n{comparison.table(judgement)}"),
    }
    numbers = {**vars(judgement.candidate), "overlap_at_10": judgement.overlap}
    return found | {
        name: dg.MetadataValue.float(round(value, 4)) for name, value in numbers.items() if value is not None
    }
