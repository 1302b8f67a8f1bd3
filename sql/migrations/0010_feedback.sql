-- What people say about answers becomes work for those who look after the documents; what those confirm becomes a case by
-- which the search is judged. The functions that go with it are in functions/feedback_items.sql and functions/evaluation_cases.sql.

-- Feedback ---------------------------------------------------------------------------------------------------------

alter table feedback
  add column reason text check (reason in ('wrong', 'outdated', 'incomplete', 'wrong_source', 'other')),
  add column correct_document_id uuid references documents on delete set null,  -- where the asker says that the answer is
  add constraint feedback_says_what_is_wrong check (rating = -1 or (reason is null and correct_document_id is null));
create index on feedback (correct_document_id) where correct_document_id is not null;

grant delete on feedback to kyo_app;  -- whoever has said something may take it back

-- Nobody names a document as the right source that they may not read.
drop policy own on feedback;
create policy own on feedback to kyo_app
  using (user_id = (select current_actor()))
  with check (
    user_id = (select current_actor())
    and exists (
      select
      from answers a
      join questions q on q.id = a.question_id
      where a.id = answer_id and q.user_id = (select current_actor())
    )
    and (correct_document_id is null or may_read_document((select current_actor()), correct_document_id))
  );

-- Review items -----------------------------------------------------------------------------------------------------

alter table review_items
  add column answer_id uuid references answers on delete cascade,  -- which somebody found unhelpful
  add column resolution text check (resolution in ('confirmed', 'corrected', 'document_updated', 'dismissed')),
  add column note text not null default '',
  alter column assigned_to drop not null,  -- null: its owner has left, so it is for whoever may approve the document
  drop constraint review_items_kind_check,
  add constraint review_items_kind_check check (kind in ('overdue', 'disliked')),
  add constraint review_items_answer check ((kind = 'disliked') = (answer_id is not null)),
  add constraint review_items_resolution check (kind = 'overdue' or (resolution is null) = (closed_at is null));
drop index review_items_open;
create unique index review_items_overdue on review_items (document_id) where kind = 'overdue' and closed_at is null;
create unique index review_items_disliked on review_items (document_id, answer_id) where kind = 'disliked';
create index on review_items (answer_id) where kind = 'disliked';
create index on review_items (document_id) where kind = 'disliked' and closed_at is null;

-- Whether somebody may read all that went into an answer which is not theirs: what it cites, where it stands, and what a
-- language model was given. As `answer_is_shared_with`, but an answer without citations quotes nothing.
create function answer_is_open_to(answer uuid, reader uuid) returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select exists (
    select
    from answers a
    where a.id = answer
      and a.outcome <> 'erased'
      and (a.generator = 'extractive' or a.outcome = 'not_found' or a.shown_documents is not null)
      and (
        a.outcome = 'not_found'
        or not exists (select from unnest(a.shown_documents) as shown(id) where not may_read_document(reader, shown.id))
      )
      and not exists (
        select
        from citations c
        join document_versions v on v.id = c.version_id
        join documents d on d.id = v.document_id
        left join document_versions current on current.id = d.current_version_id and d.state = 'approved'
        where c.answer_id = a.id
          and (
            d.state = 'deleted'
            or not may_read_document(reader, d.id)
            or (
              d.collection_id not in (select accessible_collections(reader, 'approve'))
              and d.owner_id <> reader
              and (d.current_version_id is null or v.uploaded_by <> reader)
              and (current.sha256 is distinct from v.sha256 or v.review <> 'approved')
            )
          )
      )
  )
$$;
revoke all on function answer_is_open_to(uuid, uuid) from public;
grant execute on function answer_is_open_to(uuid, uuid) to kyo_app;

-- Overdue reviews as before; what is about an answer besides only for those who may read all of that. It is opened and closed
-- by functions alone.
drop policy readable on review_items;
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
    and (kind = 'overdue' or answer_is_open_to(answer_id, (select current_actor())))
  );
