"""Dagster's web UI, for its own pages alone: `python -m kyo_pipeline.defs.webserver -w … -h … -p …`.

The UI has no sign-in, and listening on this machine alone keeps nobody out who sits in its browser: any page that an
operator has open may send requests to it, and Dagster carries them out. Here what comes from another page is refused.
"""

import sys
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any

from dagster_webserver import cli
from dagster_webserver.app import create_app_from_workspace_process_context

from kyo_pipeline.defs.storage import make_tables
from kyo_pipeline.domain.origins import is_known, is_same
from kyo_pipeline.settings import Settings, load_settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_ELSEWHERE = ("cross-site", "same-site")
_POLICY_VIOLATION = 1008


class Guard:
    """Pure ASGI, around the app: refuses what comes by another name, or from a page that is not the UI's own."""

    def __init__(self, app: App, names: Collection[str]) -> None:
        self.app = app
        self._names = names

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        objection = _objection(scope, self._names)
        if objection is None:
            await self.app(scope, receive, _unframed(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
        else:
            await _answer(send, *objection)


def names_of(settings: Settings) -> tuple[str, ...]:
    """What the UI may be called. With other names, or `*`, a site could pass itself off as it (DNS rebinding)."""
    named = (name for name in settings.ALLOWED_HOSTS if name != "*")
    return (*named, settings.KYO_DAGSTER_HOST.lower(), *_THIS_MACHINE)


def _objection(scope: Message, names: Collection[str]) -> tuple[int, str] | None:
    """Status and sentence for what is refused."""
    headers = _headers(scope)
    host = ",".join(headers.get("host", []))
    if not is_known(host, names):
        return 421, "The Dagster UI is not known by this name. Add the name to ALLOWED_HOSTS if it should be."
    if not all(is_same(origin, host) for origin in headers.get("origin", [])):
        return 403, "This came from a page that is not the Dagster UI's own."
    if set(headers.get("sec-fetch-site", [])) & set(_ELSEWHERE) and not _opens_page(scope, headers):
        return 403, "This came from a page that is not the Dagster UI's own."
    # Else a mere address would be a command. The UI posts.
    if scope["type"] == "http" and scope["path"].rstrip("/") == "/graphql" and scope["method"] != "POST":
        return 405, "Send queries by POST."
    return None


def _opens_page(scope: Message, headers: Mapping[str, list[str]]) -> bool:
    """Whether somebody followed a link to the UI."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == ["navigate"]
        and headers.get("sec-fetch-dest") == ["document"]
    )


def _headers(scope: Message) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _unframed(send: Send) -> Send:
    """No other page shows the UI as part of itself, to have its buttons pressed."""

    async def send_unframed(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), (b"x-frame-options", b"SAMEORIGIN")]}
        await send(message)

    return send_unframed


async def _answer(send: Send, status: int, sentence: str) -> None:
    body = sentence.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    make_tables()
    names = names_of(load_settings())

    def create_guarded(*arguments: Any, **options: Any) -> Guard:
        return Guard(create_app_from_workspace_process_context(*arguments, **options), names)

    # Dagster offers no setting for this. The name is checked by a test, since it is its own affair.
    setattr(cli, "create_app_from_workspace_process_context", create_guarded)  # noqa: B010 - mypy, as in code_server.py
    cli.dagster_webserver(sys.argv[1:])


if __name__ == "__main__":
    main()
