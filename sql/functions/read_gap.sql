-- The questions of a gap that the actor may see, the most central first: never whose they are, and of when the day alone (UTC):
-- by the time of day, the audit log would tell admins whose they are.
create or replace function questions_of_gap(gap uuid)
returns table (question_id uuid, question text, asked_at timestamptz, kind text)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select q.id, coalesce(q.standalone, q.text), date_trunc('day', q.asked_at, 'UTC'), g.kind
  from gap_questions g
  join questions q on q.id = g.question_id
  where g.gap_id = gap and g.question_id in (select gap_questions_visible_to(current_actor(), gap))
  order by g.centrality desc, date_trunc('day', q.asked_at, 'UTC') desc, q.id
$$;

-- The documents that those questions are about, and how many of them; whether the actor may read one is for others to ask.
create or replace function documents_of_gap(gap uuid) returns table (document_id uuid, questions integer)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select about.document_id, cast(count(distinct about.question_id) as integer)
  from documents_of_gap_questions(gap) about
  join gap_questions g on g.question_id = about.question_id
  where g.gap_id = gap and g.question_id in (select gap_questions_visible_to(current_actor(), gap))
  group by about.document_id
$$;

-- Who may see to a gap: whoever sees something of it. Told to those who see it themselves.
create or replace function owners_for_gap(gap uuid) returns table (id uuid, name text)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select u.id, u.name
  from users u
  where (select actor_is_admin() or exists (select from gap_questions_visible_to(current_actor(), gap)))
    and exists (select from gaps g where g.id = gap)
    and u.active
    and u.id <> '00000000-0000-0000-0000-000000000001'
    and (u.role = 'admin' or (u.role = 'manager' and exists (select from gap_questions_visible_to(u.id, gap))))
  order by u.name, u.id
$$;

revoke all on function questions_of_gap(uuid), documents_of_gap(uuid), owners_for_gap(uuid) from public;
grant execute on function questions_of_gap(uuid), documents_of_gap(uuid), owners_for_gap(uuid) to kyo_app;
