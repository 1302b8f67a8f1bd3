-- Documents that the actor may read, newest first, each with the newest version that they may know of: versions that
-- were never approved are for the document's owner, their uploader and those who may approve there.
--   page:  which documents, and with which version. Every document that matches is looked at, to count and to order them,
--          so that only what filters and order need stands here;
--   then all that is said of those few.
with page as (
  select d.id, v.id as version_id, v.uploaded_at, count(*) over () as total
  from documents d
  left join collections c on c.id = d.collection_id
  join lateral (
    select w.id, w.file_name, w.status, w.review, w.uploaded_at
    from document_versions w
    where w.document_id = d.id
      and (
        w.review = 'approved'
        or w.uploaded_by = :actor
        or d.owner_id = :actor
        or d.collection_id in (select accessible_collections(:actor, 'approve'))
      )
      and (not :to_decide or w.review <> 'draft')  -- it must not hide what waits below it
    order by w.number desc
    limit 1
  ) v on true
  where (
      d.collection_id in (select accessible_collections(:actor, 'approve'))
      or (
        d.collection_id in (select accessible_collections(:actor, 'read')) and (not d.restricted or d.owner_id = :actor)
      )
      or d.id in (select granted_documents(:actor))
    )
    and (cast(:document_id as uuid) is null or d.id = :document_id)
    and (
      cast(:of_versions as uuid[]) is null
      or d.id in (select w.document_id from document_versions w where w.id = any(cast(:of_versions as uuid[])))
    )
    and (cast(:text as text) = '' or d.title ilike :pattern or v.file_name ilike :pattern)
    and case
      when cast(:state as text) is not null then d.state = :state
      else d.state <> 'deleted' or cast(:of_versions as uuid[]) is not null
    end
    and (d.state <> 'deleted' or (select actor_is_admin()))
    and (cast(:tag as text) is null or d.tags @> array[cast(:tag as text)])
    and (cast(:owner_id as uuid) is null or d.owner_id = :owner_id)
    and (not :stale or (d.stale_since is not null and d.state = 'approved'))
    and (cast(:status as text) is null or v.status = :status)
    and (cast(:review as text) is null or v.review = :review)
    and (cast(:collection as text) is null or c.name = :collection)
    and (
      not :to_decide
      or (
        d.state not in ('archived', 'deleted')
        and d.collection_id in (select accessible_collections(:actor, 'approve'))
      )
    )
    and (
      not :theirs
      or d.owner_id = :actor
      or d.collection_id in (select accessible_collections(:actor, 'approve'))
    )
  order by v.uploaded_at desc, d.id
  limit :limit
  offset :offset
)
select
  d.id,
  d.title,
  coalesce(c.name, '') as collection,  -- a single document may be read without its collection
  owner.name as owner_name,
  d.state,
  d.created_at,
  d.state = 'approved' and d.current_version_id is not null as searchable,
  d.restricted,
  d.owner_id,
  d.tags,
  d.review_by,
  d.stale_since,
  d.deleted_at,
  deleter.name as deleted_by_name,
  current.number as current_number,
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
  v.claimed_by is not null and v.claimed_until > :now as in_progress,
  page.total
from page
join documents d on d.id = page.id
join document_versions v on v.id = page.version_id
left join collections c on c.id = d.collection_id
join people owner on owner.id = d.owner_id
join people uploader on uploader.id = v.uploaded_by
left join people reviewer on reviewer.id = v.reviewed_by
left join people deleter on deleter.id = d.deleted_by
left join document_versions current on current.id = d.current_version_id
left join document_versions origin on origin.id = v.reprocess_of
order by page.uploaded_at desc, d.id
