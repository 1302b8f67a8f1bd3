-- The same rules again, where no mistake of a service gets past them: two roles that own nothing, and row-level security.
--   kyo_app:      the Streamlit app and the commands that act for a person;
--   kyo_pipeline: Dagster.
-- Every transaction names its actor in `kyo.actor`; without one, neither role sees a row.

do $$
declare
  name text;
  -- From 16 on a membership may be one that cannot be taken on.
  may_take_on constant text := case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end;
begin
  foreach name in array array['kyo_app', 'kyo_pipeline'] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I nologin', name);
    end if;
    if exists (select from pg_roles where rolname = name and (rolsuper or rolbypassrls)) then
      raise exception using
        message = format('The role %s must be neither a superuser nor free of row-level security.', name);
    end if;
    -- So that a connection of the owner can take the role on (`set role`), and migrations can give it tables.
    if not pg_has_role(current_user, name, may_take_on) then
      execute format('grant %I to current_user', name);
    end if;
  end loop;
exception when insufficient_privilege then
  raise exception using
    message = format(
      'The user %s may not make the roles of KYO. Let an administrator of the database run, as far as it is not there: '
      'create role kyo_app nologin; create role kyo_pipeline nologin; grant kyo_app, kyo_pipeline to %I;',
      current_user, current_user);
end $$;

-- Temporary tables and functions are a way to get names looked up that are somebody else's. Only the pipeline needs them.
do $$ begin
  execute format('revoke temporary on database %I from public', current_database());
  execute format('grant temporary on database %I to kyo_pipeline', current_database());
exception when insufficient_privilege then
  raise notice 'temporary objects stay allowed: only the owner of the database may forbid them';
end $$;

-- Names of people -------------------------------------------------------------------------------------------------

-- Who wrote, approved or uploaded something: of others, nobody but admins sees more than this.
create view people with (security_barrier) as
select id, username, name, active from users where current_actor() is not null;

-- The only way for the app to a password's hash.
create function sign_in_credentials(wanted text)
returns table (id uuid, username text, name text, role text, must_change_password boolean, password_hash text)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select id, username, name, role, must_change_password, password_hash
  from users
  where username = wanted and password_hash is not null
    and (id = current_actor() or actor_is_operator())  -- who signs in is nobody yet
$$;

-- Whether somebody has a password at all: for oneself and for admins.
create function has_password(person uuid) returns boolean
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select exists (
    select from users where id = person and password_hash is not null and (id = current_actor() or actor_is_admin())
  )
$$;

-- What the policies on `documents` and `document_versions` say together, for the text of one version: asked for a few rows
-- of a search, a function is quicker than policies within policies.
create function may_see_version(version uuid) returns boolean
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select exists (
    select
    from document_versions v
    join documents d on d.id = v.document_id
    where v.id = version
      and (
        d.collection_id in (select accessible_collections(current_actor(), 'approve'))
        or (
          (
            (
              (d.owner_id = current_actor() or (d.current_version_id is not null and not d.restricted))
              and d.collection_id in (select accessible_collections(current_actor(), 'read'))
            )
            or (d.current_version_id is not null and d.id in (select granted_documents(current_actor())))
          )
          and (v.review = 'approved' or v.uploaded_by = current_actor() or d.owner_id = current_actor())
        )
      )
  )
$$;

-- What each role may do to each table ------------------------------------------------------------------------------

revoke all on all functions in schema kyo from public;
alter default privileges revoke execute on functions from public;

grant usage on schema kyo to kyo_app, kyo_pipeline;
grant execute on function
  access_rank(text), role_rank(text), current_actor(), actor_is_admin(), actor_is_operator(),
  accessible_collections(uuid, text), granted_documents(uuid), may_read_document(uuid, uuid),
  answer_is_readable(uuid, uuid), question_is_answered(uuid), question_of_answer(uuid),
  count_questions(), count_approvers(uuid), next_version_number(uuid)
to kyo_app, kyo_pipeline;
grant execute on function sign_in_credentials(text), has_password(uuid), may_see_version(uuid) to kyo_app;

grant select on people, schema_migrations to kyo_app, kyo_pipeline;

grant select (id, username, name, role, email, email_confirmed, must_change_password, active, awaiting_approval, created_at,
  password_changed_at, last_seen_at) on users to kyo_app;
grant insert, update (username, name, role, email, email_confirmed, password_hash, must_change_password, active, awaiting_approval,
  password_changed_at, last_seen_at) on users to kyo_app;
grant delete on users to kyo_app;  -- a registration that was declined
grant select, insert, delete on sessions to kyo_app;
grant update (last_seen_at, revoked_at) on sessions to kyo_app;
grant select, insert, update, delete on
  user_identities, invitations, sign_in_tickets, sign_in_failures,
  collections, collection_members, collection_groups, groups, group_members, document_readers, document_reader_groups
