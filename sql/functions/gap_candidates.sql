-- Questions that stay in open gaps however long ago they were asked, and however many came since: those of gaps about which
-- somebody has done something, and those whose asker wants to be told.
create or replace function lasting_gap_questions() returns setof uuid
language sql stable rows 1000 security definer set search_path = kyo, pg_temp
as $$
  select found.question_id
  from (
    select g.question_id from gap_questions g where exists (select from gap_events e where e.gap_id = g.gap_id)
    union
    select f.question_id from question_followers f
  ) as found
  where (select actor_is_operator())
$$;

-- Questions that had no good answer, or may not have had one: what was not found, what somebody disliked, and answers with
-- something about them. Which of them count is decided by kyo_pipeline/domain/doubt.py: this looks wider.
-- People's questions are theirs alone: the pipeline gets them, without names, to put them together by what they mean. It gives
-- nothing but to the operator, and not what the operator has asked, on the command line.
-- Those that last come first, so that what is asked again finds them, whatever has become of their answers; of more than half
-- of `most`, the newest. Then the others since then, the newest first: read by their index, until there are enough.
create or replace function gap_candidates(since timestamptz, most integer)
returns table (
  question_id uuid, question text, asked_at timestamptz, outcome text, rating integer, similarity real,
  similarity_threshold real, findings jsonb
)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  with
  lasting as materialized (select l as id from lasting_gap_questions() as l),
  chosen as materialized (
    select q.id, q.asked_at, row_number() over (order by q.asked_at desc, q.id) <= most / 2 as is_first
    from lasting l
    join questions q on q.id = l.id
    where q.user_id <> current_actor()
    union all
    (
      select q.id, q.asked_at, false
      from questions q
      join answers a on a.question_id = q.id
      where (select actor_is_operator())
        and q.asked_at >= since
        and q.user_id <> current_actor()
        and q.id not in (select id from lasting)
        and (
          a.outcome = 'not_found'
          or (
            a.outcome = 'answered'
            and (
              exists (select from feedback f where f.answer_id = a.id and f.rating = -1)
              or a.findings ?| array['unsupported', 'notice']
              or a.similarity < a.similarity_threshold + 0.25 * (1 - a.similarity_threshold)
            )
          )
        )
      order by q.asked_at desc, q.id
      limit most
    )
  ),
  first as materialized (select id, is_first from chosen order by is_first desc, asked_at desc, id limit most)
  select q.id, coalesce(q.standalone, q.text), q.asked_at, a.outcome,
    (select min(f.rating) from feedback f where f.answer_id = a.id), a.similarity, a.similarity_threshold, a.findings
  from first
  join questions q on q.id = first.id
  join answers a on a.question_id = q.id
  order by first.is_first desc, q.asked_at desc, q.id
$$;

-- Which of these questions are there still, and have an answer that was not erased.
create or replace function questions_still_there(wanted uuid[]) returns setof uuid
language sql stable rows 100 security definer set search_path = kyo, pg_temp
as $$
  select q.id
  from unnest(wanted) as w(id)
  join questions q on q.id = w.id
  join answers a on a.question_id = q.id
  where (select actor_is_operator()) and a.outcome in ('not_found', 'answered')
$$;

revoke all on function
  lasting_gap_questions(), gap_candidates(timestamptz, integer), questions_still_there(uuid[])
from public;
grant execute on function
  lasting_gap_questions(), gap_candidates(timestamptz, integer), questions_still_there(uuid[])
to kyo_pipeline;
