"""How values are said to people: sizes, times, places in a document, states."""

import math
from datetime import date, datetime, tzinfo

from kyo_pipeline.domain.actor import Role
from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.domain.documents import Document, DocumentState, Followed, Review, Version, VersionStatus
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Verdict
from kyo_pipeline.domain.evaluation_cases import Origin
from kyo_pipeline.domain.feedback import Reason
from kyo_pipeline.domain.feedback_items import Resolution
from kyo_pipeline.domain.gaps import GapKind, GapState, Result
from kyo_pipeline.domain.people import PersonState
from kyo_pipeline.domain.scopes import Scope

ROLES = {Role.EMPLOYEE: "Employee", Role.MANAGER: "Manager", Role.ADMIN: "Administrator"}

#: What an API key may be used for.
SCOPES: dict[Scope, str] = {
    Scope.ANSWERS_ASK: "Ask questions and search",
    Scope.DOCUMENTS_READ: "Read documents",
    Scope.DOCUMENTS_UPLOAD: "Upload documents, and read them",
    Scope.DOCUMENTS_DECIDE: "Approve, archive, delete and read documents",
    Scope.ANALYTICS_READ: "Read figures about use",
    Scope.AUDIT_READ: "Read the audit log",
}

#: Label and badge colour.
STATES: dict[DocumentState, tuple[str, str]] = {
    DocumentState.DRAFT: ("Draft", "gray"),
    DocumentState.IN_REVIEW: ("Waiting for approval", "orange"),
    DocumentState.APPROVED: ("Approved", "green"),
    DocumentState.REJECTED: ("Rejected", "red"),
    DocumentState.ARCHIVED: ("Archived", "gray"),
    DocumentState.DELETED: ("Deleted", "gray"),
}

#: The same of people.
PEOPLE: dict[PersonState, tuple[str, str]] = {
    PersonState.ACTIVE: ("Active", "green"),
    PersonState.INVITED: ("Invited", "blue"),
    PersonState.AWAITING: ("Waits for approval", "orange"),
    PersonState.DEACTIVATED: ("Deactivated", "gray"),
}

#: The same of embedding sets, and of what was found about them.
SETS: dict[SetState, tuple[str, str]] = {
    SetState.BUILDING: ("Being built", "blue"),
    SetState.READY: ("Ready", "blue"),
    SetState.ACTIVE: ("Answers questions", "green"),
    SetState.RETIRED: ("Retired", "gray"),
    SetState.DROPPED: ("Dropped", "gray"),
}
VERDICTS: dict[Verdict, tuple[str, str]] = {
    Verdict.NOT_WORSE: ("Not worse", "green"),
    Verdict.WORSE: ("Worse", "red"),
    Verdict.UNJUDGED: ("Not judged", "orange"),
}

#: The same of knowledge gaps, of why questions are in them, and of what came when they were asked again.
GAPS: dict[GapState, tuple[str, str]] = {
    GapState.OPEN: ("Open", "orange"),
    GapState.PLANNED: ("Planned", "blue"),
    GapState.ANSWERED: ("Answered", "green"),
    GapState.DECLINED: ("Won't be answered", "gray"),
}
GAP_KINDS: dict[GapKind, tuple[str, str]] = {
    GapKind.NOT_FOUND: ("Not found", "orange"),
    GapKind.DISLIKED: ("Did not help", "red"),
    GapKind.DOUBTFUL: ("Doubtful answer", "yellow"),
}
RESULTS: dict[Result, tuple[str, str]] = {
    Result.LINKED: ("Answered from the linked document", "green"),
    Result.OTHER: ("Answered from something else", "blue"),
    Result.NOT_FOUND: ("Still not found", "orange"),
    Result.FAILED: ("Could not be asked", "red"),
}

#: How somebody proved who they are.
METHODS = {"password": "with a password", "sso": "through your organisation"}

#: How somebody came to what they may do in a collection.
_WAYS = {"everyone": "like everyone", "member": "by name", "admin": "as an administrator"}


def way(via: str) -> str:
    return _WAYS.get(via) or f"through the {via}"


def decided(document: Document) -> tuple[str, str]:
    """Label and colour for what people decided about the newest version: an older one may be approved all the same."""
    if document.state in (DocumentState.ARCHIVED, DocumentState.DELETED):
        return STATES[document.state]
    return reviewed(document.latest)


def reviewed(version: Version) -> tuple[str, str]:
    """Label and colour for what people decided about one version."""
    return STATES[DocumentState.IN_REVIEW if version.review is Review.PENDING else DocumentState(version.review.value)]


#: What happens to a version now that it has passed this step.
STEPS: dict[VersionStatus, str] = {
    VersionStatus.UPLOADED: "Reading",
    VersionStatus.PARSED: "Cutting into passages",
    VersionStatus.CHUNKED: "Embedding",
    VersionStatus.EMBEDDED: "Publishing",
    VersionStatus.READY: "Ready",
    VersionStatus.FAILED: "Failed",
}

OUTCOMES: dict[Outcome, tuple[str, str]] = {
    Outcome.ANSWERED: ("Answered", "green"),
    Outcome.NOT_FOUND: ("Not found", "orange"),
    Outcome.STOPPED: ("Stopped", "gray"),
    Outcome.FAILED: ("Failed", "red"),
    Outcome.WITHHELD: ("Withheld", "gray"),
    Outcome.ERASED: ("Since deleted", "gray"),
}

