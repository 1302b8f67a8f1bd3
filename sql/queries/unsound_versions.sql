-- Versions that cannot answer questions as they should, each with what it lacks. `{vectors}` is the table of the active
-- embedding set. `is_aside`: it is not the one that its document answers with, so it can be put right where it is.
with cut as (
  select c.version_id,
    count(*) as chunks,
    count(*) filter (where e.chunk_id is null) as without_vector,
    count(*) filter (where c.bm25 is null and c.lexeme_count > 0) as without_weights
  from chunks c
  left join {vectors} e on e.chunk_id = c.id
  where cast(:cutting as integer) is null or c.cutting_id = :cutting
  group by c.version_id
),
examined as (
  select
    v.id,
    v.document_id,
    d.title,
    v.file_name,
    v.number,
    v.sha256,
    d.current_version_id = v.id and d.state = 'approved' as answers,
    v.review = 'approved' as is_approved,
    d.current_version_id is distinct from v.id as is_aside,
    d.current_version_id = v.id and (v.status <> 'ready' or v.review <> 'approved') as is_not_ready,
    v.status = 'ready' and (
      coalesce(n.chunks, 0) = 0
      -- After another set has begun to answer, the number is that of before until it is noted.
      or n.chunks is distinct from v.chunk_count and v.cut_as is not distinct from coalesce(:cut_as, v.cut_as)
    ) as lacks_chunks,
    case when v.status = 'ready' then coalesce(n.without_vector, 0) else 0 end as without_vector,
    case when v.status = 'ready' then coalesce(n.without_weights, 0) else 0 end as without_weights
  from document_versions v
  join documents d on d.id = v.document_id
  left join cut n on n.version_id = v.id
  where d.state <> 'deleted'
)
select *
from examined
where coalesce(is_not_ready, false) or lacks_chunks or without_vector > 0 or without_weights > 0
order by answers desc nulls last, document_id, number
