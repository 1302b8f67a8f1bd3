-- What should never be, counted. `{vectors}` is the table of the active embedding set.
select
  (
    select count(*)
    from documents d
    join document_versions v on v.id = d.current_version_id
    where (v.status <> 'ready' or v.review <> 'approved') and d.state <> 'deleted'
  ) as current_but_not_ready,
  (
    select count(*)
    from documents d
    join chunks c on c.version_id = d.current_version_id
    left join {vectors} e on e.chunk_id = c.id
    where e.chunk_id is null or c.bm25 is null and c.lexeme_count > 0
  ) as searchable_without_vector,
  (
    select count(*)
    from document_versions
    where status = 'ready' and coalesce(chunk_count, 0) = 0
  ) as ready_without_chunks,
  (
    select abs(
      (select chunk_count from corpus)
      - (
        select count(*)
        from documents d
        join chunks c on c.version_id = d.current_version_id
        where d.state = 'approved'
      ))
  ) as miscounted_chunks
