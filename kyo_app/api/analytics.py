"""`/api/analytics/…`: how KYO is used."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from kyo_app import runtime
from kyo_app.analytics.days import last_days
from kyo_app.api.analytics_bodies import FeedbackSummary, Overview, Statistics
from kyo_app.api.bodies import Day
from kyo_app.api.caller import Caller
from kyo_app.api.threads import in_thread
from kyo_pipeline.domain.analytics import Period
from kyo_pipeline.errors import Invalid
from kyo_pipeline.services import analytics

router = APIRouter(prefix="/analytics", tags=["Analytics"])

_DAYS = 30


def _period(
    first: Annotated[Day | None, Query(description="The first day; without it, `days` before the last.")] = None,
    last: Annotated[Day | None, Query(description="The last day, included; without it, today.")] = None,
    days: Annotated[int, Query(ge=1, le=analytics.MAX_DAYS, description="How many, where no first one is named.")] = (
        _DAYS
    ),
) -> Period:
    until = last or analytics.today(runtime.kyo())
    try:
        return Period(first, until) if first else last_days(days, until)
    except OverflowError as error:
        raise Invalid("These days are too long ago. Choose later ones.") from error


WantedPeriod = Annotated[Period, Depends(_period)]
WantedCollection = Annotated[UUID | None, Query(description="Only what is about this collection.")]


@router.get("/overview/", operation_id="read_overview", summary="How KYO is used")
@in_thread()
def read_overview(caller: Caller, period: WantedPeriod, collection_id: WantedCollection = None) -> Overview:
    """For managers, of the collections in which they may approve; for admins of everything. Scope `analytics:read`.

    Compared with as many days right before.
    """
    kyo = runtime.kyo()
    found = analytics.overview(kyo, caller, period, collection_id)
    return Overview(time_zone=kyo.settings.KYO_TIME_ZONE, **asdict(found))


@router.get("/me/", operation_id="read_own_statistics", summary="What one asked oneself")
@in_thread()
def read_own_statistics(caller: Caller, period: WantedPeriod) -> Statistics:
    """Any role. Scope `answers:ask` or `analytics:read`."""
    kyo = runtime.kyo()
    return Statistics(time_zone=kyo.settings.KYO_TIME_ZONE, **asdict(analytics.my_statistics(kyo, caller, period)))


@router.get("/feedback/", operation_id="read_feedback_summary", summary="What people think of answers")
@in_thread()
def read_feedback_summary(
    caller: Caller, period: WantedPeriod, collection_id: WantedCollection = None
) -> FeedbackSummary:
    """Thumbs and their reasons, without names and comments. For managers and admins. Scope `analytics:read`."""
    kyo = runtime.kyo()
    found = analytics.feedback_summary(kyo, caller, period, collection_id)
    return FeedbackSummary(time_zone=kyo.settings.KYO_TIME_ZONE, **asdict(found))
