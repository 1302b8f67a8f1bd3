"""What data engineers see: numbers that Dagster plots over time, and what went wrong, with reasons."""

from collections.abc import Iterable, Sequence

import dagster as dg

from kyo_pipeline.domain.findings import Finding
from kyo_pipeline.domain.table_health import Index, TableHealth
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
        metadata["failures"] = dg.MetadataValue.md(failure_table(report.failures))
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
        metadata["skipped_documents"] = dg.MetadataValue.md(failure_table(rows))
    return metadata


def of_tables(tables: Sequence[TableHealth]) -> dict[str, dg.MetadataValue]:
    """Metadata of a look at the tables of the index: what to watch over time, and each table."""
    return {
        "dead_rows": dg.MetadataValue.int(sum(table.dead for table in tables)),
        "largest_dead_share": dg.MetadataValue.float(round(max((one.dead_share for one in tables), default=0.0), 4)),
        "index_megabytes": dg.MetadataValue.float(_megabytes(index for table in tables for index in table.indexes)),
        "warnings": dg.MetadataValue.int(sum(len(table.warnings) for table in tables)),
        "tables": dg.MetadataValue.md(_health_table(tables)),
    }


def of_store(findings: Sequence[Finding]) -> dict[str, dg.MetadataValue]:
    """Metadata of a look at the file store: for each kind of finding how many there are, and the first few."""
    counts = {finding.ailment.value: dg.MetadataValue.int(finding.problems) for finding in findings}
    examples = [f"- {_cell(example)}" for finding in findings for example in finding.examples]
    return counts | ({"examples": dg.MetadataValue.md("\n".join(examples))} if examples else {})


def _rate(done: int, seconds: float) -> float:
    return round(done / seconds, 2) if seconds > 0 else 0.0


def failure_table(failures: list[tuple[str, str]]) -> str:
    rows = [f"| {_cell(name)} | {_cell(reason)} |" for name, reason in failures[:_LISTED]]
    more = [f"\n… and {len(failures) - _LISTED} more."] if len(failures) > _LISTED else []
    return "\n".join(["| File | Why it failed |", "| --- | --- |", *rows, *more])


def _file_table(files: list[tuple[str, int, float]]) -> str:
    slowest = sorted(files, key=lambda file: -file[2])[:_LISTED]
    rows = [f"| {_cell(name)} | {pages} | {seconds:.2f} |" for name, pages, seconds in slowest]
    more = [f"\n… and {len(files) - _LISTED} more."] if len(files) > _LISTED else []
    return "\n".join(["| File | Pages | Seconds |", "| --- | ---: | ---: |", *rows, *more])


def _health_table(tables: Sequence[TableHealth]) -> str:
    rows = [
        f"| {one.table} | {one.live} | {one.dead} | {one.dead_share:.1%} | {', '.join(map(_index, one.indexes))} | "
        f"{' '.join(one.warnings)} |"
        for one in tables
    ]
    head = "| Table | Live rows | Dead rows | Dead | Indexes | What to do |\n| --- | ---: | ---: | ---: | --- | --- |"
    return "\n".join([head, *rows])


def _index(index: Index) -> str:
    return f"{index.name} ({index.kind}, {_megabytes([index])} MB)"


def _megabytes(indexes: Iterable[Index]) -> float:
    return round(sum(index.size_bytes for index in indexes) / 1_000_000, 1)


def _cell(value: str) -> str:
    """File names come from anybody: nothing in them may mean anything in Markdown or HTML."""
    plain = "".join(character if character.isprintable() else " " for character in value)
    return "".join(f"&#{ord(character)};" if character in "|<>&[]()`*_!#\\~.:/@" else character for character in plain)
