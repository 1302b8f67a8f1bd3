"""`/api/retrieval/…`: questions, the history of answers, and what their askers think of them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from kyo_app import runtime
from kyo_app.api import problems, streaming
from kyo_app.api.bodies import Page, WantedPage, page_of
from kyo_app.api.caller import Caller
from kyo_app.api.conditional import DOCUMENTED, NOT_MODIFIED, ConditionalRoute
from kyo_app.api.retrieval_bodies import Answer, AnswerSummary, Feedback, Question
from kyo_app.api.threads import Work, in_thread, run
from kyo_pipeline.services import asking, history

router = APIRouter(prefix="/retrieval", tags=["Retrieval"], route_class=ConditionalRoute)

_MAX_TEXT = 200
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; with `Accept: text/event-stream`, the events `begun`, `piece` …, and `answer` or "
        "`problem`.",
        "content": {streaming.MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/query/",
    operation_id="ask",
    summary="Ask a question",
    response_model=Answer,
    responses={**_EVENTS, **problems.documented(404)},
)
async def ask(request: Request, caller: Caller, body: Question) -> Any:
    """An answer with citations from approved documents that the caller may read, or an honest `not_found`.

    With `Accept: text/event-stream` it comes as server-sent events while it is written: `begun` with the
    conversation, `piece` with text as often as there is some, and in the end `answer` with the whole, whose text
    counts, or `problem`. Whoever hangs up stops it; what was written is in the history. Scope `answers:ask`. How many
    questions one person may ask in a minute and a day is limited: 429.
    """
    kyo = runtime.kyo()
    if streaming.MEDIA_TYPE in request.headers.get("accept", ""):
        begun = streaming.Begun()

        def note(conversation_id: UUID) -> None:
            begun["conversation_id"] = str(conversation_id)

        writing = asking.stream_answer(kyo, caller, body.question, body.conversation_id, note, anew=body.anew)
        return await streaming.stream(writing, begun)
    found = await run(Work.QUESTION, asking.ask, kyo, caller, body.question, body.conversation_id, anew=body.anew)
    return Answer.of(found)


@router.get(
    "/history/",
    operation_id="list_history",
    summary="List one's own questions",
    responses=NOT_MODIFIED,
    openapi_extra=DOCUMENTED,
)
@in_thread()
def list_history(
    request: Request,
    caller: Caller,
    paging: WantedPage,
    q: Annotated[str, Query(max_length=_MAX_TEXT, description="Looked for in questions.")] = "",
) -> Page[AnswerSummary]:
    """With the beginning of each answer, the newest first. Scope `answers:ask`."""
    found = history.list_answers(runtime.kyo(), caller, text=q, limit=paging.limit, offset=paging.offset)
    return page_of(request, paging, [AnswerSummary.model_validate(one) for one in found.answers], found.total)


@router.get(
    "/history/{answer_id}/",
    operation_id="read_answer",
    summary="Read an answer again",
    responses={**NOT_MODIFIED, **problems.documented(404)},
    openapi_extra=DOCUMENTED,
)
@in_thread()
def read_answer(answer_id: UUID, caller: Caller) -> Answer:
    """One of your own. `withheld`: it quoted documents that you may no longer read. Scope `answers:ask`."""
    return Answer.of(history.read_answer(runtime.kyo(), caller, answer_id))


@router.post(
    "/feedback/",
    status_code=204,
    operation_id="give_feedback",
    summary="Say whether an answer helped",
    responses=problems.documented(404),
)
@in_thread()
def give_feedback(caller: Caller, body: Feedback) -> Response:
    """About an answer to a question of your own.

    What did not help is looked into by those who look after the documents that it cites. Scope `answers:ask`.
    """
    kyo = runtime.kyo()
    if body.rating is None:
        history.withdraw_rating(kyo, caller, body.answer_id)
    else:
        history.rate(kyo, caller, body.answer_id, body.rating, body.comment, body.reason, body.correct_document_id)
    return Response(status_code=204)
