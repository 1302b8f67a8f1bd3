-- What changes the figures of a day that is closed is noted, so that it is rolled up again: see roll_up.sql, where it is said
-- why nothing is missed. For a day that is open, which today always is, it costs a lock that others share.

-- Note days on which something has changed.
create or replace function note_days(days date[]) returns void
language plpgsql volatile security definer set search_path = kyo, pg_temp
as $$
declare
  space constant integer := hashtext('kyo.stale_days');
  closed date;
  the_day date;
begin
  select s.closed_through into closed from rollup_state s;
  foreach the_day in array days loop
    if the_day > closed then
      perform pg_advisory_xact_lock_shared(space, the_day - date '2000-01-01');
      -- Once more, now that nobody can close it.
      select s.closed_through into closed from rollup_state s;
    end if;
    if the_day <= closed then
      insert into stale_days (day) values (the_day);
    end if;
  end loop;
end $$;

-- The same for one moment, which is what those do who ask: in as few statements as there may be.
create or replace function note_day(at timestamptz) returns void
language plpgsql volatile security definer set search_path = kyo, pg_temp
as $$
declare
  state rollup_state;
  the_day date;
begin
  select * into state from rollup_state;
  the_day := cast(at at time zone state.zone as date);
  if the_day > state.closed_through then
    perform pg_advisory_xact_lock_shared(hashtext('kyo.stale_days'), the_day - date '2000-01-01');
    select * into state from rollup_state;
  end if;
  if the_day <= state.closed_through then
    insert into stale_days (day) values (the_day);
  end if;
end $$;

-- What changes many days at once finds them by what it sees, which may not be all: no rollup may run until it is committed.
create or replace function hold_rollups() returns void
language sql volatile
as $$ select pg_advisory_xact_lock_shared(hashtext('kyo.stale_days'), 0) $$;

create or replace function note_question() returns trigger
language plpgsql security definer set search_path = kyo, pg_temp
as $$ begin perform note_day(new.asked_at); return null; end $$;
create or replace trigger note_asked after insert on questions for each row execute function note_question();

create or replace function note_gone_questions() returns trigger
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  perform note_days(array(select distinct cast(g.asked_at at time zone s.zone as date) from gone g, rollup_state s));
  return null;
end $$;
create or replace trigger note_gone after delete on questions
referencing old table as gone for each statement execute function note_gone_questions();

create or replace function note_answer() returns trigger
language plpgsql security definer set search_path = kyo, pg_temp
as $$ begin perform note_day((select q.asked_at from questions q where q.id = new.question_id)); return null; end $$;
create or replace trigger note_answered after insert on answers for each row execute function note_answer();

-- Erased answers count as answered, which they were.
create or replace function note_changed_answers() returns trigger
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  perform note_days(array(
    select distinct cast(q.asked_at at time zone s.zone as date)
    from before b
    join after a on a.id = b.id
    join questions q on q.id = a.question_id
    cross join rollup_state s
    where (a.outcome <> b.outcome and not (b.outcome = 'answered' and a.outcome = 'erased'))
      or (a.timings, a.prompt_tokens, a.completion_tokens) is distinct from (b.timings, b.prompt_tokens, b.completion_tokens)
  ));
  return null;
end $$;
create or replace trigger note_changed after update on answers
referencing old table as before new table as after for each statement execute function note_changed_answers();

-- Of those that went with their questions, which have noted it.
create or replace function note_gone_answers() returns trigger
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  perform note_days(array(
    select distinct cast(q.asked_at at time zone s.zone as date)
    from gone g
    join questions q on q.id = g.question_id
    cross join rollup_state s
  ));
  return null;
end $$;
create or replace trigger note_gone after delete on answers
referencing old table as gone for each statement execute function note_gone_answers();

-- Feedback, citations and near documents that change after the answer was stored. With their answers they come and go silently,
-- except feedback, which comes later.
create or replace function note_answers_of_changed() returns trigger
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  perform note_days(array(
    select distinct cast(q.asked_at at time zone s.zone as date)
    from changed c
    join answers a on a.id = c.answer_id
    join questions q on q.id = a.question_id
    cross join rollup_state s
  ));
  return null;
