"""The text of each version, with its pages and headings."""

import json
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.likeness import Signature
from kyo_pipeline.domain.parsed import Heading, ParsedDocument


@dataclass(frozen=True)
class ReadableText:
    """A stretch of a version's text that the actor may read, and what it belongs to."""

    document_id: UUID
    title: str
    file_name: str
    version_number: int
    media_type: str
    is_current: bool
    current_number: int | None
    is_stale: bool
    current_text: str | None
    stretch: str
    stretch_start: int
    page_starts: tuple[int, ...]
    headings: tuple[Heading, ...]
    ocr_pages: tuple[int, ...]


def save(tx: Connection, version_id: UUID, document: ParsedDocument, signature: Signature) -> None:
    """Store or replace what the parser found, and by what texts that are like it will be found."""
    tx.execute(
        text(
            """
            insert into version_texts
              (version_id, text, page_starts, headings, empty_pages, ocr_pages, signature, bands)
            values (:id, :text, :page_starts, cast(:headings as jsonb), :empty_pages, :ocr_pages, :signature, :bands)
            on conflict (version_id) do update
            set text = excluded.text, page_starts = excluded.page_starts, headings = excluded.headings,
              empty_pages = excluded.empty_pages, ocr_pages = excluded.ocr_pages,
              signature = excluded.signature, bands = excluded.bands
            """
        ),
        {
            "id": version_id,
            "text": document.text,
            "page_starts": list(document.page_starts),
            "headings": json.dumps([[h.start, h.level, h.text] for h in document.headings]),
            "empty_pages": list(document.empty_pages),
            "ocr_pages": list(document.ocr_pages),
            "signature": list(signature.values),
            "bands": list(signature.bands),
        },
    )
    tx.execute(
        text(
            """
            update document_versions
            set pages = :pages, characters = :characters, empty_pages = :empty_pages, ocr_pages = :ocr_pages
            where id = :id
            """
        ),
        {
            "id": version_id,
            "pages": document.pages,
            "characters": len(document.text),
            "empty_pages": len(document.empty_pages),
            "ocr_pages": len(document.ocr_pages),
        },
    )


def load(tx: Connection, version_id: UUID) -> ParsedDocument:
    row = tx.execute(
        text("select text, page_starts, headings, empty_pages, ocr_pages from version_texts where version_id = :id"),
        {"id": version_id},
    ).one()
    headings = tuple(Heading(start, level, title) for start, level, title in row.headings)
    return ParsedDocument(row.text, tuple(row.page_starts), headings, tuple(row.empty_pages), tuple(row.ocr_pages))


def find(tx: Connection, version_id: UUID) -> ParsedDocument | None:
    """None while there is no text yet. Whether the actor may read it is for the caller to know."""
    is_there = tx.scalar(text("select exists (select from version_texts where version_id = :id)"), {"id": version_id})
    return load(tx, version_id) if is_there else None


def read(tx: Connection, version_id: UUID, start: int, end: int, context: int) -> ReadableText | None:
    """Characters start..end of a version, with `context` characters on each side, if the actor may read those.

    `current_text` is that of the version which answers questions now, None where it is this one or there is none.
    """
    first = max(start - context, 0)
    row = tx.execute(
        text(
            """
            select d.id, d.title, v.file_name, v.number, v.media_type,
              case when current.sha256 = v.sha256 then v.number else current.number end as current_number,
              d.stale_since is not null and d.state = 'approved' as is_stale,
              d.current_version_id = v.id and d.state = 'approved' as is_current,
              current_text.text as current_text,
              substr(t.text, :start + 1, :length) as stretch, t.page_starts, t.headings, t.ocr_pages
            from document_versions v
            join documents d on d.id = v.document_id
            join version_texts t on t.version_id = v.id
            left join document_versions current on current.id = d.current_version_id and d.state = 'approved'
            left join version_texts current_text on current_text.version_id = current.id and current.id <> v.id
            where v.id = :id
              and exists (
                select
                from readable_stretches(v.id) r
                where r.first <= :wanted_start and r.last >= :wanted_end
              )
            """
        ),
        {
            "id": version_id,
            "start": first,
            "length": max(end + context - first, 0),
            "wanted_start": start,
            "wanted_end": end,
        },
    ).one_or_none()
    if row is None:
        return None
    return ReadableText(
        document_id=row.id,
        title=row.title,
        file_name=row.file_name,
        version_number=row.number,
        media_type=row.media_type,
        is_current=bool(row.is_current),
        current_number=row.current_number,
        is_stale=row.is_stale,
        current_text=row.current_text,
        stretch=row.stretch,
        stretch_start=first,
        page_starts=tuple(row.page_starts),
        headings=tuple(Heading(at, level, title) for at, level, title in row.headings),
        ocr_pages=tuple(row.ocr_pages),
    )
