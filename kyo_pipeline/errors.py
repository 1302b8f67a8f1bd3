"""The one family of errors. Each carries an HTTP status and a message that is fit to show to a person."""

from collections.abc import Callable
from datetime import datetime, timedelta


class KyoError(Exception):
    """Something went wrong that a person can be told about, in a sentence that says what to do next."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(KyoError):
    """The input is not acceptable as it is."""

    status = 422


class TooLarge(Invalid):
    """The file is larger than files may be."""

    status = 413


class UnsupportedType(Invalid):
    """Files of this type are not taken in, or the content is not what the name says."""

    status = 415


class PasswordNeeded(Invalid):
    """The file is locked, and opens with its password only; `wrong`: one came that was not it."""

    def __init__(self, message: str, *, wrong: bool = False) -> None:
        super().__init__(message)
        self.wrong = wrong


class NotSignedIn(KyoError):
    """Nobody is known by this password, token or key: it is wrong, over, was taken back, or none came."""

    status = 401


class NotAllowed(KyoError):
    """The actor may not do this."""

    status = 403


class Forbidden(NotAllowed):
    """Role, API key or database do not allow this to the actor. Nobody is offered it: it goes on record."""


class NotFound(KyoError):
    """There is no such thing, or none that the actor may know of."""

    status = 404


class Conflict(KyoError):
    """The thing is in a state in which this cannot be done."""

    status = 409


class TooMany(KyoError):
    """A limit is used up, or too many sign-ins have failed; from `retry_at` on it works again."""

    status = 429

    def __init__(self, message: str, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at

    def sentence(self, written: Callable[[datetime], str]) -> str:
        """The message, and when it works again, `written` in full minutes: not before the pause has ended."""
        minute = self.retry_at.replace(second=0, microsecond=0)
        if minute < self.retry_at:
            minute += timedelta(minutes=1)
        return f"{self.message} It works again from {written(minute)} on."


class Unavailable(KyoError):
    """A neighbour (database, model endpoint, cache) does not answer; trying again later may help."""

    status = 503


class NotAnswered(Unavailable):
    """A language model failed; what it may have cost all the same, as far as that is known: else 0."""

    def __init__(self, message: str, prompt_tokens: int = 0, completion_tokens: int = 0) -> None:
        super().__init__(message)
        self.prompt_tokens = prompt_tokens
        self.completion_tokens = completion_tokens
