"""`kyo doctor`."""

from collections.abc import Sequence

import click

from kyo_app.commands.exits import FAILED, UNAVAILABLE
from kyo_app.commands.opening import absolute_settings, opened_kyo
from kyo_app.commands.output import json_option, print_json, printable, table
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.findings import Finding, Repair
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import doctor, health, operations
from kyo_pipeline.services.health import Check


@click.command()
@click.option("--repair", is_flag=True, help="Put right what can be put right; each deed goes into the audit log.")
@click.option("--deep", is_flag=True, help="Read every file as well, and see whether it is as it was uploaded.")
@json_option
def command(repair: bool, deep: bool, as_json: bool) -> None:
    """Look for damage: in the index, in the file store, in what KYO needs.

    The same checks as Dagster's after each run. With --repair, documents are read or embedded again, files that no
    document has are removed, statistics are counted anew. What the pipeline has to do takes until it has done it; then
    run the command once more. Exit code 1 when something is (still) wrong, 3 when something that is needed does not
    answer.
    """
    settings = absolute_settings()
    if not operations.has_database(settings):
        raise Unavailable(f"KYO was never started on {settings.KYO_HOME}. Start it with `kyo up`.")
    with opened_kyo(DatabaseRole.PIPELINE) as kyo:  # vectors are nobody else's to look at
        repairs = doctor.repair(kyo, OPERATOR, deep=deep) if repair else ()
        checks, findings = health.check_health(kyo).checks, _findings(kyo, deep)
    if as_json:
        print_json({"checks": checks, "findings": findings, "repairs": repairs})
    else:
        click.echo(_shown(checks, findings, repairs))
    if not all(finding.ok for finding in findings):
        raise SystemExit(FAILED)
    if not all(check.ok for check in checks):
        raise SystemExit(UNAVAILABLE)


def _findings(kyo: Kyo, deep: bool) -> tuple[Finding, ...]:
    return (*doctor.check_index(kyo, OPERATOR), *doctor.check_store(kyo, OPERATOR, deep=deep))


def _shown(checks: Sequence[Check], findings: Sequence[Finding], repairs: Sequence[Repair]) -> str:
    rows = [(check.name, "ok" if check.ok else "FAILS", check.message) for check in checks]
    rows += [
        (finding.ailment.value.replace("_", " "), "ok" if finding.ok else "FAILS", _details(finding))
        for finding in findings
    ]
    parts = [table(("CHECK", "STATE", "DETAILS"), rows)]
    for finding in findings:
        if finding.examples:
            examples = "\n".join(f"  {printable(example)}" for example in finding.examples)
            parts.append(f"{finding.ailment.value.replace('_', ' ')}, the first few:\n{examples}")
    if repairs:
        parts.append("Repaired:\n" + "\n".join(f"  {one.done} {one.message}" for one in repairs))
    return "\n\n".join(parts)


def _details(finding: Finding) -> str:
    if finding.ok:
        return ""
    can = f" {finding.repairable} of them can be repaired: kyo doctor --repair" if finding.repairable else ""
    return f"{finding.problems}: {finding.message}{can}"
