"""`/api/retrieval/…`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, status
from starlette.responses import Response

from kyo_app import runtime
from kyo_app.api import streaming
from kyo_app.api.bodies import Page, WantedPage, page_of
from kyo_app.api.caller import Caller
from kyo_app.api.conditional import DOCUMENTED, NOT_MODIFIED, ConditionalRoute
from kyo_app.api.problems import documented
from kyo_app.api.retrieval_bodies import Answer, AnswerSummary, Feedback, Question
from kyo_app.api.threads import Work, in_thread, run
from kyo_pipeline.services import asking, history

router = APIRouter(prefix="/retrieval", tags=["Retrieval"], route_class=ConditionalRoute)

_STREAM = (
    "event: begun\n"
    'data: {"conversation_id": "0b9f5c1e-8a4e-4f7f-9d2b-6a1f5f0f7a11"}\n\n'
    "event: piece\n"
    'data: {"text": "Thirty days "}\n\n'
    "event: answer\n"
    'data: {"id": "…", "text": "Thirty days [1].", "outcome": "answered", …}\n\n'
)
_EVENTS = {"schema": {"type": "string"}, "example": _STREAM}


@router.post(
    "/query/",
    operation_id="ask_question",
    summary="Ask a question",
    response_model=Answer,
    responses={**documented(404), 200: {"description": "The answer", "content": {streaming.MEDIA_TYPE: _EVENTS}}},
)
async def ask_question(request: Request, caller: Caller, body: Question) -> Response | Answer:
    """The stored answer, out of the documents that you may read; `outcome` is `not_found` where they have none.

    With `Accept: text/event-stream` it comes as server-sent events: `begun` with the conversation, `piece` with text
    while it is written, and `answer` with the whole answer, whose text counts: its citations have been checked. What
    fails once events are sent is an event `problem`, with problem details; before, it is an ordinary error. Whoever
    hangs up finds what there was in the history, as `stopped`.

    Scope `answers:ask`. Questions of one person are limited by minute and by day: 429 says from when on there are more.
    """

    # Not `in_thread`: while a stream is sent there is nothing to do that blocks.
    kyo, anew = runtime.kyo(), body.anew
    if streaming.is_wanted(request):
        return await streaming.streamed(
            request,
            lambda begun: asking.stream_answer(kyo, caller, body.question, body.conversation_id, begun, anew=anew),
        )
    answer = await run(Work.QUESTION, asking.ask, kyo, caller, body.question, body.conversation_id, anew=anew)
    return Answer.model_validate(answer)


@router.get(
    "/history/",
    operation_id="list_answers",
    summary="List your questions and answers",
    responses=NOT_MODIFIED,
    openapi_extra=DOCUMENTED,
)
@in_thread(Work.REQUEST)
def list_answers(
    request: Request,
    caller: Caller,
    paging: WantedPage,
    q: Annotated[str, Query(max_length=asking.MAX_QUESTION_LENGTH, description="Words that are looked for.")] = "",
) -> Page[AnswerSummary]:
    """Your own questions with their answers, newest first. Nobody else's, whatever your role. Scope `answers:ask`."""
    page = history.list_answers(runtime.kyo(), caller, text=q, limit=paging.limit, offset=paging.offset)
    answers = [AnswerSummary.model_validate(answer) for answer in page.answers]
    return page_of(request, paging, answers, page.total)


@router.get(
    "/history/{answer_id}/",
    operation_id="read_answer",
    summary="Read one of your answers",
    responses={**NOT_MODIFIED, **documented(404)},
    openapi_extra=DOCUMENTED,
)
@in_thread(Work.REQUEST)
def read_answer(caller: Caller, answer_id: UUID) -> Answer:
    """An answer to a question of yours; `withheld`, where it quotes what you may not read now. Scope `answers:ask`."""
    return Answer.model_validate(history.read_answer(runtime.kyo(), caller, answer_id))


@router.post(
    "/feedback/",
    operation_id="rate_answer",
    summary="Say whether an answer helped",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=documented(404),
)
@in_thread(Work.REQUEST)
def rate_answer(caller: Caller, body: Feedback) -> None:
    """What you think of an answer to one of your questions; the last word counts, and null takes it back.

    Scope `answers:ask`.
    """
    if body.rating is None:
        history.withdraw_rating(runtime.kyo(), caller, body.answer_id)
        return
    history.rate(
        runtime.kyo(), caller, body.answer_id, body.rating, body.comment, body.reason, body.correct_document_id
    )
