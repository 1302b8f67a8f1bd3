"""The parts of `kyo up`: command lines, environment, what must be true before, what is left behind."""

import json
import multiprocessing
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import unquote

import psutil
import pytest
from pydantic import SecretStr

from kyo_app.children import MARK, Child, children, environment, unmarked_environment
from kyo_app.leftovers import end_leftovers
from kyo_app.preflight import check_ports, check_tls, make_home, only_stack
from kyo_app.readiness import app_address, dagster_address, missing
from kyo_app.supervisor import Supervisor
from kyo_pipeline.adapters.cache import RedisCache
from kyo_pipeline.adapters.embedded_redis import running_redis
from kyo_pipeline.adapters.postgres_programs import Programs
from kyo_pipeline.errors import Conflict, Invalid, Unavailable
from kyo_pipeline.services.operations import code_socket
from kyo_pipeline.settings import Settings
from tests.certificates import write_certificate
from tests.stack_process import free_ports


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)


def settings_with(**values: object) -> Settings:
    return Settings().model_copy(update=values)


# Command lines and environment


def test_everything_runs_together() -> None:
    names = [child.name for child in children(settings_with(), ("redis-server", "--port", "0"))]
    assert names == ["redis", "dagster-code", "dagster-web", "dagster-daemon", "app"]


def test_a_redis_of_one_s_own_is_not_started() -> None:
    assert "redis" not in [child.name for child in children(settings_with(), None)]


def test_the_app_may_be_published_without_the_dagster_ui() -> None:
    settings = settings_with(KYO_HOST="0.0.0.0")  # noqa: S104 - a setting
    commands = {child.name: child.command for child in children(settings, None)}
    assert "0.0.0.0" in commands["app"]  # noqa: S104 - a setting
    assert "0.0.0.0" not in commands["dagster-web"]  # noqa: S104 - a setting
    assert "127.0.0.1" in commands["dagster-web"]
    assert dagster_address(settings) == "http://127.0.0.1:3000"


def test_the_code_server_listens_on_a_socket_and_no_port(tmp_path: Path) -> None:
    settings = settings_with(KYO_HOME=tmp_path / "a b#%")
    command = next(child.command for child in children(settings, None) if child.name == "dagster-code")
    socket_option = command[command.index("--socket") + 1]
    assert unquote(socket_option) == f"{tmp_path}/a b#%/dagster/code.sock"
    assert not {"-p", "--port", "-h", "--host"} & set(command)
    assert environment(settings, "", {})["KYO_CODE_SOCKET"] == socket_option


def test_a_long_folder_has_its_socket_elsewhere(tmp_path: Path) -> None:
    found = Path(code_socket(settings_with(KYO_HOME=tmp_path / ("x" * 100))))
    assert len(str(found)) <= 107
    assert found.parent.stat().st_mode & 0o077 == 0
    found.parent.rmdir()


def test_redis_learns_no_password_and_no_key(tmp_path: Path) -> None:
    settings = settings_with(KYO_HOME=tmp_path, HF_LLM_API_KEY=SecretStr("hf_x"), DATABASE_URL=SecretStr("pg_x"))
    variables = environment(settings, "", {"PATH": "/bin", "AWS_SECRET": "x"})
    redis, app = children(settings, ("redis-server",))[0], children(settings, None)[-1]
    assert redis.environment(variables) == {"PATH": "/bin"}
    assert app.environment(variables) == variables


def test_app_and_pipeline_do_not_learn_each_others_password(tmp_path: Path) -> None:
    settings = settings_with(
        KYO_HOME=tmp_path,
        DATABASE_URL=SecretStr("pg://owner"),
        KYO_APP_DATABASE_URL=SecretStr("pg://app"),
        KYO_PIPELINE_DATABASE_URL=SecretStr("pg://pipeline"),
    )
    variables = environment(settings, "pg://pipeline/dagster", {})
    told = {
        child.name: {value for value in child.environment(variables).values() if value.startswith("pg://")}
        for child in children(settings, None)
    }
    pipeline = {"pg://pipeline", "pg://pipeline/dagster"}
    assert told == {
        "dagster-code": pipeline, "dagster-web": pipeline, "dagster-daemon": pipeline, "app": {"pg://app"}
    }  # fmt: skip


