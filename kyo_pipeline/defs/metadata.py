"""What data engineers see of each step: numbers that Dagster plots over time, and the failures with their reasons."""

import dagster as dg

from kyo_pipeline.services.indexing import StepReport

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
    if report.tokens:
        metadata["tokens"] = dg.MetadataValue.int(report.tokens)
    if report.files:
        metadata["slowest_files"] = dg.MetadataValue.md(_file_table(report.files))
    if report.failures:
        metadata["failures"] = dg.MetadataValue.md(_failure_table(report.failures))
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
