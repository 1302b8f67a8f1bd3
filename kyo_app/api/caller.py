"""Who calls: an access token or an API key in the header `Authorization`, and nothing else."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from kyo_app import runtime
from kyo_app.api.threads import Work, run
from kyo_app.identity import address_of
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.errors import NotSignedIn
from kyo_pipeline.services import token_access

_BEARER = HTTPBearer(
    scheme_name="bearer",
    description="An access token of `POST /api/auth/login/`, or an API key that you make in the app, in Profile.",
    auto_error=False,
)


async def caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
) -> Actor:
    """The person behind the token, as the database knows them now. Cookies count for nothing here."""
    if len(request.headers.getlist("authorization")) > 1:  # a proxy may have looked at another one than we do
        raise NotSignedIn("Send the header `Authorization` once.")
    if credentials is None:
        raise NotSignedIn("Send an access token or an API key, in the header `Authorization: Bearer …`.")
    address = address_of(request.scope)
    actor = await run(
        Work.REQUEST, token_access.actor_of_bearer, runtime.kyo(), credentials.credentials, address=address
    )
    request.state.actor = actor  # for what goes on record when a service refuses
    return actor


Caller = Annotated[Actor, Depends(caller)]