def test_the_programs_of_postgresql_learn_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_LLM_API_KEY", "hf_verysecret")
    program = tmp_path / "show"
    program.write_text("#!/bin/sh\nenv\n")
    program.chmod(0o755)
    shown = Programs(tmp_path, os.geteuid(), os.getegid()).run("show").stdout
    assert b"PATH=" in shown
    assert b"verysecret" not in shown


def test_a_redis_outside_the_stack_learns_no_key_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real one writes over its environment, so this one only tells it."""
    monkeypatch.setenv("HF_LLM_API_KEY", "hf_verysecret")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    program = tmp_path / "redis-server"
    listen = "import socket, sys; server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1]); server.listen()"
    listen += "; server.accept(); server.accept()"
    program.write_text(
        f"#!/bin/sh\nenv > '{tmp_path}/told'\nexec '{sys.executable}' -c '{listen}' '{tmp_path}/home/redis.sock'\n"
    )
    program.chmod(0o755)
    with running_redis(tmp_path / "home"):
        told = (tmp_path / "told").read_text()
    assert "PATH=" in told
    assert "verysecret" not in told


def test_a_wrong_address_of_redis_is_refused_without_its_password() -> None:
    with pytest.raises(Invalid, match="REDIS_URL") as refused:
        RedisCache("redis://:pass#word@cache:6379/0")
    assert "pass" not in refused.value.message


def test_what_is_no_part_of_the_stack_has_no_mark(tmp_path: Path) -> None:
    settings = settings_with(KYO_HOME=tmp_path)
    stack = environment(settings, "", {"PATH": "/bin"})
    assert unmarked_environment(settings, "", stack) == {name: stack[name] for name in stack if name != MARK}


@pytest.mark.parametrize(("debug", "level"), [(True, "info"), (False, "warning")])
def test_how_much_the_app_logs(debug: bool, level: str) -> None:
    """That it logs no tickets: see test_logs.py."""
    app = children(settings_with(DEBUG=debug), None)[-1]
    assert "--no-access-log" in app.command
    assert level in app.command


def test_dagsters_ui_is_behind_our_guard() -> None:
    web = next(child for child in children(settings_with(), None) if child.name == "dagster-web")
    assert web.command[1:3] == ("-m", "kyo_pipeline.defs.webserver")


def test_with_a_certificate_the_app_speaks_https_itself() -> None:
    files = {"KYO_TLS_CERTIFICATE": Path("c.pem"), "KYO_TLS_KEY": Path("k.pem")}
    with_tls, without = (children(settings_with(**values), None)[-1].command for values in (files, {}))
    place = with_tls.index("--ssl-certfile")
    assert with_tls[place : place + 4] == ("--ssl-certfile", "c.pem", "--ssl-keyfile", "k.pem")
    assert not [word for word in without if "ssl" in word]


def test_children_get_every_setting_that_somebody_made(tmp_path: Path) -> None:
    settings = settings_with(
        KYO_HOME=tmp_path, DATABASE_URL=SecretStr("postgresql://u:p@h/n"), ALLOWED_HOSTS=("a.example", "b.example")
    )
    made = environment(settings, "postgresql+psycopg2://dagster", {"PATH": "/bin", "KYO_HOME": "relative"})
    assert made["PATH"] == "/bin"
    assert made["KYO_HOME"] == made[MARK] == str(tmp_path)
    assert made["DATABASE_URL"] == "postgresql://u:p@h/n"
    assert made["ALLOWED_HOSTS"] == "a.example,b.example"
    assert made["DAGSTER_HOME"] == str(tmp_path / "dagster")
    assert made["DAGSTER_PG_URL"] == "postgresql+psycopg2://dagster"
    assert "DB_NAME" not in made, "a default that is named would say that the database is not embedded"


# Before the start


def test_the_folder_is_private(tmp_path: Path) -> None:
    make_home(tmp_path / "a" / "home")
    assert (tmp_path / "a" / "home").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=r"KYO_HOME=.*home cannot be written: Not a directory"):
        make_home(tmp_path / "file" / "home")


def test_a_second_start_says_who_was_first(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from kyo_app.preflight import only_stack\n"
        "with only_stack(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    first.stdout.readline()
    with pytest.raises(Conflict, match=rf"running already on {tmp_path} \(process {first.pid}\)"), only_stack(tmp_path):
        pass
    first.communicate()
    with only_stack(tmp_path):
        pass


def test_the_lock_does_not_outlive_its_process_in_children(tmp_path: Path) -> None:
    script = (
        "import os, sys, time, pathlib; from kyo_app.preflight import only_stack\n"
        "with only_stack(pathlib.Path(sys.argv[1])):\n"
        "    pid = os.fork()\n"
        "    if pid: print(pid, flush=True); os.kill(os.getpid(), 9)\n"
        "    time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.wait()
        with only_stack(tmp_path):
            assert child.is_running()
        child.kill()


def ports(app: int, dagster: int) -> Settings:
    return settings_with(KYO_PORT=app, KYO_DAGSTER_PORT=dagster)


def test_free_ports_are_fine() -> None:
    check_ports(ports(*free_ports(2)))


@pytest.mark.parametrize("name", ["KYO_PORT", "KYO_DAGSTER_PORT"])
def test_a_port_in_use_is_named_with_its_setting_and_its_holder(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        settings = ports(*free_ports(2)).model_copy(update={name: port})
        with pytest.raises(Unavailable, match=rf"Port {port} is in use by process {os.getpid()}.*set {name}\."):
            check_ports(settings)


def test_each_needs_a_port_of_its_own() -> None:
    with pytest.raises(Invalid, match="KYO_PORT and KYO_DAGSTER_PORT are both 4000"):
        check_ports(ports(4000, 4000))


@pytest.mark.parametrize("name", ["KYO_HOST", "KYO_DAGSTER_HOST"])
@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(name: str, host: str) -> None:
    with pytest.raises(Invalid, match=f"{name}={host}"):
        check_ports(ports(*free_ports(2)).model_copy(update={name: host}))


def with_tls(certificate: Path, key: Path) -> Settings:
    return settings_with(KYO_TLS_CERTIFICATE=certificate, KYO_TLS_KEY=key)


def test_a_certificate_with_its_key_is_fine(tmp_path: Path) -> None:
    check_tls(with_tls(*write_certificate(tmp_path)))
    check_tls(settings_with())


def test_a_missing_certificate_or_key_is_named(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    with pytest.raises(Invalid, match=r"^KYO_TLS_CERTIFICATE=/no/file cannot be read: No such file"):
        check_tls(with_tls(Path("/no/file"), key))
    with pytest.raises(Invalid, match=r"^KYO_TLS_KEY=/ cannot be read: Is a directory"):
        check_tls(with_tls(certificate, Path("/")))


def test_a_key_that_is_not_the_certificates_or_has_a_password_is_refused(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path / "a")
    locked = write_certificate(tmp_path / "b", password="secret")
    for wrong in ((certificate, locked[1]), locked, (key, certificate)):
        with pytest.raises(Invalid, match="a certificate and the key that belongs to it"):
            check_tls(with_tls(*wrong))


# Readiness


class _App(BaseHTTPRequestHandler):
    status, body = 200, b""

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def answering() -> Iterator[Settings]:
    """Settings whose app and Dagster are one server that gives `_App`'s answer."""
    with HTTPServer(("127.0.0.1", 0), _App) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield settings_with(KYO_PORT=server.server_port, KYO_DAGSTER_PORT=server.server_port)
        server.shutdown()


