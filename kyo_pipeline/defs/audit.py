"""The audit log, every night: is it as it was written; its end is kept elsewhere; what is past its time goes."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from kyo_pipeline.defs.assets import OWNERS
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit_check import Anchor
from kyo_pipeline.errors import KyoError
from kyo_pipeline.services import auditing
from kyo_pipeline.services.auditing import LogCheck

GROUP = "audit"

_HOLDS = "audit_log_holds"
_KEPT = "anchors_are_kept"


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres", "file"},
    check_specs=[
        dg.AssetCheckSpec(
            name=_HOLDS,
            asset="audit_anchor",
            description="No row of the audit log was changed, removed, inserted or moved since it was written, and "
            "none that was kept as an anchor is missing. `kyo audit verify` says the same.",
        ),
        dg.AssetCheckSpec(
            name=_KEPT,
            asset="audit_anchor",
            description="The lines of `KYO_AUDIT_ANCHORS` can be read, and the new one was written, and taken by "
            "`KYO_AUDIT_ANCHOR_URL` where that is set.",
        ),
    ],
)
def audit_anchor(context: dg.AssetExecutionContext, kyo: KyoResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # no value is passed on
    """The end of the audit log as a line in `KYO_AUDIT_ANCHORS`, sent to `KYO_AUDIT_ANCHOR_URL` too where that is set.

    The whole chain is read before, beside all lines that are kept. Where it does not hold, the check says which row is
    the first; nothing is deleted then, and no new line is kept. Else rows older than `KYO_RETAIN_AUDIT_DAYS` go, and
    addresses older than `KYO_RETAIN_AUDIT_ADDRESSES_DAYS` are forgotten: the chain holds without them.
    """
    objections: list[str] = []
    kept: tuple[Anchor, ...] = ()
    with _noted(objections):
        kept = auditing.kept_anchors(kyo.open, OPERATOR)
    found = auditing.verify(kyo.open, OPERATOR, kept)
    metadata: dict[str, dg.MetadataValue] = {
        "rows": dg.MetadataValue.int(found.rows),
        "last_row": dg.MetadataValue.int(found.end.id),
        "anchors": dg.MetadataValue.int(found.anchors),
    }
    if found.holds:
        if not objections:  # else nobody has seen whether the end was cut off
            metadata["addresses_forgotten"] = dg.MetadataValue.int(auditing.forget_addresses(kyo.open))
            metadata["rows_deleted"] = dg.MetadataValue.int(auditing.prune(kyo.open))
        with _noted(objections):
            anchor = auditing.keep_anchor(kyo.open)
            metadata["anchored_row"] = dg.MetadataValue.int(anchor.end.id)
            metadata["anchored_hash"] = dg.MetadataValue.text(anchor.end.hash.hex())
            context.log.info("Row %d is kept as an anchor: %s", anchor.end.id, anchor.end.hash.hex())
            auditing.send_anchor(kyo.open, anchor)
    return dg.MaterializeResult(metadata=metadata, check_results=[_check(found), _kept(objections)])


@contextmanager
def _noted(objections: list[str]) -> Iterator[None]:
    """What is wrong with the anchors hides nothing that is found out about the log."""
    try:
        yield
    except KyoError as error:
        objections.append(error.message)


def _kept(objections: list[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=_KEPT,
        passed=not objections,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(objections) or None,
    )


def _check(found: LogCheck) -> dg.AssetCheckResult:
    sentence = None if found.tampering is None else found.tampering.sentence
    return dg.AssetCheckResult(
        check_name=_HOLDS,
        passed=found.holds,
        severity=dg.AssetCheckSeverity.ERROR,
        description=sentence,
        metadata={"rows": found.rows, "first_row": found.first},
    )


AUDIT_ASSETS = [audit_anchor]

prove_audit_log = dg.define_asset_job(
    "prove_audit_log",
    selection=dg.AssetSelection.groups(GROUP),
    description="Reads the whole audit log and says whether it is as it was written; keeps the hash of its last row "
    "outside of the database. Started by the schedule `nightly_audit`; may be run by hand at any time.",
    tags={"dagster/max_retries": "0"},
)
