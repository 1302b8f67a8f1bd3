-- Cases of the organisation's own evaluation set are made here alone. Who may manage them is told by `manageable_cases` (0010).

-- Keep a question with the documents that its answer is in; the same answer makes the same case, whoever says so, and the last
-- word of those who may manage it counts. Null where none of the documents answers questions now, or the case is not the actor's
-- to change. For the functions below and `resolve_feedback_item`.
create or replace function keep_evaluation_case(
  asked text, documents uuid[], expected text, came_from text, of_answer uuid, at timestamptz
) returns uuid
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  answering uuid[];
  kept uuid;
begin
  -- One that is being deleted meanwhile is waited for: see `erase_document`.
  perform from documents d where d.id = any(documents) order by d.id for share;
  answering := array(
    select d.id from documents d where d.id = any(documents) and d.state = 'approved' and d.current_version_id is not null
  );
  if cardinality(answering) = 0 then
    return null;
  end if;
  insert into evaluation_cases as c (question, expected_answer, origin, answer_id, created_by, created_at)
  values (asked, expected, came_from, of_answer, current_actor(), at)
  on conflict (answer_id) do update
  set expected_answer = excluded.expected_answer, origin = excluded.origin, created_by = excluded.created_by,
    created_at = excluded.created_at, retired_at = null, retired_by = null
  where (  -- who may manage it, as the policy `managers` has it
    select bool_or(d.collection_id in (select accessible_collections(current_actor(), 'approve')))
      and bool_and(may_read_document(current_actor(), d.id))
    from evaluation_case_documents l
    join documents d on d.id = l.document_id
    where l.case_id = c.id
  )
  returning c.id into kept;
  if kept is null then
    return null;
  end if;
  delete from evaluation_case_documents l where l.case_id = kept and l.document_id <> all(answering);
  insert into evaluation_case_documents (case_id, document_id) select kept, unnest(answering) on conflict do nothing;
  return kept;
end $$;

-- A case by hand: for those who may approve in the collections of all its documents.
create or replace function add_evaluation_case(asked text, documents uuid[], expected text, at timestamptz) returns uuid
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  if exists (
    select
    from unnest(documents) as wanted(id)
    left join documents d on d.id = wanted.id
    where d.collection_id is null or d.collection_id not in (select accessible_collections(current_actor(), 'approve'))
  ) then
    raise exception 'only who may approve the documents may do this' using errcode = 'insufficient_privilege';
  end if;
  return keep_evaluation_case(asked, documents, expected, 'by_hand', null, at);
end $$;

-- A case of an answer that its asker, or somebody whom it was shared with, says is right: for those who may approve in the
-- collection of a document that it cites. Null where there is no such answer for them, or others look after its case.
create or replace function add_evaluation_case_of_answer(answer uuid, at timestamptz) returns uuid
language sql security definer set search_path = kyo, pg_temp
as $$
  select keep_evaluation_case(
    coalesce(q.standalone, q.text),
    array(
      select distinct v.document_id
      from citations c
      join document_versions v on v.id = c.version_id
      where c.answer_id = a.id
    ),
    '', 'answer', a.id, at)
  from answers a
  join questions q on q.id = a.question_id
  where a.id = answer
    and a.outcome = 'answered'
    and (
      (q.user_id = current_actor() and answer_is_readable(a.id, current_actor()))
      or answer_is_shared_with(a.id, current_actor())
    )
    and exists (
      select
      from citations c
      join document_versions v on v.id = c.version_id
      join documents d on d.id = v.document_id
      where c.answer_id = a.id and d.collection_id in (select accessible_collections(current_actor(), 'approve'))
    )
$$;

revoke all on function
  keep_evaluation_case(text, uuid[], text, text, uuid, timestamptz),
  add_evaluation_case(text, uuid[], text, timestamptz), add_evaluation_case_of_answer(uuid, timestamptz)
from public;
grant execute on function
  add_evaluation_case(text, uuid[], text, timestamptz), add_evaluation_case_of_answer(uuid, timestamptz)
to kyo_app;
