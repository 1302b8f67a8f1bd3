"""JSON Web Tokens of the HTTP API: signed here, and nobody else's are taken."""

from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from uuid import UUID, uuid4

import jwt

from kyo_pipeline.adapters.secret_keys import derived, of_file
from kyo_pipeline.errors import NotSignedIn
from kyo_pipeline.settings import Settings

_ALGORITHM = "HS256"
_WHO = "kyo"
_PURPOSE = b"kyo.tokens"
_CLAIMS = ("iss", "aud", "sub", "sid", "jti", "typ", "iat", "exp")
#: Ours have about 400 characters.
_LONGEST = 2048

_WRONG = "This token is not valid, or not for this. Sign in again."
_EXPIRED = "This token has expired. Refresh it, or sign in again."


class TokenType(str, Enum):
    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True)
class Claims:
    """Whose token it is, and of which family, which is a session."""

    user_id: UUID
    session_id: UUID


def issue(settings: Settings, kind: TokenType, claims: Claims, now: datetime, expires_at: datetime) -> str:
    """A new token; two that are issued at the same moment differ. Raises `Unavailable` where there is no key."""
    payload = {
        "iss": _WHO,
        "aud": _WHO,
        "sub": str(claims.user_id),
        "sid": str(claims.session_id),
        "jti": uuid4().hex,
        "typ": kind.value,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    return jwt.encode(payload, _key(settings), _ALGORITHM)


def read(settings: Settings, kind: TokenType, token: str, now: datetime) -> Claims:
    """What it says, if it is ours, of this kind, and not over. Raises `NotSignedIn`."""
    if len(token) > _LONGEST or not token.isascii():
        raise NotSignedIn(_WRONG)
    try:
        payload = jwt.decode(
            token,
            _key(settings),
            algorithms=[_ALGORITHM],
            audience=_WHO,
            issuer=_WHO,
            # Its end is compared with Kyo's clock below, not with the library's.
            options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        claims = Claims(UUID(payload["sub"]), UUID(payload["sid"]))
        expires_at = datetime.fromtimestamp(payload["exp"], timezone.utc)
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, OSError) as error:
        raise NotSignedIn(_WRONG) from error
    if payload["typ"] != kind.value:
        raise NotSignedIn(_WRONG)
    if expires_at <= now:
        raise NotSignedIn(_EXPIRED)
    return claims


def _key(settings: Settings) -> bytes:
    if settings.SECRET_KEY is not None:
        return derived(settings.SECRET_KEY.get_secret_value(), _PURPOSE)
    return of_file(settings.KYO_HOME / "tokens.key")
