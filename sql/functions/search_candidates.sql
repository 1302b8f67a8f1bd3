-- Hybrid search: the chunks that the actor of this transaction may read, best first.
--   readable: approval, currency and permission, inside the statement that ranks;
--   lexical:  BM25 as an inner product of sparse vectors, among the chunks that share a lexeme with the question (GIN);
--   dense:    cosine. Whoever may read little gets an exact scan of that, since an index of all vectors offers mostly
--             what they may not read; the others HNSW with iterative scan;
--   scored:   both scores, exact, for whatever either leg has found, so that fusion never guesses a missing one;
--   fused:    each leg scaled to [0, 1] over the candidates, then weighted.
-- It runs as its owner, since row-level security would keep the GIN index from being used: the operator `@@` is not
-- leakproof. Nothing that it names may be found anywhere but in `kyo`: objects of pgvector carry their schema, and no
-- other schema is searched. It gives back ids and scores; their rows are then read under row-level security (queries/search_chunks.sql).
create or replace function search_candidates(
  question text, embedding_set integer, question_vector public.vector, candidates integer, dense_weight double precision,
  wanted integer
)
returns table (chunk_id bigint, score double precision, similarity double precision, lexical double precision)
-- `rows`: for a thousand, the planner's guess, it would work out who may read each document there is.
language plpgsql stable rows 10 security definer set search_path = kyo, pg_temp
as $function$
declare
  readable constant text := $statement$
    select d.current_version_id
    from documents d
    where d.state = 'approved'
      and d.current_version_id is not null
      and (
        (
          d.collection_id in (select accessible_collections(current_actor(), 'read'))
          and (
            not d.restricted
            or d.owner_id = current_actor()
            or d.collection_id in (select accessible_collections(current_actor(), 'approve'))
          )
        )
        or d.id in (select granted_documents(current_actor()))
      )
  $statement$;
  ranking constant text := $statement$
    with
    question as materialized (
      select
        l.id,
        l.lexeme,
        cast(ln(1 + (corpus.chunk_count - l.chunk_count + 0.5) / (l.chunk_count + 0.5)) as real) as idf
      from corpus
      cross join unnest(tsvector_to_array(to_tsvector('english', $1))) as q(lexeme)
      join lexemes l on l.lexeme = q.lexeme
      where l.chunk_count > 0
    ),
    terms as materialized (
      select
        cast('{' || string_agg(id || ':' || idf, ',' order by id) || '}/1000000000' as public.sparsevec) as weights,
        cast(
          string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')
          as tsquery) as any_of_them
      from question
    ),
    -- Not materialized: it would be searched through once for each vector that the index offers.
    readable as not materialized ({readable}),
    lexical as materialized (
      select c.id
      from terms
      join chunks c on c.lexical @@ terms.any_of_them
      join readable on readable.current_version_id = c.version_id
      order by c.bm25 operator(public.<#>) terms.weights
      limit $3
    ),
    dense as materialized (
      select e.chunk_id as id
      from {vectors} e
      join chunks c on c.id = e.chunk_id
      join readable on readable.current_version_id = c.version_id
      order by {distance}
      limit $3
    ),
    scored as (
      select
        c.id,
        coalesce(-(c.bm25 operator(public.<#>) terms.weights), 0) as lexical,
        1 - (e.embedding operator(public.<=>) $2) as similarity
      from (select id from lexical union select id from dense) as found
      join chunks c on c.id = found.id
      join {vectors} e on e.chunk_id = c.id
      cross join terms
    ),
    fused as (
      select
        id,
        lexical,
        similarity,
        $4 * coalesce(
          (similarity - min(similarity) over ())
          / nullif(max(similarity) over () - min(similarity) over (), 0), 1)
        + (1 - $4) * coalesce(lexical / nullif(max(lexical) over (), 0), 0) as score
      from scored
    )
    select id, score, similarity, lexical
    from fused
    order by score desc, id
    limit $5
  $statement$;
  -- Measured: a vector that the index offers and the actor may not read costs as much as ten that are scanned.
  few_documents constant integer := 1000;
  scan_factor constant integer := 1000;
  versions uuid[];
  is_little boolean := false;
  statement text;
begin
  execute format('select array(%s limit %s)', readable, few_documents + 1) into versions;
  if cardinality(versions) <= few_documents then
    select coalesce(sum(v.chunk_count), 0) ^ 2 <= scan_factor * corpus.chunk_count into is_little
    from corpus
    left join document_versions v on v.id = any(versions)
    group by corpus.chunk_count;
  end if;
  statement := replace(ranking, '{vectors}', format('kyo.chunk_embeddings_%s', embedding_set));
  if is_little then
    statement := replace(statement, '{readable}', 'select unnest($6) as current_version_id');
    statement := replace(statement, '{distance}', '(e.embedding operator(public.<=>) $2) + 0');  -- the sum cannot come from the index
  else
    statement := replace(statement, '{readable}', readable);
    statement := replace(statement, '{distance}', 'e.embedding operator(public.<=>) $2');
  end if;
  return query execute statement using question, question_vector, candidates, dense_weight, wanted, versions;
end $function$;

revoke all on function search_candidates(text, integer, public.vector, integer, double precision, integer) from public;
grant execute on function search_candidates(text, integer, public.vector, integer, double precision, integer) to kyo_app;
