"""People as administrators look after them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text as statement

from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, OPERATOR_ID, Actor, Role
from kyo_pipeline.domain.people import PersonState
from kyo_pipeline.errors import Conflict, Invalid, KyoError, NotAllowed, NotFound, TooMany
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import joining, people, signing_in
from tests.conftest import Clock
from tests.typed import PASSWORD

BROWSER = "browser"


def session(kyo: Kyo, password: str = PASSWORD, username: str = "anna") -> str:
    return signing_in.redeem_ticket(kyo, signing_in.sign_in(kyo, username, password, BROWSER), BROWSER)[0]


def block(kyo: Kyo, username: str) -> None:
    for _ in range(5):
        with pytest.raises(NotAllowed):
            signing_in.sign_in(kyo, username, "wrong", BROWSER)


class TestListing:
    def test_shows_everybody_but_the_operator_with_what_an_admin_must_know(
        self, kyo: Kyo, admin: Actor, anna: Actor, eric: Any, clock: Clock
    ) -> None:
        joining.invite(kyo, admin, "cleo", "Cleo", Role.MANAGER)
        people.deactivate(kyo, admin, people.add_person(kyo, admin, "dora", "Dora", Role.EMPLOYEE).person.id)
        session(kyo)
        session(kyo)
        block(kyo, "anna")
        page = people.list_people(kyo, admin)
        found = {person.username: person for person in page.people}
        assert list(found) == sorted(found)
        assert page.total == 5
        assert {name: person.state for name, person in found.items()} == {
            "anna": PersonState.ACTIVE,
            "cleo": PersonState.INVITED,
            "dora": PersonState.DEACTIVATED,
            "eric": PersonState.AWAITING,
            admin.username: PersonState.ACTIVE,
        }
        shown = found["anna"]
        assert (shown.id, shown.name, shown.email, shown.role) == (anna.id, "Anna", "anna@example.org", Role.EMPLOYEE)
        assert (shown.sessions, shown.last_seen_at, shown.created_at) == (2, clock(), clock())
        assert shown.blocked_until == clock() + timedelta(seconds=30)
        assert found["eric"].id == eric
        assert (found["cleo"].sessions, found["cleo"].last_seen_at, found["cleo"].blocked_until) == (0, None, None)

    def test_blocks_and_sessions_that_are_over_are_not_shown(
        self, kyo: Kyo, admin: Actor, anna: Actor, clock: Clock
    ) -> None:
        session(kyo)
        block(kyo, "anna")
        clock.advance(hours=kyo.settings.KYO_SESSION_IDLE_HOURS)
        [shown] = people.list_people(kyo, admin, text="anna").people
        assert (shown.id, shown.sessions, shown.blocked_until) == (anna.id, 0, None)

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("ANNA", ["anna"]),
            ("example.org", ["anna"]),
            ("nna", ["anna"]),
            ("%", []),
            ("_", []),
            ("\\", []),
            ("nobody", []),
        ],
    )
    @pytest.mark.usefixtures("anna")
    def test_finds_names_and_addresses(self, kyo: Kyo, admin: Actor, text: str, found: list[str]) -> None:
        assert [person.username for person in people.list_people(kyo, admin, text=text).people] == found

    @pytest.mark.parametrize("text", ["x" * 1_000_000, "a\x00", "\ud800b", "😀", "'; drop table users; --", "<b>"])
    def test_any_text_may_be_looked_for(self, kyo: Kyo, admin: Actor, text: str) -> None:
        assert people.list_people(kyo, admin, text=text).people in ((), people.list_people(kyo, admin).people)

    def test_by_state(self, kyo: Kyo, admin: Actor, anna: Actor, eric: Any) -> None:
        for state, wanted in {
            PersonState.ACTIVE: {admin.id, anna.id},
            PersonState.AWAITING: {eric},
            PersonState.INVITED: set(),
            PersonState.DEACTIVATED: set(),
        }.items():
            page = people.list_people(kyo, admin, state=state)
            assert {person.id for person in page.people} == wanted
            assert page.total == len(wanted)

    @pytest.mark.parametrize(
        ("limit", "offset", "names"),
        [(2, 0, ["u0", "u1"]), (2, 2, ["u2"]), (2, 50, []), (0, 0, ["u0"]), (-5, -5, ["u0"]), (10**20, 10**20, [])],
    )
    def test_in_pages(self, kyo: Kyo, admin: Actor, limit: int, offset: int, names: list[str]) -> None:
        for number in range(3):
            joining.invite(kyo, admin, f"u{number}", "Name", Role.EMPLOYEE)
        page = people.list_people(kyo, admin, state=PersonState.INVITED, limit=limit, offset=offset)
        assert ([person.username for person in page.people], page.total) == (names, 3)

    @pytest.mark.parametrize("username", ["nobody", "kyo", "", "a\x00b", "\ud800", "x" * 1_000_000, "😀"])
    def test_nobody_is_nobody(self, kyo: Kyo, admin: Actor, username: str) -> None:
        with pytest.raises(NotFound):
            people.id_of(kyo, admin, username)
        with pytest.raises(NotFound):
            people.actor_named(kyo, username)

    def test_only_who_is_active_can_be_acted_for(self, kyo: Kyo, admin: Actor, anna: Actor, eric: Any) -> None:
        assert people.actor_named(kyo, " Anna ") == anna
        people.deactivate(kyo, admin, anna.id)
        for username in ("anna", "eric"):
            with pytest.raises(NotFound, match="no active user called"):
                people.actor_named(kyo, username)
        assert people.id_of(kyo, admin, "ANNA") == anna.id
        assert people.id_of(kyo, admin, "eric") == eric

    def test_one_alone_is_shown_as_in_the_list(self, kyo: Kyo, admin: Actor, anna: Actor, eric: Any) -> None:
        session(kyo)
        block(kyo, "anna")
        for user_id in (anna.id, eric):
            [listed] = [person for person in people.list_people(kyo, admin).people if person.id == user_id]
            assert people.read_person(kyo, admin, user_id) == listed
        for nobody in (uuid4(), OPERATOR_ID):
            with pytest.raises(NotFound, match="no such user"):
                people.read_person(kyo, admin, nobody)


class TestAccess:
    def test_says_where_and_why(
        self, kyo: Kyo, admin: Actor, anna: Actor, collection: Callable[..., str], sql: Callable[..., list[Any]]
    ) -> None:
        collection("News", members={anna: "approve"})
        collection("Board")
        [(group,)] = sql("insert into groups (name, created_at) values ('Press', now()) returning id")
        sql("insert into group_members values (:group, :user)", group=group, user=anna.id)
        sql("insert into collection_groups select id, :group, 'read' from collections where name = 'News'", group=group)
        assert people.read_access(kyo, admin, anna.id) == (
            ("General", Access.WRITE, "everyone"),
            ("News", Access.WRITE, "member"),
            ("News", Access.READ, "group Press"),
        )
        assert ("Board", Access.APPROVE, "admin") in people.read_access(kyo, admin, admin.id)
        people.deactivate(kyo, admin, anna.id)
        assert people.read_access(kyo, admin, anna.id) == ()

    def test_of_nobody(self, kyo: Kyo, admin: Actor) -> None:
        for nobody in (uuid4(), OPERATOR_ID):
            with pytest.raises(NotFound):
                people.read_access(kyo, admin, nobody)


class TestAdding:
    @pytest.mark.parametrize(
        ("username", "name", "email", "password"),
        [
            ("", "Name", "", None),
            ("-x", "Name", "", None),
            ("two words", "Name", "", None),
            ("x" * 1_000_000, "Name", "", None),
            ("ünal", "Name", "", None),
            ("bert", "", "", None),
            ("bert", "   ", "", None),
            ("bert", "x" * 1_000_000, "", None),
            ("bert", "B\x00ert", "", None),
            ("bert", "B\ud800ert", "", None),
            ("bert", "Bert", "no address", None),
            ("bert", "Bert", "\x00@\ud800", None),
            ("bert", "Bert", "x" * 1_000_000, None),
            ("bert", "Bert", "", ""),
            ("bert", "Bert", "", "short"),
            ("bert", "Bert", "", "bertbertbert"),
            ("bert", "Bert", "", "password1234"),
        ],
    )
    def test_who_is_refused(
        self, kyo: Kyo, admin: Actor, username: str, name: str, email: str, password: str | None
    ) -> None:
        with pytest.raises(Invalid):
            people.add_person(kyo, admin, username, name, Role.EMPLOYEE, email, password)
        if password is None:
            with pytest.raises(Invalid):
                joining.invite(kyo, admin, username, name, Role.EMPLOYEE, email)
        assert [person.username for person in people.list_people(kyo, admin).people] == [admin.username]

    @pytest.mark.parametrize("name", ["'; drop table users; --", "<script>alert(1)</script>", "😀", "Ünal"])
    def test_any_name_is_text(self, kyo: Kyo, admin: Actor, name: str) -> None:
        assert people.add_person(kyo, admin, "bert", name, Role.EMPLOYEE).person.name == name

    def test_two_people_cannot_have_one_name_or_address(self, kyo: Kyo, admin: Actor, anna: Actor) -> None:
        for add in (people.add_person, joining.invite):
            with pytest.raises(Conflict, match="already a user called anna"):
                add(kyo, admin, "ANNA", "Other", Role.ADMIN)
            with pytest.raises(Conflict, match="this e-mail address"):
                add(kyo, admin, "other", "Other", Role.ADMIN, "ANNA@example.org")
        assert people.actor_named(kyo, "anna") == anna

    def test_is_on_record_without_the_password(
        self, kyo: Kyo, admin: Actor, details: Callable[[str], Any], sql: Callable[..., list[Any]]
    ) -> None:
        new = people.add_person(kyo, admin, "bert", "Bert", Role.MANAGER)
        assert details("user:add") == [(admin.id, str(new.person.id), {"username": "bert", "role": "manager"})]
        assert str(new.one_time_password) not in str(sql("select * from audit_log"))

    def test_the_first_admin_is_made_on_an_installation_without_people_and_never_again(self, kyo: Kyo) -> None:
        first = people.ensure_first_admin(kyo)
        assert first is not None
        assert (first.person.username, first.person.role) == ("admin", Role.ADMIN)
        assert first.person.must_change_password
        assert people.ensure_first_admin(kyo) is None
        assert [person.username for person in people.list_people(kyo, OPERATOR).people] == ["admin"]


class TestChanging:
    def test_a_role(self, kyo: Kyo, admin: Actor, anna: Actor, details: Callable[[str], Any]) -> None:
        assert people.change_role(kyo, admin, anna.id, Role.MANAGER).role is Role.MANAGER
        people.change_role(kyo, admin, anna.id, Role.MANAGER)
        assert people.actor_named(kyo, "anna").role is Role.MANAGER
        assert details("user:change_role") == [(admin.id, str(anna.id), {"from": "employee", "to": "manager"})]

    def test_deactivated_is_out_at_once_and_back_with_the_same_password(
        self, kyo: Kyo, admin: Actor, anna: Actor, details: Callable[[str], Any], sql: Callable[..., list[Any]]
    ) -> None:
        token, ticket = session(kyo), signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
        people.deactivate(kyo, admin, anna.id)
        assert signing_in.actor_of_session(kyo, token) is None
        assert sql("select from sessions where revoked_at is null") == []
        with pytest.raises(Conflict, match="is deactivated"):
            people.deactivate(kyo, admin, anna.id)
        people.reactivate(kyo, admin, anna.id)
        assert signing_in.actor_of_session(kyo, token) is None
        with pytest.raises(NotAllowed):
            signing_in.redeem_ticket(kyo, ticket, BROWSER)
        assert signing_in.actor_of_session(kyo, session(kyo)) == anna
        with pytest.raises(Conflict, match="is not deactivated"):
            people.reactivate(kyo, admin, anna.id)
        assert details("user:deactivate") == details("user:reactivate") == [(admin.id, str(anna.id), {})]

    def test_a_reset_password_ends_sessions_and_blocks_and_is_good_once(
        self, kyo: Kyo, admin: Actor, anna: Actor, clock: Clock, details: Callable[[str], Any]
    ) -> None:
        token = session(kyo)
        block(kyo, "anna")
        clock.advance(seconds=1)
        new = people.reset_password(kyo, admin, anna.id)
        assert new.person == anna
        assert signing_in.actor_of_session(kyo, token) is None
        assert session(kyo, new.one_time_password or "")
        with pytest.raises(NotAllowed):
            session(kyo, PASSWORD)
        assert details("user:reset_password") == [(admin.id, str(anna.id), {})]

    def test_sessions_end(self, kyo: Kyo, admin: Actor, anna: Actor, details: Callable[[str], Any]) -> None:
        tokens = [session(kyo), session(kyo)]
        assert people.end_sessions(kyo, admin, anna.id) == 2
        assert [signing_in.actor_of_session(kyo, token) for token in tokens] == [None, None]
        assert people.end_sessions(kyo, admin, anna.id) == 0
        assert details("user:end_sessions") == [
            (admin.id, str(anna.id), {"sessions": 2}),
            (admin.id, str(anna.id), {"sessions": 0}),
        ]

    def test_a_block_goes(self, kyo: Kyo, admin: Actor, anna: Actor, details: Callable[[str], Any]) -> None:
        block(kyo, "anna")
        with pytest.raises(TooMany):
            session(kyo)
        people.unblock(kyo, admin, anna.id)
        assert session(kyo)
        assert details("user:unblock") == [(admin.id, str(anna.id), {})]
        with pytest.raises(Conflict, match="is not blocked"):
            people.unblock(kyo, admin, anna.id)

    @pytest.mark.parametrize(
        "verb",
        [
            people.deactivate,
            people.reactivate,
            people.reset_password,
            people.end_sessions,
            people.unblock,
            joining.invite_again,
            joining.approve_registration,
            joining.decline_registration,
            lambda kyo, actor, user_id: people.change_role(kyo, actor, user_id, Role.EMPLOYEE),
        ],
    )
    def test_there_is_no_such_user(self, kyo: Kyo, admin: Actor, audited: Callable[[], list[str]], verb: Any) -> None:
        for nobody in (uuid4(), OPERATOR_ID):
            with pytest.raises(NotFound, match="no such user"):
                verb(kyo, admin, nobody)
        assert audited() == []

    @pytest.mark.parametrize(
        "verb",
        [
            people.deactivate,
            people.reset_password,
            lambda kyo, actor, user_id: people.change_role(kyo, actor, user_id, Role.ADMIN),
        ],
    )
    def test_whoever_waits_must_be_let_in_first(self, kyo: Kyo, admin: Actor, eric: Any, verb: Any) -> None:
        with pytest.raises(Conflict, match="Approve the registration first"):
            verb(kyo, admin, eric)


class TestTheLastAdmin:
    def test_cannot_be_removed(self, kyo: Kyo, admin: Actor, audited: Callable[[], list[str]]) -> None:
        for actor in (admin, OPERATOR):
            with pytest.raises(Conflict, match="last administrator cannot be removed"):
                people.change_role(kyo, actor, admin.id, Role.MANAGER)
        with pytest.raises(Conflict, match="last administrator cannot be removed"):
            people.deactivate(kyo, OPERATOR, admin.id)
        assert audited() == []

    def test_whoever_has_not_come_yet_is_no_other_admin(self, kyo: Kyo, admin: Actor) -> None:
        invited = joining.invite(kyo, admin, "cleo", "Cleo", Role.ADMIN)
        with pytest.raises(Conflict, match="last administrator"):
            people.change_role(kyo, admin, admin.id, Role.MANAGER)
        joining.accept_invitation(kyo, invited.token, PASSWORD)
        people.change_role(kyo, admin, admin.id, Role.MANAGER)

    def test_an_admin_may_step_down_and_not_shut_themselves_out(
        self, kyo: Kyo, person: Callable[[Role], Actor], admin: Actor
    ) -> None:
        person(Role.ADMIN)
        with pytest.raises(Conflict, match="cannot deactivate yourself"):
            people.deactivate(kyo, admin, admin.id)
        assert people.change_role(kyo, admin, admin.id, Role.EMPLOYEE).role is Role.EMPLOYEE

    @pytest.mark.parametrize("deed", ["demote", "deactivate"])
    def test_two_admins_cannot_remove_each_other_at_the_same_moment(self, committed: Kyo, deed: str) -> None:
        admins = [
            people.add_person(committed, OPERATOR, name, name, Role.ADMIN, "", PASSWORD).person
            for name in ("ada", "bea")
        ]

        def remove(pair: tuple[Actor, Actor]) -> str:
            actor, other = pair
            try:
                if deed == "demote":
                    people.change_role(committed, actor, other.id, Role.EMPLOYEE)
                else:
                    people.deactivate(committed, actor, other.id)
            except KyoError as error:
                return error.message
            return "done"

        with ThreadPoolExecutor(2) as threads:
            outcomes = sorted(threads.map(remove, [(admins[0], admins[1]), (admins[1], admins[0])]))
        assert outcomes.count("done") == 1
        with committed.db.transaction(OPERATOR) as tx:
            left = tx.scalar(
                statement("select count(*) from users where role = 'admin' and active and id <> :operator"),
                {"operator": OPERATOR_ID},
            )
        assert left == 1
