"""Security headers on every response."""

import base64
import hashlib
import re
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kyo_app.identity import is_secure

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_POLICY = "Content-Security-Policy"
_WITHOUT_BODY = (204, 205, 304)
#: In which Streamlit and Authlib keep the state of a sign-on that is under way.
STATE_COOKIE = "_streamlit_session="
_STREAMLIT_COOKIES = ("_streamlit_xsrf=", STATE_COOKIE)


class SecurityHeadersMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._headers = {
            _POLICY: content_security_policy(_streamlit_page()),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
        self._headers_over_tls = {
            **self._headers,
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                own = headers.get(_POLICY)  # of a file that somebody takes away: stricter than that of our pages
                headers.update(self._headers_over_tls if is_secure(scope) else self._headers)
                if own is not None:
                    headers[_POLICY] = own
                _name_content_type(headers, message["status"])
                if is_secure(scope):
                    _secure_streamlit_cookies(message)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def content_security_policy(page: str) -> str:
    """Nothing from elsewhere; no inline script but those of Streamlit's page, which change with its releases."""
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(page))
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' {hashes}".rstrip(),
            "style-src 'self' 'unsafe-inline'",  # Streamlit's styles are made at run time
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def _name_content_type(headers: MutableHeaders, status: int) -> None:
    """Streamlit's refusals of odd paths have a body and do not say of what."""
    if status >= 200 and status not in _WITHOUT_BODY and headers.get("content-length") != "0":
        headers.setdefault("content-type", "text/plain; charset=utf-8")


def _secure_streamlit_cookies(message: Message) -> None:
    """Streamlit marks its cookie so only where it holds the certificate itself."""
    message["headers"] = [
        (name, _secured(value.decode("latin-1")).encode("latin-1")) if name.lower() == b"set-cookie" else (name, value)
        for name, value in message["headers"]
    ]


def _secured(cookie: str) -> str:
    is_open = cookie.startswith(_STREAMLIT_COOKIES) and "; secure" not in cookie.lower()
    return f"{cookie}; Secure" if is_open else cookie


def _streamlit_page() -> str:
    return (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
