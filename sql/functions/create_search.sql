-- Hybrid search in one embedding set, a function `search_set_<id>` for each: a statement whose tables are known beforehand is
-- planned once a connection, and planning it takes longer than running it.
--   question:      the question's vector;
--   rare, weights: the question's lexemes. `rare` are those of them that narrow the search down, joined by OR, and `weights`
--                  the inverse document frequency of all;
--   phrase:        what stood between quotation marks, null where nothing did: chunks that have it come first;
--   …_factor:      what cosine and BM25 score are multiplied with before they are added, see kyo_pipeline/domain/fusion.py.
-- It gives the `wanted` best chunks that the actor of this transaction may read:
--   readable:  approval, currency and permission, in each statement that ranks. Whoever may read little gets an exact scan of just that, since an index of all vectors offers
--              mostly what they may not read;
--   lexical:   BM25 as an inner product of sparse vectors, among the chunks that have a rare lexeme of the question (GIN);
--   dense:     cosine, by HNSW with iterative scan;
--   scored:    both scores, exact, for whatever either leg has found, so that fusion never guesses a missing one.
-- It runs as its owner, since row-level security would keep the GIN index from being used: the operator `@@` is not
-- leakproof. Nothing that it names may be found anywhere but in `kyo`: objects of pgvector carry their schema, and no
-- other schema is searched. It gives back ids and scores; their rows are then read by another function, which asks for permission again (read_passages.sql).
create or replace function create_search(embedding_set integer) returns void
language plpgsql security definer set search_path = kyo, pg_temp
as $create$
declare
  template constant text := $template$
create or replace function {search}(
  question public.vector, rare tsquery, weights public.sparsevec, phrase tsquery, dense_factor double precision,
  lexical_factor double precision, wanted integer
)
returns table (chunk_id bigint, score double precision, similarity double precision, lexical double precision)
-- `rows`: for a thousand, the planner's guess, it would work out who may read each document there is.
language plpgsql stable rows 10 security definer
set search_path = kyo, pg_temp
-- One plan for all questions: by its index, whatever the planner makes of values that it does not know.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
set jit = off
-- Without iterative scan a selective condition behind HNSW would return fewer rows than there are.
set hnsw.iterative_scan = relaxed_order
-- Measured: short questions lie far from passages, and with a hundred 91 % of the ten nearest of 100,000 were found, with this 99 %.
set hnsw.ef_search = 400
set hnsw.max_scan_tuples = 200000
as $function$
declare
  asked constant public.{type} := question;
  me constant uuid := current_actor();
  reads constant uuid[] := array(select accessible_collections(me, 'read'));
  approves constant uuid[] := array(select accessible_collections(me, 'approve'));
  granted constant uuid[] := array(select granted_documents(me));
  -- Measured: where the readable chunks, squared, are 250 times all chunks, scanning them takes as long as the index does.
  few_documents constant integer := 2000;
  -- Forty give the same ten best as a hundred, since both scores are exact for all of them.
  candidates constant integer := greatest(40, wanted);
  -- Where even the rarest word of a question is everywhere, words tell little.
  most_matches constant integer := 1000;
  scan_factor constant integer := 250;
  versions uuid[];
  is_little boolean := false;
  by_words bigint[] := '{}';
  by_phrase bigint[] := '{}';
  by_meaning bigint[] := '{}';
