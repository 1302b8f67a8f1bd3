"""What is known of a person, and which names and e-mail addresses they may have."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Role
from kyo_pipeline.domain.typed_text import checked_line
from kyo_pipeline.errors import Invalid

MAX_NAME_LENGTH = 200
MAX_EMAIL_LENGTH = 254

#: Said by the service, and where two do it at the same moment by the database.
LAST_ADMIN = "The last administrator cannot be removed. Make somebody else an administrator first."

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_NOT_IN_USERNAME = re.compile(r"[^a-z0-9._-]+")
#: No rule tells a good address but a letter that arrives; this keeps out what surely is none.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class PersonState(str, Enum):
    """Whether a person can sign in, and what is missing."""

    ACTIVE = "active"
    INVITED = "invited"
    AWAITING = "awaiting"
    DEACTIVATED = "deactivated"


def is_username(typed: str) -> bool:
    return _USERNAME.fullmatch(typed) is not None


def typed_username(typed: str) -> str | None:
    """The user name that was meant, where one is looked up; None for what cannot be one."""
    username = typed.strip().lower()
    return username if is_username(username) else None


def username_of(typed: str) -> str:
    """The user name that was meant. Raises `Invalid` for what cannot be one."""
    username = typed_username(typed)
    if username is None:
        raise Invalid(
            "A user name has 1 to 64 characters: small letters, digits, dots, dashes and underscores, "
            "and begins with a letter or a digit."
        )
    return username


def name_of(typed: str) -> str:
    """The name without what surrounds it. Raises `Invalid`."""
    return checked_line(typed, "A name", MAX_NAME_LENGTH)


def email_of(typed: str) -> str | None:
    """The address without what surrounds it, None for none. Raises `Invalid`."""
    email = typed.strip()
    if not email:
        return None
    if len(email) > MAX_EMAIL_LENGTH or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise Invalid(f"An e-mail address has one @, no blanks, and at most {MAX_EMAIL_LENGTH} characters.")
    return email


def username_from(email: str | None, name: str) -> str:
    """A user name for somebody whom the identity provider knows: from what stands before the @, or from the name."""
    for wanted in ((email or "").partition("@")[0], name, "person"):
        username = _NOT_IN_USERNAME.sub("-", wanted.lower()).strip("._-")[:56]
        if is_username(username):
            return username
    raise AssertionError("the last one is a user name")


def shown_name(name: str, otherwise: str) -> str:
    """A name from elsewhere as one of ours: printable and not too long."""
    printable = "".join(character for character in name if character.isprintable())
    return printable.strip()[:MAX_NAME_LENGTH].strip() or otherwise


@dataclass(frozen=True)
class Person:
    """Somebody as administrators see them; `sessions`: how many live ones; `blocked_until`: too many failed tries."""

    id: UUID
    username: str
    name: str
    email: str | None
    role: Role
    state: PersonState
    created_at: datetime
    last_seen_at: datetime | None
    sessions: int
    blocked_until: datetime | None


@dataclass(frozen=True)
class PeoplePage:
    people: tuple[Person, ...]
    total: int


class SessionKind(str, Enum):
    """What somebody is signed in with: a browser and its cookie, or a program and its tokens."""

    BROWSER = "browser"
    API = "api"


@dataclass(frozen=True)
class Session:
    """One browser or program in which somebody is signed in; `device` is its own word about itself."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    device: str
    address: str
    method: str
    is_this: bool
    kind: SessionKind = SessionKind.BROWSER


@dataclass(frozen=True)
class Invitation:
    """What somebody sees who comes with the link of an invitation."""

    username: str
    name: str
    expires_at: datetime


class Grant(NamedTuple):
    """One way in which a person came to what they may do in a collection: everyone, member, group or admin."""

    collection: str
    access: Access
    via: str
