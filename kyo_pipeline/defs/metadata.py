"""What data engineers see: numbers that Dagster plots over time, and what went wrong, with reasons."""

import dagster as dg

from kyo_pipeline.domain.findings import Finding
from kyo_pipeline.services.indexing import StepReport
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
