"""The whole stack for a benchmark, in a folder of its own that is gone afterwards."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import operations
from kyo_pipeline.settings import Settings
from tests.stack_process import RunningStack


@contextmanager
def running_stack() -> Iterator[tuple[RunningStack, Kyo]]:
    """`kyo up`, ready, and a Kyo of this process on its database."""
    with tempfile.TemporaryDirectory(prefix="kyo-bench-") as folder:
        home = Path(folder) / "home"
        with RunningStack(home) as stack:
            settings = Settings(KYO_HOME=home)
            with operations.running_servers(settings) as servers:
                kyo = open_kyo(servers.settings)
                try:
                    yield stack, kyo
                finally:
                    kyo.close()
