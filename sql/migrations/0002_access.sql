-- Who may read what: groups, single documents, invitations, sign-ins that fail, sessions that can be told apart.

-- People ---------------------------------------------------------------------------------------------------------

alter table users
  add column email text check (email <> '' and length(email) <= 254),
  -- Set by an admin or vouched for by the identity provider: only then may it link a single sign-on to the account.
  add column email_confirmed boolean not null default false,
  -- Registered by themselves, and no admin has said yes yet.
  add column awaiting_approval boolean not null default false,
  add constraint users_awaiting_are_inactive check (not (active and awaiting_approval));
create unique index users_email on users (lower(email)) where email is not null;

-- Who somebody is at the organisation's identity provider (OpenID Connect).
create table user_identities (
  issuer text not null,
  subject text not null,
  user_id uuid not null references users on delete cascade,
  created_at timestamptz not null,
  primary key (issuer, subject)
);
create index on user_identities (user_id);

-- A link with which somebody chooses their first password: single use. One a person; a new one replaces it.
create table invitations (
  token_hash bytea primary key,
  user_id uuid not null unique references users on delete cascade,
  created_by uuid not null references users,
  created_at timestamptz not null,
  expires_at timestamptz not null
);

alter table sessions
  add column id uuid not null unique default gen_random_uuid(),  -- names the session where its token must not stand
  add column device text not null default '',                    -- the browser's own words about itself
  add column address text not null default '',
  add column method text not null default 'password' check (method in ('password', 'sso'));

alter table sign_in_tickets
  add column method text not null default 'password' check (method in ('password', 'sso'));

-- Tries that failed, by account and by address, and registrations, by address. A name is hashed: it may be a password in the wrong field.
create table sign_in_failures (
  subject bytea primary key,  -- sha256 of 'account:<user name>', 'address:<address>' or 'registration:<address>'
  failures double precision not null check (failures > 0),  -- of an address some are forgotten as time passes
  last_at timestamptz not null,
  blocked_until timestamptz not null
);
create index on sign_in_failures (last_at);

-- Nobody signs in as the operator, whatever else goes wrong.
alter table sessions
  add constraint sessions_of_people check (user_id <> '00000000-0000-0000-0000-000000000001');
alter table sign_in_tickets
  add constraint sign_in_tickets_of_people check (user_id <> '00000000-0000-0000-0000-000000000001');
alter table user_identities
  add constraint user_identities_of_people check (user_id <> '00000000-0000-0000-0000-000000000001');
alter table invitations
  add constraint invitations_of_people check (user_id <> '00000000-0000-0000-0000-000000000001');

-- Pipeline ---------------------------------------------------------------------------------------------------------

-- When a process last said that it is alive.
create table heartbeats (
  process text primary key,
  seen_at timestamptz not null
);

-- Groups ---------------------------------------------------------------------------------------------------------

create table groups (
  id uuid primary key default gen_random_uuid(),
  name text not null unique check (name <> ''),
  created_at timestamptz not null
);

create table group_members (
  group_id uuid not null references groups on delete cascade,
  user_id uuid not null references users on delete cascade,
  primary key (group_id, user_id)
);
create index on group_members (user_id);

create table collection_groups (
  collection_id uuid not null references collections on delete cascade,
  group_id uuid not null references groups on delete cascade,
  access text not null check (access in ('read', 'write', 'approve')),
  primary key (collection_id, group_id)
);
create index on collection_groups (group_id);

-- Where uploads go that name no collection. It may be renamed, and cannot be deleted.
alter table collections add column is_default boolean not null default false;
update collections set is_default = true
where id = (select id from collections order by name <> 'General', created_at, id limit 1);
create unique index on collections (is_default) where is_default;

-- To count the uploads of a person in the last hour.
create index on document_versions (uploaded_by, uploaded_at desc);

-- Single documents ------------------------------------------------------------------------------------------------

-- Only for its owner, those who may approve in its collection, and its readers.
alter table documents add column restricted boolean not null default false;

-- Who may read one document besides those who may read its collection.
create table document_readers (
  document_id uuid not null references documents on delete cascade,
  user_id uuid not null references users on delete cascade,
  primary key (document_id, user_id)
);
create index on document_readers (user_id);

create table document_reader_groups (
  document_id uuid not null references documents on delete cascade,
  group_id uuid not null references groups on delete cascade,
  primary key (document_id, group_id)
);
create index on document_reader_groups (group_id);

-- What of it follows -----------------------------------------------------------------------------------------------
-- These functions run as their owner: row-level security asks them, so it must not hold inside them.