end $$;
create or replace trigger note_given after insert on feedback
referencing new table as changed for each statement execute function note_answers_of_changed();

-- What somebody writes about an answer is in no figure: a document that is erased empties many comments at once.
create or replace function note_changed_feedback() returns trigger
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  perform note_days(array(
    select distinct cast(q.asked_at at time zone s.zone as date)
    from before b
    join after f on f.answer_id = b.answer_id and f.user_id = b.user_id
    join answers a on a.id = f.answer_id
    join questions q on q.id = a.question_id
    cross join rollup_state s
    where (f.rating, f.reason) is distinct from (b.rating, b.reason)
  ));
  return null;
end $$;
create or replace trigger note_changed after update on feedback
referencing old table as before new table as after for each statement execute function note_changed_feedback();
create or replace trigger note_gone after delete on feedback
referencing old table as changed for each statement execute function note_answers_of_changed();
create or replace trigger note_gone after delete on citations
referencing old table as changed for each statement execute function note_answers_of_changed();
create or replace trigger note_gone after delete on near_documents
referencing old table as changed for each statement execute function note_answers_of_changed();

create or replace function note_version() returns trigger
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  if tg_op <> 'INSERT' then
    perform note_day(old.uploaded_at);
  end if;
  if tg_op <> 'DELETE' then
    perform note_day(new.uploaded_at);
  end if;
  return null;
end $$;
create or replace trigger note_uploaded after insert on document_versions for each row execute function note_version();
create or replace trigger note_changed after update on document_versions for each row
when ((old.status, old.ready_at, old.uploaded_at, old.reprocess_of, old.document_id)
  is distinct from (new.status, new.ready_at, new.uploaded_at, new.reprocess_of, new.document_id))
execute function note_version();
create or replace trigger note_gone after delete on document_versions for each row execute function note_version();

-- A document that moves takes what was asked about it along; one that is deleted, its files that had failed.
create or replace function note_changed_document() returns trigger
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  perform hold_rollups();
  perform note_days(array(
    select cast(v.uploaded_at at time zone s.zone as date)
    from document_versions v
    cross join rollup_state s
    where v.document_id = new.id
    union
    select cast(q.asked_at at time zone s.zone as date)
    from document_versions v
    join citations c on c.version_id = v.id
    join answers a on a.id = c.answer_id
    join questions q on q.id = a.question_id
    cross join rollup_state s
    where v.document_id = new.id and new.collection_id is distinct from old.collection_id
    union
    select cast(q.asked_at at time zone s.zone as date)
    from near_documents n
    join answers a on a.id = n.answer_id
    join questions q on q.id = a.question_id
    cross join rollup_state s
    where n.document_id = new.id and new.collection_id is distinct from old.collection_id
  ));
  return null;
end $$;
create or replace trigger note_changed after update on documents for each row
when (old.collection_id is distinct from new.collection_id or (old.state = 'deleted') <> (new.state = 'deleted'))
execute function note_changed_document();

create or replace function note_refusal() returns trigger
language plpgsql security definer set search_path = kyo, pg_temp
as $$ begin perform note_day(new.at); return null; end $$;
create or replace trigger note_refused after insert on audit_log for each row
when (new.outcome = 'refused') execute function note_refusal();

-- Whoever is about to append refusals of these moments takes the lock that `note_refusal` needs before that on the chain of the
-- audit log, which is to be the last one: else everybody who does anything could wait for a rollup.
create or replace function expect_refusals(moments timestamptz[]) returns void
language plpgsql security definer set search_path = kyo, pg_temp
as $$ begin perform note_day(moment) from unnest(moments) as moment; end $$;
revoke all on function expect_refusals(timestamptz[]) from public;
grant execute on function expect_refusals(timestamptz[]) to kyo_app, kyo_pipeline;

do $$
declare
  name text;
begin
  for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'kyo'::regnamespace
    and p.proname in ('note_day', 'note_days', 'note_question', 'note_gone_questions', 'note_answer', 'note_changed_answers',
      'note_gone_answers', 'note_answers_of_changed', 'note_changed_feedback', 'note_version', 'note_changed_document', 'note_refusal') loop
    execute format('revoke all on function %s from public', name);
  end loop;
end $$;
