"""A small OpenID Connect provider: real discovery, code flow with PKCE, and signed tokens, over HTTP."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.stack_process import free_ports

CLIENT_ID = "kyo"
CLIENT_SECRET = "the provider's secret"

_START_SECONDS = 10


@dataclass
class _Grant:
    """What a code stands for, until it is used."""

    person: str
    nonce: str
    redirect_uri: str
    challenge: str


@dataclass
class OidcProvider:
    """`people` are the claims of each subject. `twist` and `key` make it issue tokens that are wrong."""

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    twist: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims

    def __post_init__(self) -> None:
        (self.port,) = free_ports(1)
        self.published = RSAKey.generate_key(2048, parameters={"kid": "1"})
        self.key = self.published
        self.token_requests = 0
        self._grants: dict[str, _Grant] = {}
        self._server = uvicorn.Server(
            uvicorn.Config(self._app(), host="127.0.0.1", port=self.port, log_level="warning", ws="none")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def metadata_url(self) -> str:
        return f"{self.url}/.well-known/openid-configuration"

    @property
    def variables(self) -> dict[str, str]:
        """The settings that name this provider."""
        return {
            "KYO_OIDC_METADATA_URL": self.metadata_url,
            "KYO_OIDC_CLIENT_ID": CLIENT_ID,
            "KYO_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        }

    def __enter__(self) -> "OidcProvider":
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            assert time.monotonic() < deadline, "the provider did not start"
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def code_for(self, person: str, query: dict[str, str]) -> str:
        """As if this person had agreed to the request that the app sent the browser here with."""
        code = secrets.token_urlsafe(16)
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        self._grants[code] = _Grant(person, query["nonce"], query["redirect_uri"], query["code_challenge"])
        return code

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/agree", self._agree),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _metadata(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "end_session_endpoint": f"{self.url}/logout",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _jwks(self, _request: Request) -> Response:
        return JSONResponse(KeySet([self.published]).as_dict(private=False))

    async def _authorize(self, request: Request) -> Response:
        """A page on which people say who they are, or refuse."""
        query = dict(request.query_params)
        links = [
            f'<p><a href="/agree?{escape(urlencode({**query, "person": person}))}">I am {escape(person)}</a></p>'
            for person in self.people
        ]
        refuse = urlencode({"error": "access_denied", "state": query["state"]})
        links.append(f'<p><a href="{escape(query["redirect_uri"])}?{escape(refuse)}">Refuse</a></p>')
        return HTMLResponse(f"<h1>Provider</h1>{''.join(links)}")

    async def _agree(self, request: Request) -> Response:
        query = dict(request.query_params)
        answer = urlencode({"code": self.code_for(query["person"], query), "state": query["state"]})
        return RedirectResponse(f"{query['redirect_uri']}?{answer}", 302)

    async def _token(self, request: Request) -> Response:
        self.token_requests += 1
        async with request.form() as form:
            grant = self._grants.pop(str(form.get("code")), None)
            proof = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
            right = (
                grant is not None
                and grant.redirect_uri == form.get("redirect_uri")
                and grant.challenge == base64.urlsafe_b64encode(proof).decode().rstrip("=")
            )
        credentials = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if grant is None or not right or request.headers.get("authorization") != f"Basic {credentials}":
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {"access_token": "unused", "token_type": "Bearer", "expires_in": 60, "id_token": self._id_token(grant)}
        )

    def _id_token(self, grant: _Grant) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": grant.person,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 60,
            "nonce": grant.nonce,
            **self.people[grant.person],
        }
        return jwt.encode({"alg": "RS256", "kid": "1"}, self.twist(claims), self.key)
