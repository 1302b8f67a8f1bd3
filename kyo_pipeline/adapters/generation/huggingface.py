"""Answers by a language model: hosted by Hugging Face, or any server with OpenAI's chat completions."""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Generator as PyGenerator
from dataclasses import dataclass

import httpx
from huggingface_hub import ChatCompletionInputStreamOptions, ChatCompletionStreamOutput, InferenceClient
from huggingface_hub.errors import TextGenerationError
from pydantic import SecretStr

from kyo_pipeline.adapters.remote import complaint, open_client, with_retries
from kyo_pipeline.domain.answers import NOT_FOUND_TEXT, Draft, Outcome
from kyo_pipeline.domain.citations import check
from kyo_pipeline.domain.conversation import Turn
from kyo_pipeline.domain.evidence import relevant
from kyo_pipeline.domain.prompting import (
    Prompt,
    build_prompt,
    build_rewrite_prompt,
    is_not_found,
    may_become_not_found,
)
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.token_estimate import estimated_tokens
from kyo_pipeline.errors import Invalid, NotAnswered, Unavailable

_log = logging.getLogger(__name__)

_NAME = "The language model"
_ATTEMPTS = 2  # somebody is waiting
_TEMPERATURE = 0.1
_REWRITE_SECONDS = 8.0  # the search waits for it, and there are rules to fall back on
_UNUSABLE = (
    f"{_NAME} gave no usable answer. Try again later, or ask your administrator to check KYO_LLM_MODEL, "
    "KYO_LLM_ENDPOINT and HF_LLM_API_KEY."
)


@dataclass
class _Reply:
    """What has come so far. Token counts are the server's, None until it sends them."""

    text: str = ""
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class HuggingFaceGenerator:
    """Implements the port `AnswerGenerator`. `endpoint`: base URL of a server, None for the hosted one."""

    name = "huggingface"

    def __init__(
        self,
        model: str,
        endpoint: str | None,
        key: SecretStr | None,
        max_tokens: int,
        timeout: float,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.model = model
        self._endpoint = endpoint
        self._key = key
        self._max_tokens = max_tokens
        self._timeout = timeout
        self._wait = wait

    def generate(self, question: str, retrieval: Retrieval) -> PyGenerator[str, None, Draft]:
        """Yield pieces as the model sends them; return the draft, whose text is what stays.

        It may differ from the pieces: its citations are checked, and a text without a valid one is not found.
        Without a relevant passage the model is not asked.
        Raises `Invalid` when the question is too long, `NotAnswered` when the model fails.
        """
        chosen = relevant(question, retrieval)
        if not chosen:
            return Draft(NOT_FOUND_TEXT, Outcome.NOT_FOUND)
        prompt = build_prompt(question, retrieval, chosen, self._max_tokens, secrets.token_hex(12))
        if prompt is None:
            raise Invalid("The question is too long for the language model. Ask it in fewer words.")
        reply = _Reply()
        # Leaving this block closes the connection, also when the generator is closed: the server then stops.
        try:
            with open_client(self._endpoint or self.model, self._key, self._timeout, None) as client:
                yield from _held_back(self._pieces(client, prompt, reply))
        except Unavailable as error:
            raise NotAnswered(error.message, *_spent(prompt, reply)) from None
        return _draft(prompt, reply)

    def rewrite(self, question: str, turns: Sequence[Turn]) -> str | None:
        """What the model writes, once and in a few seconds, or None: a follow-up is not worth failing for."""
        prompt = build_rewrite_prompt(question, turns, self._max_tokens, secrets.token_hex(12))
        if prompt is None:
            return None
        reply = _Reply()
        try:
            timeout = min(self._timeout, _REWRITE_SECONDS)
            with open_client(self._endpoint or self.model, self._key, timeout, None) as client:
                ends = time.monotonic() + timeout
                for _ in self._pieces(client, prompt, reply, attempts=1):
                    # The client's limit is for each piece: a model that drips would never reach it.
                    if time.monotonic() > ends:
                        return None
        except Unavailable as error:
            _log.info("A follow-up was not rewritten: %s", error.message)
            return None
        return reply.text if reply.finish_reason != "length" else None

    def _pieces(
        self, client: InferenceClient, prompt: Prompt, reply: _Reply, attempts: int = _ATTEMPTS
    ) -> Iterator[str]:
        try:
            opened = with_retries(lambda: self._open(client, prompt), _NAME, attempts, self._wait, after_timeout=False)
            for chunk in opened:
                piece = _take(chunk, reply)
                if piece:
                    yield piece
        # `from None`: the text of the cause may hold the key, see `with_retries`.
        except (TextGenerationError, ValueError, TypeError, AttributeError, LookupError):
            raise Unavailable(_UNUSABLE) from None
        except httpx.HTTPError as error:
            raise Unavailable(complaint(_NAME, error)) from None
        if reply.finish_reason is None:
            raise Unavailable(f"{_NAME} broke off in the middle of its answer. Try again.")

    def _open(self, client: InferenceClient, prompt: Prompt) -> Iterable[ChatCompletionStreamOutput]:
        return client.chat_completion(
            [dict(message) for message in prompt.messages],
            model=self.model,
            stream=True,
            stream_options=ChatCompletionInputStreamOptions(include_usage=True),
            max_tokens=prompt.answer_tokens,
            temperature=_TEMPERATURE,
        )


def _take(chunk: ChatCompletionStreamOutput, reply: _Reply) -> str:
    """Add a chunk to the reply; return its piece of text. The last one brings the usage, and no choices."""
    if chunk.usage:
        reply.prompt_tokens = int(chunk.usage.prompt_tokens)
        reply.completion_tokens = int(chunk.usage.completion_tokens)
    if not chunk.choices:
        return ""
    choice = chunk.choices[0]
    reply.finish_reason = choice.finish_reason or reply.finish_reason
    piece = choice.delta.content or ""
    reply.text += piece
    return piece


def _held_back(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces, but nothing as long as the text may turn out to be the not-found token."""
    text, shown = "", 0
    for piece in pieces:
        text += piece
        if shown or not may_become_not_found(text):
            yield text[shown:]
            shown = len(text)


def _draft(prompt: Prompt, reply: _Reply) -> Draft:
    prompt_tokens, completion_tokens = _tokens(prompt, reply)
    text, citations = check(_whole_sentences(reply), prompt.sources)
    is_supported = bool(citations) and not is_not_found(reply.text)
    return Draft(
        text=text if is_supported else NOT_FOUND_TEXT,
        outcome=Outcome.ANSWERED if is_supported else Outcome.NOT_FOUND,
        citations=citations if is_supported else (),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )


def _whole_sentences(reply: _Reply) -> str:
    """The text up to the last finished sentence, where the model ran into its limit of tokens."""
    if reply.finish_reason != "length":
        return reply.text
    return reply.text[: max(reply.text.rfind(mark) for mark in ".!?]。") + 1]


def _tokens(prompt: Prompt, reply: _Reply) -> tuple[int, int]:
    """Of prompt and answer: as the server counted them, else estimated. Some servers send a usage of zeros."""
    asked = "".join(message["content"] for message in prompt.messages)
    return (
        reply.prompt_tokens or estimated_tokens(asked),
        reply.completion_tokens or (estimated_tokens(reply.text) if reply.text else 0),
    )


def _spent(prompt: Prompt, reply: _Reply) -> tuple[int, int]:
    """The same for a call that failed. Before the first piece nobody knows whether the model had begun."""
    return _tokens(prompt, reply) if reply.text or reply.prompt_tokens else (0, 0)
