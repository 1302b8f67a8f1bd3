"""Which columns the tables of analytics have."""

from kyo_app.analytics.charts import stage_name
from kyo_app.analytics.columns import Column
from kyo_app.markup import inert_line
from kyo_app.wording import REASONS
from kyo_pipeline.domain.analytics import CollectionUse, DayTotals, DocumentUse, ReasonCount, StageLatency

_REASON_NAMES = {reason.value: name for reason, name in REASONS.items()}

_ASKED_ABOUT = Column[DocumentUse]("Questions", lambda one: one.asked_about)
_CITED = Column[DocumentUse]("Quotes", lambda one: one.cited)
_DISLIKED = Column[DocumentUse]("Thumbs down", lambda one: one.disliked)


def reason_name(reason: str) -> str:
    return _REASON_NAMES.get(reason, reason.replace("_", " ").capitalize())


def _in_seconds(milliseconds: float) -> float:
    return round(milliseconds / 1000, 3)


def _linked(use: DocumentUse) -> str:
    return f"[{inert_line(use.title, 90)}](/documents?document={use.document_id})"


_TITLE = Column[DocumentUse]("Document", lambda one: one.title, _linked)
_PLACE = Column[DocumentUse]("Collection", lambda one: one.collection)

MOST_USED = (_TITLE, _PLACE, _ASKED_ABOUT, _CITED, _DISLIKED)
NEVER_USED = (_TITLE, _PLACE)
MOST_DISLIKED = (_TITLE, _PLACE, _DISLIKED, _CITED)
OWN_DOCUMENTS = (_TITLE, _PLACE, _ASKED_ABOUT, _CITED)

COLLECTIONS = (
    Column[CollectionUse]("Collection", lambda one: one.name),
    Column[CollectionUse]("Questions", lambda one: one.questions),
    Column[CollectionUse]("People", lambda one: one.people),
    Column[CollectionUse]("Not found", lambda one: one.not_found),
    Column[CollectionUse]("Thumbs up", lambda one: one.liked),
    Column[CollectionUse]("Thumbs down", lambda one: one.disliked),
)

REASON_COUNTS = (
    Column[ReasonCount]("Reason", lambda one: reason_name(one.reason)),
    Column[ReasonCount]("Thumbs down", lambda one: one.count),
)

LATENCIES = (
    Column[StageLatency]("Stage", lambda one: stage_name(one.stage)),
    Column[StageLatency]("Questions", lambda one: one.count),
    Column[StageLatency]("Half within (s)", lambda one: _in_seconds(one.p50)),
    Column[StageLatency]("95 % within (s)", lambda one: _in_seconds(one.p95)),
)

_DAY = Column[DayTotals]("Day", lambda one: one.day.isoformat())
_QUESTIONS = Column[DayTotals]("Questions", lambda one: one.totals.questions)
_THUMBS = (
    Column[DayTotals]("Thumbs up", lambda one: one.totals.liked),
    Column[DayTotals]("Thumbs down", lambda one: one.totals.disliked),
)
_OF_A_DAY = (
    _DAY,
    _QUESTIONS,
    Column[DayTotals]("Answered", lambda one: one.totals.answered),
    Column[DayTotals]("Not found", lambda one: one.totals.not_found),
    Column[DayTotals]("Failed", lambda one: one.totals.failed),
    Column[DayTotals]("Stopped", lambda one: one.totals.stopped),
    Column[DayTotals]("From cache", lambda one: one.totals.cached),
    *_THUMBS,
)
_PEOPLE = Column[DayTotals]("People", lambda one: one.totals.people)
_REFUSED = Column[DayTotals]("Refused", lambda one: one.totals.refused)
_TOKENS = (
    Column[DayTotals]("Tokens read", lambda one: one.totals.prompt_tokens),
    Column[DayTotals]("Tokens written", lambda one: one.totals.completion_tokens),
)
_COST = Column[DayTotals]("Cost", lambda one: "" if one.totals.cost is None else one.totals.cost)

OWN_DAYS = (*_OF_A_DAY, *_TOKENS)
FEEDBACK_DAYS = (_DAY, _QUESTIONS, *_THUMBS)


def of_days(*, priced: bool, refusals: bool) -> tuple[Column[DayTotals], ...]:
    """Costs where there are prices, refusals for those to whom they are told."""
    return (*_OF_A_DAY, _PEOPLE, *_TOKENS, *([_COST] if priced else []), *([_REFUSED] if refusals else []))
