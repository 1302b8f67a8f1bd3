-- The life of a document: drafts, owners, tags, dates by which it must be reviewed, deletion; versions that are read again.

-- Collections ------------------------------------------------------------------------------------------------------

alter table collections
  add column review_months integer check (review_months between 1 and 120),  -- from an approval to the next review; null: none
  add column downloadable boolean not null default true;  -- whether all who may read may take the files away as well

-- Documents --------------------------------------------------------------------------------------------------------

alter table documents
  add column tags text[] not null default '{}',
  add column review_by date,             -- the last day on which its approval holds; null: for ever
  add column stale_since timestamptz,    -- when the pipeline found that day to be over
  add column deleted_at timestamptz,
  add column deleted_by uuid references users,
  drop constraint documents_state_check,
  add constraint documents_state_check
    check (state in ('draft', 'in_review', 'approved', 'rejected', 'archived', 'deleted')),
  add constraint documents_deleted check ((state = 'deleted') = (deleted_at is not null and deleted_by is not null));
create index on documents using gin (tags);
create index on documents (review_by) where state = 'approved' and stale_since is null;

-- What is left of a deleted document does not keep its collection from being deleted.
alter table documents
  alter column collection_id drop not null,
  add constraint documents_belong_somewhere check (collection_id is not null or state = 'deleted'),
  drop constraint documents_collection_id_fkey,
  add foreign key (collection_id) references collections on delete set null;

alter table document_versions
  add column reprocess_of uuid references document_versions,  -- the same bytes, read again
  add column published_at timestamptz,                        -- when it answered questions for the first time
  add column kept_vectors integer,                            -- chunks that took over the vector of an earlier version
  add column cut_as text,                                     -- by which rules: while they stay, unchanged chunks stay too
  add column empty_pages integer,                             -- how many pages have no text
  add column ocr_pages integer,                               -- how many were read from a picture
  drop constraint document_versions_review_check,
  add constraint document_versions_review_check check (review in ('draft', 'pending', 'approved', 'rejected'));

update document_versions set published_at = ready_at where review = 'approved' and status = 'ready';

alter table version_texts
  add column ocr_pages integer[] not null default '{}',  -- the pages that were read from a picture, 1-based
  add column signature integer[],                        -- MinHash of its words, see kyo_pipeline/domain/likeness.py; {} of a short text
  add column bands integer[];                            -- groups of it: texts that are alike share one
create index version_texts_bands on version_texts using gin (bands);

alter table chunks add column digest bytea;  -- sha256 of what was embedded: title, headings, text

-- Work for people --------------------------------------------------------------------------------------------------

create table review_items (
  id uuid primary key default gen_random_uuid(),
  document_id uuid not null references documents on delete cascade,
  kind text not null check (kind in ('overdue')),
  assigned_to uuid not null references users,
  opened_at timestamptz not null,
  closed_at timestamptz,
  closed_by uuid references users,
  check ((closed_at is null) = (closed_by is null))
);
create unique index review_items_open on review_items (document_id, kind) where closed_at is null;
create index on review_items (assigned_to) where closed_at is null;

alter table answers
  drop constraint answers_outcome_check,
  add constraint answers_outcome_check
    check (outcome in ('answered', 'not_found', 'stopped', 'failed', 'erased'));

-- Guards -----------------------------------------------------------------------------------------------------------

-- A new version of it may be uploaded by those who may write; all else about a document is for those who may approve, and
-- deleting it for admins.
create or replace function guard_documents() returns trigger language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  if current_actor() is null then  -- the owner of the tables, in a migration
    return new;
  end if;
  if old.state = 'deleted' and (
    to_jsonb(new) - 'collection_id' is distinct from to_jsonb(old) - 'collection_id'  -- which goes with its collection
    or new.collection_id is not null
  ) then
    raise exception 'a deleted document stays as it is' using errcode = 'insufficient_privilege';
  end if;
  if (new.state = 'deleted' or new.collection_id is null) and not actor_is_admin() then
    raise exception 'only an admin may delete a document' using errcode = 'insufficient_privilege';
  end if;
  if old.state <> 'deleted' and (
    new.current_version_id is distinct from old.current_version_id
    or new.restricted is distinct from old.restricted
    or new.collection_id is distinct from old.collection_id
    or new.owner_id is distinct from old.owner_id
    or new.title is distinct from old.title
    or new.tags is distinct from old.tags
    or new.review_by is distinct from old.review_by
    or new.stale_since is distinct from old.stale_since
    or (new.state is distinct from old.state and (new.state <> 'in_review' or old.state in ('approved', 'archived')))
  ) and not (
    old.collection_id in (select accessible_collections(current_actor(), 'approve'))
    and new.collection_id in (select accessible_collections(current_actor(), 'approve'))
  ) then
    raise exception 'only who may approve in the collection may do this to a document'
      using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;

