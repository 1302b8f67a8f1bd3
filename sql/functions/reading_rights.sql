-- A digest of all that decides what a person may find: two people with the same one find the same, as long as the corpus
-- has the same revision. See the condition `readable` in search_candidates.sql.
create or replace function reading_rights(reader uuid) returns text
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select encode(sha256(convert_to(string_agg(kind || id, ',' order by kind, id), 'utf8')), 'hex')
  from (
    select 'read ' as kind, cast(c as text) as id from accessible_collections(reader, 'read') as c
    union all
    select 'approve ', cast(c as text) from accessible_collections(reader, 'approve') as c
    union all
    select 'document ', cast(d as text) from granted_documents(reader) as d
    union all
    select 'own ', cast(d.id as text) from documents d where d.owner_id = reader and d.restricted
    union all
    select 'nothing', ''  -- so that it is never null
  ) as rights
$$;

revoke all on function reading_rights(uuid) from public;
grant execute on function reading_rights(uuid) to kyo_app;
