-- Add (sign 1) or subtract (sign -1) the chunks of versions from the document frequencies and totals of the corpus.
-- Needs the lock on `corpus`. It runs as its owner: the app publishes what is approved, but cannot read `lexemes`.
create or replace function count_searchable(versions uuid[], sign integer) returns void
language sql security definer set search_path = kyo, pg_temp
as $$
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

  update corpus
  set chunk_count = corpus.chunk_count + sign * n.chunks,
    lexeme_count = corpus.lexeme_count + sign * n.lexemes,
    revision = revision + 1
  from (
    select count(*) as chunks, coalesce(sum(lexeme_count), 0) as lexemes
    from chunks
    where version_id = any(versions)
  ) n;
$$;

revoke all on function count_searchable(uuid[], integer) from public;
grant execute on function count_searchable(uuid[], integer) to kyo_app, kyo_pipeline;