-- On whose behalf this transaction runs; null for nobody.
create function current_actor() returns uuid
language sql stable parallel safe
as $$ select cast(nullif(current_setting('kyo.actor', true), '') as uuid) $$;

create function actor_is_admin() returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$ select exists (select from users where id = current_actor() and active and role = 'admin') $$;

create function actor_is_operator() returns boolean
language sql stable parallel safe
as $$ select current_actor() = '00000000-0000-0000-0000-000000000001' $$;

-- The most that a role may do in any collection, whatever it is given there.
create function role_rank(role text) returns integer
language sql immutable parallel safe
as $$ select case role when 'employee' then 2 when 'manager' then 3 when 'admin' then 3 else 0 end $$;

-- The one place that says which collections a person may read, write or approve in. Admins may do all.
create or replace function accessible_collections(actor uuid, wanted text) returns setof uuid
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select c.id
  from users u
  cross join collections c
  where u.id = actor
    and u.active
    and role_rank(u.role) >= access_rank(wanted)
    and (
      u.role = 'admin'
      or access_rank(c.everyone_access) >= access_rank(wanted)
      or exists (
        select
        from collection_members m
        where m.collection_id = c.id and m.user_id = u.id and access_rank(m.access) >= access_rank(wanted)
      )
      or exists (
        select
        from collection_groups g
        join group_members p on p.group_id = g.group_id
        where g.collection_id = c.id and p.user_id = u.id and access_rank(g.access) >= access_rank(wanted)
      )
    )
$$;

-- The single documents that a person was given to read, alone or in a group.
create function granted_documents(actor uuid) returns setof uuid
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select r.document_id
  from document_readers r
  join users u on u.id = r.user_id
  where r.user_id = actor and u.active
  union
  select g.document_id
  from document_reader_groups g
  join group_members p on p.group_id = g.group_id
  join users u on u.id = p.user_id
  where p.user_id = actor and u.active
$$;

-- Whether a person may read what is published of a document. Row-level security hides, besides, what was never published
-- from all but its owner and those who may approve it (0003).
create function may_read_document(reader uuid, document uuid) returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select exists (
    select
    from documents d
    where d.id = document
      and (
        d.collection_id in (select accessible_collections(reader, 'approve'))
        or (
          d.collection_id in (select accessible_collections(reader, 'read'))
          and (not d.restricted or d.owner_id = reader)
        )
        or d.id in (select granted_documents(reader))
      )
  )
$$;

-- An answer quotes what it cites: whoever may no longer read one of the documents may not read the answer either.
create or replace function answer_is_readable(answer uuid, reader uuid) returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select not exists (
    select
    from citations c
    join document_versions v on v.id = c.version_id
    where c.answer_id = answer and not may_read_document(reader, v.document_id)
  )
$$;

-- Whether there is an answer to a question, though it may be one that the asker may no longer read.
create function question_is_answered(question uuid) returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$ select exists (select from answers where question_id = question) $$;

create function question_of_answer(answer uuid) returns uuid
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$ select question_id from answers where id = answer $$;

-- How many questions there are, for admins: whose, and which, they do not see.
create function count_questions() returns bigint
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$ select count(*) from questions where actor_is_admin() $$;

-- The number of a document's next version. It counts those as well that somebody else has uploaded and the actor may not
-- see. Needs the lock on the document.
create function next_version_number(document uuid) returns integer
language sql stable security definer set search_path = kyo, pg_temp
as $$ select coalesce(max(number), 0) + 1 from document_versions where document_id = document $$;

-- How many people may approve in a collection: with one alone, nobody else could approve what they upload.
create function count_approvers(collection uuid) returns bigint
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select count(*)
  from users u
  where u.id <> '00000000-0000-0000-0000-000000000001'
    and u.active
    and role_rank(u.role) >= access_rank('approve')
    and collection in (select accessible_collections(u.id, 'approve'))
$$;

-- The last admin stays: nobody could undo it.
create function keep_an_admin() returns trigger language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(hashtext('kyo.keep_an_admin'));  -- two admins who demote each other take turns
  if not exists (
    select
    from users
    where role = 'admin' and active and id <> '00000000-0000-0000-0000-000000000001'
  ) then
    raise exception 'the last admin cannot be removed' using errcode = 'restrict_violation';
  end if;
  return null;
end $$;
create trigger keep_an_admin after update on users for each row
when (old.role = 'admin' and old.active and not (new.role = 'admin' and new.active))
execute function keep_an_admin();
