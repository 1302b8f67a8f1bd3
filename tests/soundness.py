"""Whether anything is wrong with the index, as `kyo doctor` sees it."""

from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.findings import Finding
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import doctor


def unsound(kyo: Kyo) -> dict[str, Finding]:
    """What is wrong, by its name. Needs the rights of the pipeline."""
    return {finding.ailment.value: finding for finding in doctor.check_index(kyo, OPERATOR) if not finding.ok}