begin
  versions := array(
    (select d.current_version_id from documents d where {searchable} and {in_collections} limit few_documents + 1)
    union
    (select d.current_version_id from documents d where {searchable} and d.id = any(granted) limit few_documents + 1));
  if cardinality(versions) <= few_documents then
    select coalesce(sum(v.chunk_count), 0) ^ 2 <= scan_factor * k.chunk_count into is_little
    from cuttings k
    left join document_versions v on v.id = any(versions)
    where k.id = {cutting}
    group by k.chunk_count;
  end if;

  if is_little then
    by_words := array(
      select c.id
      from chunks c
      where c.version_id = any(versions) and c.cutting_id = {cutting} and c.bm25 operator(public.<#>) weights < 0
      order by c.bm25 operator(public.<#>) weights
      limit candidates);
    by_meaning := array(
      select c.id
      from chunks c
      join {vectors} e on e.chunk_id = c.id
      where c.version_id = any(versions)
      order by (e.embedding operator(public.<=>) asked) + 0  -- the sum cannot come from the index
      limit candidates);
  else
    by_words := array(
      select ranked.id
      from (
        select matching.id
        from (
          select c.id, c.bm25 operator(public.<#>) weights as distance
          from chunks c
          where c.lexical @@ rare
            and c.cutting_id = {cutting}
            -- Before the limit: of old versions and other people's documents there may be any number.
            and exists (select from documents d where d.current_version_id = c.version_id and {readable})
          limit most_matches
        ) matching
        order by matching.distance
      ) ranked
      limit candidates);
    by_meaning := array(
      select e.chunk_id
      from {vectors} e
      join chunks c on c.id = e.chunk_id
      join documents d on d.current_version_id = c.version_id
      where {readable}
      order by e.embedding operator(public.<=>) asked
      limit candidates);
  end if;

  if phrase is not null then
    by_phrase := array(
      select c.id
      from chunks c
      join documents d on d.current_version_id = c.version_id
      where c.lexical @@ phrase and c.cutting_id = {cutting} and {readable}
      order by c.bm25 operator(public.<#>) weights
      limit candidates);
  end if;

  return query
  with
  scored as (
    select c.id, c.lexical @@ phrase is true as has_phrase,
      coalesce(-(c.bm25 operator(public.<#>) weights), 0) as lexical,
      1 - (e.embedding operator(public.<=>) asked) as similarity
    from (select distinct unnest(by_words || by_meaning || by_phrase) as id) found
    join chunks c on c.id = found.id
    join {vectors} e on e.chunk_id = c.id
  ),
  summed as (
    select *, dense_factor * s.similarity + lexical_factor * s.lexical as fused
    from scored s
  ),
  ranked as (
    -- Whatever has the phrase is ahead of whatever has not.
    select *, s.fused + case when s.has_phrase then max(s.fused) over () - min(s.fused) over () else 0 end as rank
    from summed s
  )
  select s.id,
    coalesce((s.rank - min(s.rank) over ()) / nullif(max(s.rank) over () - min(s.rank) over (), 0), 1),
    s.similarity, s.lexical
  from ranked s
  order by s.rank desc, s.id
  limit wanted;
end $function$;

revoke all on function {search}(public.vector, tsquery, public.sparsevec, tsquery, double precision, double precision, integer)
from public;
grant execute on function {search}(public.vector, tsquery, public.sparsevec, tsquery, double precision, double precision, integer)
to kyo_app, kyo_pipeline;
$template$;
  searchable constant text := 'd.state = ''approved'' and d.current_version_id is not null';
  in_collections constant text :=
    'd.collection_id = any(reads) and (not d.restricted or d.owner_id = me or d.collection_id = any(approves))';
  statement text := template;
  searched embedding_sets;
begin
  select s.* into strict searched from embedding_sets s where s.id = embedding_set;
  -- Until pgvector is loaded, its settings are nobody's, and may not be set.
  perform cast('[1]' as public.vector);
  statement := replace(statement, '{readable}', '{searchable} and ({in_collections} or d.id = any(granted))');
  statement := replace(statement, '{searchable}', searchable);
  statement := replace(statement, '{in_collections}', in_collections);
  statement := replace(statement, '{cutting}', cast(searched.cutting_id as text));
  statement := replace(statement, '{type}', format('%s(%s)', searched.storage, searched.dimensions));
  statement := replace(statement, '{vectors}', format('kyo.chunk_embeddings_%s', embedding_set));
  execute replace(statement, '{search}', format('kyo.search_set_%s', embedding_set));
end $create$;

revoke all on function create_search(integer) from public;

-- What is there already searches as the newest text of this file says.
do $$
begin
  perform create_search(id) from embedding_sets where to_regclass(format('chunk_embeddings_%s', id)) is not null;
end $$;
