"""Fields of forms that more than one view has. They tell browsers and password managers what belongs into them.

None has `max_chars`, here or in other forms: Streamlit would cut in silence what is too long, where the service says
what is wrong.
"""

from datetime import date

import streamlit as st

from kyo_app import wording
from kyo_pipeline.domain.actor import Role
from kyo_pipeline.domain.password_policy import MIN_LENGTH
from kyo_pipeline.errors import Invalid

PASSWORD_ADVICE = f"A good password has at least {MIN_LENGTH} characters; a few words in a row are easy to remember."


def username_field(*, own: bool) -> str:
    return st.text_input("User name", autocomplete="username" if own else "off")


def name_field(value: str = "", *, own: bool) -> str:
    """Of oneself, or of somebody or something else."""
    return st.text_input("Name", value=value, autocomplete="name" if own else "off")


def email_field(value: str = "", *, own: bool, label: str = "E-mail") -> str:
    return st.text_input(
        label,
        value=value,
        type="email",
        autocomplete="email" if own else "off",
        placeholder="",
        validate="",  # Streamlit's own rule wants a dot in the host's name; the service judges
    )


def role_field(role: Role = Role.EMPLOYEE, *, key: str | None = None) -> Role:
    return st.selectbox(
        "Role", list(Role), index=list(Role).index(role), format_func=wording.ROLES.__getitem__, key=key
    )


def day_field(label: str, value: date | None, *, key: str, disabled: bool = False, help: str = "") -> date | None:  # noqa: A002 — as Streamlit calls it
    """One that can be emptied: with a default of its own, Streamlit would put that back."""
    key = f"{key}-{value}"
    if key not in st.session_state:
        st.session_state[key] = value
    return st.date_input(label, value=None, format="YYYY-MM-DD", key=key, disabled=disabled, help=help)


def new_password_fields(label: str = "New password") -> tuple[str, str]:
    """What was typed the first and the second time."""
    new = st.text_input(label, type="password", autocomplete="new-password")
    return new, st.text_input(f"{label} again", type="password", autocomplete="new-password")


def same(new: str, repeated: str) -> str:
    """The password that was typed twice. Raises `Invalid`."""
    if new != repeated:
        raise Invalid("The two passwords are not the same. Type them once more.")
    return new
