-- Answers that a manager has verified: the same question, in other words, is answered with them as long as what they cite stands.

create table verified_answers (
  id uuid primary key default gen_random_uuid(),
  answer_id uuid references answers on delete set null,  -- that was verified; whose question it was is told to nobody
  text text not null,
  findings jsonb not null,
  generator text not null,  -- that wrote it, before anybody changed it
  model text not null,
  is_edited boolean not null,
  shown_documents uuid[] not null,  -- see `answers`
  verified_by uuid not null references users,
  verified_at timestamptz not null,
  withdrawn_by uuid references users,
  withdrawn_at timestamptz,
  withdrawn_because text not null default '',
  check ((withdrawn_by is null) = (withdrawn_at is null))
);
create unique index on verified_answers (answer_id) where withdrawn_at is null;
create index on verified_answers (verified_at desc, id);

-- The question, and its other wordings.
create table verified_questions (
  verified_answer_id uuid not null references verified_answers on delete cascade,
  ordinal integer not null check (ordinal > 0),
  text text not null check (text <> ''),
  key text not null check (key <> ''),  -- the same for questions that may be the same, see kyo_pipeline/domain/same_question.py
  primary key (verified_answer_id, ordinal)
);
create index on verified_questions using hash (key);

create table verified_citations (
  verified_answer_id uuid not null references verified_answers on delete cascade,
  marker integer not null check (marker > 0),
  version_id uuid not null references document_versions on delete cascade,
  chunk_id bigint references chunks on delete set null,
  start_offset integer not null,
  end_offset integer not null check (end_offset > start_offset),
  score real not null,
  primary key (verified_answer_id, marker)
);
create index on verified_citations (version_id);
create index on verified_citations (chunk_id);

alter table answers add column verified_answer_id uuid references verified_answers on delete set null;
create index on answers (verified_answer_id) where verified_answer_id is not null;

-- Who says so ------------------------------------------------------------------------------------------------------

-- Whether a cited version is what its document answers questions with; the same bytes read again are no change.
create function version_stands(version uuid) returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select exists (
    select
    from document_versions v
    join documents d on d.id = v.document_id
    join document_versions current on current.id = d.current_version_id
    where v.id = version
      and v.review = 'approved'
      and d.state = 'approved'
      and current.review = 'approved'
      and current.sha256 = v.sha256
  )
$$;

-- Whether a verified answer may be given to somebody now: nothing that it cites has changed, and they may read all of it, and
-- all that a language model was given for it.
create function verified_answer_is_for(verified uuid, reader uuid) returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select exists (
    select
    from verified_answers a
    where a.id = verified
      and a.withdrawn_at is null
      and not exists (select from unnest(a.shown_documents) as shown(id) where not may_read_document(reader, shown.id))
      and exists (select from verified_citations c where c.verified_answer_id = a.id)
      and not exists (
        select
        from verified_citations c
        join document_versions v on v.id = c.version_id
        where c.verified_answer_id = a.id
          and not (version_stands(v.id) and may_read_document(reader, v.document_id))
      )
  )
$$;

-- Whether somebody looks after a verified answer: who may approve all that it cites, and read all that it may be written from.
-- Of one without any source left, admins.
create function looks_after_verified(verified uuid, person uuid) returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select
    (select role_rank(u.role) >= access_rank('approve') and u.active from users u where u.id = person)
    and (
      exists (select from users u where u.id = person and u.role = 'admin')
      or (
        exists (select from verified_citations c where c.verified_answer_id = verified)
        and not exists (
          select
          from verified_citations c
          join document_versions v on v.id = c.version_id
          join documents d on d.id = v.document_id
          where c.verified_answer_id = verified
            and (d.collection_id is null or d.collection_id not in (select accessible_collections(person, 'approve')))
        )
        and not exists (
          select
          from verified_answers a
          cross join unnest(a.shown_documents) as shown(id)
          where a.id = verified and not may_read_document(person, shown.id)
        )
      )
    )
$$;

revoke all on function
  version_stands(uuid), verified_answer_is_for(uuid, uuid), looks_after_verified(uuid, uuid)
from public;
grant execute on function
  version_stands(uuid), verified_answer_is_for(uuid, uuid), looks_after_verified(uuid, uuid)
to kyo_app;

-- Read by those who look after them. Others get them as answers to their own questions, and everything is written by functions
-- alone: sql/functions/verified_answers.sql.
alter table verified_answers enable row level security;
create policy manager on verified_answers for select to kyo_app
  using ((select actor_is_admin()) or looks_after_verified(id, (select current_actor())));
alter table verified_questions enable row level security;
create policy manager on verified_questions for select to kyo_app
  using (exists (select from verified_answers a where a.id = verified_answer_id));
alter table verified_citations enable row level security;
create policy manager on verified_citations for select to kyo_app
  using (exists (select from verified_answers a where a.id = verified_answer_id));
grant select on verified_answers, verified_questions, verified_citations to kyo_app;

-- Nobody calls an answer of their own verified.
drop policy own on answers;
create policy own on answers for insert to kyo_app
  with check (
    verified_answer_id is null
    and exists (select from questions q where q.id = question_id and q.user_id = (select current_actor()))
  );
