"""A program elsewhere that wants to hear of something: one POST of JSON."""

from collections.abc import Mapping

import httpx

from kyo_pipeline.errors import Unavailable

_SECONDS = 10.0


def send(url: str, message: Mapping[str, object]) -> None:
    """Raises `Unavailable` unless it was taken. Neither says the address, which may hold a secret."""
    try:
        # Redirects are not followed (httpx's default): what is sent is for this address alone.
        response = httpx.post(url, json=dict(message), timeout=_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"The webhook does not answer ({type(error).__name__}).") from None
    if not response.is_success:
        raise Unavailable(f"The webhook did not take the message: status {response.status_code}.")
