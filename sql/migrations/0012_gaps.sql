-- Knowledge gaps: questions that had no good answer, put together by what they mean. See kyo_pipeline/domain/gaps.py.

-- How sure an answer was when it was written: the best cosine among the passages that it cites, and the threshold of then.
alter table answers
  add column similarity real,
  add column similarity_threshold real;

create table gaps (
  id uuid primary key default gen_random_uuid(),
  state text not null default 'open' check (state in ('open', 'planned', 'answered', 'declined')),
  owner_id uuid references users on delete set null,  -- who sees to it
  document_id uuid references documents on delete set null,  -- that answers it
  reason text not null default '',
  created_at timestamptz not null,
  changed_at timestamptz not null  -- when it came into its state
);

-- To which gap a question belongs. `centrality` is its cosine with the middle of the others: the highest names the gap.
create table gap_questions (
  question_id uuid primary key references questions on delete cascade,
  gap_id uuid not null references gaps on delete cascade,
  kind text not null check (kind in ('not_found', 'disliked', 'doubtful')),
  centrality real not null
);
create index on gap_questions (gap_id);

-- So that each question is embedded once. float32, little-endian; compared in memory only.
create table question_vectors (
  question_id uuid not null references questions on delete cascade,
  embedding_set_id integer not null references embedding_sets on delete cascade,
  vector bytea not null,
  primary key (question_id, embedding_set_id)
);
create index on question_vectors (embedding_set_id);

-- Who did what about a gap, and when. `count`: how many questions came after it was closed.
create table gap_events (
  id bigint generated always as identity primary key,
  gap_id uuid not null references gaps on delete cascade,
  at timestamptz not null,
  actor_id uuid not null references users,
  deed text not null check (deed in ('answer', 'assign', 'decline', 'plan', 'reopen')),
  owner_id uuid references users on delete set null,
  document_id uuid references documents on delete set null,
  reason text not null default '',
  count integer
);
create index on gap_events (gap_id, id);

-- What came when the questions of a closed gap were asked again, with the rights of whoever closed it.
create table gap_replies (
  question_id uuid primary key references questions on delete cascade,
  gap_id uuid not null references gaps on delete cascade,
  result text not null check (result in ('linked', 'other', 'not_found', 'failed')),
  asked_by uuid not null references users,
  asked_at timestamptz not null
);
create index on gap_replies (gap_id);

-- Who wants to be told when a question of theirs is answered.
create table question_followers (
  question_id uuid primary key references questions on delete cascade,
  user_id uuid not null references users on delete cascade,
  since timestamptz not null,
  dismissed_at timestamptz
);
create index on question_followers (user_id);

-- When gaps were last looked for.
create table gap_runs (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  questions integer not null,
  gaps integer not null
);
create index on gap_runs (at desc);

-- Who may see what -------------------------------------------------------------------------------------------------

create function actor_manages_gaps() returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$ select exists (select from users where id = current_actor() and active and role in ('manager', 'admin')) $$;

-- The documents that answers cite, or that came near to questions without one: what places a question in collections. Of one
-- gap, or with null of all.
create function documents_of_gap_questions(wanted uuid) returns table (question_id uuid, document_id uuid)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select g.question_id, n.document_id
  from gap_questions g
  join answers a on a.question_id = g.question_id
  join near_documents n on n.answer_id = a.id
  where wanted is null or g.gap_id = wanted
  union
  select g.question_id, v.document_id
  from gap_questions g
  join answers a on a.question_id = g.question_id
  join citations c on c.answer_id = a.id
  join document_versions v on v.id = c.version_id
  where wanted is null or g.gap_id = wanted
$$;

