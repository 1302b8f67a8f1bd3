"""From a key that a person makes in the app to a program and an AI assistant that work with it, until it is revoked."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from playwright.sync_api import expect

from tests.e2e.browser import Person
from tests.stack_process import RunningStack

pytestmark = pytest.mark.e2e

QUESTION = "What is the colour of the moon's cheese?"


def ask(stack: RunningStack, secret: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {secret}"}
    url = f"{stack.app_url}/api/retrieval/query/"
    return httpx.post(url, json={"question": QUESTION}, headers=headers, timeout=60)


def tools(stack: RunningStack, secret: str) -> set[str]:
    async def talk() -> Any:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {secret}"}) as http,
            Client(streamable_http_client(f"{stack.app_url}/mcp", http_client=http)) as client,
        ):
            return await client.list_tools()

    with ThreadPoolExecutor(1) as aside:  # in this thread runs the loop of Playwright
        return {tool.name for tool in aside.submit(anyio.run, talk).result().tools}


def test_a_key_works_from_the_moment_it_is_made_until_it_is_revoked(
    stack: RunningStack, somebody: Callable[..., Person], admin_password: str
) -> None:
    admin = somebody()
    admin.opens()
    admin.signs_in("admin", admin_password)
    admin.goes_to("Profile")
    admin.sees("No keys yet")
    admin.unfolds(admin.page.get_by_test_id("stMain"), "Make a key", "What it may do")
    admin.page.get_by_label("Name of the key").fill("Reports")
    for scope in ("Ask questions and search", "Read documents"):
        admin.presses(scope)
    admin.shows("api-key-form", whole=True)
    admin.presses("Make")
    admin.sees("This is the key Reports.")
    secret = admin.page.get_by_test_id("stCode").inner_text().strip()
    admin.shows("api-key-new", whole=True)
    admin.presses("I have copied it")
    expect(admin.page.get_by_text(secret)).to_have_count(0)

    reply = ask(stack, secret)
    assert reply.status_code == 200, reply.text
    assert reply.json()["outcome"] in ("answered", "not_found")
    assert {"ask", "search"} <= tools(stack, secret)
    admin.page.reload()
    admin.sees("last used")
    expect(admin.page.get_by_text(secret)).to_have_count(0)
    admin.shows("api-keys", whole=True)

    phone = somebody(width=390, height=844)
    phone.opens()
    phone.signs_in("admin", admin_password)
    phone.goes_to("Profile")
    phone.sees("last used")
    phone.page.get_by_role("heading", name="API keys").scroll_into_view_if_needed()
    phone.shows("phone-api-keys", whole=True)

    admin.presses("Revoke")
    admin.presses("Revoke this key")
    admin.sees("No keys yet")
    assert ask(stack, secret).status_code == 401
