"""`kyo mcp`."""

import logging
import os

import anyio
import click

from kyo_app import runtime
from kyo_app.agents.tools import AnyContext, Caller, create_server
from kyo_app.api.threads import Work, run
from kyo_app.commands.opening import as_option, opened_kyo
from kyo_pipeline.services import people, token_access


@click.command()
@as_option
def command(username: str | None) -> None:
    """Serve agents over stdin and stdout, on the machine where KYO runs (MCP).

    Give either --as USER or, in KYO_API_KEY, an API key, which is checked again at each call. Elsewhere, agents come
    over HTTP: /mcp.
    """
    key = os.environ.get("KYO_API_KEY") or None  # not as an option: everybody on this machine could read it
    if (username is None) == (key is None):
        raise click.UsageError("Say who asks: either --as USER, or an API key in KYO_API_KEY.")
    # Nothing but the protocol goes to stdout.
    logging.basicConfig(level=logging.WARNING, format="kyo: %(message)s")
    with opened_kyo() as kyo, runtime.using(kyo):

        async def identify(_: AnyContext | None) -> Caller:
            if key is not None:
                return Caller(await run(Work.REQUEST, token_access.actor_of_bearer, kyo, key))
            return Caller(await run(Work.REQUEST, people.actor_named, kyo, username or ""))

        async def serve() -> None:
            await identify(None)  # who does not exist is told so at once
            await create_server(identify).run_stdio_async()

        anyio.run(serve)
