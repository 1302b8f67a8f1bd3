"""Bodies of `/api/analytics/…`: the figures of the Analytics page."""

from datetime import date
from uuid import UUID

from pydantic import Field

from kyo_app.api.bodies import Sent


class Period(Sent):
    """Whole days, both included."""

    first: date
    last: date


class Totals(Sent):
    """What was asked. Each question has one outcome, as far as it has an answer at all."""

    questions: int
    people: int
    answered: int
    not_found: int
    failed: int
    stopped: int
    cached: int = Field(description="Answers that were written before.")
    liked: int
    disliked: int
    refused: int = Field(description="Limits and permissions; for admins, else 0.")
    prompt_tokens: int
    completion_tokens: int
    cost: float | None = Field(description="In the currency of the prices in the settings; null: they name none.")


class Day(Sent):
    """One day of the period."""

    day: date
    totals: Totals


class StageLatency(Sent):
    """Milliseconds that a stage took; `total`: all of them together."""

    stage: str
    count: int
    p50: float
    p95: float


class DocumentUse(Sent):
    """How often a document was asked about, cited, and cited in answers that did not help."""

    document_id: UUID
    title: str
    collection: str
    asked_about: int
    cited: int
    disliked: int


class CollectionUse(Sent):
    """Questions that a collection answered, or came near to."""

    collection_id: UUID
    name: str
    questions: int
    people: int
    not_found: int
    liked: int
    disliked: int


class Ingestion(Sent):
    """Files that were uploaded in the period, and seconds until they could be searched."""

    files: int
    ready: int
    failed: int
    seconds_p50: float | None
    seconds_p95: float | None


class Statistics(Sent):
    """`before` is of as many days right before."""

    time_zone: str = Field(description="Where days begin and end.", examples=["Europe/Berlin"])
    period: Period
    totals: Totals
    before: Totals
    days: list[Day]
    documents: list[DocumentUse]


class Overview(Statistics):
    """Lists have the most first."""

    latencies: list[StageLatency]
    never_used: list[DocumentUse] = Field(description="Documents that answer questions, and that nobody needed.")
    never_used_count: int
    collections: list[CollectionUse]
    ingestion: Ingestion


class ReasonCount(Sent):
    """How many thumbs down had this reason."""

    reason: str
    count: int


class FeedbackSummary(Statistics):
    """`documents` are the most disliked ones."""

    reasons: list[ReasonCount]
