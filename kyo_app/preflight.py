"""What must be true before `kyo up` starts anything: one sentence each when it is not."""

import errno
import fcntl
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from kyo_pipeline.errors import Conflict, Invalid, Unavailable
from kyo_pipeline.settings import BASE_FOLDER, Settings


def make_home(home: Path) -> None:
    """Make the folder with all state, and see that it can be written."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = home / ".probe"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise Unavailable(f"KYO_HOME={home} cannot be written: {error.strerror}.") from error


@contextmanager
def only_stack(home: Path) -> Iterator[None]:
    """Be the only `kyo up` on this folder. Raises `Conflict`."""
    path = home / "up.lock"
    try:
        file = path.open("a+")
    except OSError as error:
        raise Unavailable(f"{path} cannot be opened: {error.strerror}.") from error
    with file:
        try:
            # This kind of lock is not inherited: children that outlive a killed `kyo up` do not hold it.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = path.read_text().strip()
            raise Conflict(f"KYO is running already on {home} (process {pid}).") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def check_ports(settings: Settings) -> None:
    """Raise `Unavailable` for a port in use, `Invalid` for one that is set twice."""
    ports = {
        "KYO_PORT": (settings.KYO_HOST, settings.KYO_PORT),
        "KYO_DAGSTER_PORT": (settings.KYO_DAGSTER_HOST, settings.KYO_DAGSTER_PORT),
    }
    if settings.KYO_PORT == settings.KYO_DAGSTER_PORT:
        raise Invalid(f"{' and '.join(ports)} are both {settings.KYO_PORT}: each needs a port of its own.")
    for name, (host, port) in ports.items():
        _check_port(name, host, port)


def check_tls(settings: Settings) -> None:
    """Raise `Invalid` for a certificate or a key that cannot be used; the app could only say so in a stack trace."""
    certificate, key = settings.KYO_TLS_CERTIFICATE, settings.KYO_TLS_KEY
    if certificate is None or key is None:
        return
    for name, path in {"KYO_TLS_CERTIFICATE": certificate, "KYO_TLS_KEY": key}.items():
        try:
            (BASE_FOLDER / path).read_bytes()
        except OSError as error:
            raise Invalid(f"{name}={path} cannot be read: {error.strerror}.") from error
    try:
        # An empty password: else OpenSSL would ask for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(BASE_FOLDER / certificate, BASE_FOLDER / key, "")
    except ssl.SSLError as error:
        raise Invalid(
            "KYO_TLS_CERTIFICATE and KYO_TLS_KEY must be a certificate and the key that belongs to it, "
            "as PEM files without a password."
        ) from error


def _check_port(name: str, host: str, port: int) -> None:
    host_name = name.replace("PORT", "HOST")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise Unavailable(f"Port {port} may be opened by root only. Set {name} to one above 1023.") from error
        except socket.gaierror as error:
            raise Invalid(f"{host_name}={host} is not an address of this machine.") from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise Invalid(f"{host_name}={host} is not an address of this machine.") from error
            raise Unavailable(f"Port {port} is in use{_holder(port)}. Stop that, or set {name}.") from error


def _holder(port: int) -> str:
    """Who has the port, as far as this person may know."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == "LISTEN" and getattr(connection.laddr, "port", 0) == port and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return ""
