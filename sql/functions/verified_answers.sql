-- Verified answers, as far as the app may do more with them than read those that it looks after. All run as their owner: the
-- tables can be written by nobody else, and who asks may see none of them.

-- Those under a key that may be given to the actor now, with the wording that has the key; the newest first.
create or replace function find_verified(wanted text)
returns table (verified_answer_id uuid, question text)
language plpgsql stable rows 5 security definer set search_path = kyo, pg_temp
as $$
begin
  return query
  select a.id, q.text
  from verified_questions q
  join verified_answers a on a.id = q.verified_answer_id
  where q.key = wanted
    and a.withdrawn_at is null
    and verified_answer_is_for(a.id, current_actor())
  order by a.verified_at desc, a.id, q.ordinal
  limit 20;
end $$;

-- Give a verified answer to a question of the actor's own; returns the id of their answer, null where it does not hold any more.
-- Until the end of the transaction no cited document can be replaced, archived or deleted; where somebody does that at this
-- moment, the answer is not waited for.
create or replace function answer_with_verified(verified uuid, question uuid, timings jsonb, at timestamptz) returns uuid
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  cited constant uuid[] := array(
    select distinct v.document_id
    from verified_citations c
    join document_versions v on v.id = c.version_id
    where c.verified_answer_id = verified
  );
  held uuid[];
  made uuid;
begin
  held := array(
    select d.id
    from (select o.id from documents o where o.id = any(cited) order by o.id for share skip locked) d
  );
  if cardinality(held) <> cardinality(cited) then
    return null;
  end if;
  perform from verified_answers a where a.id = verified for share;
  if not verified_answer_is_for(verified, current_actor())
    or not exists (select from questions q where q.id = question and q.user_id = current_actor())
  then
    return null;
  end if;
  insert into answers
    (question_id, text, outcome, generator, model, timings, prompt_tokens, completion_tokens, findings, shown_documents,
     answered_at, verified_answer_id)
  select question, a.text, 'answered', 'verified', a.model, timings, 0, 0, a.findings, a.shown_documents, at, a.id
  from verified_answers a
  where a.id = verified
  returning id into made;
  insert into citations (answer_id, marker, version_id, chunk_id, start_offset, end_offset, score)
  select made, c.marker, c.version_id, c.chunk_id, c.start_offset, c.end_offset, c.score
  from verified_citations c
  where c.verified_answer_id = verified
  order by c.chunk_id;  -- which locks the chunks in the order of `erase_document`
  return made;
end $$;

-- Verify an answer that the actor may read: their own, or one that is shared with them. `wordings` are the question and other
-- ways to ask it, each with its key; `new_text` null: as it was written. `new_findings` go with the text. Returns the id, or null where it may not be verified:
-- something that it cites is not what answers questions now, or is not the actor's to approve.
create or replace function verify_answer(
  answer uuid, wordings text[], keys text[], new_text text, new_findings jsonb, at timestamptz
)
returns uuid
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  me constant uuid := current_actor();
  subject answers;
  documents_cited uuid[];
  made uuid;
begin
  documents_cited := array(
    select distinct v.document_id
    from citations c
    join document_versions v on v.id = c.version_id
    where c.answer_id = answer
  );
  perform from documents d where d.id = any(documents_cited) order by d.id for share;
  select a.* into subject
  from answers a
  join questions q on q.id = a.question_id
  where a.id = answer
    and a.outcome = 'answered'
    and a.verified_answer_id is null
    and (a.generator = 'extractive' or a.shown_documents is not null)
    and ((q.user_id = me and answer_is_readable(a.id, me)) or answer_is_shared_with(a.id, me))
  for share of a;
  if not found
    or documents_cited = '{}'
    or exists (
      select
      from documents d
      where d.id = any(documents_cited)
        and (d.collection_id is null or d.collection_id not in (select accessible_collections(me, 'approve')))
    )
    or exists (select from citations c where c.answer_id = answer and not version_stands(c.version_id))
    or exists (select from unnest(subject.shown_documents) as shown(id) where not may_read_document(me, shown.id))
  then
    return null;
  end if;
  insert into verified_answers
    (answer_id, text, findings, generator, model, is_edited, shown_documents, verified_by, verified_at)
  values
    (answer, coalesce(new_text, subject.text), new_findings, subject.generator, subject.model,
     new_text is not null, coalesce(subject.shown_documents, '{}'), me, at)
  returning id into made;
  insert into verified_questions (verified_answer_id, ordinal, text, key)
  select made, w.ordinal, w.wording, w.key
  from unnest(wordings, keys) with ordinality as w(wording, key, ordinal);
  insert into verified_citations (verified_answer_id, marker, version_id, chunk_id, start_offset, end_offset, score)
  select made, c.marker, c.version_id, c.chunk_id, c.start_offset, c.end_offset, c.score
  from citations c
  where c.answer_id = answer
  order by c.chunk_id;
  return made;
end $$;

-- Give it to nobody any more. Returns whether it was given until now, and the actor looks after it.
create or replace function withdraw_verified(verified uuid, because text, at timestamptz) returns boolean
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  update verified_answers a
  set withdrawn_by = current_actor(), withdrawn_at = at, withdrawn_because = because
  where a.id = verified and a.withdrawn_at is null and looks_after_verified(a.id, current_actor());
  return found;
end $$;

-- Who verified an answer that the actor has got, or of which they have verified a copy, when, and for which question in its first
-- wording; whether it was withdrawn since.
drop function if exists verification_of(uuid);  -- its columns may differ
create function verification_of(answer uuid)
returns table (
  verified_answer_id uuid, verified_by text, verified_at timestamptz, withdrawn_at timestamptz, is_source boolean,
  verified_question text
)
language plpgsql stable rows 1 security definer set search_path = kyo, pg_temp
as $$
begin
  return query
  select v.id, u.name, v.verified_at, v.withdrawn_at, v.id is distinct from a.verified_answer_id, w.text
  from answers a
  join questions q on q.id = a.question_id
  join verified_answers v on v.id = a.verified_answer_id or (v.answer_id = a.id and v.withdrawn_at is null)
  join verified_questions w on w.verified_answer_id = v.id and w.ordinal = 1
  join users u on u.id = v.verified_by
  where a.id = answer
    and (
      (q.user_id = current_actor() and answer_is_readable(a.id, q.user_id)) or answer_is_shared_with(a.id, current_actor())
    )
  limit 1;
end $$;

-- How often a verified answer was given, to those who look after it: not to whom.
create or replace function uses_of_verified(verified uuid) returns bigint
language plpgsql stable security definer set search_path = kyo, pg_temp
as $$
begin
  return (
    select count(*) from answers a where a.verified_answer_id = verified and looks_after_verified(verified, current_actor())
  );
end $$;

revoke all on function
  find_verified(text), answer_with_verified(uuid, uuid, jsonb, timestamptz),
  verify_answer(uuid, text[], text[], text, jsonb, timestamptz), withdraw_verified(uuid, text, timestamptz),
  verification_of(uuid), uses_of_verified(uuid)
from public;
grant execute on function
  find_verified(text), answer_with_verified(uuid, uuid, jsonb, timestamptz),
  verify_answer(uuid, text[], text[], text, jsonb, timestamptz), withdraw_verified(uuid, text, timestamptz),
  verification_of(uuid), uses_of_verified(uuid)
to kyo_app;
