-- Inverse document frequency of each lexeme of a question; unknown lexemes count as rarer than any known one.
-- It runs as its owner: the app cannot read `lexemes`, which has the words of documents that nobody may read.
create or replace function term_weights(question text) returns table (lexeme text, idf double precision)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select q.lexeme, cast(ln(1 + (corpus.chunk_count - q.chunks + 0.5) / (q.chunks + 0.5)) as double precision)
  from corpus
  cross join (
    select t.lexeme, coalesce(l.chunk_count, 0) as chunks
    from unnest(tsvector_to_array(to_tsvector('english', question))) as t(lexeme)
    left join lexemes l on l.lexeme = t.lexeme
  ) q
  where current_actor() is not null
$$;

revoke all on function term_weights(text) from public;
grant execute on function term_weights(text) to kyo_app;
