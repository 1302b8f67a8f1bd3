"""The form, as far as what stands around it is concerned."""

from collections.abc import Callable
from typing import Any

import pytest

from kyo_app import runtime
from tests.app.pages import Visit, click


def test_a_refusal_is_on_record_with_the_address_of_the_websocket(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, sql: Callable[..., list[Any]]
) -> None:
    monkeypatch.setattr(runtime, "address", lambda: "192.0.2.7")
    page = visit("")
    page.text_input[0].set_value("erin")
    page.text_input[1].set_value("wrong")
    click(page, "Sign in")
    assert [row.address for row in sql("select address from audit_log")] == ["192.0.2.7"]


def test_without_a_websocket_of_ours_there_is_no_address(visit: Visit) -> None:
    visit("")
    assert runtime.address() == ""
