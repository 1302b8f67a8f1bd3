import threading

import pytest

from kyo_pipeline.domain import request
from kyo_pipeline.domain.request import Request


def test_before_anything_has_begun_nothing_is_known() -> None:
    assert request.current() == Request(None, None)


def test_what_has_begun_is_current_until_something_else_begins() -> None:
    first = request.begin("192.0.2.1")
    assert request.current() == first
    assert first.address == "192.0.2.1"
    second = request.begin()
    assert request.current() == second
    assert (second.address, second.id == first.id) == (None, False)
    request.forget()
    assert request.current() == Request()


def test_an_id_of_ones_own_is_kept() -> None:
    assert request.begin(id="a run of Dagster").id == "a run of Dagster"


@pytest.mark.parametrize(("address", "kept"), [("", None), (None, None), ("a\x00b", "ab"), ("x" * 9000, "x" * 500)])
def test_an_address_is_what_the_database_can_hold(address: str | None, kept: str | None) -> None:
    found = request.begin(address).address
    assert found is None or "\x00" not in found
    assert (found or "")[:2] == (kept or "")[:2]
    assert len(found or "") < 1000


def test_each_thread_has_its_own() -> None:
    request.begin("192.0.2.1")
    seen: list[Request] = []
    thread = threading.Thread(target=lambda: seen.append(request.current()))
    thread.start()
    thread.join()
    assert seen == [Request()]
