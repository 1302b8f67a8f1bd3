"""`kyo embeddings`."""

from collections.abc import Sequence
from datetime import datetime

import click

from kyo_app import wording
from kyo_app.commands.building import wait_for
from kyo_app.commands.opening import daemon_problem, opened_kyo, require_daemon
from kyo_app.commands.output import json_option, print_json, printable, table
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Verdict
from kyo_pipeline.errors import Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import embedding_sets
from kyo_pipeline.services.embedding_sets import Overview

_HEADER = ("ID", "STATE", "MODEL", "CHUNKS", "STORAGE", "PROGRESS", "RATE", "ETA", "TOKENS", "COST", "VERDICT", "SINCE")
_FOUND = {
    Verdict.NOT_WORSE: "It was found not worse.",
    Verdict.WORSE: "It was found worse.",
    Verdict.UNJUDGED: "It could not be judged.",
}
_set_argument = click.argument("set_id", type=click.IntRange(1), metavar="SET")
_yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
_reason_option = click.option("--reason", metavar="TEXT", help="Why; it goes into the audit log.")


@click.group()
def command() -> None:
    """Build another embedding set beside the one that answers, swap it in, go back.

    A set holds the vectors of all passages by one model. The settings say which model, how large passages are, and
    how numbers are stored; the pipeline builds and judges a new set when they change. Sets are named by the numbers
    that `kyo embeddings list` prints.
    """


@command.command("list")
@json_option
def list_sets(as_json: bool) -> None:
    """List all embedding sets, the newest first: how far each has come, and what was found about it."""
    with opened_kyo(DatabaseRole.PIPELINE) as kyo:
        found = embedding_sets.overview(kyo, OPERATOR)
    if as_json:
        print_json(found)
    else:
        click.echo(_shown(found))


@command.command()
@click.argument("set_id", type=click.IntRange(1), metavar="[SET]", required=False)
@click.option("--wait", is_flag=True, help="Wait until it is ready and judged, or answers.")
@json_option
def build(set_id: int | None, wait: bool, as_json: bool) -> None:
    """Begin a set by the settings of now; or go on with SET, which is retired.

    The running pipeline builds it, judges it, and has it answer when it is not worse (KYO_REEMBED_ACTIVATE). What
    answers goes on answering. Exit code 3 when --wait finds that nothing builds it.
    """
    with opened_kyo(DatabaseRole.PIPELINE) as kyo:
        if wait:
            require_daemon(kyo, "")
        begun = embedding_sets.build(kyo, OPERATOR) if set_id is None else embedding_sets.resume(kyo, OPERATOR, set_id)
        _say(f"Embedding set {begun.id} is being built: {_model(begun)}, {wording.counted(begun.versions, 'file')}.")
        if not wait and daemon_problem(kyo):
            _say("Nothing works on it now: the pipeline builds it when KYO runs (`kyo up`).")
        done = wait_for(kyo, begun.id) if wait else begun
    _tell(done, _outcome(done) if wait else None, as_json)


@command.command()
@_set_argument
@_reason_option
@_yes_option
@json_option
def activate(set_id: int, reason: str | None, yes: bool, as_json: bool) -> None:
    """Have SET answer from now on; the one before stays for the way back.

    One that was found worse, or that nobody could judge, needs a reason.
    """
    with opened_kyo(DatabaseRole.PIPELINE) as kyo:
        chosen, before = _find(kyo, set_id), _active(kyo)
        if reason and chosen.verdict is not Verdict.NOT_WORSE and not yes:
            found = "was found worse" if chosen.verdict is Verdict.WORSE else "was not judged"
            click.confirm(f"Embedding set {set_id} {found}. Have it answer all the same?", abort=True, err=True)
        done = _activated(kyo, set_id, reason)
    _tell(done, _now_answers(done, before), as_json)


@command.command()
@_reason_option
@json_option
def rollback(reason: str | None, as_json: bool) -> None:
    """Have the set answer again that answered before; forward again in the same way."""
    with opened_kyo(DatabaseRole.PIPELINE) as kyo:
        before = _active(kyo)
        done = embedding_sets.roll_back(kyo, OPERATOR, reason or "")
    _tell(done, _now_answers(done, before), as_json)


@command.command()
@_set_argument
@json_option
def retire(set_id: int, as_json: bool) -> None:
    """Give SET up that is being built, or no longer keep it up to date. Its vectors stay."""
    with opened_kyo(DatabaseRole.PIPELINE) as kyo:
        done = embedding_sets.retire(kyo, OPERATOR, set_id)
    _tell(
        done, f"Nothing new goes into embedding set {set_id}. `kyo embeddings build {set_id}` goes on with it.", as_json
    )