-- Admins see all. Managers see a question where they may approve in a collection that it is about, and may read every document
-- that it is about; so one that came near to nothing, or near to what they may not read, is for admins alone.
create function gap_questions_visible_to(reader uuid, wanted uuid) returns setof uuid
language sql stable rows 1000 security definer set search_path = kyo, pg_temp
as $$
  with
  about as materialized (select question_id, document_id from documents_of_gap_questions(wanted)),
  approves as materialized (select c as id from accessible_collections(reader, 'approve') as c),
  reads as materialized (select c as id from accessible_collections(reader, 'read') as c),
  granted as materialized (select d as id from granted_documents(reader) as d),
  -- The rule of may_read_document, for all of them at once: asked for one after the other, it takes its time.
  known as materialized (
    select d.id, d.collection_id in (select id from approves) is true as is_theirs,
      (
        d.collection_id in (select id from approves)
        or (d.collection_id in (select id from reads) and (not d.restricted or d.owner_id = reader))
        or d.id in (select id from granted)
      ) is true as is_readable
    from documents d
    where d.id in (select document_id from about)
  ),
  theirs as materialized (
    select a.question_id
    from about a
    join known k on k.id = a.document_id
    group by a.question_id
    having bool_or(k.is_theirs) and bool_and(k.is_readable)
  )
  select g.question_id
  from gap_questions g
  join answers a on a.question_id = g.question_id
  join users u on u.id = reader
  where u.active
    and (wanted is null or g.gap_id = wanted)
    and a.outcome in ('not_found', 'answered')  -- else what it quoted was deleted
    and (u.role = 'admin' or (u.role = 'manager' and g.question_id in (select question_id from theirs)))
$$;

create function visible_gap_questions() returns setof uuid
language sql stable rows 1000 security definer set search_path = kyo, pg_temp
as $$ select gap_questions_visible_to(current_actor(), null) $$;

-- Those with a question that the actor may see; for admins also those whose questions are gone.
create function visible_gaps() returns setof uuid
language sql stable rows 1000 security definer set search_path = kyo, pg_temp
as $$
  select g.id from gaps g where actor_is_admin()
  union
  select q.gap_id from gap_questions q where q.question_id in (select gap_questions_visible_to(current_actor(), null))
$$;

revoke all on function
  actor_manages_gaps(), documents_of_gap_questions(uuid), gap_questions_visible_to(uuid, uuid), visible_gap_questions(),
  visible_gaps()
from public;
grant execute on function actor_manages_gaps(), visible_gap_questions(), visible_gaps() to kyo_app;

grant select on gaps, gap_events, gap_replies, gap_runs to kyo_app;
grant update (state, owner_id, document_id, reason, changed_at) on gaps to kyo_app;
grant insert (gap_id, at, actor_id, deed, owner_id, document_id, reason) on gap_events to kyo_app;
grant insert, update, delete on gap_replies to kyo_app;
grant select, insert, delete on question_followers to kyo_app;
grant update (dismissed_at) on question_followers to kyo_app;

grant select, insert, delete on gaps to kyo_pipeline;
grant update (state, owner_id, document_id, reason, changed_at) on gaps to kyo_pipeline;
grant select, insert, update, delete on gap_questions to kyo_pipeline;
grant select, insert, delete on question_vectors to kyo_pipeline;
grant select, insert (gap_id, at, actor_id, deed, count) on gap_events to kyo_pipeline;
grant select, insert on gap_runs to kyo_pipeline;

alter table gaps enable row level security;
create policy visible on gaps to kyo_app
  using (id in (select visible_gaps())) with check (id in (select visible_gaps()));
create policy pipeline on gaps to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);

alter table gap_questions enable row level security;
create policy pipeline on gap_questions to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);

alter table question_vectors enable row level security;
create policy pipeline on question_vectors to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);

alter table gap_events enable row level security;
create policy visible on gap_events for select to kyo_app using (gap_id in (select visible_gaps()));
create policy own on gap_events for insert to kyo_app
  with check (actor_id = (select current_actor()) and gap_id in (select visible_gaps()));
create policy pipeline on gap_events to kyo_pipeline
  using ((select current_actor()) is not null) with check (actor_id = (select current_actor()));

alter table gap_replies enable row level security;
create policy visible on gap_replies to kyo_app
  using (question_id in (select visible_gap_questions()))
  with check (question_id in (select visible_gap_questions()) and asked_by = (select current_actor()));

alter table gap_runs enable row level security;
create policy managers on gap_runs for select to kyo_app using ((select actor_manages_gaps()));
create policy pipeline on gap_runs to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);

alter table question_followers enable row level security;
create policy own on question_followers to kyo_app
  using (user_id = (select current_actor()))
  with check (
    user_id = (select current_actor())
    and exists (select from questions q where q.id = question_id and q.user_id = (select current_actor()))
  );
