"""API keys: what a program shows in place of its owner's password."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kyo_pipeline.domain.scopes import Scope

#: All keys begin so, that a scanner for secrets finds one that was left lying about.
PREFIX = "kyo_"


@dataclass(frozen=True)
class ApiKey:
    """A key as its owner sees it; `hint`: its first characters, to tell keys apart. `last_used_at`: None for never."""

    id: UUID
    name: str
    hint: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_used_address: str


@dataclass(frozen=True)
class NewKey:
    """A key that was just made: its `secret` is shown here and never again."""

    key: ApiKey
    secret: str


@dataclass(frozen=True)
class TokenPair:
    """What a program gets for a password, or for a refresh token that is spent with it; `expires_in`: seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    refresh_expires_at: datetime
