from collections.abc import Iterator

import pytest

from kyo_pipeline.adapters import webhook
from kyo_pipeline.errors import Unavailable
from tests.hooks import Hook, listening


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as hook:
        yield hook


def test_what_is_sent_arrives_as_json(hook: Hook) -> None:
    webhook.send(hook.secret_url.get_secret_value(), {"text": "ä", "row": 7})
    assert hook.received == [("/token-of-this-hook", {"text": "ä", "row": 7})]


@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_what_is_not_taken_is_a_sentence_with_the_status(hook: Hook, status: int) -> None:
    hook.status = status
    with pytest.raises(Unavailable, match=str(status)):
        webhook.send(hook.secret_url.get_secret_value(), {})
    assert len(hook.received) == 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/token", "nonsense", "http://", "ftp://example.org/token", "http://[/token"]
)
def test_one_that_does_not_answer_is_a_sentence_without_its_address(url: str) -> None:
    with pytest.raises(Unavailable, match="does not answer") as caught:
        webhook.send(url, {})
    assert "token" not in caught.value.message
    assert caught.value.__cause__ is None
