"""Access by tokens: a password becomes a pair of them, a refresh token the next pair, and each names its owner."""

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.api_keys import TokenPair
from kyo_pipeline.kyo import Kyo


def log_in(kyo: Kyo, username: str, password: str, device: str = "", address: str = "") -> TokenPair:
    """A new family of tokens for whoever knows the password. Raises `NotSignedIn`, `NotAllowed`, `TooMany`."""
    raise NotImplementedError


def refresh(kyo: Kyo, refresh_token: str, address: str = "") -> TokenPair:
    """The next pair; the token is spent. One that was spent before ends the whole family. Raises `NotSignedIn`."""
    raise NotImplementedError


def log_out(kyo: Kyo, refresh_token: str) -> None:
    """End the family of this token, access tokens too, at once; twice is the same as once. Raises `NotSignedIn`."""
    raise NotImplementedError


def actor_of_bearer(kyo: Kyo, bearer: str, address: str = "") -> Actor:
    """Who comes with this access token or API key, as the database knows them now. Raises `NotSignedIn`."""
    raise NotImplementedError
