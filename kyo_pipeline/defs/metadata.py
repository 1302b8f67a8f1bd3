"""What data engineers see: numbers that Dagster plots over time, and what went wrong, with reasons."""

from collections.abc import Mapping, Sequence

import dagster as dg

from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain import comparison
from kyo_pipeline.domain.embedding_sets import SetFacts
from kyo_pipeline.domain.findings import Finding
from kyo_pipeline.domain.judging import Judgement
from kyo_pipeline.services.indexing import StepReport
from kyo_pipeline.services.reembedding import WorkReport
from kyo_pipeline.services.reprocessing import Reprocessed

#: More files than this in one run are counted, not listed.
_LISTED = 50


def of_step(report: StepReport, items: str) -> dict[str, dg.MetadataValue]:
    """Metadata of one materialisation. Numbers are plotted; `items` names what the step makes."""
    metadata: dict[str, dg.MetadataValue] = {
        "documents": dg.MetadataValue.int(report.done),
        items: dg.MetadataValue.int(report.items),
        "failed": dg.MetadataValue.int(len(report.failures)),
        "seconds": dg.MetadataValue.float(round(report.seconds, 3)),
        "documents_per_second": dg.MetadataValue.float(_rate(report.done, report.seconds)),
    }
    if items == "vectors":
        metadata["vectors_kept"] = dg.MetadataValue.int(report.kept)
    if report.tokens:
        metadata["tokens"] = dg.MetadataValue.int(report.tokens)
    if report.files:
        metadata["slowest_files"] = dg.MetadataValue.md(_file_table(report.files))
    if report.failures:
        metadata["failures"] = dg.MetadataValue.md(_failure_table(report.failures))
    return metadata


def of_finding(finding: Finding) -> dict[str, dg.MetadataValue]:
    """Metadata of one check: how many problems, of how many that were looked at, and the first few."""
    metadata: dict[str, dg.MetadataValue] = {"problems": dg.MetadataValue.int(finding.problems)}
    if finding.looked_at is not None:
        metadata["looked_at"] = dg.MetadataValue.int(finding.looked_at)
    if not finding.ok:
        metadata["repairable"] = dg.MetadataValue.int(finding.repairable)
        metadata["examples"] = dg.MetadataValue.md("\n".join(f"- {_cell(example)}" for example in finding.examples))
    return metadata


def of_reprocessing(done: Reprocessed) -> dict[str, dg.MetadataValue]:
    """Metadata of one run of the job `reprocess`."""
    metadata: dict[str, dg.MetadataValue] = {
        "read_again": dg.MetadataValue.int(done.again),
        "restarted": dg.MetadataValue.int(done.restarted),
        "waiting_already": dg.MetadataValue.int(done.waiting),
        "skipped": dg.MetadataValue.int(len(done.skipped)),
    }
    if done.skipped:
        rows = [(f"{one.title} ({one.document_id})", one.reason) for one in done.skipped]
        metadata["skipped_documents"] = dg.MetadataValue.md(_failure_table(rows))
    return metadata


def of_building(
    reports: Sequence[WorkReport], known: Mapping[int, SetFacts], price: float | None
) -> dict[str, dg.MetadataValue]:
    """Metadata of one run that took documents into sets: what it did, and how far the set is that it worked on most."""
    done: dict[str, dg.MetadataValue] = {
        "files": dg.MetadataValue.int(sum(report.versions for report in reports)),
        "passages_embedded": dg.MetadataValue.int(sum(report.embedded for report in reports)),
        "tokens": dg.MetadataValue.int(sum(report.tokens for report in reports)),
        "model_calls": dg.MetadataValue.int(sum(report.calls for report in reports)),
        "seconds": dg.MetadataValue.float(round(sum(report.seconds for report in reports), 3)),
        "failed": dg.MetadataValue.int(sum(len(report.failures) for report in reports)),
    }
    failures = [failure for report in reports for failure in report.failures]
    if failures:
        done["failures"] = dg.MetadataValue.md(_failure_table(failures))
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


def _rate(done: int, seconds: float) -> float:
    return round(done / seconds, 2) if seconds > 0 else 0.0


def _failure_table(failures: list[tuple[str, str]]) -> str:
    rows = [f"| {_cell(name)} | {_cell(reason)} |" for name, reason in failures[:_LISTED]]
    more = [f"\n… and {len(failures) - _LISTED} more."] if len(failures) > _LISTED else []
    return "\n".join(["| File | Why it failed |", "| --- | --- |", *rows, *more])


def _file_table(files: list[tuple[str, int, float]]) -> str:
    slowest = sorted(files, key=lambda file: -file[2])[:_LISTED]
    rows = [f"| {_cell(name)} | {pages} | {seconds:.2f} |" for name, pages, seconds in slowest]
    more = [f"\n… and {len(files) - _LISTED} more."] if len(files) > _LISTED else []
    return "\n".join(["| File | Pages | Seconds |", "| --- | ---: | ---: |", *rows, *more])


def _cell(value: str) -> str:
    """File names come from anybody: nothing in them may mean anything in Markdown or HTML."""
    plain = "".join(character if character.isprintable() else " " for character in value)
    return "".join(f"&#{ord(character)};" if character in "|<>&[]()`*_!#\\~.:/@" else character for character in plain)
