-- Versions that nobody needs any more: see kyo_pipeline/services/retaining.py. Both functions run as their owner: the pipeline
-- may see neither answers nor the audit log, and may delete no version.

-- What may go of each document: neither what answers questions now nor what has done so at any moment since `before`, as the
-- audit log tells; a newer version answered before that moment; nobody waits for it, and no answer cites it.
create or replace function expirable_versions(before timestamptz) returns setof uuid
language plpgsql stable security definer set search_path = kyo, pg_temp
as $$
begin
  if actor_is_operator() is not true then
    raise exception 'only the pipeline deletes old versions' using errcode = 'insufficient_privilege';
  end if;
  return query
  with
  swaps as (
    select a.id as place, a.at, v.id, v.document_id
    from audit_log a
    join document_versions v on cast(v.id as text) = a.object_id
    where a.event in ('document:publish', 'document:roll_back') and a.outcome = 'done'
  ),
  last_before as (
    select distinct on (s.document_id) s.id
    from swaps s
    where s.at < before
    order by s.document_id, s.at desc, s.place desc
  ),
  -- Where the log has let go of what was before, nobody knows what answered then.
  unknown as (
    select s.document_id from swaps s group by s.document_id having min(s.at) >= before
  ),
  answered_since as (
    select s.id from swaps s where s.at >= before
    union
    select l.id from last_before l
  )
  select v.id
  from document_versions v
  join documents d on d.id = v.document_id
  where d.state <> 'deleted'
    and v.id is distinct from d.current_version_id
    and v.review in ('approved', 'rejected')
    and v.status in ('ready', 'failed')
    and v.id not in (select s.id from answered_since s)
    and v.document_id not in (select u.document_id from unknown u)
    and (
      exists (select from audit_log a where a.at < before)
      or not exists (select from audit_log a where a.event = 'audit:prune')
    )
    and exists (
      select from document_versions w where w.document_id = v.document_id and w.number > v.number and w.published_at < before
    )
    and not exists (
      select from document_versions w where w.reprocess_of = v.id and w.status not in ('ready', 'failed')
    )
    and not exists (select from citations c where c.version_id = v.id)
    and not exists (
      select
      from verified_citations c
      join verified_answers a on a.id = c.verified_answer_id
      where c.version_id = v.id and a.withdrawn_at is null
    )
  order by v.document_id, v.number;
end $$;

-- Delete one of them with its text, chunks and vectors; no row where that may not be, or not now, since somebody works on the
-- document. What was read again from its bytes takes its place: the first such reading counts as the upload from then on,
-- and says when that was. The file is removed by the caller, if no other version has it.
create or replace function expire_version(version uuid, before timestamptz)
returns table (
  document_id uuid, title text, number integer, file_name text, sha256 text, uploaded_at timestamptz, chunks bigint
)
language plpgsql security definer set search_path = kyo, pg_temp
as $$
#variable_conflict use_column
declare
  subject documents;
  gone document_versions;
  heir uuid;
begin
  if actor_is_operator() is not true then
    raise exception 'only the pipeline deletes old versions' using errcode = 'insufficient_privilege';
  end if;
  select d.* into subject
  from documents d
  where d.id = (select v.document_id from document_versions v where v.id = version) and d.state <> 'deleted'
  for no key update skip locked;
  if not found then
    return;
  end if;
  perform from document_versions v where v.document_id = subject.id order by v.id for no key update;
  -- Whoever stores an answer that cites it holds it until then: their citation is seen below, or they find it gone.
  select v.* into gone from document_versions v where v.id = version for update;
  -- All that may have changed since it was listed, once more, now that nothing can change.
  if not found
    or gone.id is not distinct from subject.current_version_id
    or gone.review not in ('approved', 'rejected')
    or gone.status not in ('ready', 'failed')
    or not exists (
      select
      from document_versions w
      where w.document_id = subject.id and w.number > gone.number and w.published_at < before
    )
    or exists (
      select
      from document_versions w
      where w.document_id = subject.id and w.reprocess_of = gone.id and w.status not in ('ready', 'failed')
    )
    or exists (select from citations c where c.version_id = gone.id)
    or exists (
      select
      from verified_citations c
      join verified_answers a on a.id = c.verified_answer_id
      where c.version_id = gone.id and a.withdrawn_at is null
    )
  then
    return;
  end if;

  heir := gone.reprocess_of;
  if heir is null then
    select w.id into heir
    from document_versions w
    where w.document_id = subject.id and w.reprocess_of = gone.id
    order by w.number
    limit 1;
    update document_versions w
    set reprocess_of = null, uploaded_at = gone.uploaded_at, ready_at = coalesce(gone.ready_at, w.ready_at)
    where w.id = heir;
    if heir = subject.current_version_id then  -- answers show that day
      update corpus set revision = revision + 1;
    end if;
  end if;
  update document_versions w set reprocess_of = heir where w.document_id = subject.id and w.reprocess_of = gone.id;

  select count(*) into chunks from chunks c where c.version_id = gone.id;
  delete from document_versions v where v.id = gone.id;
  document_id := subject.id;
  title := subject.title;
  number := gone.number;
  file_name := gone.file_name;
  sha256 := gone.sha256;
  uploaded_at := gone.uploaded_at;
  return next;
end $$;

revoke all on function expirable_versions(timestamptz), expire_version(uuid, timestamptz) from public;
grant execute on function expirable_versions(timestamptz), expire_version(uuid, timestamptz) to kyo_pipeline;
