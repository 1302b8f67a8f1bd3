-- The stretches of a version's text that the actor may read, as characters from `first` up to, not with, `last`. Readers of
-- the document may read what is current; other versions are for whoever uploaded them, the document's owner and those who
-- may approve there. Those get all of it, up to `whole_text()`; of an old version everybody may read again what an answer
-- to a question of their own has cited, or one that is shared with them.
create or replace function whole_text() returns integer
language sql immutable parallel safe set search_path = kyo, pg_temp
as $$ select 2147483647 $$;

create or replace function readable_stretches(version uuid) returns table (first integer, last integer)
-- `rows`: for a thousand, the planner's guess, it would choose a join of many.
language sql stable rows 1 set search_path = kyo, pg_temp
as $$
  select 0, whole_text()
  from document_versions v
  join documents d on d.id = v.document_id
  where v.id = version
    and d.state <> 'deleted'
    and may_read_document(current_actor(), d.id)
    and (
      (d.current_version_id = v.id and d.state = 'approved')
      or v.uploaded_by = current_actor()
      or d.owner_id = current_actor()
      or d.collection_id in (select accessible_collections(current_actor(), 'approve'))
    )
  union all
  select c.start_offset, c.end_offset
  from document_versions v
  join documents d on d.id = v.document_id
  join citations c on c.version_id = v.id
  join answers a on a.id = c.answer_id
  join questions q on q.id = a.question_id
  where v.id = version
    and d.state <> 'deleted'
    and may_read_document(current_actor(), d.id)
    and (q.user_id = current_actor() or answer_is_shared_with(a.id, current_actor()))
$$;

-- Whether those who may read a document may take its files away. Somebody who was given this one document to read cannot see
-- the row of its collection.
create or replace function is_downloadable(document uuid) returns boolean
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select exists (
    select
    from documents d
    join collections c on c.id = d.collection_id
    where d.id = document and c.downloadable
  )
$$;

revoke all on function whole_text(), readable_stretches(uuid), is_downloadable(uuid) from public;
grant execute on function whole_text(), readable_stretches(uuid), is_downloadable(uuid) to kyo_app;
