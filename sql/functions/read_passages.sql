-- What an answer is made from: chunks that a search has found. Approval, currency and permission are asked for once more, written
-- down a second time: a mistake in the search shows nobody what they may not read. It runs as its owner, because the policies
-- ask a function for each row, and thirty rows under them took as long as the ranking.
-- A function, so that it is planned once a connection.
create or replace function read_passages(ids bigint[])
returns table (
  chunk_id bigint, document_id uuid, version_id uuid, version_number integer, title text, owner text, dated timestamptz,
  collection text, text text, start_offset integer, end_offset integer, page_from integer, page_to integer,
  heading_path text[]
)
language plpgsql stable rows 10 security definer set search_path = kyo, pg_temp set plan_cache_mode = force_generic_plan
as $$
declare
  me constant uuid := current_actor();
begin
  return query
  select c.id, d.id, c.version_id, v.number, d.title, o.name, v.uploaded_at,
    -- A single document may be read without its collection.
    case when d.collection_id in (select accessible_collections(me, 'read')) then k.name else '' end,
    c.text, c.start_offset, c.end_offset, c.page_from, c.page_to, c.heading_path
  from chunks c
  join document_versions v on v.id = c.version_id
  join documents d on d.current_version_id = v.id
  join collections k on k.id = d.collection_id
  join users o on o.id = d.owner_id
  where c.id = any(ids)
    and d.state = 'approved'
    and (
      v.review = 'approved'
      or v.uploaded_by = me
      or d.owner_id = me
      or d.collection_id in (select accessible_collections(me, 'approve'))
    )
    and (
      d.id in (select granted_documents(me))
      or d.collection_id in (select accessible_collections(me, 'read'))
      and (
        d.restricted is false
        or d.owner_id = me
        or d.collection_id in (select accessible_collections(me, 'approve'))
      )
    );
end $$;

revoke all on function read_passages(bigint[]) from public;
grant execute on function read_passages(bigint[]) to kyo_app, kyo_pipeline;
