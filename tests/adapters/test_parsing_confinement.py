"""What is left to a file that has taken over the process which reads it."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kyo_pipeline.settings import PROJECT_ROOT

CONFINED = "from kyo_pipeline.adapters.parsing.confinement import confine; confine(300); import os, socket, sys\n"


def run(code: str, *arguments: str) -> str:
    """What a confined process says."""
    command = [sys.executable, "-c", CONFINED + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT_ROOT, timeout=60, check=False)
    return done.stdout.strip() or done.stderr.strip().rpartition("\n")[2]


def test_it_writes_no_files(tmp_path: Path) -> None:
    said = run("f = open(sys.argv[1], 'wb', 0); f.write(b'x')", str(tmp_path / "a"))
    assert "File too large" in said
    assert (tmp_path / "a").stat().st_size == 0


def test_it_starts_no_programs() -> None:
    # The kernel does not count the processes of root, so the code gives that up first.
    assert "BlockingIOError" in run("os.getuid() or os.setuid(65534); os.fork()")


def test_it_takes_no_more_memory() -> None:
    assert "MemoryError" in run("bytearray(400 << 20)")


def test_it_leaves_no_core_dump() -> None:
    assert run("import resource; print(resource.getrlimit(resource.RLIMIT_CORE))") == "(0, 0)"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces")
def test_it_has_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        if run("print(os.readlink('/proc/self/ns/net'))") == str(Path("/proc/self/ns/net").readlink()):
            pytest.skip("this machine lets nobody leave its network")
        assert "Network is unreachable" in run("socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)", port)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this")
def test_it_gains_no_privileges() -> None:
    assert "NoNewPrivs:\t1" in run("print(open('/proc/self/status').read())")
