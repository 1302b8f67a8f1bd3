"""Who the organisation's identity provider says somebody is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """From an ID token that has been verified. `issuer` and `subject` together never change and are never reused."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str
