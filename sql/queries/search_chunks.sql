-- What the search in an embedding set has found (functions/create_search.sql), with its rows.
with found as materialized (
  select *
  from {search}(
    cast(:vector as vector), cast(:rare as tsquery), cast(:weights as sparsevec), cast(:phrase as tsquery), :dense_factor,
    :lexical_factor, :limit
  )
)
select p.*, found.score, found.similarity, found.lexical
from found
join read_passages((select array_agg(chunk_id) from found)) p on p.chunk_id = found.chunk_id
order by found.score desc, found.chunk_id
