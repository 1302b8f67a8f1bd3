"""`/api/auth/…`: accounts, and tokens for them."""

from fastapi import APIRouter, Request

from kyo_app import runtime
from kyo_app.api import problems
from kyo_app.api.auth_bodies import (
    Login,
    OwnProfile,
    ProfileChange,
    RefreshToken,
    Registered,
    Registration,
    Tokens,
)
from kyo_app.api.caller import Caller
from kyo_app.api.threads import Work, in_thread
from kyo_app.identity import address_of
from kyo_pipeline.services import accounts, joining, token_access

router = APIRouter(prefix="/auth", tags=["Authentication"])


@router.post(
    "/register/",
    status_code=201,
    operation_id="register",
    summary="Make an account for oneself",
    responses=problems.documented(403, 409),
)
@in_thread(Work.SIGN_IN)
def register(request: Request, body: Registration) -> Registered:
    """Nobody has to be signed in. The account is an employee's.

    403 where the organisation does not let people register (`KYO_REGISTRATION`), 409 where the user name or the e-mail
    address is taken, 422 for a password that is easy to guess. Whoever tries often from one address has to wait: 429.
    """
    made = joining.register(
        runtime.kyo(),
        body.username,
        body.name,
        body.email,
        body.password.get_secret_value(),
        address=address_of(request.scope),
    )
    return Registered.model_validate(made)


@router.post(
    "/login/",
    operation_id="login",
    summary="Get tokens for a password",
    responses=problems.documented(401, 403),
)
@in_thread(Work.SIGN_IN)
def login(request: Request, body: Login) -> Tokens:
    """A pair of tokens, and the beginning of a family that each refresh goes on with.

    The app's Profile page lists it among the places where somebody is signed in, under the `User-Agent` of this
    request. Who has a one-time password chooses their own in the app first. After some wrong passwords: 429.
    """
    pair = token_access.log_in(
        runtime.kyo(),
        body.username,
        body.password.get_secret_value(),
        device=request.headers.get("user-agent", ""),
        address=address_of(request.scope),
    )
    return Tokens.model_validate(pair)


@router.post(
    "/refresh/",
    operation_id="refresh",
    summary="Get the next tokens for a refresh token",
    responses=problems.documented(401),
)
@in_thread()
def refresh(body: RefreshToken) -> Tokens:
    """The refresh token is spent with it: keep the new one. The access token before stays good until it expires.

    A refresh token that comes a second time may have been stolen, so it ends the whole family: log in again.
    """
    pair = token_access.refresh(runtime.kyo(), body.refresh_token.get_secret_value())
    return Tokens.model_validate(pair)


@router.post(
    "/logout/",
    status_code=204,
    operation_id="logout",
    summary="End a family of tokens",
    responses=problems.documented(401),
)
@in_thread()
def logout(body: RefreshToken) -> None:
    """Its access tokens end at once, too. No access token is needed. Doing it again changes nothing."""
    token_access.log_out(runtime.kyo(), body.refresh_token.get_secret_value())


@router.get("/profile/", operation_id="read_profile", summary="Read one's own account")
@in_thread()
def read_profile(caller: Caller) -> OwnProfile:
    """Any role, and an API key of any scope."""
    return OwnProfile.of(accounts.read_profile(runtime.kyo(), caller))


@router.put(
    "/profile/",
    operation_id="change_profile",
    summary="Change one's own name and e-mail address",
    responses=problems.documented(409),
)
@in_thread()
def change_profile(caller: Caller, body: ProfileChange) -> OwnProfile:
    """Any role, but no API key: 403. 409 where somebody else has the e-mail address."""
    kyo = runtime.kyo()
    accounts.change_profile(kyo, caller, body.name, body.email or "")
    return OwnProfile.of(accounts.read_profile(kyo, caller))
