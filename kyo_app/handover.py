"""A link or a password for somebody else, or a key for a program: shown once, to whoever made it, who hands it over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st

from kyo_app import addresses, runtime
from kyo_app.components import local_time
from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.api_keys import NewKey
from kyo_pipeline.services.joining import Invited
from kyo_pipeline.services.people import NewPerson

_FOR_SOMEBODY, _FOR_A_PROGRAM = "handover", "new-api-key"
#: Nobody is to find it on a screen that was left alone.
_SHOWN_FOR = timedelta(minutes=10)


@dataclass(frozen=True)
class _Handover:
    """`words` is markdown, and `warning` says what whoever has it can do."""

    words: str
    secret: str
    made_at: datetime
    warning: str


def keep_link(invited: Invited) -> None:
    words = (
        f"**Send this link to {_named(invited.person)}.** With it they choose a password and sign in as "
        f"**{inert_line(invited.person.username, 64)}**. It works once, until {local_time(invited.expires_at)}."
    )
    _keep(words, addresses.of_invitation(invited.token))


def keep_password(new: NewPerson) -> None:
    words = (
        f"**Give {_named(new.person)} this one-time password.** They sign in as "
        f"**{inert_line(new.person.username, 64)}** with it, and then choose their own."
    )
    _keep(words, new.one_time_password or "")


def keep_key(new: NewKey) -> None:
    words = f"**This is the key {inert_line(new.key.name, 80)}.** Give it to the program that is to use it."
    _keep(words, new.secret, "Whoever has it can do in your name what it was made for.", _FOR_A_PROGRAM)


def show() -> None:
    """What is to be handed over to somebody, until it is said that it is done."""
    _show(_FOR_SOMEBODY)


def show_key() -> None:
    """The same of a key for a program."""
    _show(_FOR_A_PROGRAM)


def forget_old() -> None:
    """Of each page: what nobody has taken lies about no longer than it is shown."""
    for slot in (_FOR_SOMEBODY, _FOR_A_PROGRAM):
        found: _Handover | None = st.session_state.get(slot)
        if found is not None and runtime.kyo().now() - found.made_at > _SHOWN_FOR:
            del st.session_state[slot]


def _show(slot: str) -> None:
    forget_old()
    found: _Handover | None = st.session_state.get(slot)
    if found is None:
        return
    with st.container(border=True):
        st.markdown(f":material/key: {found.words}")
        st.code(found.secret, language=None, wrap_lines=True)
        st.caption(f"Copy it now: it is not shown again. {found.warning}")
        if st.button("I have copied it" if slot == _FOR_A_PROGRAM else "Done", icon=":material/check:"):
            del st.session_state[slot]
            st.rerun()


def _keep(
    words: str, secret: str, warning: str = "Whoever has it can sign in as them.", slot: str = _FOR_SOMEBODY
) -> None:
    st.session_state[slot] = _Handover(words, secret, runtime.kyo().now(), warning)


def _named(person: Actor) -> str:
    return inert_line(person.name, 80)