def test_ready(answering: Settings) -> None:
    assert missing(answering) == []


def test_ready_over_tls(tmp_path: Path) -> None:
    """The certificate is for another name than that of the address, and by nobody whom this machine knows."""
    certificate, key = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with HTTPServer(("127.0.0.1", 0), _App) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = with_tls(certificate, key).model_copy(update={"KYO_PORT": server.server_port})
        assert app_address(settings) == f"https://127.0.0.1:{server.server_port}"
        assert "app" not in missing(settings)
        assert "app" in missing(settings.model_copy(update={"KYO_TLS_CERTIFICATE": None}))
        server.shutdown()


def test_the_checks_that_fail_are_named(answering: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_App, "status", 503)
    monkeypatch.setattr(_App, "body", json.dumps({"checks": {"database": True, "daemon": False}}).encode())
    assert missing(answering) == ["daemon", "dagster"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"checks": 1}'])
def test_an_answer_that_cannot_be_read_is_not_ready(
    body: bytes, answering: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_App, "status", 503)
    monkeypatch.setattr(_App, "body", body)
    assert missing(answering) == ["app", "dagster"]


def test_nobody_answers() -> None:
    assert missing(ports(*free_ports(2))) == ["app", "dagster"]


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:8501"), ("0.0.0.0", "http://127.0.0.1:8501"), ("::1", "http://[::1]:8501")],  # noqa: S104 - a setting
)
def test_the_address_is_one_that_can_be_opened(host: str, address: str) -> None:
    assert app_address(settings_with(KYO_HOST=host)) == address


