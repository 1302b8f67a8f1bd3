"""Bodies of `/api/auth/…`."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from kyo_app.api.bodies import Received, Sent
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Role
from kyo_pipeline.domain.password_policy import MAX_LENGTH, MIN_LENGTH
from kyo_pipeline.domain.people import MAX_EMAIL_LENGTH, MAX_NAME_LENGTH
from kyo_pipeline.services.accounts import Profile

#: Ours have about 400 characters.
_MAX_TOKEN = 2048


def _is_text(secret: SecretStr) -> SecretStr:
    """Pydantic looks at any other string for halves of surrogate pairs, which nothing can encode."""
    if any("\ud800" <= character <= "\udfff" for character in secret.get_secret_value()):
        raise ValueError("It must be text in Unicode.")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_is_text)]

Username = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="1 to 64 small letters, digits, dots, dashes and underscores; begins with a letter or a digit.",
        examples=["ada"],
    ),
]
Name = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME_LENGTH, description="On one line.", examples=["Ada Lovelace"])
]


class Registration(Received):
    """An account for oneself."""

    username: Username
    name: Name
    email: str = Field(min_length=3, max_length=MAX_EMAIL_LENGTH, examples=["ada@example.org"])
    password: Secret = Field(
        min_length=MIN_LENGTH,
        max_length=MAX_LENGTH,
        description="One that is hard to guess: several words that do not belong together.",
        examples=["copper lantern wades north"],
    )


class Registered(Sent):
    """`awaiting_approval`: an administrator has to let them in before they can log in."""

    username: str = Field(examples=["ada"])
    awaiting_approval: bool


class Login(Received):
    """What the sign-in form of the app asks for."""

    username: Username
    password: Secret = Field(min_length=1, max_length=MAX_LENGTH, examples=["copper lantern wades north"])


class RefreshToken(Received):
    """The newest one of its family."""

    refresh_token: Secret = Field(min_length=1, max_length=_MAX_TOKEN)


class Tokens(Sent):
    """Send the access token as `Authorization: Bearer …`; keep the refresh token for when that has expired."""

    access_token: str
    refresh_token: str = Field(description="Good for one use: each refresh gives another one.")
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 — what it is called, RFC 6750
    expires_in: int = Field(description="Seconds for which the access token is good.", examples=[3600])
    refresh_expires_at: datetime


class CollectionAccess(Sent):
    """What somebody may do in a collection; each includes what stands before it."""

    name: str = Field(examples=["Company handbook"])
    access: Access


class OwnProfile(Sent):
    """One's own account. `collections` is empty for administrators, who may do everything in all of them."""

    username: str = Field(examples=["ada"])
    name: str = Field(examples=["Ada Lovelace"])
    email: str | None = Field(examples=["ada@example.org"])
    role: Role
    created_at: datetime
    password_changed_at: datetime
    has_password: bool = Field(description="False: they sign in through their organisation only.")
    collections: list[CollectionAccess]

    @classmethod
    def of(cls, profile: Profile) -> "OwnProfile":
        collections = [CollectionAccess(name=name, access=access) for name, access in profile.collections]
        values = {name: getattr(profile, name) for name in cls.model_fields if name != "collections"}
        return cls(**values, collections=collections)


class ProfileChange(Received):
    """Both are needed: what is sent takes the place of what was there."""

    name: Name
    email: str | None = Field(
        max_length=MAX_EMAIL_LENGTH, description="null: there is none any more.", examples=["ada@example.org"]
    )
