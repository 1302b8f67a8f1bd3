"""A labelled set, indexed in a database of its own by the product's steps."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.documents import Review
from kyo_pipeline.domain.labelled import LabelledQuestion, LabelledSet, Units
from kyo_pipeline.errors import Invalid, KyoError
from kyo_pipeline.kyo import Kyo, open_database, open_kyo
from kyo_pipeline.services import evaluating, indexing, library, operations, reviewing, upkeep
from kyo_pipeline.services.evaluating import Shelf
from kyo_pipeline.services.indexing import StepReport
from kyo_pipeline.settings import Settings

_BATCH = 250

Item = TypeVar("Item")


@dataclass
class Apart:
    """The database, and what has been put into it. `units`: what its versions are called in the judgements."""

    app: Kyo
    pipeline: Kyo
    progress: Progress
    run: str = field(default_factory=lambda: indexing.claim_name(secrets.token_hex(8)))
    units: dict[UUID, Units] = field(default_factory=dict)
    shelves: dict[str, Shelf] = field(default_factory=dict)
    chunks: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)

    def reader(self, question: LabelledQuestion) -> Actor:
        """Who asks: with shelves, the one who may read the document of the question and nothing else."""
        return self.shelves[question.document or ""].reader if self.shelves else OPERATOR

    def each(self, description: str, items: Sequence[Item]) -> Iterable[Item]:
        return self.progress.track(items, description=description) if items else ()


@contextmanager
def opened_apart(settings: Settings) -> Iterator[Apart]:
    """Empty, and gone with all that was put into it afterwards."""
    with operations.running_apart(settings) as servers, _progress() as progress:
        app = open_kyo(servers.settings)
        pipeline = replace(app, db=open_database(servers.settings, DatabaseRole.PIPELINE))
        try:
            yield Apart(app, pipeline, progress)
        finally:
            pipeline.db.close()
            app.close()


def index(apart: Apart, chosen: LabelledSet, *, docs: bool, within: bool) -> None:
    """Take every step of the pipeline, as Dagster's assets do. Raises `Invalid` when nothing can be found afterwards.

    `docs`: from the original files; `within`: each document on a shelf of its own.
    """
    if docs:
        _upload(apart, chosen)
        _all(apart, "Reading", len(apart.units), indexing.parse)
    else:
        _lay_out(apart, chosen, within=within)
    count = len(apart.units)
    apart.chunks = _all(apart, "Cutting", count, indexing.cut)
    _all(apart, "Embedding", count, indexing.embed)
    _all(apart, "Publishing", count, indexing.publish_ready)
    upkeep.refresh_weights(apart.pipeline)
    operations.refresh_statistics(apart.app.settings)
    if not apart.chunks:
        why = f" ({apart.failed[0][0]}: {apart.failed[0][1]})" if apart.failed else ""
        raise Invalid(f"{chosen.name}: there is no text in it{why}.")


def _lay_out(apart: Apart, chosen: LabelledSet, *, within: bool) -> None:
    if within:
        apart.shelves = evaluating.add_shelves(apart.app, OPERATOR, chosen.documents)
    passages = chosen.passages
    batches = [passages[start : start + _BATCH] for start in range(0, len(passages), _BATCH)]
    for batch in apart.each("Laying out", batches):
        apart.units.update(evaluating.lay_out(apart.pipeline, OPERATOR, batch, apart.shelves, apart.run))


def _upload(apart: Apart, chosen: LabelledSet) -> None:
    """The original files; one that is refused is on the list, and counts as not found."""
    for path in apart.each("Uploading", chosen.originals):
        try:
            latest = library.upload(apart.app, OPERATOR, path.name, _read(path)).document.latest
        except KyoError as error:
            apart.failed.append((path.name, error.message))
            continue
        if latest.review is Review.PENDING:
            reviewing.approve(apart.app, OPERATOR, latest.id)
        apart.units[latest.id] = chosen.units_of_file(path.name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"It cannot be read: {error.strerror}.") from error


def _all(apart: Apart, description: str, total: int, step: Callable[[Kyo, str], StepReport]) -> int:
    """Take a step until nothing waits for it; returns how many items it made."""
    task, made = apart.progress.add_task(description, total=total), 0
    while True:
        report = step(apart.pipeline, apart.run)
        made += report.items
        apart.failed += report.failures
        apart.progress.advance(task, report.done + len(report.failures))
        if not report.done and not report.failures:
            apart.progress.update(task, completed=total)
            return made


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))
