-- The rows of what the search in an embedding set has found (functions/create_search.sql), under row-level security: permission is asked for twice.
select
  c.id as chunk_id,
  d.id as document_id,
  c.version_id,
  v.number as version_number,
  d.title,
  owner.name as owner,
  v.uploaded_at as dated,
  coalesce(k.name, '') as collection,  -- a single document may be read without its collection
  c.text,
  c.start_offset,
  c.end_offset,
  c.page_from,
  c.page_to,
  c.heading_path,
  found.score,
  found.similarity,
  found.lexical
from {search}(
  cast(:vector as vector), cast(:rare as tsquery), cast(:weights as sparsevec), cast(:phrase as tsquery), :dense_factor,
  :lexical_factor, :limit
) as found
join chunks c on c.id = found.chunk_id
join document_versions v on v.id = c.version_id
join documents d on d.id = v.document_id
join people owner on owner.id = d.owner_id
left join collections k on k.id = d.collection_id
order by found.score desc, c.id
