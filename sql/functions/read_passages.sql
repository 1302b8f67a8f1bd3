-- What an answer is made from: chunks that a search has found, under row-level security, so that permission is asked for twice.
-- A function, so that it is planned once a connection: with its policies that takes longer than to read the rows.
create or replace function read_passages(ids bigint[])
returns table (
  chunk_id bigint, document_id uuid, version_id uuid, version_number integer, title text, owner text, dated timestamptz,
  collection text, text text, start_offset integer, end_offset integer, page_from integer, page_to integer,
  heading_path text[]
)
language plpgsql stable rows 10 set search_path = kyo, pg_temp set plan_cache_mode = force_generic_plan
as $$
begin
  return query
  select c.id, d.id, c.version_id, v.number, d.title, o.name, v.uploaded_at,
    coalesce(k.name, ''),  -- a single document may be read without its collection
    c.text, c.start_offset, c.end_offset, c.page_from, c.page_to, c.heading_path
  from chunks c
  join document_versions v on v.id = c.version_id
  join documents d on d.id = v.document_id
  join people o on o.id = d.owner_id
  left join collections k on k.id = d.collection_id
  where c.id = any(ids);
end $$;

revoke all on function read_passages(bigint[]) from public;
grant execute on function read_passages(bigint[]) to kyo_app;
