from collections.abc import Mapping

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from kyo_app.headers import SecurityHeadersMiddleware, content_security_policy


async def _reply(request: Request) -> Response:
    """As the query says; a content type only if it names one."""
    query = request.query_params
    response = Response(query.get("body", ""), int(query.get("status", "200")), media_type=query.get("type"))
    if "cookie" in query:
        response.headers["set-cookie"] = query["cookie"]
    return response


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=[Route("/", _reply)], middleware=[Middleware(SecurityHeadersMiddleware)]))


def _headers(client: TestClient, scheme: str = "http", **query: str) -> Mapping[str, str]:
    return client.get(f"{scheme}://testserver/", params=query).headers


def test_each_inline_script_is_allowed_by_its_hash() -> None:
    policy = content_security_policy("<script>a</script><script src='x.js'></script><script>b</script>")
    assert (
        "'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='" in policy
    )  # printf a | openssl dgst -sha256 -binary | base64
    assert policy.count("sha256-") == 2


def test_a_page_without_inline_scripts_needs_none() -> None:
    assert "script-src 'self';" in content_security_policy("<html></html>")


def test_no_page_may_change_where_its_addresses_begin() -> None:
    assert "base-uri 'none'" in content_security_policy("")


def test_other_sites_can_neither_embed_nor_hold_what_is_ours(client: TestClient) -> None:
    headers = _headers(client)
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_who_came_over_tls_stays_there(client: TestClient) -> None:
    assert _headers(client, "https")["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert "strict-transport-security" not in _headers(client)


@pytest.mark.parametrize(
    ("query", "content_type"),
    [
        ({"body": "Bad Request", "status": "400"}, "text/plain; charset=utf-8"),
        ({"body": "<p>", "type": "text/html"}, "text/html; charset=utf-8"),
        ({"body": "", "status": "303"}, None),
        ({"body": "", "status": "204"}, None),
        ({"body": "", "status": "304"}, None),
    ],
)
def test_a_body_says_what_it_is(client: TestClient, query: dict[str, str], content_type: str | None) -> None:
    assert _headers(client, **query).get("content-type") == content_type


@pytest.mark.parametrize(
    ("scheme", "cookie", "sent"),
    [
        ("https", "_streamlit_xsrf=1; Path=/; SameSite=Lax", "_streamlit_xsrf=1; Path=/; SameSite=Lax; Secure"),
        ("https", "_streamlit_xsrf=1; Path=/; Secure", "_streamlit_xsrf=1; Path=/; Secure"),
        ("https", "_streamlit_session=1; httponly", "_streamlit_session=1; httponly; Secure"),
        ("https", "other=1", "other=1"),
        ("http", "_streamlit_xsrf=1; Path=/", "_streamlit_xsrf=1; Path=/"),
    ],
)
def test_streamlits_own_cookie_is_kept_to_tls_as_well(client: TestClient, scheme: str, cookie: str, sent: str) -> None:
    assert _headers(client, scheme, cookie=cookie)["set-cookie"] == sent
