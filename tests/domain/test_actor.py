from dataclasses import replace
from uuid import UUID

import pytest

from kyo_pipeline.domain.actor import OPERATOR, PERMISSIONS, Actor, Permission, Role
from kyo_pipeline.errors import NotAllowed

ANNA = Actor(UUID(int=7), "anna", "Anna", Role.EMPLOYEE)

#: What each role may do, written down a second time: a change here is a decision, not a slip.
MAY = {
    Role.EMPLOYEE: {
        "analytics:read_own",
        "answer:ask",
        "answer:rate",
        "answer:read_own",
        "answer:read_shared",
        "answer:share",
        "document:download",
        "document:read",
        "document:retry",
        "document:upload",
        "feedback:review",
    },
    Role.MANAGER: {
        "analytics:read",
        "answer:verify",
        "document:approve",
        "document:archive",
        "document:change",
        "document:restrict",
        "evaluation_case:manage",
        "gap:manage",
        "quality:read",
    },
    Role.ADMIN: {
        "alert:read",
        "alert:test",
        "audit:read",
        "collection:manage",
        "document:delete",
        "document:reprocess",
        "embedding_set:manage",
        "embedding_set:tune",
        "evaluation_case:export",
        "group:manage",
        "quality:accept",
        "quality:run",
        "status:read",
        "user:add",
        "user:change",
        "user:list",
    },
}


@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_what_the_one_before_it_may_and_more(role: Role) -> None:
    roles = list(Role)
    expected = set().union(*(MAY[one] for one in roles[: roles.index(role) + 1]))
    assert {permission.value for permission in PERMISSIONS[role]} == expected


def test_permissions_have_the_grammar_resource_action_and_stand_in_order() -> None:
    values = [permission.value for permission in Permission]
    assert values == sorted(values)
    assert all(value.count(":") == 1 and value.islower() for value in values)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_require_raises_exactly_where_may_says_no(role: Role, permission: Permission) -> None:
    actor = replace(ANNA, role=role)
    if actor.may(permission):
        actor.require(permission)
    else:
        with pytest.raises(NotAllowed, match=f"Your role \\({role.value}\\) does not allow this: {permission.value}"):
            actor.require(permission)


@pytest.mark.parametrize("role", Role)
def test_a_one_time_password_allows_nothing(role: Role) -> None:
    actor = replace(ANNA, role=role, must_change_password=True)
    assert not any(actor.may(permission) for permission in Permission)
    with pytest.raises(NotAllowed, match="password of your own"):
        actor.require(Permission.DOCUMENT_READ)
    with pytest.raises(NotAllowed, match="password of your own"):
        actor.require_settled()
    replace(actor, must_change_password=False).require_settled()


def test_the_operator_is_one_admin() -> None:
    assert OPERATOR.is_operator
    assert OPERATOR.role is Role.ADMIN
    assert not replace(ANNA, role=Role.ADMIN).is_operator
