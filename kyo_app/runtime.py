"""One Kyo a process, and what the browser of the current run sent."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import streamlit as st

from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.settings import load_settings

#: On a websocket that came over TLS; `identity` sets it, and lets no client do so.
SECURE_HEADER = "x-kyo-secure"
#: On every websocket, likewise: where it came from. Streamlit's own word is None for this machine.
ADDRESS_HEADER = "x-kyo-address"


@dataclass
class _Process:
    kyo: Kyo | None = None
    cookies: Mapping[str, str] | None = None


_process = _Process()
_lock = Lock()


def kyo() -> Kyo:
    """The bundle that all pages, routes and middleware of this process share; opened at the first call."""
    with _lock:
        if _process.kyo is None:
            _process.kyo = open_kyo(load_settings())
        return _process.kyo


def cookies() -> Mapping[str, str]:
    """The cookies that came with the websocket of the running script."""
    return st.context.cookies if _process.cookies is None else _process.cookies


def is_secure() -> bool:
    """Whether that websocket came over TLS."""
    return SECURE_HEADER in st.context.headers


def address() -> str:
    """Where that websocket came from, as far as the server knows; behind a proxy, what the proxy says."""
    return st.context.headers.get(ADDRESS_HEADER, "")


def close() -> None:
    """Close the Kyo of this process, if one was opened."""
    with _lock:
        if _process.kyo is not None:
            _process.kyo.close()
            _process.kyo = None


@contextmanager
def using(kyo: Kyo, cookies: Mapping[str, str] | None = None) -> Iterator[None]:
    """For tests: this Kyo, and these cookies in place of the browser's."""
    before = (_process.kyo, _process.cookies)
    _process.kyo, _process.cookies = kyo, cookies
    try:
        yield
    finally:
        _process.kyo, _process.cookies = before
