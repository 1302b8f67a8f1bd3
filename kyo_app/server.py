"""The deployed process: `uvicorn --factory kyo_app.server:create_app`. One process a port."""

import gc
import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from streamlit import config

from kyo_app import logs, runtime, sso
from kyo_app.agents.http import McpEndpoint
from kyo_app.headers import SecurityHeadersMiddleware
from kyo_app.identity import IdentityMiddleware
from kyo_app.origins import OriginMiddleware
from kyo_app.routes import routes
from kyo_app.sign_on import SignOnMiddleware
from kyo_pipeline.settings import Settings, load_settings

_SCRIPT = Path(__file__).with_name("main.py")
_HEAVY = ("kyo_app.main", "pandas", "pyarrow")


def create_app(settings: Settings | None = None) -> st.App:
    settings = settings or load_settings()
    auth, mcp = sso.auth_section(settings), McpEndpoint()
    app = st.App(
        _SCRIPT,
        secrets={"auth": {**auth}} if auth else None,
        routes=routes(mcp),
        middleware=[
            Middleware(SecurityHeadersMiddleware),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(settings.ALLOWED_HOSTS), www_redirect=False),
            Middleware(OriginMiddleware, names=settings.ALLOWED_HOSTS),
            Middleware(IdentityMiddleware),
            Middleware(SignOnMiddleware, auth=auth),
        ],
        lifespan=partial(_lifespan, mcp),
        on_script_error=_show_unexpected,
    )
    # For the upload route itself; st.App has no argument for it.
    config.set_option("server.maxUploadSize", settings.MAX_FILE_SIZE_MB)
    logs.set_up(debug=settings.DEBUG)
    return app


@asynccontextmanager
async def _lifespan(mcp: McpEndpoint, app: st.App) -> AsyncIterator[None]:  # noqa: ARG001 - st.App calls it with itself
    """Load what the first visitor would else wait for, then spare the garbage collector all of it."""
    await anyio.to_thread.run_sync(_warm_up)
    try:
        async with mcp.running():
            yield
    finally:
        await anyio.to_thread.run_sync(runtime.close)


def _show_unexpected(error: Exception) -> bool:
    # Late, as in _warm_up: the pages must not be imported before st.App has told Streamlit where config.toml is.
    from kyo_app.components import show_unexpected

    return show_unexpected(error)


def _warm_up() -> None:
    # streamlit-authenticator declares components when it is imported, and Streamlit warns that no page is running.
    logging.disable(logging.WARNING)
    try:
        for name in _HEAVY:
            importlib.import_module(name)
    finally:
        logging.disable(logging.NOTSET)
    runtime.kyo()
    gc.collect()
    gc.freeze()