drop policy approver on review_items;
create policy approver on review_items for update to kyo_app
  using (
    kind = 'overdue'
    and exists (
      select
      from documents d
      where d.id = document_id and d.collection_id in (select accessible_collections(current_actor(), 'approve'))
    )
  );
drop policy pipeline on review_items;
create policy pipeline on review_items to kyo_pipeline
  using (kind = 'overdue' and (select current_actor()) is not null)
  with check (kind = 'overdue' and (select current_actor()) is not null);

-- The newest first, of those that wait and of those that are done.
create index on review_items ((coalesce(closed_at, opened_at)) desc, id) where kind = 'disliked' and closed_at is null;
create index on review_items ((coalesce(closed_at, opened_at)) desc, id) where kind = 'disliked' and closed_at is not null;

-- Not the answer, and not the moment: the audit log, which has both of whoever said something, would tell who it was.
revoke select on review_items from kyo_app;
grant select (id, document_id, kind, assigned_to, closed_at, closed_by, resolution, note) on review_items to kyo_app;

-- Evaluation cases -------------------------------------------------------------------------------------------------

-- Questions of which somebody has said where their answer is. Who asked is not kept.
create table evaluation_cases (
  id uuid primary key default gen_random_uuid(),
  question text not null check (question <> ''),
  expected_answer text not null default '',
  origin text not null check (origin in ('review', 'answer', 'by_hand')),
  answer_id uuid unique references answers on delete set null,  -- so that one answer makes one case; not told to the app
  created_by uuid not null references users,
  created_at timestamptz not null,
  retired_at timestamptz,
  retired_by uuid references users,
  check ((retired_at is null) = (retired_by is null))
);
create index on evaluation_cases (created_at) where retired_at is null;

-- Where its answer is.
create table evaluation_case_documents (
  case_id uuid not null references evaluation_cases on delete cascade,
  document_id uuid not null references documents on delete cascade,
  primary key (case_id, document_id)
);
create index on evaluation_case_documents (document_id);

grant select (id, question, expected_answer, origin, created_by, created_at, retired_at, retired_by)
  on evaluation_cases to kyo_app, kyo_pipeline;
grant update (retired_at, retired_by) on evaluation_cases to kyo_app;
grant select on evaluation_case_documents to kyo_app, kyo_pipeline;

-- A case is for those who may approve one of its documents, and who may read all of them: its answer may quote them. All at
-- once, since a policy that asks about each takes seconds where there are thousands.
create function manageable_cases() returns setof uuid
language plpgsql stable rows 100 security definer set search_path = kyo, pg_temp
as $$
declare
  me constant uuid := current_actor();
  approvable constant uuid[] := array(select accessible_collections(me, 'approve'));
  readable constant uuid[] := array(select accessible_collections(me, 'read'));
  granted constant uuid[] := array(select granted_documents(me));
begin
  return query
  select l.case_id
  from evaluation_case_documents l
  join documents d on d.id = l.document_id
  group by l.case_id
  having bool_or(d.collection_id = any(approvable))
    -- As `may_read_document` has it.
    and bool_and(
      coalesce(d.collection_id = any(approvable), false)
      or coalesce(d.collection_id = any(readable) and (not d.restricted or d.owner_id = me), false)
      or d.id = any(granted)
    );
end $$;
revoke all on function manageable_cases() from public;
grant execute on function manageable_cases() to kyo_app;

alter table evaluation_cases enable row level security;
create policy managers on evaluation_cases to kyo_app
  using (id in (select manageable_cases())) with check (id in (select manageable_cases()));
create policy pipeline on evaluation_cases for select to kyo_pipeline using ((select current_actor()) is not null);

alter table evaluation_case_documents enable row level security;
create policy managers on evaluation_case_documents for select to kyo_app using (case_id in (select manageable_cases()));
create policy pipeline on evaluation_case_documents for select to kyo_pipeline using ((select current_actor()) is not null);
