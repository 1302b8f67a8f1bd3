"""`kyo status`."""

import click

from kyo_app.commands.exits import UNAVAILABLE
from kyo_app.commands.opening import absolute_settings, opened_kyo
from kyo_app.commands.output import json_option, print_json, printable, table
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.services import alerting, health, operations
from kyo_pipeline.services.health import Health, Overview


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Say whether everything works, and what there is. Exit code 3 unless everything works."""
    settings = absolute_settings()
    if not operations.has_database(settings):
        raise Unavailable(f"KYO was never started on {settings.KYO_HOME}. Start it with `kyo up`.")
    with opened_kyo() as kyo:
        state, overview = health.check_health(kyo), health.read_overview(kyo, OPERATOR)
        alerts = alerting.overview(kyo, OPERATOR).open_ones
    if as_json:
        print_json({"ready": state.ready, "checks": state.checks, "overview": overview.as_dict(), "alerts": alerts})
    else:
        click.echo(_shown(state, overview, len(alerts)))
    if not state.ready:
        raise SystemExit(UNAVAILABLE)


def _shown(state: Health, overview: Overview, alerts: int) -> str:
    checks = [(check.name, "ok" if check.ok else "FAILS", check.message) for check in state.checks]
    numbers = overview.numbers
    waiting = "none" if overview.waiting_seconds is None else f"the oldest for {overview.waiting_seconds:.0f} s"
    facts = [
        ("documents", _counts(numbers.documents)),
        ("versions", _counts(numbers.versions)),
        ("searchable", f"{numbers.searchable_documents} documents, {numbers.searchable_chunks} passages"),
        ("files waiting", waiting),
        ("questions", str(numbers.questions)),
        ("people", str(numbers.people)),
        ("embeddings", overview.embedding_model or "none yet"),
        ("answers", overview.generator),
        ("alerts", f"{alerts} open: `kyo alerts list`" if alerts else "none"),
        ("scanned pages", f"text recognition (OCR) {overview.recognition}"),
    ]
    return f"{table(('CHECK', 'STATE', 'DETAILS'), checks)}\n\n" + "\n".join(
        f"{name.ljust(16)} {printable(value)}" for name, value in facts
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number) or "none"
