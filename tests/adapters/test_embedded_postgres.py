"""The embedded PostgreSQL, for real: started, shared, killed, refused."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from kyo_pipeline.adapters.embedded_postgres import postmaster_pid, running_postgres
from kyo_pipeline.errors import Invalid, KyoError, Unavailable

HOLD = """
import sys, time
from pathlib import Path
from kyo_pipeline.adapters.embedded_postgres import running_postgres
with running_postgres(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def used_data() -> Iterator[Path]:
    """A folder where the server has run once: making one takes a second or two."""
    # pytest's own folder may be closed to the account that the server has when root runs this.
    with tempfile.TemporaryDirectory(prefix="kyo-pg-") as folder:
        data = Path(folder) / "postgres"
        with running_postgres(data):
            pass
        yield data


@pytest.fixture
def data(used_data: Path) -> Iterator[Path]:
    yield used_data
    assert postmaster_pid(used_data) is None, "a server was left running"


def select(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


def hold(data: Path) -> subprocess.Popen[str]:
    """Another process that uses the server until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql+psycopg2://")
    return process


def let_go(process: subprocess.Popen[str]) -> None:
    process.communicate()
    assert process.returncode == 0


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def until_gone(pid: int) -> None:
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)


def test_a_database_of_its_own_with_vectors_for_a_role_that_is_no_superuser(data: Path) -> None:
    with running_postgres(data) as url:
        assert select(url, "select current_database(), current_user") == [("kyo", "kyo")]
        assert select(url, "select rolsuper from pg_roles where rolname = current_user") == [(False,)]
        assert select(url, "select '[1,2]'::vector <-> '[1,3]'::vector") == [(1.0,)]
        assert select(url, "select lower('ÄÉ'), to_tsvector('english', 'running foxes')::text") == [
            ("äé", "'fox':2 'run':1")
        ]


@pytest.mark.parametrize(
    ("setting", "value"),
    [("shared_buffers", "512MB"), ("max_connections", "100"), ("jit", "off"), ("listen_addresses", "")],
)
def test_it_is_set_for_a_small_machine_and_off_the_network(data: Path, setting: str, value: str) -> None:
    with running_postgres(data) as url:
        assert select(url, f"show {setting}") == [(value,)]


def test_only_its_owner_gets_at_data_and_socket(data: Path) -> None:
    with running_postgres(data):
        assert data.stat().st_mode & 0o077 == 0
        assert (data / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0
    assert data.with_suffix(".log").stat().st_mode & 0o077 == 0


def test_a_second_start_finds_the_data(data: Path) -> None:
    with running_postgres(data) as url:
        connection = psycopg2.connect(url.replace("+psycopg2", ""))
        with connection, connection.cursor() as cursor:
            cursor.execute("create table kept as select 42 as answer")
        connection.close()
    with running_postgres(data) as url:
        assert select(url, "select answer from kept") == [(42,)]


def test_processes_share_it_and_the_last_one_stops_it(data: Path) -> None:
    other = hold(data)
    with running_postgres(data) as url:
        pid = postmaster_pid(data)
        let_go(other)
        assert select(url, "select 1") == [(1,)]
        assert postmaster_pid(data) == pid
    assert postmaster_pid(data) is None


def test_users_within_one_process_share_it_too(data: Path) -> None:
    with running_postgres(data) as outer:
        with running_postgres(data) as inner:
            assert inner == outer
        assert select(outer, "select 1") == [(1,)]


def test_a_killed_user_is_not_counted(data: Path) -> None:
    killed = hold(data)
    pid = postmaster_pid(data)
    kill(killed)
    with running_postgres(data):
        assert postmaster_pid(data) == pid, "it went on running, and is used again"
    assert postmaster_pid(data) is None


def test_a_killed_server_starts_again(data: Path) -> None:
    other = hold(data)
    pid = postmaster_pid(data)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until_gone(pid)
    with running_postgres(data) as url:
        assert select(url, "select 1") == [(1,)]
        assert postmaster_pid(data) != pid
    let_go(other)


def test_the_pid_of_a_dead_server_may_belong_to_somebody_else_now(data: Path) -> None:
    """After a restart of the machine: the file names a process that lives and is not PostgreSQL."""
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n{int(time.time())}\n5432\n{data}\n\n0 0\nready\n")
    assert postmaster_pid(data) is None
    with running_postgres(data) as url:
        assert select(url, "select 1") == [(1,)]


def test_a_first_start_that_was_killed_leaves_nothing_in_the_way() -> None:
    with tempfile.TemporaryDirectory(prefix="kyo-pg-") as folder:
        data = Path(folder) / "postgres"
        half = data.with_suffix(".new")
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        with running_postgres(data) as url:
            assert select(url, "select 1") == [(1,)]


def test_a_long_path_still_gets_a_socket() -> None:
    with tempfile.TemporaryDirectory(prefix="kyo-pg-") as folder:
        data = Path(folder) / ("long-" * 20) / "postgres"
        with running_postgres(data) as url:
            assert select(url, "select 1") == [(1,)]
            sockets = Path(url.partition("host=")[2])
            assert sockets.stat().st_mode & 0o077 == 0
        shutil.rmtree(sockets)


def refusal(data: Path) -> KyoError:
    with pytest.raises(KyoError) as refused, running_postgres(data):
        pass
    assert "\n" not in refused.value.message
    return refused.value


def test_settings_that_it_cannot_read_are_quoted(data: Path) -> None:
    extra = data / "postgresql.auto.conf"
    before = extra.read_text()
    extra.write_text("shared_buffers = 'plenty'\n")
    error = refusal(data)
    extra.write_text(before)
    assert isinstance(error, Unavailable)
    assert "PostgreSQL did not start" in error.message
    assert str(data.with_suffix(".log")) in error.message


def test_a_folder_with_other_files_is_not_touched() -> None:
    with tempfile.TemporaryDirectory(prefix="kyo-pg-") as folder:
        data = Path(folder) / "postgres"
        data.mkdir()
        (data / "letter.txt").write_text("dear all")
        assert isinstance(refusal(data), Invalid)
        assert (data / "letter.txt").read_text() == "dear all"


def test_data_of_another_major_version_is_not_touched(tmp_path: Path) -> None:
    data = tmp_path / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("16\n")
    assert "PostgreSQL 16" in refusal(data).message


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = refusal(tmp_path / "file" / "postgres")
    assert isinstance(error, Unavailable)
    assert "KYO_HOME" in error.message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk() -> None:
    with tempfile.TemporaryDirectory(prefix="kyo-pg-") as folder:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], check=False).returncode:
            pytest.skip("no right to mount here")
        try:
            error = refusal(Path(folder) / "postgres")
        finally:
            subprocess.run(["umount", folder], check=True)
    assert "is full" in error.message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_an_ordinary_person_is_told_whose_data_it_is(data: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    script = HOLD.replace("with running", "import os; os.setuid(int(sys.argv[2]))\nwith running")
    data.parent.chmod(0o777)
    for lock in (data.with_suffix(".users"), data.with_suffix(".lock")):
        lock.chmod(0o666)
    told = subprocess.run(
        [sys.executable, "-c", script, data, str(nobody.pw_uid)], capture_output=True, text=True, check=False
    )
    assert f"{data} belongs to kyo-postgres" in told.stderr
