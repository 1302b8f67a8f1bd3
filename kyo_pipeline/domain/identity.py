"""Who the organisation's identity provider says somebody is."""

from collections.abc import Mapping
from dataclasses import dataclass

from kyo_pipeline.domain.typed_text import storable

_LONGEST_ISSUER = 2000
_LONGEST_SUBJECT = 255  # says OpenID Connect
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Identity:
    """From an ID token that has been verified. `issuer` and `subject` together never change and are never reused."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str

    @property
    def names_somebody(self) -> bool:
        """Whether both can be kept as they are: cut or cleaned they might become those of somebody else."""
        return _is_whole(self.issuer, _LONGEST_ISSUER) and _is_whole(self.subject, _LONGEST_SUBJECT)


def identity_of(claims: Mapping[str, object], client_id: str) -> Identity | None:
    """Whom the provider vouches for; None when its token is for another client, or names nobody."""
    audience, email = claims.get("aud"), _text(claims, "email")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        return None
    has_email = _is_whole(email, _LONGEST_NAME)
    # Some providers send the word instead of the value.
    verified = has_email and claims.get("email_verified") in (True, "true")
    subject = _text(claims, "sub")
    name = _name(claims, "name") or _name(claims, "preferred_username") or (email if has_email else subject)
    identity = Identity(_text(claims, "iss"), subject, email if has_email else None, verified, name)
    return identity if identity.names_somebody else None


def _text(claims: Mapping[str, object], claim: str) -> str:
    value = claims.get(claim)
    return value if isinstance(value, str) else ""


def _name(claims: Mapping[str, object], claim: str) -> str:
    return storable(_text(claims, claim))[:_LONGEST_NAME]


def _is_whole(text: str, longest: int) -> bool:
    """Neither empty nor to be cut or cleaned before it can be stored."""
    return 0 < len(text) <= longest and storable(text) == text
