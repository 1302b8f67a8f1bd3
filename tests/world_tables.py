"""A random world, written into the tables past all services and all row security."""

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Connection, text

from kyo_pipeline.domain.actor import OPERATOR
from tests.worlds import World, item_id


def build(tx: Connection, world: World, set_id: int) -> None:
    """Write a world into the database, as its owner."""

    def many(statement: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            tx.execute(text(statement), rows)

    people, groups = world.people, world.groups
    many(
        "insert into users (id, username, name, role, active, created_at, password_changed_at) "
        "values (:id, :name, :name, :role, :active, now(), now())",
        [{"id": p.id, "name": p.id.hex, "role": p.role.value, "active": p.active} for p in people],
    )
    many(
        "insert into groups (id, name, created_at) values (:id, :name, now())",
        [{"id": group.id, "name": str(group.id)} for group in groups],
    )
    many(
        "insert into group_members values (:group, :user)",
        [{"group": group.id, "user": people[n].id} for group in groups for n in group.members],
    )
    many(
        "insert into collections (id, name, everyone_access, created_at) values (:id, :name, :everyone, now())",
        [{"id": c.id, "name": str(c.id), "everyone": c.everyone} for c in world.collections],
    )
    many(
        "insert into collection_members values (:id, :user, :access)",
        [{"id": c.id, "user": people[n].id, "access": a} for c in world.collections for n, a in c.members.items()],
    )
    many(
        "insert into collection_groups values (:id, :group, :access)",
        [{"id": c.id, "group": groups[n].id, "access": a} for c in world.collections for n, a in c.groups.items()],
    )
    many(
        "insert into documents (id, collection_id, owner_id, title, state, restricted, created_at, updated_at) "
        "values (:id, :collection, :owner, 'Leave', :state, :restricted, now(), now())",
        [
            {
                "id": d.id,
                "collection": world.collections[d.collection].id,
                "owner": people[d.owner].id,
                "state": "archived" if d.state == "deleted" else d.state,
                "restricted": d.restricted,
            }
            for d in world.documents
        ],
    )
    many(
        "insert into review_items (document_id, kind, assigned_to, opened_at) values (:id, 'overdue', :owner, now())",
        [{"id": d.id, "owner": people[d.owner].id} for d in world.documents if d.overdue],
    )
    many(
        "insert into document_readers values (:id, :user)",
        [{"id": d.id, "user": people[n].id} for d in world.documents for n in d.readers],
    )
    many(
        "insert into document_reader_groups values (:id, :group)",
        [{"id": d.id, "group": groups[n].id} for d in world.documents for n in d.reader_groups],
    )
    versions = [
        {"id": v.id, "document": d.id, "n": n, "by": people[v.uploader].id, "review": v.review}
        for d in world.documents
        for n, v in enumerate(d.versions, start=1)
    ]
    many(
        "insert into document_versions (id, document_id, number, file_name, sha256, size_bytes, media_type, "
        "uploaded_by, uploaded_at, review, status) "
        "values (:id, :document, :n, 'a.txt', repeat('0', 64), 1, 'text/plain', :by, now(), :review, 'ready')",
        versions,
    )
    many("insert into version_texts values (:id, 'thirty days of leave', '{}', '[]', '{}')", versions)
    many(
        "insert into chunks "
        "(version_id, cutting_id, ordinal, text, start_offset, end_offset, tokens, heading_path, lexical, "
        "lexeme_count) "
        "select :id, cutting_id, 0, 'thirty days of leave', 0, 20, 4, '{}', to_tsvector('english', 'leave'), 1 "
        "from embedding_sets where state = 'active'",
        versions,
    )
    tx.execute(text(f"insert into chunk_embeddings_{set_id} select id, '[1,1]' from chunks"))  # noqa: S608 — an integer
    many(
        "update documents set current_version_id = :version where id = :id",
        [{"id": d.id, "version": d.current_version.id} for d in world.documents if d.current_version],
    )
    many(
        "update documents set state = 'deleted', deleted_at = now(), deleted_by = owner_id where id = :id",
        [{"id": d.id} for d in world.documents if d.state == "deleted"],
    )
    many(
        "update documents set collection_id = null where id = :id",
        [{"id": d.id} for d in world.documents if d.has_no_collection],
    )
    many(
        "insert into conversations (id, user_id, begun_at) values (:question, :user, now())",
        [{"question": a.question, "user": people[a.asker].id} for a in world.answers],
    )
    many(
        "insert into questions (id, user_id, conversation_id, text, asked_at) "
        "values (:question, :user, :question, 'Leave?', now())",
        [{"question": a.question, "user": people[a.asker].id} for a in world.answers],
    )
    many(
        "insert into answers (id, question_id, text, outcome, generator, model, timings, prompt_tokens, "
        "completion_tokens, answered_at, shared_at) values (:id, :question, 'Thirty.', 'answered', 'extractive', '', "
        "'{}', 0, 0, now(), :shared_at)",
        [
            {"id": a.id, "question": a.question, "shared_at": datetime.now(timezone.utc) if a.shared else None}
            for a in world.answers
        ],
    )
    many(
        "insert into citations (answer_id, marker, version_id, start_offset, end_offset, score) "
        "values (:answer, :marker, :version, 0, 1, 1)",
        [
            {"answer": a.id, "marker": n + 1, "version": world.versions[n][1].id}
            for a in world.answers
            for n in world.cited(a)
        ],
    )
    cited = {(a.id, world.versions[n][0].id) for a in world.answers for n in world.cited(a)}
    many(
        "insert into review_items (id, document_id, kind, answer_id, opened_at) "
        "values (:id, :document, 'disliked', :answer, now())",
        [{"id": item_id(answer, d), "document": d, "answer": answer} for answer, d in sorted(cited)],
    )
    many(
        "insert into evaluation_cases (id, question, origin, answer_id, created_by, created_at) "
        "values (:id, 'Leave?', 'by_hand', :id, :operator, now())",
        [{"id": a.id, "operator": OPERATOR.id} for a in world.answers],
    )
    many(
        "insert into evaluation_case_documents values (:case, :document)",
        [{"case": a.id, "document": d.id} for a in world.answers for d in world.answered_by(a)],
    )
    many(
        "insert into verified_answers (id, answer_id, text, findings, generator, model, is_edited, shown_documents, "
        "verified_by, verified_at) values (:id, :id, 'Thirty.', '{}', 'extractive', '', false, '{}', :by, now())",
        [{"id": a.id, "by": people[a.asker].id} for a in world.answers],
    )
    many(
        "insert into verified_questions values (:id, 1, 'Leave?', cast(:id as text))",
        [{"id": a.id} for a in world.answers],
    )
    many(
        "insert into verified_citations (verified_answer_id, marker, version_id, start_offset, end_offset, score) "
        "select answer_id, marker, version_id, start_offset, end_offset, score from citations where answer_id = :id",
        [{"id": a.id} for a in world.answers],
    )
    many(
        "insert into gaps (id, created_at, changed_at) values (:question, now(), now())",
        [{"question": a.question} for a in world.answers],
    )
    for statement in (
        "insert into gap_questions values (:question, :question, 'disliked', 1)",
        "insert into gap_events (gap_id, at, actor_id, deed) values (:question, now(), :user, 'plan')",
        "insert into gap_replies values (:question, :question, 'other', :user, now())",
        "insert into question_followers values (:question, :user, now())",
    ):
        many(statement, [{"question": a.question, "user": people[a.asker].id} for a in world.answers])