#: Why an answer did not help.
REASONS: dict[Reason, str] = {
    Reason.WRONG: "Wrong",
    Reason.OUTDATED: "Outdated",
    Reason.INCOMPLETE: "Incomplete",
    Reason.WRONG_SOURCE: "Wrong source",
    Reason.OTHER: "Something else",
}

#: What was found about it: as it is chosen, and as the asker is told.
RESOLUTIONS: dict[Resolution, str] = {
    Resolution.CONFIRMED: "The answer was right",
    Resolution.CORRECTED: "The right answer is another one",
    Resolution.DOCUMENT_UPDATED: "I have updated the document",
    Resolution.DISMISSED: "There is nothing to do",
}
TOLD: dict[Resolution, str] = {
    Resolution.CONFIRMED: "the answer was right.",
    Resolution.CORRECTED: "the right answer is another one. Ask again to see what is found now.",
    Resolution.DOCUMENT_UPDATED: "the document was updated. Ask again to see what it says now.",
    Resolution.DISMISSED: "there was nothing to change.",
}

#: Where a case of the evaluation set comes from.
ORIGINS: dict[Origin, str] = {
    Origin.REVIEW: "From feedback",
    Origin.ANSWER: "Confirmed answer",
    Origin.BY_HAND: "By hand",
}


def under_way(version: Version) -> bool:
    """The pipeline has not come to an end with it, whether a run holds it at this moment or not."""
    return version.status not in (VersionStatus.READY, VersionStatus.FAILED)


def step(version: Version) -> str:
    waits = version.status is VersionStatus.UPLOADED and not version.in_progress
    return "Waiting to be read" if waits else STEPS[version.status]


def role_beside(name: str, role: Role) -> str:
    """What to say of a role under a name; nothing under one that says it already, as the first admin's does."""
    return "" if name.strip().casefold() == ROLES[role].casefold() else ROLES[role]


def human_size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"


def human_time(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """In the reader's zone; the year only when it is not this one."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    days = (today.date() - local.date()).days
    if days in (0, 1):
        return f"{'today' if days == 0 else 'yesterday'} {local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%b}{year}, {local:%H:%M}"


def day(moment: date, today: date) -> str:
    """The year only when it is not this one."""
    year = "" if moment.year == today.year else f" {moment.year}"
    return f"{moment.day} {moment:%b}{year}"


def findings(version: Version) -> list[str]:
    """What was found while a version was read that people should know of before they rely on it."""
    found = []
    if version.empty_pages and version.pages:
        have = "has" if version.empty_pages == 1 else "have"
        found.append(f"{version.empty_pages:,} of {counted(version.pages, 'page')} {have} no text")
    if version.ocr_pages:
        found.append(f"{counted(version.ocr_pages, 'page')} read by OCR: check the numbers and names")
    return found


def became(followed: Followed) -> str:
    """What a version is now that is not simply the newest one; nothing of that one."""
    number = followed.version.number
    if followed.document.state is DocumentState.DELETED:
        return "Deleted"
    if followed.replaced_by is not None:
        return f"{'Read again as' if followed.was_read_again else 'Replaced by'} version {followed.replaced_by}"
    if followed.document.latest.number != number:
        return f"Version {number}, answers questions"
    return ""


def kept(version: Version) -> str:
    """How much of a version an earlier one has too; nothing when there is none."""
    if not version.kept_vectors or not version.chunks:
        return ""
    return f"kept {version.kept_vectors:,} of {counted(version.chunks, 'passage')} unchanged"


def alike(likeness: float) -> str:
    """How much of a text is in another one too, before that one's name: an estimate, so never all of it."""
    return f"The text is about {min(round(likeness * 100), 99)} % the same as in"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def pages(first: int | None, last: int | None) -> str:
    """`p. 3`, `pp. 3–4`, or nothing for text without pages."""
    if first is None:
        return ""
    return f"p. {first}" if last in (None, first) else f"pp. {first}–{last}"


def duration(seconds: float) -> str:
    """About how long, in the two largest units, rounded up: who waits would rather hear too much."""
    if seconds < 60:
        return f"{int(seconds)} s"
    minutes = math.ceil(seconds / 60)
    hours, days = minutes // 60, minutes // (24 * 60)
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{minutes} min"


def rate(one: SetFacts) -> str:
    """How fast its passages are embedded; nothing before anybody knows."""
    per_second = one.chunks_per_second
    if per_second is None:
        return ""
    return f"{per_second:,.0f} passages/s" if per_second >= 10 else f"{per_second:.1f} passages/s"


def percent(share: float) -> str:
    """All of it only when it is all of it."""
    return f"{int(share * 100)} %"


def money(amount: float) -> str:
    """In the currency of whoever set the price; a tiny amount is not nothing."""
    return f"{amount:,.2f}" if amount >= 0.01 or amount == 0 else "under 0.01"


def spent(answer: Answer) -> str:
    """How the answer came about: time, model, tokens."""
    seconds = sum(answer.timings.values()) / 1000
    took = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    tokens = answer.prompt_tokens + answer.completion_tokens
    writers = {"extractive": "quoted word for word, no language model", "verified": "verified before"}
    writer = writers.get(answer.generator) or answer.model
    if answer.outcome is Outcome.NOT_FOUND and answer.generator == "extractive":
        writer = "no language model"  # nothing is quoted
    known = ["written before for those who may read the same"] if "cache" in answer.timings else []
    return " · ".join([took, writer, *known, *([counted(tokens, "token")] if tokens else [])])
