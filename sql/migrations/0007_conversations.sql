-- Questions belong to conversations; answers may be shared; the corpus has a new revision whenever an answer could differ.

-- Conversations ----------------------------------------------------------------------------------------------------

create table conversations (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users on delete cascade,
  begun_at timestamptz not null,
  unique (id, user_id)
);
create index on conversations (user_id);

-- What was asked before stood alone.
insert into conversations (id, user_id, begun_at) select id, user_id, asked_at from questions;

alter table questions
  add column conversation_id uuid,
  -- What was searched for, where the question leans on those before it. Made of questions alone, never of answers: what
  -- those quote may be deleted or withheld one day, and this stays.
  add column standalone text check (standalone <> '');
update questions set conversation_id = id;
alter table questions
  alter column conversation_id set not null,
  add foreign key (conversation_id, user_id) references conversations (id, user_id) on delete cascade;
create index on questions (conversation_id, asked_at);

grant select, insert on conversations to kyo_app;
grant update (standalone) on questions to kyo_app;

-- One's own, for admins too.
alter table conversations enable row level security;
create policy own on conversations to kyo_app
  using (user_id = (select current_actor())) with check (user_id = (select current_actor()));

-- Answers that are shared ------------------------------------------------------------------------------------------

alter table answers
  add column shared_at timestamptz,    -- when its asker shared it; null: it is theirs alone
  add column shown_documents uuid[];   -- whose passages a language model was given, cited or not
create index on answers (question_id) where shared_at is not null;

-- Whether somebody may read what an answer cites, where it stands, and all that a language model was given, since it may have
-- written of that too: whoever sees no more of a document than what answers
-- questions now sees no more of it through an answer that somebody else has shared.
create function answer_is_shared_with(answer uuid, reader uuid) returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select exists (
    select
    from answers a
    where a.id = answer
      and a.shared_at is not null
      and a.outcome = 'answered'
      and (a.generator = 'extractive' or a.shown_documents is not null)
      and not exists (select from unnest(a.shown_documents) as shown(id) where not may_read_document(reader, shown.id))
      and exists (select from citations c where c.answer_id = a.id)
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
              and (
                d.current_version_id is null
                or (
                  (current.sha256 is distinct from v.sha256 or v.review <> 'approved')  -- the same file read again is no news
                  and v.uploaded_by <> reader
                  and d.owner_id <> reader
                )
              )
            )
          )
      )
  )
$$;

-- The questions with an answer that is shared with anybody: few, so that a policy can rule out all the others quickly.
create function shared_questions() returns setof uuid
language sql stable parallel safe rows 100 security definer set search_path = kyo, pg_temp
as $$ select question_id from answers where shared_at is not null and current_actor() is not null $$;

create function question_is_shared_with(question uuid, reader uuid) returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select exists (
    select from answers a where a.question_id = question and a.shared_at is not null and answer_is_shared_with(a.id, reader)
  )
$$;

-- When the answer to a question of one's own was shared, if it is: also one that one may no longer read oneself.
create function shared_since(question uuid) returns timestamptz
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select a.shared_at
  from answers a
  join questions q on q.id = a.question_id
  where q.id = question and q.user_id = current_actor()
$$;

-- Share an answer of one's own, by its id or by that of its question; or with null stop sharing it, whether one may still
-- read it or not. Returns the answer's id where that was possible. A function, so that the app may not change answers.
create function share_answer(answer uuid, at timestamptz) returns uuid
language sql security definer set search_path = kyo, pg_temp
as $$
  update answers a
  set shared_at = at
  from questions q
  where answer in (a.id, q.id)
    and q.id = a.question_id
    and q.user_id = current_actor()
    and (
      at is null
      or (
        a.outcome = 'answered'
        and exists (select from citations c where c.answer_id = a.id)
        and answer_is_readable(a.id, q.user_id)
      )
    )
  returning a.id
$$;

revoke all on function
  answer_is_shared_with(uuid, uuid), shared_questions(), question_is_shared_with(uuid, uuid), shared_since(uuid),
  share_answer(uuid, timestamptz)
from public;
grant execute on function
  answer_is_shared_with(uuid, uuid), shared_questions(), question_is_shared_with(uuid, uuid), shared_since(uuid),
  share_answer(uuid, timestamptz)
to kyo_app;

create policy shared on questions for select to kyo_app
  using (id in (select shared_questions()) and question_is_shared_with(id, (select current_actor())));

-- Since questions of others can be seen, what is written names the asker.
drop policy own on citations;
create policy own on citations for insert to kyo_app
  with check (
    exists (
      select
      from answers a
      join questions q on q.id = a.question_id
      where a.id = answer_id and q.user_id = (select current_actor())
    )
    and exists (select from document_versions v where v.id = version_id)
  );
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
  );

create index on documents (owner_id) where restricted;  -- see functions/reading_rights.sql

-- The revision of the corpus ---------------------------------------------------------------------------------------

-- With what cached answers are encrypted: Redis may be read, and written to, by others.
alter table corpus
  add column cache_secret bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());

-- The revision is part of the keys of cached answers: it grows with all that changes what is found, or what an answer says about it.
-- `count_searchable` and `weigh_all` see to versions and weights; here, what people decide about documents.
create function note_changed_documents() returns trigger language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  if exists (
    select
    from before b
    join after a on a.id = b.id
    where 'approved' in (b.state, a.state)
      and (a.title, a.state, a.collection_id, a.owner_id, a.current_version_id, a.restricted, a.stale_since, a.review_by)
        is distinct from
        (b.title, b.state, b.collection_id, b.owner_id, b.current_version_id, b.restricted, b.stale_since, b.review_by)
  ) then
    update corpus set revision = revision + 1;
  end if;
  return null;
end $$;
create trigger note_changed_documents after update on documents
referencing old table as before new table as after
for each statement execute function note_changed_documents();

-- The names of owners and collections stand beside passages.
create function note_changed_names() returns trigger language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  update corpus set revision = revision + 1;
  return null;
end $$;
create trigger note_changed_names after update on users for each row
when (old.name is distinct from new.name) execute function note_changed_names();
create trigger note_changed_names after update on collections for each row
when (old.name is distinct from new.name) execute function note_changed_names();
revoke all on function note_changed_documents(), note_changed_names() from public;
