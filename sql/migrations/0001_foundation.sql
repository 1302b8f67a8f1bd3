-- People, documents, chunks, vectors' registry, questions and the audit log.
-- Runs with search_path = kyo, public inside one transaction. Never edit a migration that has landed: add the next one.

create extension if not exists vector with schema public;

-- People ---------------------------------------------------------------------------------------------------------

create table users (
  id uuid primary key default gen_random_uuid(),
  username text not null unique check (username ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  name text not null check (name <> ''),
  role text not null check (role in ('employee', 'manager', 'admin')),
  password_hash text,
  must_change_password boolean not null default false,
  active boolean not null default true,
  created_at timestamptz not null,
  password_changed_at timestamptz not null,
  last_seen_at timestamptz
);

-- The command line and the pipeline act as this one. It has no password, so nobody can sign in as it.
insert into users (id, username, name, role, created_at, password_changed_at)
values ('00000000-0000-0000-0000-000000000001', 'kyo', 'KYO operator', 'admin', now(), now());

create table sessions (
  token_hash bytea primary key,  -- sha256 of the random token in the cookie
  user_id uuid not null references users on delete cascade,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index on sessions (user_id);

-- A checked password becomes a session only through one of these: single use, seconds to live, bound to one browser.
create table sign_in_tickets (
  ticket_hash bytea primary key,
  user_id uuid not null references users on delete cascade,
  browser_hash bytea not null,
  expires_at timestamptz not null
);

-- Collections ----------------------------------------------------------------------------------------------------

create table collections (
  id uuid primary key default gen_random_uuid(),
  name text not null unique check (name <> ''),
  description text not null default '',
  -- What everyone may do here, as far as their role allows it at all; null: members only.
  everyone_access text check (everyone_access in ('read', 'write', 'approve')),
  created_at timestamptz not null
);

insert into collections (name, description, everyone_access, created_at)
values ('General', 'Documents for everyone in the organisation.', 'approve', now());

create table collection_members (
  collection_id uuid not null references collections on delete cascade,
  user_id uuid not null references users on delete cascade,
  access text not null check (access in ('read', 'write', 'approve')),
  primary key (collection_id, user_id)
);
create index on collection_members (user_id);

create function access_rank(access text) returns integer
language sql immutable parallel safe
as $$ select case access when 'read' then 1 when 'write' then 2 when 'approve' then 3 else 0 end $$;

-- The one place that says which collections a person may read, write or approve in. Admins may do all.
create function accessible_collections(actor uuid, wanted text) returns setof uuid
language sql stable parallel safe
as $$
  select c.id
  from collections c
  left join collection_members m on m.collection_id = c.id and m.user_id = actor
  where greatest(access_rank(c.everyone_access), access_rank(m.access)) >= access_rank(wanted)
    or exists (select from users u where u.id = actor and u.role = 'admin')
$$;

-- Documents ------------------------------------------------------------------------------------------------------

create table documents (
  id uuid primary key default gen_random_uuid(),
  collection_id uuid not null references collections,
  owner_id uuid not null references users,
  title text not null check (title <> ''),
  state text not null check (state in ('draft', 'in_review', 'approved', 'rejected', 'archived')),
  current_version_id uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index on documents (collection_id);
create index on documents (created_at desc, id);

create table document_versions (
  id uuid primary key default gen_random_uuid(),
  document_id uuid not null references documents on delete cascade,
  number integer not null check (number > 0),
  file_name text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size_bytes bigint not null check (size_bytes > 0),
  media_type text not null,
  uploaded_by uuid not null references users,
  uploaded_at timestamptz not null,
  -- The decision of people.
  review text not null default 'pending' check (review in ('pending', 'approved', 'rejected')),
  review_reason text,
  reviewed_by uuid references users,
  reviewed_at timestamptz,
  -- The work of machines.
  status text not null default 'uploaded'
    check (status in ('uploaded', 'parsed', 'chunked', 'embedded', 'ready', 'failed')),
  error text check ((error is not null) = (status = 'failed')),
  pages integer,
  characters integer,
  tokens integer,
  chunk_count integer,
  ready_at timestamptz,
  stage_seconds jsonb not null default '{}',
  -- Who works on it now. A claim ends with its Dagster run, or at claimed_until at the latest.
  claimed_by text,
  claimed_until timestamptz,
  attempts integer not null default 0,
  retry_at timestamptz,
  unique (document_id, number),
  unique (id, document_id)
);
create index on document_versions (status, uploaded_at) where status not in ('ready', 'failed');
create index on document_versions (sha256);
create index on document_versions (file_name);

alter table documents add foreign key (current_version_id, id) references document_versions (id, document_id);
create unique index on documents (current_version_id) where current_version_id is not null;

create table version_texts (
  version_id uuid primary key references document_versions on delete cascade,
  text text not null,
  page_starts integer[] not null,
  headings jsonb not null,  -- [[start, level, text], …]
  empty_pages integer[] not null
);

-- Chunks and lexical search ---------------------------------------------------------------------------------------

create table chunks (
  id bigint generated always as identity primary key,
  version_id uuid not null references document_versions on delete cascade,
  ordinal integer not null,
  text text not null,
  start_offset integer not null,
  end_offset integer not null,
  tokens integer not null,
  page_from integer,
  page_to integer,
  heading_path text[] not null,
  lexical tsvector not null,
  lexeme_count integer not null,  -- with repetitions: the document length of BM25
  bm25 sparsevec,                 -- lexeme id -> BM25 document weight, see sql/queries/weigh_chunks.sql
  unique (version_id, ordinal)
);
create index chunks_lexical on chunks using gin (lexical);

create table lexemes (
  id integer generated always as identity primary key,
  lexeme text not null unique,
  chunk_count integer not null default 0  -- searchable chunks that contain it
);

-- One row: the statistics of the searchable chunks. Its lock serialises publishing.
create table corpus (
  only_row boolean primary key default true check (only_row),
  chunk_count bigint not null default 0,
  lexeme_count bigint not null default 0,
  weighed_length real,                -- average length that the stored BM25 weights were computed with
  revision bigint not null default 0  -- grows whenever what can be found changes: part of cache keys
);
insert into corpus default values;

-- Vector spaces: each has a table chunk_embeddings_<id> of its own.
create table embedding_sets (
  id integer generated always as identity primary key,
  backend text not null,
  model text not null,
  revision text not null,
  dimensions integer not null check (dimensions between 1 and 2000),
  pooling text not null,
  query_prefix text not null,
  passage_prefix text not null,
  max_tokens integer,
  similarity_threshold real not null,
  dense_weight real not null check (dense_weight between 0 and 1),
  state text not null check (state in ('building', 'ready', 'active', 'retired')),
  created_at timestamptz not null,
  activated_at timestamptz
);
create unique index on embedding_sets (state) where state = 'active';

-- Questions and answers -------------------------------------------------------------------------------------------

create table questions (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users on delete cascade,
  text text not null,
  asked_at timestamptz not null
);
create index on questions (user_id, asked_at desc);

create table answers (
  id uuid primary key default gen_random_uuid(),
  question_id uuid not null unique references questions on delete cascade,
  text text not null,
  outcome text not null check (outcome in ('answered', 'not_found', 'stopped', 'failed')),
  generator text not null,
  model text not null,
  embedding_set_id integer references embedding_sets,
  timings jsonb not null,  -- stage -> milliseconds
  prompt_tokens integer not null,
  completion_tokens integer not null,
  answered_at timestamptz not null
);

create table citations (
  answer_id uuid not null references answers on delete cascade,
  marker integer not null check (marker > 0),
  version_id uuid not null references document_versions on delete cascade,
  chunk_id bigint references chunks on delete set null,
  start_offset integer not null,
  end_offset integer not null check (end_offset > start_offset),
  score real not null,
  primary key (answer_id, marker)
);
create index on citations (version_id);
create index on citations (chunk_id);

create table feedback (
  answer_id uuid not null references answers on delete cascade,
  user_id uuid not null references users on delete cascade,
  rating smallint not null check (rating in (-1, 1)),
  comment text not null default '',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (answer_id, user_id)
);

-- An answer quotes what it cites: whoever may no longer read one of the documents may not read the answer either.
create function answer_is_readable(answer uuid, reader uuid) returns boolean
language sql stable parallel safe
as $$
  select not exists (
    select
    from citations c
    join document_versions v on v.id = c.version_id
    join documents d on d.id = v.document_id
    where c.answer_id = answer and d.collection_id not in (select accessible_collections(reader, 'read'))
  )
$$;

-- Audit -----------------------------------------------------------------------------------------------------------

create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  actor_id uuid,
  actor_name text not null,
  event text not null,
  object_type text not null,
  object_id text not null,
  outcome text not null check (outcome in ('done', 'refused')),
  details jsonb not null
);
create index on audit_log (at desc, id desc);

create function refuse_change() returns trigger language plpgsql
as $$ begin raise exception 'the audit log is append-only'; end $$;

create trigger audit_log_is_append_only
before update or delete or truncate on audit_log
for each statement execute function refuse_change();
