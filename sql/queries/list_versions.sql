-- The versions of a document, or some versions by their ids, that the actor may know of, newest first: those that were
-- never approved are for the document's owner, their uploader and those who may approve there.
select
  v.document_id,
  v.id as version_id,
  v.number,
  v.file_name,
  v.sha256,
  v.size_bytes,
  v.media_type,
  v.status,
  v.review,
  v.review_reason,
  reviewer.name as reviewed_by_name,
  v.reviewed_at,
  v.error,
  v.pages,
  v.empty_pages,
  v.ocr_pages,
  v.kept_vectors,
  origin.number as reprocess_of,
  v.chunk_count,
  v.uploaded_by,
  uploader.name as uploaded_by_name,
  v.uploaded_at,
  v.ready_at,
  v.claimed_by is not null and v.claimed_until > :now as in_progress
from document_versions v
join documents d on d.id = v.document_id
join people uploader on uploader.id = v.uploaded_by
left join people reviewer on reviewer.id = v.reviewed_by
left join document_versions origin on origin.id = v.reprocess_of
where (v.document_id = cast(:document_id as uuid) or v.id = any(cast(:version_ids as uuid[])))
  and may_read_document(:actor, d.id)
  and (d.state <> 'deleted' or (select actor_is_admin()))
  and (
    v.review = 'approved'
    or v.uploaded_by = :actor
    or d.owner_id = :actor
    or d.collection_id in (select accessible_collections(:actor, 'approve'))
  )
order by v.number desc
