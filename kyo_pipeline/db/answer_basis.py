"""What an answer to one person rests on: when two have the same, the same question has the same answer."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db import embedding_sets
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import Actor


@dataclass(frozen=True)
class Basis:
    """`rights` is a digest of all that the person may read, `revision` grows whenever an answer could differ.

    `secret` is this installation's, to encrypt what is kept of answers.
    """

    rights: str
    revision: int
    embedding_set: EmbeddingSet | None
    secret: bytes = field(repr=False)


def read(tx: Connection, actor: Actor) -> Basis:
    row = tx.execute(
        text("select revision, cache_secret, reading_rights(:actor) as rights from corpus"),
        {"actor": actor.id},
    ).one()
    return Basis(row.rights, row.revision, embedding_sets.active(tx), bytes(row.cache_secret))


def all_answer(tx: Connection, actor: Actor, version_ids: Collection[UUID]) -> bool:
    """Whether each of these versions answers questions now, and the actor may read it. Under row-level security."""
    found: int | None = tx.scalar(
        text(
            """
            select count(*)
            from documents d
            join document_versions v on v.id = d.current_version_id
            where v.id = any(cast(:ids as uuid[]))
              and d.state = 'approved'
              and v.review = 'approved'
              and may_read_document(:actor, d.id)
            """
        ),
        {"ids": list(version_ids), "actor": actor.id},
    )
    return found == len(version_ids)
