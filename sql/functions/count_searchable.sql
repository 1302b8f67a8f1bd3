-- Add (sign 1) or subtract (sign -1) the chunks of versions from the document frequencies and totals of each cutting that is
-- counted.
-- `cutting`: of this one alone, for versions that have been cut once more and answer questions already.
-- Needs the lock on `corpus`. It runs as its owner: the app publishes what is approved, but cannot read `lexemes`.
create or replace function count_searchable(versions uuid[], sign integer, cutting integer default null) returns void
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  if sign not in (1, -1) or exists (
    select
    from document_versions v
    join documents d on d.id = v.document_id
    where v.id = any(versions)
      and d.collection_id not in (select accessible_collections(current_actor(), 'approve'))
  ) then
    raise exception 'only who may approve in the collection may publish or withdraw'
      using errcode = 'insufficient_privilege';
  end if;

  insert into lexeme_counts as l (cutting_id, lexeme_id, chunk_count)
  select c.cutting_id, x.id, sign * count(*)
  from chunks c
  join cuttings k on k.id = c.cutting_id and k.is_counted
  cross join lateral unnest(c.lexical) as t(lexeme, positions, weights)
  -- One look into the index for each: a join may be planned by statistics of when the table was empty, and takes minutes.
  cross join lateral (select y.id from lexemes y where y.lexeme = t.lexeme offset 0) x
  where c.version_id = any(versions) and (cutting is null or c.cutting_id = cutting)
  group by c.cutting_id, x.id
  order by c.cutting_id, x.id
  on conflict (cutting_id, lexeme_id) do update set chunk_count = l.chunk_count + excluded.chunk_count;

  insert into corpus_languages as l (language, version_count)
  select v.language, sign * count(*)
  from document_versions v
  where v.id = any(versions) and cutting is null
  group by v.language
  order by v.language
  on conflict (language) do update set version_count = l.version_count + excluded.version_count;

  update cuttings k
  set chunk_count = k.chunk_count + sign * n.chunks, lexeme_count = k.lexeme_count + sign * n.lexemes
  from (
    select c.cutting_id, count(*) as chunks, coalesce(sum(c.lexeme_count), 0) as lexemes
    from chunks c
    where c.version_id = any(versions) and (cutting is null or c.cutting_id = cutting)
    group by c.cutting_id
  ) n
  where k.id = n.cutting_id and k.is_counted;

  update corpus set revision = revision + 1;
end $$;

revoke all on function count_searchable(uuid[], integer, integer) from public;
grant execute on function count_searchable(uuid[], integer, integer) to kyo_app, kyo_pipeline;
