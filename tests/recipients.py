"""Whom something is given to: by id alone, for what they are called is read anew."""

from uuid import UUID

from kyo_pipeline.domain.access import GroupName, PersonName


def a_person(user_id: UUID) -> PersonName:
    return PersonName(user_id, "", "")


def a_group(group_id: UUID) -> GroupName:
    return GroupName(group_id, "")
