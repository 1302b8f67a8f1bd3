"""The link to an answer of one's own, for those who may read its sources."""

import streamlit as st

from kyo_app import addresses, runtime
from kyo_app.auth import current_actor
from kyo_app.components import local_time, shown_errors
from kyo_pipeline.domain.actor import Permission
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.services import shared_answers


@st.fragment
def share_part(answer: Answer) -> None:
    """Nothing where there is nothing to share, or to stop sharing."""
    actor = current_actor()
    # What was done in this session, else what the answer was read with.
    shared_at = st.session_state.get(_key(answer), answer.shared_at)
    if actor is None or not actor.may(Permission.ANSWER_SHARE):
        return
    if shared_at is None and not shared_answers.may_be_shared(answer):
        return
    # Always the same words: with others it would close as soon as there is a link to copy.
    with st.popover("Share", icon=":material/link:", type="tertiary", key=f"sharing-{answer.question_id}"):
        if shared_at is None:
            st.markdown("Question and answer get a link. It opens for those who may read **all** the sources.")
            st.button("Share this answer", key=f"share-{answer.id}", type="primary", on_click=_share, args=(answer,))
        else:
            st.markdown(
                f"Shared {local_time(shared_at)}. The link opens for those who may read **all** the sources, as long "
                "as these are current."
            )
            st.code(addresses.of_answer(answer.id), language=None, wrap_lines=True)
            st.button("Stop sharing", key=f"unshare-{answer.id}", on_click=_stop_sharing, args=(answer,))


def _share(answer: Answer) -> None:
    actor = current_actor()
    if actor is None:  # the page that comes next shows the sign-in form
        return
    with shown_errors():
        st.session_state[_key(answer)] = shared_answers.share(runtime.kyo(), actor, answer.id).shared_at


def _stop_sharing(answer: Answer) -> None:
    actor = current_actor()
    if actor is None:
        return
    with shown_errors():
        shared_answers.stop_sharing(runtime.kyo(), actor, answer.id)
        st.session_state[_key(answer)] = None
        st.toast("The link opens for nobody any more.", icon=":material/link_off:")


def _key(answer: Answer) -> str:
    return f"shared-{answer.question_id}"
