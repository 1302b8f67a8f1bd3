"""Signing in and looking after accounts at the same moment: everything counts, and nothing waits in a circle."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from kyo_pipeline.adapters import passwords
from kyo_pipeline.db import users
from kyo_pipeline.domain.actor import OPERATOR, Role
from kyo_pipeline.errors import Conflict, KyoError, NotAllowed, TooMany
from kyo_pipeline.kyo import Kyo, utc_now
from kyo_pipeline.services import accounts, people, signing_in

PASSWORD = "correct horse battery"
BROWSER = "browser"
OFFICE = "192.0.2.7"


def test_guesses_at_the_same_moment_all_count(committed: Kyo, monkeypatch: pytest.MonkeyPatch) -> None:
    people.add_person(committed, OPERATOR, "anna", "Anna", Role.ADMIN, "", PASSWORD)
    looked: list[str] = []
    monkeypatch.setattr(passwords, "verify", lambda _, password: looked.append(password))

    def guess(number: int) -> type[Exception]:
        with pytest.raises((NotAllowed, TooMany)) as caught:
            signing_in.sign_in(committed, "anna", f"guess {number}", BROWSER, OFFICE)
        return caught.type

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(guess, range(40)))
    assert len(looked) == 5
    assert outcomes.count(TooMany) == 35
    with committed.db.transaction(OPERATOR) as tx:
        blocks = tx.exec_driver_sql("select from audit_log where event = 'user:block'").all()
        tx.exec_driver_sql("delete from sign_in_failures")
    assert len(blocks) == 1


def test_an_office_that_signs_in_at_the_same_moment_is_not_locked_out(
    committed: Kyo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "verify", lambda *_: True)
    names = [f"user{number}" for number in range(16)]
    with committed.db.transaction(OPERATOR) as tx:
        for name in names:
            users.add(tx, name, name, Role.EMPLOYEE, committed.now(), password_hash="no password fits")
    with ThreadPoolExecutor(8) as threads:
        tickets = list(threads.map(lambda n: signing_in.sign_in(committed, n, "x", BROWSER, OFFICE), names * 2))
    assert len(set(tickets)) == 32
    with committed.db.transaction(OPERATOR) as tx:
        assert tx.exec_driver_sql("select from sign_in_failures").all() == []


def test_deeds_at_the_same_moment_wait_for_each_other_and_never_in_a_circle(
    committed: Kyo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "verify", lambda _, password: password == PASSWORD)
    monkeypatch.setattr(passwords, "hash_password", lambda password: password)
    kyo = replace(committed, now=utc_now)
    anna = people.add_person(kyo, OPERATOR, "anna", "Anna", Role.EMPLOYEE, "", PASSWORD).person
    people.add_person(kyo, OPERATOR, "boss", "Boss", Role.ADMIN, "", PASSWORD)
    tokens = ["none"]

    def sign_in_over_the_last_session() -> None:
        ticket = signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER, OFFICE)
        tokens.append(signing_in.redeem_ticket(kyo, ticket, BROWSER, replaced=tokens[-1])[0])

    deeds: list[Callable[[], object]] = [
        sign_in_over_the_last_session,
        lambda: signing_in.sign_in(kyo, "anna", "wrong", BROWSER, OFFICE),
        lambda: signing_in.actor_of_session(replace(kyo, now=lambda: utc_now() + timedelta(hours=1)), tokens[-1]),
        lambda: signing_in.sign_out(kyo, tokens[-1]),
        lambda: accounts.change_password(kyo, anna, PASSWORD, "another plum tree river"),
        lambda: accounts.end_other_sessions(kyo, anna, tokens[-1]),
        lambda: people.change_role(kyo, OPERATOR, anna.id, Role.ADMIN),
        lambda: people.change_role(kyo, OPERATOR, anna.id, Role.MANAGER),
        lambda: people.deactivate(kyo, OPERATOR, anna.id),
        lambda: people.reactivate(kyo, OPERATOR, anna.id),
        lambda: people.reset_password(kyo, OPERATOR, anna.id),
        lambda: people.unblock(kyo, OPERATOR, anna.id),
    ]

    def outcome(number: int) -> str:
        try:
            deeds[number % len(deeds)]()
        except KyoError as error:
            return error.message
        return "done"

    with ThreadPoolExecutor(8) as threads:
        outcomes = set(threads.map(outcome, range(25 * len(deeds))))
    with kyo.db.transaction(OPERATOR) as tx:
        tx.exec_driver_sql("delete from sign_in_failures")
    assert "done" in outcomes
    assert not [said for said in outcomes if "Somebody else was working" in said]


@pytest.mark.parametrize("_", range(5))
def test_two_new_passwords_at_the_same_moment(committed: Kyo, monkeypatch: pytest.MonkeyPatch, _: int) -> None:
    both = threading.Barrier(2, timeout=20)
    monkeypatch.setattr(passwords, "verify", lambda _, password: password == PASSWORD)
    kyo = replace(committed, now=utc_now)
    anna = people.add_person(kyo, OPERATOR, "anna", "Anna", Role.EMPLOYEE, "", PASSWORD).person

    def hash_together(password: str) -> str:
        both.wait()
        return password

    monkeypatch.setattr(passwords, "hash_password", hash_together)

    def change(password: str) -> str:
        try:
            accounts.change_password(kyo, anna, PASSWORD, password)
        except Conflict as error:
            return error.message
        return "done"

    with ThreadPoolExecutor(2) as threads:
        outcomes = sorted(threads.map(change, ("another plum tree river", "a third plum tree river")))
    assert outcomes == ["Your account has been changed at the same moment. Sign in again.", "done"]
