"""`kyo eval`."""

from collections.abc import Sequence
from pathlib import Path

import click

from kyo_app.commands.opening import absolute_settings, opened_kyo
from kyo_app.commands.output import json_option, print_json, printable, table
from kyo_app.evaluation import Plan, evaluate
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.evaluation import AnswerAccuracy, Evaluation, Fitted, Refusal
from kyo_pipeline.domain.fitting import THRESHOLD, WEIGHT
from kyo_pipeline.services import evaluating
from kyo_pipeline.settings import Settings

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_MEASURES = {
    "ndcg_at_10": "nDCG@10",
    "recall_at_10": "RECALL@10",
    "recall_at_100": "RECALL@100",
    "mrr_at_10": "MRR@10",
}
_BELIEVE = "Believe HELD OUT: each question is scored with a value that was chosen without it."


@click.command()
@click.argument("folder", type=_FOLDER, metavar="DIR")
@click.option(
    "--backend",
    type=click.Choice(["builtin", "local", "huggingface"]),
    help="Embed with this instead of KYO_EMBEDDING_BACKEND.",
)
@click.option("--docs", is_flag=True, help="Index the original files of DIR/docs, judged by document or page.")
@click.option(
    "--within",
    type=click.Choice(["document"]),
    help="Search for each question in its own document (meta.document) only.",
)
@click.option(
    "--foreign", type=_FOLDER, metavar="DIR", help="A set whose questions have no answer here: they should be refused."
)
@click.option("--fit", is_flag=True, help="Choose dense weight and threshold on this set, with cross-validation.")
@click.option("--apply", is_flag=True, help="With --fit: give the fitted values to this installation.")
@click.option("--limit-queries", type=click.IntRange(1), metavar="N", help="Ask only so many of the questions.")
@json_option
def command(
    folder: Path,
    backend: str | None,
    docs: bool,
    within: str | None,
    foreign: Path | None,
    fit: bool,
    apply: bool,
    limit_queries: int | None,
    as_json: bool,
) -> None:
    """Measure search and answers on questions with known answers.

    DIR has corpus.jsonl, queries.jsonl and qrels.tsv. It is indexed in a database apart, by the same steps as uploads,
    and nothing of it stays; the documents of this installation are not touched, and are not needed. Scores are those of
    trec_eval: the extra `eval` brings it.
    """
    if apply and not fit:
        raise click.UsageError("--apply needs --fit.")
    if within and (docs or foreign):
        raise click.UsageError("--within cannot be used with --docs or --foreign.")
    settings = _with_backend(absolute_settings(), backend)
    plan = Plan(
        docs=docs,
        within=within is not None,
        foreign=evaluating.read_labelled(foreign).for_evaluation(limit_queries) if foreign else None,
        fit=fit,
        limit=limit_queries,
    )
    if apply:
        _require_space(settings)
    found = evaluate(settings, evaluating.read_labelled(folder), plan)
    if as_json:
        print_json(found)
    else:
        click.echo(_shown(found))
    if apply:
        _apply(settings, found)


def _with_backend(settings: Settings, backend: str | None) -> Settings:
    return settings.model_copy(update={"KYO_EMBEDDING_BACKEND": backend}) if backend else settings


def _require_space(settings: Settings) -> None:
    """Before minutes are spent: raise `NotFound` or `Conflict` where the values could not be applied."""
    with opened_kyo(DatabaseRole.PIPELINE) as kyo:
        evaluating.require_space(kyo, OPERATOR, evaluating.configured_spec(settings))


def _apply(settings: Settings, found: Evaluation) -> None:
    """Raises `Conflict` when the documents of this installation are in another vector space."""
    fitted = {one.parameter: one.fitted for one in found.fitted}
    with opened_kyo(DatabaseRole.PIPELINE) as kyo:  # embedding sets are nobody else's to change
        before = evaluating.tune(kyo, OPERATOR, found.embedding, fitted[WEIGHT], fitted.get(THRESHOLD))
    click.echo(f"Applied: dense weight {fitted[WEIGHT]:g}, until now {before.dense_weight:g}.", err=True)
    if THRESHOLD in fitted:
        until_now = f"until now {before.similarity_threshold:g}"
        click.echo(f"Applied: similarity threshold {fitted[THRESHOLD]:g}, {until_now}.", err=True)
    if THRESHOLD in fitted and settings.explicit_similarity_threshold is not None:
        click.echo("SIMILARITY_THRESHOLD is set, and goes before what was applied.", err=True)


def _shown(found: Evaluation) -> str:
    parts = [_head(found), _legs(found)]
    if found.refusal is not None:
        parts.append(_refusal(found.refusal))
    if found.accuracy:
        parts.append(_accuracy(found.accuracy))
    if found.fitted:
        parts.append(_fitted(found.fitted))
    if found.failed:
        parts.append("Not read:\n" + "\n".join(printable(f"  {name}: {why}") for name, why in found.failed))
    return "\n\n".join(parts)


def _head(found: Evaluation) -> str:
    spec, latency = found.embedding, found.latency
    indexed = "files" if found.judged_by != "passage" else "passages"
    facts = [
        ("set", found.name),
        ("indexed", f"{found.passages} {indexed} in {found.chunks} chunks, judged by {found.judged_by}"),
        ("questions", str(found.questions)),
        ("embeddings", f"{spec.model} ({spec.backend}), {spec.dimensions} dimensions"),
        ("weighing", f"dense weight {spec.dense_weight:g}, similarity threshold {found.similarity_threshold:g}"),
        ("search", f"p50 {latency.p50:.1f} ms, p95 {latency.p95:.1f} ms"),
    ]
    return "\n".join(f"{name.ljust(12)} {printable(value)}" for name, value in facts)


def _legs(found: Evaluation) -> str:
    rows = [
        (one.leg.value, *(f"{value:.4f}" for value in (vars(one.scores)[name] for name in _MEASURES)))
        for one in found.legs
    ]
    return table(("LEG", *_MEASURES.values()), rows)


def _refusal(refusal: Refusal) -> str:
    rows = [
        ("answered", "unanswerable", *_rate(refusal.answered_although_unanswerable, refusal.unanswerable)),
        ("refused", "answerable", *_rate(refusal.refused_although_answerable, refusal.answerable)),
    ]
    note = "\nUnanswerable are questions of another set." if refusal.foreign else ""
    return table(("ERROR", "ALTHOUGH", "RATE", "COUNT"), rows) + note


def _rate(count: int, total: int) -> tuple[str, str]:
    return (f"{count / total:.1%}" if total else "-", f"{count} of {total}")


def _accuracy(found: Sequence[AnswerAccuracy]) -> str:
    rows = [
        (one.measure, f"{one.among_answered:.4f}", f"{one.overall:.4f}", f"{one.answered} of {one.questions}")
        for one in found
    ]
    return table(("ANSWERS", "OF ANSWERED", "OF ALL", "ANSWERED"), rows)


def _fitted(found: Sequence[Fitted]) -> str:
    rows = [
        (
            one.parameter,
            f"{one.current:g}",
            f"{one.fitted:g}",
            " ".join(f"{value:g}" for value in one.chosen_in_folds),
            one.goal,
            f"{one.at_current:.4f}",
            f"{one.at_fitted:.4f}",
            f"{one.held_out:.4f}",
        )
        for one in found
    ]
    header = ("PARAMETER", "NOW", "FITTED", "IN EACH FOLD", "GOAL", "GOAL NOW", "AS FITTED", "HELD OUT")
    return f"{table(header, rows)}\n{_BELIEVE}"
