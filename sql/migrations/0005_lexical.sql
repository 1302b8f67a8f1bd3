-- Lexical search in more than one language, of part numbers and phrases, and in spite of typing errors.

-- By which of PostgreSQL's text search configurations the words of a version were taken to lexemes. What is there already was
-- read as English; other documents get their language when they are read again.
alter table document_versions add column language text not null default 'english';

-- The languages of what can be found now, for the questions: see functions/analyse_question.sql.
create table corpus_languages (
  language text primary key,
  chunk_count bigint not null default 0
);
insert into corpus_languages (language, chunk_count)
select 'english', chunk_count from corpus;

alter table corpus_languages enable row level security;
create policy everybody on corpus_languages to kyo_app, kyo_pipeline using ((select current_actor()) is not null);
grant select on corpus_languages to kyo_app, kyo_pipeline;

-- The languages that a model was made for; null where it knows many, or nobody knows which. Of texts in another language its
-- vectors say nothing. The same names are in kyo_pipeline/adapters/embedding/.
alter table embedding_sets add column languages text[];
update embedding_sets set languages = '{english}'
where backend = 'builtin' or model ~* '(bge-(small|base|large)-en-v1\.5|all-minilm-l6-v2)';

-- Weights of models that nobody has changed: scores are added as they are now, see kyo_pipeline/domain/fusion.py.
update embedding_sets set dense_weight = 0.43 where backend = 'builtin' and dense_weight = cast(0.4 as real);
update embedding_sets set dense_weight = 0.55 where model ~* 'all-minilm-l6-v2' and dense_weight = cast(0.6 as real);
update embedding_sets set dense_weight = 0.6 where languages is null and dense_weight = cast(0.5 as real);

-- A word without one of its letters, in each way, and the word itself: words that were mistyped by one letter share one.
create function shortenings(word text) returns text[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
  select array(
    select distinct overlay(word placing '' from place for 1)
    from generate_series(1, length(word)) as place
    union
    select word
  )
$$;

-- Of numbers and part numbers another one is never meant.
create function may_be_mistyped(word text) returns boolean
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$ select length(word) between 4 and 24 and word !~ '[0-9#[:punct:]]' $$;

revoke all on function shortenings(text), may_be_mistyped(text) from public;
grant execute on function shortenings(text), may_be_mistyped(text) to kyo_pipeline;

alter table lexemes add column shortenings text[];
update lexemes set shortenings = shortenings(lexeme) where may_be_mistyped(lexeme);
create index lexemes_shortenings on lexemes using gin (shortenings);

-- Which documents somebody may search is read from this alone, where they are few.
create index documents_searchable on documents (collection_id) include (current_version_id, restricted, owner_id)
where state = 'approved' and current_version_id is not null;

-- Ranking reads the weights of thousands of chunks: they stay in the row, while its text and lexemes are put aside.
alter table chunks alter column bm25 set storage main;
update corpus set weighed_length = null;  -- the pipeline computes the weights again, which rewrites the rows

drop function if exists search_candidates(text, integer, public.vector, integer, double precision, integer);
drop function if exists term_weights(text);
