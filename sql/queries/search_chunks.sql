-- Hybrid search. `{vectors}` is the table of the active embedding set.
--   readable: approval, currency and permission, inside the statement that ranks;
--   lexical:  BM25 as an inner product of sparse vectors, among the chunks that share a lexeme with the question (GIN);
--   dense:    cosine, by HNSW with iterative scan where the planner finds it cheaper than an exact scan;
--   scored:   both scores, exact, for whatever either leg has found, so that fusion never guesses a missing one;
--   fused:    each leg scaled to [0, 1] over the candidates, then weighted.
with
question as materialized (
  select
    l.id,
    l.lexeme,
    cast(ln(1 + (corpus.chunk_count - l.chunk_count + 0.5) / (l.chunk_count + 0.5)) as real) as idf
  from corpus
  cross join unnest(tsvector_to_array(to_tsvector('english', :question))) as q(lexeme)
  join lexemes l on l.lexeme = q.lexeme
  where l.chunk_count > 0
),
terms as materialized (
  select
    cast('{{' || string_agg(id || ':' || idf, ',' order by id) || '}}/1000000000' as sparsevec) as weights,
    cast(
      string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')
      as tsquery) as any_of_them
  from question
),
allowed as materialized (
  select accessible_collections(:actor, 'read') as id
),
-- Not materialized: it would be searched through once for each vector that the index offers.
readable as not materialized (
  select d.current_version_id
  from documents d
  where d.state = 'approved'
    and d.collection_id in (select id from allowed)
),
lexical as materialized (
  select c.id
  from terms
  join chunks c on c.lexical @@ terms.any_of_them
  join readable on readable.current_version_id = c.version_id
  order by c.bm25 <#> terms.weights
  limit :candidates
),
dense as materialized (
  select e.chunk_id as id
  from {vectors} e
  join chunks c on c.id = e.chunk_id
  join readable on readable.current_version_id = c.version_id
  order by e.embedding <=> cast(:vector as vector)
  limit :candidates
),
scored as (
  select
    c.id,
    coalesce(-(c.bm25 <#> terms.weights), 0) as lexical,
    1 - (e.embedding <=> cast(:vector as vector)) as similarity
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
    :dense_weight * coalesce(
      (similarity - min(similarity) over ()) / nullif(max(similarity) over () - min(similarity) over (), 0), 1)
    + (1 - :dense_weight) * coalesce(lexical / nullif(max(lexical) over (), 0), 0) as score
  from scored
)
select
  c.id as chunk_id,
  d.id as document_id,
  c.version_id,
  v.number as version_number,
  d.title,
  k.name as collection,
  c.text,
  c.start_offset,
  c.end_offset,
  c.page_from,
  c.page_to,
  c.heading_path,
  fused.score,
  fused.similarity,
  fused.lexical
from fused
join chunks c on c.id = fused.id
join document_versions v on v.id = c.version_id
join documents d on d.id = v.document_id
join collections k on k.id = d.collection_id
order by fused.score desc, c.id
limit :limit
