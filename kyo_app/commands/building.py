"""Following an embedding set that the pipeline builds."""

import time

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from kyo_app import wording
from kyo_app.commands.opening import require_daemon
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Verdict
from kyo_pipeline.errors import Conflict
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import embedding_sets

_POLL_SECONDS = 1.0
_DAEMON_SECONDS = 15
_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    TextColumn("{task.completed:,.0f} of {task.total:,.0f} passages"),
    TextColumn("{task.fields[rest]}"),
)


def wait_for(kyo: Kyo, set_id: int) -> SetFacts:
    """Follow a set until it is ready and judged, or answers.

    Raises `Conflict` when somebody gives it up meanwhile, `Unavailable` when nothing builds it any more.
    """
    asked = time.monotonic()
    with Progress(*_COLUMNS, console=Console(stderr=True)) as progress:
        task = progress.add_task("Embedding", total=1, rest="")
        while True:
            one = next(found for found in embedding_sets.overview(kyo, OPERATOR).sets if found.id == set_id)
            _show(progress, task, one)
            if is_done(one, kyo.settings.KYO_REEMBED_ACTIVATE == "judged"):
                return one
            if time.monotonic() - asked > _DAEMON_SECONDS:
                require_daemon(kyo, "")
                asked = time.monotonic()
            time.sleep(_POLL_SECONDS)


def is_done(one: SetFacts, activated_when_judged: bool) -> bool:
    """Whether nothing more happens to it by itself. Raises `Conflict` when it was given up."""
    if one.state in (SetState.RETIRED, SetState.DROPPED):
        raise Conflict(f"Embedding set {one.id} was given up meanwhile: it is {one.state.value}.")
    if one.state is SetState.READY and one.judged_at is not None:
        follows = activated_when_judged and one.verdict is Verdict.NOT_WORSE and not one.failed and not one.problem
        return not follows
    return one.state is SetState.ACTIVE


def _show(progress: Progress, task: TaskID, one: SetFacts) -> None:
    total = one.chunks + one.chunks_left
    progress.update(task, description=_step(one), completed=one.chunks, total=max(total, 1), rest=escape(_rest(one)))


def _step(one: SetFacts) -> str:
    if one.state is SetState.READY:
        if one.judged_at is None:
            return "Judging"
        return "Swapping in" if one.verdict is Verdict.NOT_WORSE else "Judged"
    return "Embedding" if one.waiting else "Indexing"


def _rest(one: SetFacts) -> str:
    if one.problem:
        return one.problem
    left = wording.duration(one.seconds_left) if one.waiting and one.seconds_left is not None else ""
    return ", ".join(part for part in (wording.rate(one), f"{left} left" if left else "") if part)
