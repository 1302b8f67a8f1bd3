-- Have a document read again from the bytes that it has; returns the versions that wait for the pipeline because of it.
-- What answers questions stays as it is: a new version of the same bytes, uploader and review takes its place when it is
-- ready. A newer version that has never answered any starts again where it stands, and stays the newest: it gives its
-- number to the new one, as those do that wait below it. `even_under_way`: also what is beyond the first step begins
-- again, which else is left alone.
create or replace function requeue_document(document uuid, at timestamptz, even_under_way boolean)
returns table (version_id uuid, is_new boolean)
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  caller constant uuid := current_actor();
  subject documents;
  answering document_versions;
  newest document_versions;
  undecided document_versions;
  place integer;
begin
  select d.* into subject
  from documents d
  where d.id = document and d.collection_id in (select accessible_collections(caller, 'approve'))
  for no key update;
  if not found then
    raise exception 'only who may approve in the collection may have a document read again'
      using errcode = 'insufficient_privilege';
  end if;
  if subject.state in ('archived', 'deleted') then
    return;
  end if;
  perform from document_versions v where v.document_id = document order by v.id for no key update;
  select v.* into answering from document_versions v where v.id = subject.current_version_id;
  select v.* into newest from document_versions v where v.document_id = document order by v.number desc limit 1;

  -- The rest is the pipeline's business, which is the operator's: see `guard_versions`.
  perform set_config('kyo.actor', '00000000-0000-0000-0000-000000000001', true);
  return query
  update document_versions v
  set status = 'uploaded', error = null, attempts = 0, retry_at = null, claimed_by = null, claimed_until = null,
    stage_seconds = '{}'
  where v.document_id = document
    and v.number > coalesce(answering.number, 0)
    and (v.id = newest.id or v.reprocess_of = answering.id)
    and v.review <> 'rejected'
    and (
      v.status = 'failed'
      or v.status = 'ready' and v.review in ('draft', 'pending')
      or v.status in ('parsed', 'chunked', 'embedded') and even_under_way
    )
  returning v.id, false;

  if answering.id is not null and not exists (
    select
    from document_versions v
    where v.document_id = document
      and v.reprocess_of = answering.id
      and v.number > answering.number
      and v.status not in ('ready', 'failed')
  ) then
    place := newest.number + 1;
    for undecided in
      select v.*
      from document_versions v
      where v.document_id = document and v.number > answering.number
      order by v.number desc
    loop
      exit when undecided.review = 'rejected'
        or undecided.review = 'approved' and undecided.status = 'ready';  -- that one has been rolled back
      update document_versions v set number = place where v.id = undecided.id;
      place := undecided.number;
    end loop;
    return query
    insert into document_versions
      (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at, review, review_reason,
       reviewed_by, reviewed_at, reprocess_of)
    values
      (document, place, answering.file_name, answering.sha256, answering.size_bytes, answering.media_type,
       answering.uploaded_by, at, answering.review, answering.review_reason, answering.reviewed_by,
       answering.reviewed_at, answering.id)
    returning id, true;
  end if;
  perform set_config('kyo.actor', caller::text, true);
end $$;

revoke all on function requeue_document(uuid, timestamptz, boolean) from public;
grant execute on function requeue_document(uuid, timestamptz, boolean) to kyo_app, kyo_pipeline;
