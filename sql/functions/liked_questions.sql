-- Questions whose answers somebody found helpful, as they were searched for, and the documents that the answers cite: those of
-- them that answer questions still. The newest first; a question that was asked several times has the documents of all.
-- What somebody else found unhelpful in the same answer is no example for anything, so it is left out.
-- People's questions are theirs alone: this is for scoring embedding sets, and shows them to nobody. It runs as its owner, since the
-- policies give the pipeline none of these tables, and gives nothing but to an admin or the operator.
create or replace function liked_questions(wanted integer)
returns table (question text, document_ids uuid[])
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select coalesce(q.standalone, q.text), array_agg(distinct d.id)
  from answers a
  join questions q on q.id = a.question_id
  join citations c on c.answer_id = a.id
  join document_versions v on v.id = c.version_id
  join documents d on d.id = v.document_id
  where (select actor_is_admin())
    and a.outcome = 'answered'
    and d.state = 'approved'
    and d.current_version_id is not null
    and exists (select from feedback f where f.answer_id = a.id and f.rating = 1)
    and not exists (select from feedback f where f.answer_id = a.id and f.rating = -1)
  group by 1
  order by max(a.answered_at) desc, 1
  limit wanted
$$;

revoke all on function liked_questions(integer) from public;
grant execute on function liked_questions(integer) to kyo_pipeline;
