"""Nobody is given an answer that was made for somebody who may read more."""

from collections.abc import Callable

import pytest

from kyo_pipeline import answer_cache
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Role
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.services import (
    collections,
    groups,
    people,
    sharing,
)
from tests.answer_cache.conftest import World, _change, _second_version, key_for
from tests.recipients import a_group, a_person


def _everyone(world: World) -> Callable[[], object]:
    collections.set_everyone(world.kyo, world.admin, world.place, None)
    return lambda: collections.set_everyone(world.kyo, world.admin, world.place, Access.READ)


def _member(world: World) -> Callable[[], object]:
    _everyone(world)
    return lambda: collections.grant(world.kyo, world.admin, world.place, a_person(world.reader.id), Access.READ)


def _group_of_the_collection(world: World) -> Callable[[], object]:
    _everyone(world)
    team = groups.create(world.kyo, world.admin, "Team").id
    collections.grant(world.kyo, world.admin, world.place, a_group(team), Access.READ)
    return lambda: groups.add_member(world.kyo, world.admin, team, world.reader.id)


def _document_grant(world: World) -> Callable[[], object]:
    _everyone(world)
    return lambda: sharing.add_reader(world.kyo, world.admin, world.document.id, a_person(world.reader.id))


def _document_grant_to_a_group(world: World) -> Callable[[], object]:
    _everyone(world)
    team = groups.create(world.kyo, world.admin, "Team").id
    sharing.add_reader(world.kyo, world.admin, world.document.id, a_group(team))
    return lambda: groups.add_member(world.kyo, world.admin, team, world.reader.id)


def _own_restricted_document(world: World) -> Callable[[], object]:
    sharing.restrict(world.kyo, world.admin, world.document.id)
    return lambda: _change(world, owner=world.reader.id)


def _role(world: World) -> Callable[[], object]:
    sharing.restrict(world.kyo, world.admin, world.document.id)
    return lambda: people.change_role(world.kyo, world.admin, world.reader.id, Role.MANAGER)


RIGHTS = [
    _everyone,
    _member,
    _group_of_the_collection,
    _document_grant,
    _document_grant_to_a_group,
    _own_restricted_document,
    _role,
]


@pytest.mark.parametrize("take", RIGHTS)
def test_rights_that_are_taken_and_given_count_at_once(
    world: World, take: Callable[[World], Callable[[], object]]
) -> None:
    assert "thirty" in world.ask().text
    give = take(world)
    assert world.ask().outcome is Outcome.NOT_FOUND
    assert not world.is_new()
    give()
    assert "thirty" in world.ask().text


def test_who_may_read_the_same_shares_and_nobody_else(world: World) -> None:
    colleague, outsider = world.person(Role.EMPLOYEE), world.person(Role.EMPLOYEE)
    collections.set_everyone(world.kyo, world.admin, world.place, None)
    for member in (world.reader, colleague):
        collections.grant(world.kyo, world.admin, world.place, a_person(member.id), Access.READ)
    assert world.is_new()
    assert world.ask(colleague).citations
    assert len(world.generator.asked) == 1
    assert world.ask(outsider).outcome is Outcome.NOT_FOUND
    assert len(world.generator.asked) == 2
    assert world.is_new(world.admin), "who may approve may read more, though not here"


def test_what_is_kept_is_checked_again_before_it_is_stored(world: World) -> None:
    """Even where the key says that somebody may read it: here, because it is put there."""
    outsider = world.person(Role.EMPLOYEE)
    collections.set_everyone(world.kyo, world.admin, world.place, None)
    collections.grant(world.kyo, world.admin, world.place, a_person(world.reader.id), Access.READ)
    world.ask()
    kept = answer_cache.look_up(world.kyo, key_for(world, world.reader))
    assert kept is not None
    answer_cache.keep(world.kyo, key_for(world, outsider), kept.draft, kept.retrieval)
    answer = world.ask(outsider)
    assert (answer.outcome, answer.citations) == (Outcome.NOT_FOUND, ())
    assert "cache" not in answer.timings


def test_a_version_that_is_not_current_any_more_is_not_shown(world: World) -> None:
    world.ask()
    kept = answer_cache.look_up(world.kyo, key_for(world, world.reader))
    assert kept is not None
    _second_version(world)
    answer_cache.keep(world.kyo, key_for(world, world.reader), kept.draft, kept.retrieval)
    assert "forty" in world.ask().text
