"""How much of an access counts."""

import pytest

from kyo_pipeline.domain.access import MAX_ACCESS, Access, effective_access
from kyo_pipeline.domain.actor import Role


@pytest.mark.parametrize(
    ("access", "role", "counts"),
    [
        (Access.READ, Role.EMPLOYEE, Access.READ),
        (Access.WRITE, Role.EMPLOYEE, Access.WRITE),
        (Access.APPROVE, Role.EMPLOYEE, Access.WRITE),
        (Access.APPROVE, Role.MANAGER, Access.APPROVE),
        (Access.READ, Role.MANAGER, Access.READ),
        (Access.READ, Role.ADMIN, Access.READ),
    ],
)
def test_access_counts_as_far_as_the_role_allows(access: Access, role: Role, counts: Access) -> None:
    assert effective_access(access, role) is counts


def test_every_role_has_a_limit() -> None:
    assert set(MAX_ACCESS) == set(Role)
