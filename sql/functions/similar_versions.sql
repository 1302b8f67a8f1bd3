-- Versions of other documents whose text is much like that of a version, most alike first, one of each document: of what
-- the actor may see, the one that answers questions, and the newest.
--   alike:    found by a band that both have (GIN), then compared value by value, see kyo_pipeline/domain/likeness.py;
--   seen:     permission, asked for those few.
-- It runs as its owner, since row-level security would keep the GIN index from being used: `&&` is not leakproof.
create or replace function similar_versions(version uuid, threshold double precision, wanted integer)
returns table (version_id uuid, likeness double precision)
language plpgsql stable rows 10 security definer set search_path = kyo, pg_temp
as $$
declare
  own record;
begin
  select v.document_id, t.signature, t.bands into own
  from version_texts t
  join document_versions v on v.id = t.version_id
  where t.version_id = version and may_see_version(version) and cardinality(t.signature) > 0;
  if not found then
    return;
  end if;
  return query
    with alike as materialized (
      select v.id, v.document_id, v.number, compared.likeness
      from version_texts t
      join document_versions v on v.id = t.version_id
      join documents d on d.id = v.document_id
      cross join lateral (
        select count(*) filter (where pair.one = pair.other)::double precision / count(*) as likeness
        from unnest(t.signature, own.signature) as pair(one, other)
      ) compared
      where t.bands && own.bands
        and v.document_id <> own.document_id
        and d.state not in ('archived', 'deleted')
        and compared.likeness >= threshold
    ),
    seen as (
      select distinct on (a.document_id) a.id, a.likeness
      from alike a
      join documents d on d.id = a.document_id
      where may_see_version(a.id)
        and (
          a.id = d.current_version_id
          or not exists (
            select
            from document_versions newer
            where newer.document_id = a.document_id and newer.number > a.number and may_see_version(newer.id)
          )
        )
      order by a.document_id, a.likeness desc, a.number desc
    )
    select s.id, s.likeness from seen s order by s.likeness desc, s.id limit wanted;
end $$;

revoke all on function similar_versions(uuid, double precision, integer) from public;
grant execute on function similar_versions(uuid, double precision, integer) to kyo_app;
