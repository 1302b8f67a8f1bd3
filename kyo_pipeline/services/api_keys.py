"""One's own API keys: made, listed, taken back."""

from uuid import UUID

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.api_keys import ApiKey, NewKey
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.kyo import Kyo


def create(kyo: Kyo, actor: Actor, name: str, scopes: frozenset[Scope], days: int) -> NewKey:
    """A key for these kinds of work that ends after so many days. Raises `Invalid`, `NotAllowed`, `Conflict`."""
    raise NotImplementedError


def list_keys(kyo: Kyo, actor: Actor) -> tuple[ApiKey, ...]:
    """The actor's own keys that have not been revoked, the newest first; those that have expired too."""
    raise NotImplementedError


def revoke(kyo: Kyo, actor: Actor, key_id: UUID) -> None:
    """Take a key back, at once. Raises `NotFound` for one that is not there or was taken back before."""
    raise NotImplementedError
