-- Versions of other documents whose text is much like that of a version, most alike first, one of each document: of what
-- the actor may see, the one that answers questions, and the newest.
--   alike: found by a band that both have (GIN), then compared value by value, see kyo_pipeline/domain/likeness.py;
--   seen:  permission, asked for one after the other until enough are found: of a form that was filled in a thousand times
--          there are a thousand, and whether somebody may see a version takes longer than to compare it.
-- It runs as its owner, since row-level security would keep the GIN index from being used: `&&` is not leakproof.
create or replace function similar_versions(version uuid, threshold double precision, wanted integer)
returns table (version_id uuid, likeness double precision)
language plpgsql stable rows 10 security definer set search_path = kyo, pg_temp
as $$
declare
  own record;
  alike record;
  found_in uuid[] := '{}';  -- documents
begin
  select v.document_id, t.signature, t.bands into own
  from version_texts t
  join document_versions v on v.id = t.version_id
  where t.version_id = version and may_see_version(version) and cardinality(t.signature) > 0;
  if not found then
    return;
  end if;
  for alike in
    select v.id, v.document_id, v.number, v.id = d.current_version_id as answers, compared.likeness
    from version_texts t
    join document_versions v on v.id = t.version_id
    join documents d on d.id = v.document_id
    left join document_versions current on current.id = d.current_version_id
    cross join lateral (
      select count(*) filter (where pair.one = pair.other)::double precision / count(*) as likeness
      from unnest(t.signature, own.signature) as pair(one, other)
    ) compared
    where t.bands && own.bands
      and v.document_id <> own.document_id
      and d.state not in ('archived', 'deleted')
      and v.number >= coalesce(current.number, 0)  -- whoever may see an older one may see what answers questions as well
      and compared.likeness >= threshold
    order by compared.likeness desc, v.number desc, v.id
  loop
    exit when cardinality(found_in) >= wanted;
    continue when alike.document_id = any(found_in) or not may_see_version(alike.id);
    continue when alike.answers is not true and exists (
      select
      from document_versions newer
      where newer.document_id = alike.document_id and newer.number > alike.number and may_see_version(newer.id)
    );
    found_in := found_in || alike.document_id;
    version_id := alike.id;
    likeness := alike.likeness;
    return next;
  end loop;
end $$;

revoke all on function similar_versions(uuid, double precision, integer) from public;
grant execute on function similar_versions(uuid, double precision, integer) to kyo_app;
