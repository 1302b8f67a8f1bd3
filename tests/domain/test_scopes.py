"""What scopes allow: part of a role, never more."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.actor import PERMISSIONS, Actor, Permission, Role
from kyo_pipeline.domain.scopes import Scope, granted
from kyo_pipeline.errors import NotAllowed


@given(st.sampled_from(Role), st.frozensets(st.sampled_from(Scope)), st.sampled_from(Permission))
def test_a_key_does_what_role_and_scope_both_allow_and_nothing_else(
    role: Role, scopes: frozenset[Scope], permission: Permission
) -> None:
    person = Actor(uuid4(), "anna", "Anna", role)
    actor = replace(person, key="a key", only=granted(scopes))
    if permission in PERMISSIONS[role] and permission in granted(scopes):
        actor.require(permission)
    else:
        with pytest.raises(NotAllowed):
            actor.require(permission)
