"""Who may read a single document."""

from dataclasses import dataclass

from kyo_pipeline.domain.access import GroupName, PersonName


@dataclass(frozen=True)
class Sharing:
    """Who may read one document, besides its owner and those who may approve in its collection.

    `restricted`: only the readers named here; else also whoever may read the collection.
    """

    restricted: bool
    published: bool
    readers: tuple[PersonName, ...]
    reader_groups: tuple[GroupName, ...]
