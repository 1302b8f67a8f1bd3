-- Add (sign 1) or subtract (sign -1) the chunks of versions from the document frequencies and totals of the corpus.
-- Needs the lock on `corpus`. It runs as its owner: the app publishes what is approved, but cannot read `lexemes`.
create or replace function count_searchable(versions uuid[], sign integer) returns void
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

  update lexemes l
  set chunk_count = l.chunk_count + sign * n.chunks
  from (
    select t.lexeme, count(*) as chunks
    from chunks c
    cross join lateral unnest(c.lexical) as t(lexeme, positions, weights)
    where c.version_id = any(versions)
    group by t.lexeme
  ) n
  where l.lexeme = n.lexeme;

  insert into corpus_languages as l (language, chunk_count)
  select v.language, sign * count(*)
  from chunks c
  join document_versions v on v.id = c.version_id
  where v.id = any(versions)
  group by v.language
  order by v.language
  on conflict (language) do update set chunk_count = l.chunk_count + excluded.chunk_count;

  update corpus
  set chunk_count = corpus.chunk_count + sign * n.chunks,
    lexeme_count = corpus.lexeme_count + sign * n.lexemes,
    revision = revision + 1
  from (
    select count(*) as chunks, coalesce(sum(lexeme_count), 0) as lexemes
    from chunks
    where version_id = any(versions)
  ) n;
end $$;

revoke all on function count_searchable(uuid[], integer) from public;
grant execute on function count_searchable(uuid[], integer) to kyo_app, kyo_pipeline;