# Leftovers


@pytest.fixture
def start() -> Iterator[Callable[..., psutil.Process]]:
    """Starts a Python process with the mark of a folder, or with none, and waits until it has begun."""
    with ExitStack() as stack:

        def begin(mark: Path | None, script: str = "pass") -> psutil.Process:
            variables = {**os.environ, **({MARK: str(mark)} if mark else {})}
            command = [sys.executable, "-c", f"import time; {script}; print(1, flush=True); time.sleep(60)"]
            process = stack.enter_context(subprocess.Popen(command, env=variables, stdout=subprocess.PIPE))
            stack.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()
            return psutil.Process(process.pid)

        yield begin


def test_only_what_belongs_to_this_folder_is_ended(tmp_path: Path, start: Callable[..., psutil.Process]) -> None:
    ours, anothers, nobodys = start(tmp_path), start(tmp_path / "other"), start(None)
    assert len(end_leftovers(tmp_path)) == 1
    assert [process.is_running() for process in (ours, anothers, nobodys)] == [False, True, True]


def test_what_ignores_the_end_is_killed(
    tmp_path: Path, start: Callable[..., psutil.Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kyo_app.leftovers._PATIENCE_SECONDS", 0.2)
    deaf = start(tmp_path, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    end_leftovers(tmp_path)
    assert not deaf.is_running()


def test_redis_belongs_to_the_folder_that_it_works_in(tmp_path: Path) -> None:
    with running_redis(tmp_path):
        assert end_leftovers(tmp_path / "other") == []
        assert end_leftovers(tmp_path) == ["redis-server"]


# Supervision


@pytest.fixture
def signals_restored() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and a supervisor then leaves it so
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    for process in multiprocessing.active_children():
        process.join(5)


def supervise(tmp_path: Path, watch: list[str | None], **scripts: str) -> str | None:
    """Supervise Python scripts until they, or the words that `watch` gives out one by one, end it."""
    commands = [Child(name, (sys.executable, "-c", script)) for name, script in scripts.items()]
    words = iter(watch)
    return Supervisor(commands, dict(os.environ), tmp_path / "logs", lambda: next(words, None)).run()


SLEEP = "import time; time.sleep(60)"


@pytest.mark.usefixtures("signals_restored")
def test_a_child_that_fails_ends_all_and_its_last_words_are_quoted(tmp_path: Path) -> None:
    reason = supervise(tmp_path, [], app=SLEEP, web="import sys; sys.exit('no port')")
    assert reason == f"web ended by itself with code 1: no port (log: {tmp_path}/logs/web.log)"


@pytest.mark.usefixtures("signals_restored")
def test_a_child_that_is_killed_ends_all(tmp_path: Path) -> None:
    reason = supervise(tmp_path, [], app=SLEEP, web="import os; os.kill(os.getpid(), 9)")
    assert reason == f"web was killed by signal 9 (log: {tmp_path}/logs/web.log)"


@pytest.mark.usefixtures("signals_restored")
def test_the_watch_ends_all_with_its_reason(tmp_path: Path) -> None:
    assert supervise(tmp_path, [None, "PostgreSQL is gone"], app=SLEEP, web=SLEEP) == "PostgreSQL is gone"


@pytest.mark.usefixtures("signals_restored")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_and_is_no_failure(number: signal.Signals, tmp_path: Path) -> None:
    ask = f"import os, time; time.sleep(0.3); os.kill({os.getpid()}, {int(number)}); time.sleep(60)"
    assert supervise(tmp_path, [], app=SLEEP, asks=ask) is None


@pytest.mark.usefixtures("signals_restored")
def test_the_logs_of_the_last_start_are_kept(tmp_path: Path) -> None:
    for word in ("first", "second"):
        supervise(tmp_path, [], app=f"print('{word}')")
    logs = tmp_path / "logs"
    assert ((logs / "app.log").read_text(), (logs / "app.log.1").read_text()) == ("second\n", "first\n")