to kyo_app;
-- By column: what is not named here is the pipeline's, or stays as it was when the row was made.
grant select on documents, document_versions to kyo_app;
grant insert (collection_id, owner_id, title, state, created_at, updated_at),
  update (state, current_version_id, restricted, updated_at) on documents to kyo_app;
grant insert (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at),
  update (review, review_reason, reviewed_by, reviewed_at, status, error, attempts, retry_at, claimed_by,
    claimed_until, stage_seconds) on document_versions to kyo_app;
grant select on version_texts, chunks, embedding_sets, heartbeats to kyo_app;
grant select, update (only_row) on corpus to kyo_app;  -- the update: to lock the row
grant select, insert on questions, answers, citations to kyo_app;
grant select, insert, update on feedback to kyo_app;
grant select, insert (at, actor_id, actor_name, event, object_type, object_id, outcome, details) on audit_log to kyo_app;

grant select (id, username, name, role, active) on users to kyo_pipeline;
grant select on
  collections, collection_members, collection_groups, groups, group_members, document_readers, document_reader_groups
to kyo_pipeline;
grant select, insert, update on documents, document_versions, lexemes, corpus, embedding_sets, heartbeats
to kyo_pipeline;
grant select, insert, update, delete on version_texts, chunks to kyo_pipeline;
grant insert (at, actor_id, actor_name, event, object_type, object_id, outcome, details) on audit_log to kyo_pipeline;

-- Tables that exist already: vectors, and those of Dagster's storage.
do $$
declare
  name text;
begin
  for name in select c.relname from pg_class c where c.relnamespace = 'kyo'::regnamespace and c.relkind = 'r'
    and c.relname ~ '^chunk_embeddings_[0-9]+$' loop
    execute format('grant select, insert, update, delete on kyo.%I to kyo_pipeline', name);
  end loop;
  grant usage, create on schema dagster to kyo_pipeline;
  for name in select c.relname from pg_class c where c.relnamespace = 'dagster'::regnamespace and c.relkind = 'r' loop
    execute format('alter table dagster.%I owner to kyo_pipeline', name);
  end loop;
end $$;

-- Functions in policies stand in sub-selects: PostgreSQL then asks them once a statement, and not once a row.

-- Rows: people -----------------------------------------------------------------------------------------------------

alter table users enable row level security;
create policy self_or_admin on users to kyo_app
  using (id = (select current_actor()) or (select actor_is_admin()))
  with check (id = (select current_actor()) or (select actor_is_admin()));
create policy pipeline on users to kyo_pipeline using ((select current_actor()) is not null);

-- A policy sees rows, not columns: what people may not change about themselves is refused here.
create function guard_users() returns trigger language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  operator constant uuid := '00000000-0000-0000-0000-000000000001';
begin
  if current_actor() is null then  -- the owner of the tables, in a migration
    return case when tg_op = 'DELETE' then old else new end;
  end if;
  if tg_op = 'DELETE' and not old.awaiting_approval
    or tg_op = 'UPDATE' and old.id = operator
    and (new.role, new.active, new.username, new.password_hash) is distinct from
      (old.role, old.active, old.username, old.password_hash)
  then
    raise exception 'this account cannot be removed or changed' using errcode = 'insufficient_privilege';
  end if;
  if not actor_is_admin() and (
    tg_op <> 'UPDATE'
    or new.role is distinct from old.role
    or new.active is distinct from old.active
    or new.awaiting_approval is distinct from old.awaiting_approval
    or new.username is distinct from old.username
    or (new.email_confirmed and (not old.email_confirmed or new.email is distinct from old.email))
  ) then
    raise exception 'only an admin may do this to an account' using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'DELETE' then
    return old;
  end if;
  return new;
end $$;
create trigger guard_users before insert or update or delete on users for each row execute function guard_users();

alter table user_identities enable row level security;
create policy own on user_identities to kyo_app
  using (user_id = (select current_actor()) or (select actor_is_admin())) with check ((select actor_is_admin()));

alter table invitations enable row level security;
create policy admin on invitations to kyo_app using ((select actor_is_admin())) with check ((select actor_is_admin()));

alter table sessions enable row level security;
create policy own on sessions to kyo_app
  using (user_id = (select current_actor()) or (select actor_is_admin()))
  with check (user_id = (select current_actor()) or (select actor_is_admin()));

alter table sign_in_tickets enable row level security;
create policy own on sign_in_tickets to kyo_app
  using (user_id = (select current_actor()) or (select actor_is_admin()))
  with check (user_id = (select current_actor()) or (select actor_is_admin()));

