"""API keys in one's profile: made, shown once, listed, taken back."""

from datetime import datetime, timedelta

import streamlit as st

from kyo_app import addresses, handover, runtime, wording
from kyo_app.components import confirmed, empty_state, expander, fresh_key, local_time, run_again, shown_errors, used_up
from kyo_app.markup import badge, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.api_keys import ApiKey
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.services import api_keys

_LIFETIMES = (30, 90, 365)
_SOON = timedelta(days=7)


def section(actor: Actor) -> None:
    """All of it, under a heading."""
    st.subheader("API keys", anchor=False)
    st.markdown(
        "A program that comes with a key of yours may do a part of what you may do, without your password. "
        f"[What the API offers](/api/docs) · agents connect to `{addresses.of_agents()}`"
    )
    handover.show_key()
    found = api_keys.list_keys(runtime.kyo(), actor)
    if not found:
        empty_state(":material/key:", "No keys yet", "Make one for each program, and revoke it when it is done.")
    for key in found:
        _key(actor, key)
    _form(actor)


def _key(actor: Actor, key: ApiKey) -> None:
    may = ", ".join(wording.SCOPES[scope].lower() for scope in Scope if scope in key.scopes)
    used = f"last used {local_time(key.last_used_at)}" if key.last_used_at else "never used"
    where = f" from {inert_line(key.last_used_address, 60)}" if key.last_used_address else ""
    facts = f"{inert_line(key.hint, 12)}… · made {local_time(key.created_at)} · {used}{where}"
    with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="center"):
        st.markdown(
            f"**{inert_line(key.name, 80)}** {_expiry(key, runtime.kyo().now())}  \n{may}  \n:small[:gray[{facts}]]",
            width="stretch",
        )
        confirmed(
            "Revoke",
            ":material/key_off:",
            "Whatever uses this key stops working at once. A revoked key cannot be brought back.",
            "Revoke this key",
            lambda: api_keys.revoke(runtime.kyo(), actor, key.id),
            key=f"revoke-{key.id}",
            notice=f"Revoked: {inert_line(key.name, 80)}",
            quiet=True,
        )


def _expiry(key: ApiKey, now: datetime) -> str:
    if key.expires_at <= now:
        return badge("expired", "red")
    words = f"until {local_time(key.expires_at)}"
    return badge(words, "orange" if key.expires_at - now <= _SOON else "gray")


def _form(actor: Actor) -> None:
    name_of_form = fresh_key("api-key")
    with expander(":material/add: Make a key", name_of_form):  # a popover at the end of a page reaches below it
        with st.form(f"{name_of_form}-form", border=False):
            name = st.text_input(
                "Name of the key",
                max_chars=api_keys.MAX_NAME_LENGTH,
                placeholder="What will use it",
                autocomplete="off",
            )
            scopes = st.pills(
                "What it may do",
                api_keys.scopes_of(actor.role),
                format_func=wording.SCOPES.__getitem__,
                selection_mode="multi",
            )
            days = st.segmented_control("For how many days", _lifetimes(), default=_lifetimes()[0], required=True)
            submitted = st.form_submit_button("Make", type="primary", width="stretch")
        if submitted:
            with shown_errors():
                new = api_keys.create(runtime.kyo(), actor, name, frozenset(scopes), days)
                handover.keep_key(new)
                used_up("api-key")
                run_again(f"Made: {inert_line(new.key.name, 80)}", ":material/key:")


def _lifetimes() -> list[int]:
    longest = runtime.kyo().settings.KYO_API_KEY_MAX_DAYS
    return sorted({min(days, longest) for days in _LIFETIMES})
