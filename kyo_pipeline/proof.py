"""A password as proof of who somebody is: for the form of the app and for the API, by the same rules."""

from dataclasses import dataclass
from datetime import timedelta

from kyo_pipeline import tries
from kyo_pipeline.adapters import passwords
from kyo_pipeline.db import sessions, sign_in_failures, users
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.sign_in_failures import Counted
from kyo_pipeline.db.users import Credentials
from kyo_pipeline.domain import throttling
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.password_policy import MAX_LENGTH
from kyo_pipeline.domain.people import PersonState, typed_username
from kyo_pipeline.domain.typed_text import said_by_browser
from kyo_pipeline.errors import NotAllowed
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.tries import Try

_WRONG = "The user name or the password is wrong."
_EXPIRED = "This one-time password has expired. Ask an administrator for a new one."
_DEACTIVATED = "Your account has been deactivated. Ask an administrator."
_AWAITING = "You have registered, and an administrator has not let you in yet. Try again later."


class WrongPassword(NotAllowed):
    """There is nobody of this name with this password."""

    def __init__(self) -> None:
        super().__init__(_WRONG)


@dataclass(frozen=True)
class Proof:
    """`stronger` is a hash of the same password with the parameters of today, if the stored one has older ones."""

    known: Credentials
    stronger: str | None
    counted: tuple[Counted, ...]

    @property
    def actor(self) -> Actor:
        return self.known.actor


def prove(kyo: Kyo, username: str, password: str, address: str = "") -> Proof:
    """Check a password. Raises `WrongPassword`, `NotAllowed` for who may not come in, `TooMany`."""
    typed = typed_username(username)
    with kyo.db.transaction(OPERATOR) as tx:
        account, known = (users.find(tx, typed), users.credentials(tx, typed)) if typed else (None, None)
    subjects = (throttling.of_account(typed or username.strip().lower()), *throttling.of_address(address))
    person = account.actor if account else None
    attempt = Try(Event.SESSION_REFUSE, OPERATOR, person, subjects, said_by_browser(address))
    counted = tries.count(kyo, attempt)
    # Outside any transaction: hashing takes long, and takes as long for a name that does not exist.
    fits = passwords.verify(known.password_hash if known else None, password[: MAX_LENGTH + 1])
    if known is None or not fits:
        with kyo.db.transaction(OPERATOR) as tx:
            tries.record_failure(tx, attempt, "wrong", counted, kyo.now())
        raise WrongPassword
    refusal = refusal_of(account.state) if account else None
    if refusal is not None:  # only to whoever knows the password
        with kyo.db.transaction(OPERATOR) as tx:
            tries.record_failure(tx, attempt, "state", counted, kyo.now())
        raise NotAllowed(refusal)
    lifetime = timedelta(days=kyo.settings.KYO_INVITATION_DAYS)
    if known.actor.must_change_password and kyo.now() - known.password_changed_at > lifetime:
        with kyo.db.transaction(OPERATOR) as tx:
            tries.record_failure(tx, attempt, "expired", counted, kyo.now())
        raise NotAllowed(_EXPIRED)
    stronger = passwords.hash_password(password) if passwords.is_outdated(known.password_hash) else None
    return Proof(known, stronger, counted)


def accept(kyo: Kyo, tx: Transaction, proof: Proof) -> None:
    """Let them in, in the transaction that begins what they get. Raises `WrongPassword` if it no longer holds."""
    # Whoever deactivates them or resets the password at this moment comes before or after, not in between.
    if not users.lock_unchanged(tx, proof.known):
        raise WrongPassword
    if proof.stronger is not None:
        users.strengthen_hash(tx, proof.known, proof.stronger)
    tries.forgive(tx, proof.counted)
    sign_in_failures.forget_old(tx, kyo.now())
    sessions.forget_old(tx, kyo.now())


def refusal_of(state: PersonState) -> str | None:
    """Why somebody in this state may not come in; None for who may."""
    return {PersonState.DEACTIVATED: _DEACTIVATED, PersonState.AWAITING: _AWAITING}.get(state)