alter table sign_in_failures enable row level security;
create policy admin on sign_in_failures to kyo_app using ((select actor_is_admin())) with check ((select actor_is_admin()));

alter table groups enable row level security;
-- Managers give documents to groups.
create policy read on groups for select to kyo_app
  using ((select role_rank(role) from users where id = current_actor()) >= access_rank('approve'));
create policy admin on groups to kyo_app using ((select actor_is_admin())) with check ((select actor_is_admin()));
create policy pipeline on groups to kyo_pipeline using ((select current_actor()) is not null);

alter table group_members enable row level security;
create policy own on group_members for select to kyo_app using (user_id = (select current_actor()));
create policy admin on group_members to kyo_app using ((select actor_is_admin())) with check ((select actor_is_admin()));
create policy pipeline on group_members to kyo_pipeline using ((select current_actor()) is not null);

-- Rows: collections ------------------------------------------------------------------------------------------------

alter table collections enable row level security;
create policy readable on collections for select to kyo_app
  using (id in (select accessible_collections(current_actor(), 'read')));
-- Beside `readable`, which asks a function: it does not see the row that is being inserted.
create policy admin on collections to kyo_app using ((select actor_is_admin())) with check ((select actor_is_admin()));
create policy pipeline on collections to kyo_pipeline using ((select current_actor()) is not null);

alter table collection_members enable row level security;
create policy own on collection_members for select to kyo_app using (user_id = (select current_actor()));
create policy admin on collection_members to kyo_app using ((select actor_is_admin())) with check ((select actor_is_admin()));
create policy pipeline on collection_members to kyo_pipeline using ((select current_actor()) is not null);

alter table collection_groups enable row level security;
create policy own on collection_groups for select to kyo_app
  using (group_id in (select group_id from group_members where user_id = (select current_actor())));
create policy admin on collection_groups to kyo_app using ((select actor_is_admin())) with check ((select actor_is_admin()));
create policy pipeline on collection_groups to kyo_pipeline using ((select current_actor()) is not null);

-- Rows: documents --------------------------------------------------------------------------------------------------

-- What was never published is for its owner and for those who may approve it.
alter table documents enable row level security;
create policy readable on documents for select to kyo_app
  using (
    collection_id in (select accessible_collections(current_actor(), 'approve'))
    or (
      (owner_id = (select current_actor()) or (current_version_id is not null and not restricted))
      and collection_id in (select accessible_collections(current_actor(), 'read'))
    )
    or (current_version_id is not null and id in (select granted_documents(current_actor())))
  );
create policy writable on documents for insert to kyo_app
  with check (
    owner_id = (select current_actor())
    and state in ('draft', 'in_review')
    and collection_id in (select accessible_collections(current_actor(), 'write'))
  );
-- What can be read and written. An update that names no row is not held back by the policy for reading.
create policy changeable on documents for update to kyo_app
  using (
    collection_id in (select accessible_collections(current_actor(), 'approve'))
    or (
      (owner_id = (select current_actor()) or (current_version_id is not null and not restricted))
      and collection_id in (select accessible_collections(current_actor(), 'write'))
    )
  )
  with check (collection_id in (select accessible_collections(current_actor(), 'write')));
create policy pipeline on documents to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);

-- A new version of it may be uploaded by those who may write; all else about a document is for those who may approve.
create function guard_documents() returns trigger language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  if current_actor() is not null and (
    new.current_version_id is distinct from old.current_version_id
    or new.restricted is distinct from old.restricted
    or new.collection_id is distinct from old.collection_id
    or new.owner_id is distinct from old.owner_id
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
create trigger guard_documents before update on documents for each row execute function guard_documents();

alter table document_versions enable row level security;
create policy readable on document_versions for select to kyo_app
  using (
    exists (
      select
      from documents d
      where d.id = document_id
        and (
          review = 'approved'
          or uploaded_by = (select current_actor())
          or d.owner_id = (select current_actor())
          or d.collection_id in (select accessible_collections(current_actor(), 'approve'))
        )
    )
  );
create policy writable on document_versions for insert to kyo_app
  with check (
    uploaded_by = (select current_actor())
    and exists (
      select
      from documents d
      where d.id = document_id and d.collection_id in (select accessible_collections(current_actor(), 'write'))
    )
  );
create policy changeable on document_versions for update to kyo_app
  using (
    exists (
      select
      from documents d
      where d.id = document_id
        and (
          d.collection_id in (select accessible_collections(current_actor(), 'approve'))
          or (
            uploaded_by = (select current_actor())
            and d.collection_id in (select accessible_collections(current_actor(), 'write'))
          )
        )
    )
  );
create policy pipeline on document_versions to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);

