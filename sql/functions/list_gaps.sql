-- The gaps that the actor may see, with what there is to say of the questions that they may see: never whose they are, nor at
-- which time of day they were asked (read_gap.sql says why). `at` is now; a gap is called by its most central question.
-- `asked_since`: after it was closed. One gap, or with null all. It gives the rows of the gaps as well: under their policy, what
-- may be seen would be worked out once more.
create or replace function list_gaps(at timestamptz, wanted uuid)
returns table (
  gap_id uuid, state text, owner_id uuid, document_id uuid, reason text, created_at timestamptz, changed_at timestamptz,
  label text, not_found integer, disliked integer, doubtful integer, people integer, first_asked timestamptz,
  last_asked timestamptz, last_week integer, week_before integer, last_month integer, month_before integer,
  asked_since integer, collections text[]
)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  with
  seen as materialized (
    select g.gap_id, g.kind, g.centrality, q.id, q.user_id, coalesce(q.standalone, q.text) as text, q.asked_at
    from gap_questions g
    join questions q on q.id = g.question_id
    where g.question_id in (select gap_questions_visible_to(current_actor(), wanted))
  ),
  places as (
    select s.gap_id, array_agg(distinct c.name order by c.name) as names
    from seen s
    join documents_of_gap_questions(wanted) about on about.question_id = s.id
    join documents d on d.id = about.document_id
    join collections c on c.id = d.collection_id
    where c.id in (select accessible_collections(current_actor(), 'read'))
    group by s.gap_id
  ),
  counted as (
    select s.gap_id,
      (array_agg(s.text order by s.centrality desc, s.asked_at desc, s.id))[1] as label,
      count(*) filter (where s.kind = 'not_found') as not_found,
      count(*) filter (where s.kind = 'disliked') as disliked,
      count(*) filter (where s.kind = 'doubtful') as doubtful,
      count(distinct s.user_id) as people,
      date_trunc('day', min(s.asked_at), 'UTC') as first_asked,
      date_trunc('day', max(s.asked_at), 'UTC') as last_asked,
      count(*) filter (where s.asked_at >= at - interval '7 days') as last_week,
      count(*) filter (where s.asked_at >= at - interval '14 days' and s.asked_at < at - interval '7 days') as week_before,
      count(*) filter (where s.asked_at >= at - interval '30 days') as last_month,
      count(*) filter (where s.asked_at >= at - interval '60 days' and s.asked_at < at - interval '30 days') as month_before,
      count(*) filter (where g.state in ('answered', 'declined') and s.asked_at > g.changed_at) as asked_since
    from seen s
    join gaps g on g.id = s.gap_id
    group by s.gap_id
  )
  select g.id, g.state, g.owner_id, g.document_id, g.reason, g.created_at, g.changed_at, coalesce(c.label, ''),
    cast(coalesce(c.not_found, 0) as integer), cast(coalesce(c.disliked, 0) as integer),
    cast(coalesce(c.doubtful, 0) as integer), cast(coalesce(c.people, 0) as integer), c.first_asked, c.last_asked,
    cast(coalesce(c.last_week, 0) as integer), cast(coalesce(c.week_before, 0) as integer),
    cast(coalesce(c.last_month, 0) as integer), cast(coalesce(c.month_before, 0) as integer),
    cast(coalesce(c.asked_since, 0) as integer), coalesce(p.names, '{}')
  from gaps g
  left join counted c on c.gap_id = g.id
  left join places p on p.gap_id = g.id
  where (wanted is null or g.id = wanted) and (c.gap_id is not null or actor_is_admin())
$$;

revoke all on function list_gaps(timestamptz, uuid) from public;
grant execute on function list_gaps(timestamptz, uuid) to kyo_app;
