"""Calls of model endpoints through huggingface_hub: clients, retries, and errors that tell no secrets."""

import email.utils
import random
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TypeVar

import httpx
from huggingface_hub import InferenceClient
from pydantic import SecretStr

from kyo_pipeline.errors import Unavailable

Result = TypeVar("Result")

_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 30.0
#: llama.cpp and vLLM say 400 to a prompt beyond the context, text-generation-inference 422, and
#: text-embeddings-inference 413 to what is too long or too many.
_TOO_MUCH = (400, 413, 422)


def open_client(address: str, key: SecretStr | None, timeout: float, provider: str | None) -> InferenceClient:
    """A client for a model name or a URL; close it after each use, it keeps every response until then.

    Without a key no credentials are sent: the client would otherwise send the token that it finds on the
    machine to whoever runs the endpoint.
    """
    headers = {} if key else {"authorization": None}
    return InferenceClient(
        model=address,
        token=key.get_secret_value() if key else None,
        provider=provider,  # type: ignore[arg-type]  # a str from us, one of a long list of literals there
        timeout=timeout,
        headers=headers,  # type: ignore[arg-type]  # None deletes a header, which its annotation does not say
    )


def with_retries(
    call: Callable[[], Result],
    what: str,
    attempts: int,
    sleep: Callable[[float], None] = time.sleep,
    *,
    after_timeout: bool = True,
) -> Result:
    """Call; after 429, 5xx, a timeout or a broken connection wait, call again. Raises `Unavailable`.

    Waits double from half a second, with jitter, or as long as Retry-After says; never over half a minute.
    Without `after_timeout`, for which somebody has waited long already, that is the end.
    """
    for attempt in range(1, attempts + 1):
        try:
            return call()
        except (httpx.HTTPError, AttributeError) as caught:
            error = _http_error(caught)
            if error is None:
                raise
            is_last = attempt == attempts or (isinstance(error, httpx.TimeoutException) and not after_timeout)
            if is_last or not _is_passing(error):
                # `from None`: the text of the cause repeats what the endpoint said, which can hold the key.
                raise Unavailable(complaint(what, error)) from None
            delay = _retry_after(error)
        sleep(min(_LONGEST_DELAY_SECONDS, _backoff(attempt) if delay is None else delay))
    raise AssertionError("attempts is at least 1")


def complaint(what: str, error: httpx.HTTPError) -> str:
    """A sentence for people: what failed and what to do, without address, key or the endpoint's own words."""
    status = _status(error)
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return f"{what} did not answer in time. Try again later, or raise KYO_REMOTE_TIMEOUT_SECONDS."
    if status in (401, 403):
        return f"{what} refused the API key. Ask your administrator to check it."
    if status == 429:
        return f"{what} is busy: too many requests. Try again in a minute."
    if status in _TOO_MUCH:
        return f"{what} was sent more than it takes (HTTP {status}). Ask your administrator to check its limits."
    if status is not None:
        return f"{what} answered with an error (HTTP {status}). Try again later."
    return f"{what} cannot be reached. Try again later, or ask your administrator to check its address."


def _http_error(error: BaseException | None) -> httpx.HTTPError | None:
    """The HTTP error, also out of huggingface_hub's AttributeError for an error whose JSON body is no object."""
    while error is not None and not isinstance(error, httpx.HTTPError):
        error = error.__context__
    return error


def _is_passing(error: httpx.HTTPError) -> bool:
    status = _status(error)
    # 424 is what Hugging Face's own servers say when the model behind them failed.
    return status is None or status in (424, 429) or status >= 500


def _status(error: httpx.HTTPError) -> int | None:
    response: httpx.Response | None = getattr(error, "response", None)
    return response.status_code if response is not None else None


def _backoff(attempt: int) -> float:
    longest = _FIRST_DELAY_SECONDS * 2.0 ** (attempt - 1)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 — jitter, not a secret


def _retry_after(error: httpx.HTTPError) -> float | None:
    """Seconds that the answer asks us to wait: RFC 9110 allows a number or a date."""
    response: httpx.Response | None = getattr(error, "response", None)
    value = response.headers.get("retry-after", "") if response is not None else ""
    if value.strip().isdigit():
        return float(value)
    try:
        wait = email.utils.parsedate_to_datetime(value) - datetime.now(timezone.utc)
    except (ValueError, TypeError):  # no date, or one without a time zone
        return None
    return max(0.0, wait.total_seconds())
