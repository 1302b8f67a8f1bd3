"""The one resource: Kyo, opened for a run or a sensor's evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import PrivateAttr

from kyo_pipeline.domain import request
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.settings import load_settings


class KyoResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # no resource value type: the resource is used itself
    """The neighbours that services work with: database, models, cache, files, parser."""

    _kyo: Kyo = PrivateAttr()

    @contextmanager
    def yield_for_execution(
        self,
        context: dg.InitResourceContext,
    ) -> Iterator["KyoResource"]:
        # What a run has done can be found in the audit log; a sensor's look has none.
        request.begin(id=context.run.run_id if context.run else None)
        self._kyo = open_kyo(load_settings(), DatabaseRole.PIPELINE)
        try:
            yield self
        finally:
            self._kyo.close()

    @property
    def open(self) -> Kyo:
        return self._kyo
