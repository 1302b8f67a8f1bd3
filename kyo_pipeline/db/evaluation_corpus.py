"""What a search is evaluated on: the documents that answer questions, with their texts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db import texts
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.evaluation_cases import distinct_names
from kyo_pipeline.domain.labelled import LabelledPassage


@dataclass(frozen=True)
class Answering:
    """A document with the version that answers questions. No other one has its `export_name`."""

    document_id: UUID
    version_id: UUID
    title: str
    sha256: str
    export_name: str


def answering(tx: Connection, actor: Actor) -> tuple[Answering, ...]:
    """Of all documents that the actor may read, those that answer questions now, the oldest first."""
    rows = tx.execute(
        text(
            """
            select d.id, v.id as version_id, d.title, v.sha256, v.file_name
            from documents d
            join document_versions v on v.id = d.current_version_id
            where d.state = 'approved' and may_read_document(:actor, d.id)
            order by d.created_at, d.id
            """
        ),
        {"actor": actor.id},
    ).all()
    names = distinct_names(row.file_name for row in rows)
    return tuple(
        Answering(row.id, row.version_id, row.title, row.sha256, name) for row, name in zip(rows, names, strict=True)
    )


def passages(tx: Connection, documents: Iterable[Answering]) -> Iterator[LabelledPassage]:
    """Each document as one passage: one text after the other, since all of them would not fit into the memory."""
    for document in documents:
        found = texts.load(tx, document.version_id)
        name = str(document.document_id)
        yield LabelledPassage(name, document.title, found.text, name, document.export_name)