create or replace function guard_versions() returns trigger language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  ended constant text[] := '{status, error, claimed_by, claimed_until}';
begin
  if current_actor() is null then  -- the owner of the tables, in a migration
    return new;
  end if;
  -- Of a deleted document nothing comes back: its versions come to their end, and stay as they are then.
  if exists (
    select
    from documents d
    where d.id = new.document_id and d.state = 'deleted'
  ) then
    if tg_op = 'UPDATE' and new.status = 'failed' and actor_is_admin()
      and to_jsonb(new) - ended = to_jsonb(old) - ended then
      return new;
    end if;
    raise exception 'a deleted document stays as it is' using errcode = 'insufficient_privilege';
  end if;
  -- People send what has failed through once more; all else about the processing is the pipeline's, which is the operator.
  if not actor_is_operator() and (
    tg_op = 'INSERT' and (new.status <> 'uploaded' or new.reprocess_of is not null)
    or tg_op = 'UPDATE' and new.status is distinct from old.status
    and not (old.status = 'failed' and new.status = 'uploaded')
  ) then
    raise exception 'only the pipeline may do this to a version' using errcode = 'insufficient_privilege';
  end if;
  -- A draft becomes a question to those who may approve when its uploader says so.
  if (
    tg_op = 'INSERT' and new.review not in ('draft', 'pending')
    or tg_op = 'UPDATE' and (
      new.review is distinct from old.review
      and not (old.review = 'draft' and new.review = 'pending' and old.uploaded_by = current_actor())
      or new.reviewed_by is distinct from old.reviewed_by
      or new.review_reason is distinct from old.review_reason
      or new.published_at is distinct from old.published_at
      or new.sha256 is distinct from old.sha256
      or new.document_id is distinct from old.document_id
      or new.uploaded_by is distinct from old.uploaded_by
    )
  ) and exists (
    select
    from documents d
    where d.id in (new.document_id, case tg_op when 'UPDATE' then old.document_id else new.document_id end)
      and d.collection_id not in (select accessible_collections(current_actor(), 'approve'))
  ) then
    raise exception 'only who may approve in the collection may decide about a version'
      using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;

-- Deleting ---------------------------------------------------------------------------------------------------------

-- Everything that says what stood in a document: its texts, chunks, vectors, and the answers that quote it. What stays is
-- that it was there: its row, its versions' rows, the audit log. The caller takes it out of the statistics before, and
-- removes the files after: their digests are what comes back.
create function erase_document(document uuid, at timestamptz) returns setof text
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  versions constant uuid[] := array(select v.id from document_versions v where v.document_id = document);
begin
  if not actor_is_admin() then
    raise exception 'only an admin may delete a document' using errcode = 'insufficient_privilege';
  end if;
  update documents
  set state = 'deleted', deleted_at = at, deleted_by = current_actor(), updated_at = at, tags = '{}', review_by = null,
    stale_since = null
  where id = document;
  update document_versions
  set status = 'failed', error = 'This document was deleted.', claimed_by = null, claimed_until = null
  where id = any(versions);
  delete from version_texts where version_id = any(versions);
  -- Their vectors go with them. Before the answers: one that is being stored meanwhile holds the chunks that it cites.
  delete from chunks where version_id = any(versions);
  update feedback set comment = '' where answer_id in (select c.answer_id from citations c where c.version_id = any(versions));
  update answers set text = '', outcome = 'erased'
  where id in (select c.answer_id from citations c where c.version_id = any(versions));
  delete from review_items i where i.document_id = document;
  return query select distinct v.sha256 from document_versions v where v.id = any(versions);
end $$;
revoke all on function erase_document(uuid, timestamptz) from public;
grant execute on function erase_document(uuid, timestamptz) to kyo_app;

-- Rights -----------------------------------------------------------------------------------------------------------

grant update (title, owner_id, collection_id, tags, review_by, stale_since) on documents to kyo_app;
grant insert (review, reprocess_of), update (published_at) on document_versions to kyo_app;
grant select, insert on review_items to kyo_pipeline;
grant execute on function may_see_version(uuid) to kyo_pipeline;  -- files of the inbox are uploaded there
grant select, update (closed_at, closed_by) on review_items to kyo_app;

-- For its owner, and for those who may approve the document.
alter table review_items enable row level security;
create policy readable on review_items for select to kyo_app
  using (
    exists (
      select
      from documents d
      where d.id = document_id
        and (
          d.owner_id = (select current_actor())
          or d.collection_id in (select accessible_collections(current_actor(), 'approve'))
        )
    )
  );
create policy approver on review_items for update to kyo_app
  using (
    exists (
      select
      from documents d
      where d.id = document_id and d.collection_id in (select accessible_collections(current_actor(), 'approve'))
    )
  );
create policy pipeline on review_items to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);
