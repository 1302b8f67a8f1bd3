"""A folder that goes when its process goes, however that ends, and with it the PostgreSQL that runs there.

A child waits at a pipe. The pipe closes when the process ends, killed or not; then the child tidies up after it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_PATIENCE_SECONDS = 30


@contextmanager
def disposable_folder(prefix: str) -> Iterator[Path]:
    """A new folder in the system's temporary one. Servers in it are stopped by whoever started them, if they can be."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    watcher = subprocess.Popen(  # noqa: S603 - this module, with a path of ours
        [sys.executable, "-m", "kyo_pipeline.adapters.disposable", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not meant for it
    )
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        watcher.communicate()  # closes the pipe; `with` would not wait after a Ctrl-C


def tidy_up_after(folder: Path) -> None:
    """Stop PostgreSQL and whatever else works in the folder, and remove it."""
    inside = [process for process in psutil.process_iter() if _works_in(process, folder)]
    for process in inside:
        with suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(inside, timeout=_PATIENCE_SECONDS)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()).is_relative_to(folder.resolve())
    except (psutil.Error, OSError):
        return False


def _wait_and_tidy_up(folder: Path) -> None:
    with suppress(OSError):
        while os.read(0, 1):
            pass
    if folder.exists():
        tidy_up_after(folder)


if __name__ == "__main__":
    _wait_and_tidy_up(Path(sys.argv[1]))