create function guard_versions() returns trigger language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  -- People send what has failed through once more; all else about the processing is the pipeline's, which is the operator.
  if current_actor() is not null and not actor_is_operator() and (
    tg_op = 'INSERT' and new.status <> 'uploaded'
    or tg_op = 'UPDATE' and new.status is distinct from old.status
    and not (old.status = 'failed' and new.status = 'uploaded')
  ) then
    raise exception 'only the pipeline may do this to a version' using errcode = 'insufficient_privilege';
  end if;
  if current_actor() is not null and (
    tg_op = 'INSERT' and new.review <> 'pending'
    or tg_op = 'UPDATE' and (
      new.review is distinct from old.review
      or new.reviewed_by is distinct from old.reviewed_by
      or new.review_reason is distinct from old.review_reason
      or new.sha256 is distinct from old.sha256
      or new.document_id is distinct from old.document_id
      or new.uploaded_by is distinct from old.uploaded_by
    )
  ) and exists (
    select
    from documents d
    where d.id in (new.document_id, coalesce(old.document_id, new.document_id))
      and d.collection_id not in (select accessible_collections(current_actor(), 'approve'))
  ) then
    raise exception 'only who may approve in the collection may decide about a version'
      using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger guard_versions before insert or update on document_versions
for each row execute function guard_versions();

alter table version_texts enable row level security;
create policy readable on version_texts for select to kyo_app using (may_see_version(version_id));
create policy pipeline on version_texts to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);

alter table chunks enable row level security;
create policy readable on chunks for select to kyo_app using (may_see_version(version_id));
create policy pipeline on chunks to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);

alter table document_readers enable row level security;
create policy own on document_readers for select to kyo_app using (user_id = (select current_actor()));
create policy approver on document_readers to kyo_app
  using (
    exists (
      select
      from documents d
      where d.id = document_id and d.collection_id in (select accessible_collections(current_actor(), 'approve'))
    )
  );
create policy pipeline on document_readers to kyo_pipeline using ((select current_actor()) is not null);

alter table document_reader_groups enable row level security;
create policy approver on document_reader_groups to kyo_app
  using (
    exists (
      select
      from documents d
      where d.id = document_id and d.collection_id in (select accessible_collections(current_actor(), 'approve'))
    )
  );
create policy pipeline on document_reader_groups to kyo_pipeline using ((select current_actor()) is not null);

-- Statistics and models tell nothing about single documents, but nobody without a name reads them.
alter table corpus enable row level security;
create policy everybody on corpus to kyo_app, kyo_pipeline using ((select current_actor()) is not null);
alter table lexemes enable row level security;
create policy pipeline on lexemes to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);
alter table embedding_sets enable row level security;
create policy everybody on embedding_sets for select to kyo_app using ((select current_actor()) is not null);
create policy pipeline on embedding_sets to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);

-- Rows: questions and answers --------------------------------------------------------------------------------------

-- One's own, for admins too.
alter table questions enable row level security;
create policy own on questions to kyo_app
  using (user_id = (select current_actor())) with check (user_id = (select current_actor()));

alter table answers enable row level security;
create policy readable on answers for select to kyo_app
  using (
    exists (select from questions q where q.id = question_id) and answer_is_readable(id, (select current_actor()))
  );
create policy own on answers for insert to kyo_app
  with check (exists (select from questions q where q.id = question_id and q.user_id = (select current_actor())));

alter table citations enable row level security;
create policy readable on citations for select to kyo_app
  using (
    exists (select from answers a where a.id = answer_id)
    and exists (select from document_versions v where v.id = version_id)
  );
create policy own on citations for insert to kyo_app
  with check (
    exists (select from answers a where a.id = answer_id)
    and exists (select from document_versions v where v.id = version_id)
  );

alter table feedback enable row level security;
create policy own on feedback to kyo_app
  using (user_id = (select current_actor()))
  with check (user_id = (select current_actor()) and exists (select from answers a where a.id = answer_id));

-- Rows: the audit log ----------------------------------------------------------------------------------------------

alter table audit_log enable row level security;
create policy admin on audit_log for select to kyo_app using ((select actor_is_admin()));
create policy own on audit_log for insert to kyo_app
  with check (
    (select actor_is_operator())  -- what happens before anybody is signed in is recorded in the name of who signs in
    or (actor_id = (select current_actor()) and actor_name = (select username from users where id = current_actor()))
  );
create policy own_of_pipeline on audit_log for insert to kyo_pipeline
  with check (
    actor_id = (select current_actor()) and actor_name = (select username from users where id = current_actor())
  );

alter table heartbeats enable row level security;
create policy everybody on heartbeats for select to kyo_app using ((select current_actor()) is not null);
create policy pipeline on heartbeats to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);
