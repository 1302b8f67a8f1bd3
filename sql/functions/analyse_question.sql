-- The cutting with this number, or the one that is searched now; before there is any, one without chunks.
create or replace function counted_cutting(cutting integer) returns table (id integer, chunk_count bigint)
language sql stable rows 1 set search_path = kyo, pg_temp
as $$
  select k.id, k.chunk_count
  from cuttings k
  where k.id = coalesce(cutting, (select s.cutting_id from embedding_sets s where s.state = 'active'))
  union all
  select null, 0
  where cutting is null and not exists (select from embedding_sets s where s.state = 'active')
$$;

-- The lexemes of a question as the chunks have them, each with the places where it stands, its number, in how many chunks it
-- can be found, and its inverse document frequency; lexemes that are nowhere count as rarer than any that are.
--   words:        the question, made ready by kyo_pipeline/domain/lexical.py as the text of each chunk is;
--   spoken:       the language of the question, where it is known. Its stop words are left out in every other language too:
--                 an English "what" is rare, and so of great weight, in German documents;
--   identifiers:  part numbers and the like, which are lexemes of their own;
--   cutting:      whose chunks are counted; null: of what answers questions now.
-- It runs as its owner: the app cannot read `lexemes`, which has the words of documents that nobody may read.
create or replace function analyse_question(words text, spoken text, identifiers text[], cutting integer default null)
returns table (lexeme text, places integer[], id integer, chunk_count integer, idf double precision)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  with
  languages as (
    select language from corpus_languages where version_count > 0
    union
    select coalesce(spoken, 'english')
  ),
  analysed as (
    select l.language, t.lexeme, cast(t.positions as integer[]) as places
    from languages l
    cross join lateral unnest(to_tsvector(cast(l.language as regconfig), words)) as t(lexeme, positions, weights)
  ),
  said as (
    select array_agg(place) as places
    from analysed a
    cross join lateral unnest(a.places) as place
    where a.language = spoken
  ),
  wanted as (
    select distinct on (a.lexeme) a.lexeme, a.places
    from analysed a
    cross join said
    where spoken is null or a.places && said.places
    union all
    select one, '{}'
    from unnest(identifiers) as one
  )
  select w.lexeme, w.places, l.id, coalesce(n.chunk_count, 0),
    cast(
      ln(1 + greatest(k.chunk_count - coalesce(n.chunk_count, 0) + 0.5, 0) / (greatest(coalesce(n.chunk_count, 0), 0) + 0.5))
      as double precision)
  from wanted w
  cross join counted_cutting(cutting) k
  left join lexemes l on l.lexeme = w.lexeme
  left join lexeme_counts n on n.cutting_id = k.id and n.lexeme_id = l.id
  where current_actor() is not null
$$;

-- What chunks must match that have one of these phrases, in any language; null where there is none.
create or replace function phrase_query(phrases text[]) returns tsquery
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select cast(string_agg('(' || q.phrase || ')', ' | ') as tsquery)
  from (
    select distinct cast(phraseto_tsquery(cast(l.language as regconfig), p.phrase) as text) as phrase
    from corpus_languages l
    cross join unnest(phrases) as p(phrase)
    where l.version_count > 0
  ) q
  where q.phrase <> '' and current_actor() is not null
$$;

-- Lexemes that can be found and are like one that cannot: each differs from it by one letter, or by two.
create or replace function similar_lexemes(unknown text[], cutting integer default null)
returns table (typed text, lexeme text, id integer, chunk_count integer, idf double precision)
language sql stable rows 10 security definer set search_path = kyo, pg_temp
as $$
  select u.typed, l.lexeme, l.id, n.chunk_count,
    cast(ln(1 + greatest(k.chunk_count - n.chunk_count + 0.5, 0) / (n.chunk_count + 0.5)) as double precision)
  from unnest(unknown) as u(typed)
  cross join counted_cutting(cutting) k
  join lexemes l on l.shortenings && shortenings(u.typed)
  join lexeme_counts n on n.cutting_id = k.id and n.lexeme_id = l.id
  where may_be_mistyped(u.typed) and n.chunk_count > 0 and current_actor() is not null
$$;

revoke all on function
  analyse_question(text, text, text[], integer), phrase_query(text[]), similar_lexemes(text[], integer), counted_cutting(integer)
from public;
grant execute on function
  analyse_question(text, text, text[], integer), phrase_query(text[]), similar_lexemes(text[], integer)
to kyo_app;
-- The pipeline searches to judge a set before it serves.
grant execute on function
  analyse_question(text, text, text[], integer), phrase_query(text[]), similar_lexemes(text[], integer)
to kyo_pipeline;
