-- Questions that had no good answer, or may not have had one: what was not found, what somebody disliked, and answers with
-- something about them; the newest first. Which of them count is decided by kyo_pipeline/domain/doubt.py: this looks wider.
-- People's questions are theirs alone: the pipeline gets them, without names, to put them together by what they mean. It gives
-- nothing but to the operator, and not what the operator has asked, on the command line.
-- Those of a gap about which somebody has done something stay beyond the time, so that what is asked again finds it.
create or replace function gap_candidates(since timestamptz, most integer)
returns table (
  question_id uuid, question text, asked_at timestamptz, outcome text, rating integer, similarity real,
  similarity_threshold real, findings jsonb
)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select q.id, coalesce(q.standalone, q.text), q.asked_at, a.outcome,
    (select min(f.rating) from feedback f where f.answer_id = a.id), a.similarity, a.similarity_threshold, a.findings
  from answers a
  join questions q on q.id = a.question_id
  where (select actor_is_operator())
    and q.user_id <> current_actor()
    and (
      q.asked_at >= since
      or exists (select from gap_questions g join gap_events e on e.gap_id = g.gap_id where g.question_id = q.id)
    )
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
$$;

revoke all on function gap_candidates(timestamptz, integer) from public;
grant execute on function gap_candidates(timestamptz, integer) to kyo_pipeline;
