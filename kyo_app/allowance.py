"""What is left of one's questions and uploads, and when they begin anew."""

import streamlit as st

from kyo_app import runtime
from kyo_app.components import local_clock
from kyo_app.wording import counted
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.limits import Usage
from kyo_pipeline.services import limits


def show(actor: Actor) -> None:
    """Both limits, always."""
    allowance = limits.read_allowance(runtime.kyo(), actor)
    if allowance.questions is not None:
        st.caption(f":material/forum: {left_of(allowance.questions, 'question')}")
    if allowance.uploads is not None:
        st.caption(f":material/upload: {left_of(allowance.uploads, 'upload')}")


def show_questions_if_few(actor: Actor) -> None:
    """Nothing, unless less than a fifth of the day's questions is left."""
    questions = limits.read_allowance(runtime.kyo(), actor).questions
    if questions is not None and questions.is_low:
        st.caption(f":material/hourglass_bottom: {left_of(questions, 'question')}")


def left_of(usage: Usage, noun: str) -> str:
    """`12 of 100 questions left until 01:00.`; a window is a day at most, so that the time alone says when."""
    return f"{usage.left:,} of {counted(usage.allowed, noun)} left until {local_clock(usage.resets_at)}."
