"""Folders that go with their process: left, interrupted or killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from kyo_pipeline.adapters.disposable import disposable_folder
from kyo_pipeline.adapters.embedded_postgres import postmaster_pid
from kyo_pipeline.settings import PROJECT_ROOT

#: Holds a folder with a server in it, says where it is, and waits.
HOLDER = """
import sys, time
from kyo_pipeline.adapters.disposable import disposable_folder
from kyo_pipeline.adapters.embedded_postgres import running_postgres
with disposable_folder("kyo-test-") as folder, running_postgres(folder / "home" / "postgres"):
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    ) as process:
        yield process
        process.kill()


def eventually(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.1)
    return is_so()


def test_a_folder_is_there_for_as_long_as_it_is_needed() -> None:
    with disposable_folder("kyo-test-") as folder:
        (folder / "file").write_text("x")
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_what_goes_wrong_inside_is_not_hidden_and_the_folder_goes() -> None:
    with pytest.raises(KeyboardInterrupt), disposable_folder("kyo-test-") as folder:
        raise KeyboardInterrupt
    assert not folder.exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_folder_and_server_go_with_the_process(holder: subprocess.Popen[str], sent: signal.Signals) -> None:
    assert holder.stdout is not None
    folder = Path(holder.stdout.readline().strip())
    server = postmaster_pid(folder / "home" / "postgres")
    assert server is not None
    holder.send_signal(sent)
    holder.wait(60)
    assert eventually(lambda: not folder.exists())
    assert eventually(lambda: not psutil.pid_exists(server))