@command.command()
@_set_argument
@_yes_option
@json_option
def drop(set_id: int, yes: bool, as_json: bool) -> None:
    """Remove the vectors of SET, which does not answer. This cannot be undone."""
    with opened_kyo(DatabaseRole.PIPELINE) as kyo:
        chosen = _find(kyo, set_id)
        if not yes and chosen.state not in (SetState.ACTIVE, SetState.DROPPED):
            click.confirm(
                f"Remove the vectors of embedding set {set_id} ({_model(chosen)}) for ever?", abort=True, err=True
            )
        done = embedding_sets.drop(kyo, OPERATOR, set_id)
    _tell(done, f"The vectors of embedding set {set_id} are removed.", as_json)


def _activated(kyo: Kyo, set_id: int, reason: str | None) -> SetFacts:
    try:
        return embedding_sets.activate(kyo, OPERATOR, set_id, reason)
    except Invalid as error:
        raise error if reason else Invalid(f"{error.message} Use --reason TEXT.") from error


def _find(kyo: Kyo, set_id: int) -> SetFacts:
    for one in embedding_sets.overview(kyo, OPERATOR).sets:
        if one.id == set_id:
            return one
    raise NotFound(f"There is no embedding set {set_id}; `kyo embeddings list` lists them.")


def _active(kyo: Kyo) -> SetFacts | None:
    sets = embedding_sets.overview(kyo, OPERATOR).sets
    return next((one for one in sets if one.state is SetState.ACTIVE), None)


def _now_answers(done: SetFacts, before: SetFacts | None) -> str:
    instead = f" instead of {before.id} ({_model(before)})" if before else ""
    way_back = " `kyo embeddings rollback` goes back." if before else ""
    return f"Embedding set {done.id} ({_model(done)}) answers now{instead}.{way_back}"


def _outcome(done: SetFacts) -> str:
    if done.state is SetState.ACTIVE:
        return f"Embedding set {done.id} answers now. `kyo embeddings rollback` goes back."
    reasons = " ".join((done.judgement or {}).get("reasons") or ())
    failed = wording.counted(done.failed, "file")
    parts = [
        f"Embedding set {done.id} is ready, and does not answer yet.",
        _FOUND[done.verdict or Verdict.UNJUDGED],
        reasons,
        f"{failed} could not be embedded: `kyo embeddings list` names them." if done.failed else "",
    ]
    return " ".join(part for part in parts if part)


def _tell(done: SetFacts, sentence: str | None, as_json: bool) -> None:
    if sentence:
        _say(sentence)
    if as_json:
        print_json(done)


def _say(sentence: str) -> None:
    click.echo(printable(sentence), err=True)


def _shown(found: Overview) -> str:
    parts = [table(_HEADER, [_row(one, found.price) for one in found.sets])]
    if not found.sets:
        parts.append("Nothing is indexed here yet: the first documents make the first embedding set.")
    if found.is_requested:
        parts.append("A new set has been asked for; the pipeline begins it.")
    for one in found.sets:
        parts += _troubles(one, found)
    return "\n\n".join(parts)


def _troubles(one: SetFacts, found: Overview) -> Sequence[str]:
    parts = [f"Set {one.id} does not go on: {printable(one.problem)}"] if one.problem else []
    if failures := found.failures.get(one.id):
        lines = "\n".join(f"  {printable(file.file_name)}: {printable(file.reason)}" for file in failures)
        first = f", the first {len(failures)}" if one.failed > len(failures) else ""
        parts.append(f"Set {one.id}, {wording.counted(one.failed, 'file')} failed{first}:\n{lines}")
    return parts


def _row(one: SetFacts, price: float | None) -> tuple[str, ...]:
    cost = one.cost(price)
    is_moving = one.state is SetState.BUILDING and not one.problem
    return (
        str(one.id),
        _state(one),
        _model(one),
        f"{one.chunk_size}/{one.chunk_overlap}",
        one.storage.value,
        _progress(one),
        wording.rate(one) if is_moving else "",
        wording.duration(one.seconds_left) if is_moving and one.seconds_left is not None else "",
        f"{one.tokens:,}" if one.tokens else "",
        wording.money(cost) if cost else "",
        _verdict(one) if one.judged_at else "",
        _minute(one.since),
    )


def _state(one: SetFacts) -> str:
    kept = one.state is SetState.RETIRED and one.is_kept
    return f"{one.state.value}, kept" if kept else one.state.value


def _progress(one: SetFacts) -> str:
    if one.state is SetState.DROPPED:
        return ""
    if one.state is SetState.ACTIVE:
        return wording.counted(one.done, "file")
    return f"{one.done:,}/{one.versions:,} files, {wording.percent(one.share_done)}"


def _model(one: SetFacts) -> str:
    return f"{one.spec.model} ({one.spec.backend}, {one.spec.dimensions})"


def _verdict(one: SetFacts) -> str:
    return wording.VERDICTS[one.verdict or Verdict.UNJUDGED][0].lower()


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
