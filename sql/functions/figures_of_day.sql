-- The figures of one day, from the base tables. Rollups are made of them, days that are not over are read with them, and rollups
-- are checked against them: they cannot differ. Nobody but the owner may run them; functions that run as the owner do.
-- A question counts, with its answer and what was thought of it, on the day on which it was asked; days are those of `tz`.

create or replace function asked_on(the_day date, tz text, person uuid default null)
returns table (
  user_id uuid, answer_id uuid, outcome text, timings jsonb, prompt_tokens integer, completion_tokens integer, rating smallint,
  reason text
)
language sql stable
as $$
  select q.user_id, a.id, case a.outcome when 'erased' then 'answered' else a.outcome end, a.timings, a.prompt_tokens,
    a.completion_tokens, f.rating, f.reason
  from questions q
  left join answers a on a.question_id = q.id
  left join feedback f on f.answer_id = a.id and f.user_id = q.user_id
  where q.asked_at >= cast(the_day as timestamp) at time zone tz
    and q.asked_at < cast(the_day + 1 as timestamp) at time zone tz
    and (person is null or q.user_id = person)
$$;

-- Which documents the answers of a day cite, and how often, or which came near a question without an answer.
create or replace function documents_of_answers(the_day date, tz text, person uuid default null)
returns table (answer_id uuid, document_id uuid, cited bigint, rating smallint)
language sql stable
as $$
  with asked as materialized (
    select * from asked_on(the_day, tz, person)
  )
  select a.answer_id, v.document_id, count(*), min(a.rating)
  from asked a
  join citations c on c.answer_id = a.answer_id
  join document_versions v on v.id = c.version_id
  group by a.answer_id, v.document_id
  union all
  select distinct a.answer_id, n.document_id, cast(0 as bigint), cast(null as smallint)
  from asked a
  join near_documents n on n.answer_id = a.answer_id
  where a.outcome = 'not_found'
$$;

create or replace function usage_on(the_day date, tz text, person uuid default null)
returns table (
  collections uuid[], user_id uuid, questions bigint, answered bigint, not_found bigint, failed bigint, stopped bigint,
  cached bigint, liked bigint, disliked bigint, prompt_tokens bigint, completion_tokens bigint, wrong bigint, outdated bigint,
  incomplete bigint, wrong_source bigint, other bigint
)
language sql stable
as $$
  with about as (
    select t.answer_id, array_agg(distinct d.collection_id order by d.collection_id) as collections
    from documents_of_answers(the_day, tz, person) t
    join documents d on d.id = t.document_id
    where d.collection_id is not null
    group by t.answer_id
  )
  select
    coalesce(b.collections, '{}'),
    a.user_id,
    count(*),
    count(*) filter (where a.outcome = 'answered'),
    count(*) filter (where a.outcome = 'not_found'),
    count(*) filter (where a.outcome = 'failed'),
    count(*) filter (where a.outcome = 'stopped'),
    count(*) filter (where a.timings ? 'cache'),
    count(*) filter (where a.rating = 1),
    count(*) filter (where a.rating = -1),
    coalesce(sum(a.prompt_tokens) filter (where not a.timings ? 'cache'), 0),
    coalesce(sum(a.completion_tokens) filter (where not a.timings ? 'cache'), 0),
    count(*) filter (where a.rating = -1 and a.reason = 'wrong'),
    count(*) filter (where a.rating = -1 and a.reason = 'outdated'),
    count(*) filter (where a.rating = -1 and a.reason = 'incomplete'),
    count(*) filter (where a.rating = -1 and a.reason = 'wrong_source'),
    count(*) filter (where a.rating = -1 and a.reason = 'other')
  from asked_on(the_day, tz, person) a
  left join about b on b.answer_id = a.answer_id
  group by 1, 2
$$;

create or replace function documents_on(the_day date, tz text, person uuid default null)
returns table (document_id uuid, asked_about bigint, cited bigint, disliked bigint)
language sql stable
as $$
  select t.document_id, count(*), cast(sum(t.cited) as bigint), count(*) filter (where t.rating = -1)
  from documents_of_answers(the_day, tz, person) t
  group by t.document_id
$$;

-- Of questions that were answered, or not found: what was stopped or has failed took as long as somebody was patient.
create or replace function latency_on(the_day date, tz text)
returns table (stage text, bucket smallint, count bigint)
language sql stable
as $$
  select s.stage, cast(floor(20 * log(greatest(s.milliseconds, 0.01))) as smallint), count(*)
  from asked_on(the_day, tz) a
  cross join lateral (
    select t.key, cast(t.value as double precision) from jsonb_each_text(a.timings) t
    union all
    select 'total', sum(cast(t.value as double precision)) from jsonb_each_text(a.timings) t having count(*) > 0
  ) as s(stage, milliseconds)
  where a.outcome in ('answered', 'not_found')
  group by 1, 2
$$;

create or replace function refusals_on(the_day date, tz text)
returns table (event text, count bigint)
language sql stable
as $$
  select l.event, count(*)
  from audit_log l
  where l.outcome = 'refused'
    and l.at >= cast(the_day as timestamp) at time zone tz
    and l.at < cast(the_day + 1 as timestamp) at time zone tz
  group by l.event
$$;

-- What was read again is no new file, and what was deleted has not failed.
create or replace function ingestion_on(the_day date, tz text)
returns table (collection_id uuid, bucket smallint, files bigint, ready bigint, failed bigint)
language sql stable
as $$
  select
    d.collection_id,
    cast(floor(20 * log(greatest(extract(epoch from v.ready_at - v.uploaded_at), 0.01))) as smallint),
    count(*),
    count(v.ready_at),
    count(*) filter (where v.ready_at is null and v.status = 'failed' and d.state <> 'deleted')
  from document_versions v
  join documents d on d.id = v.document_id
  where v.reprocess_of is null
    and v.uploaded_at >= cast(the_day as timestamp) at time zone tz
    and v.uploaded_at < cast(the_day + 1 as timestamp) at time zone tz
  group by 1, 2
$$;

-- The day of the first thing that is counted; null: there is nothing.
create or replace function first_day(tz text) returns date
language sql stable
as $$
  select cast(
    least(
      (select min(asked_at) from questions),
      (select min(uploaded_at) from document_versions),
      (select min(at) from audit_log where outcome = 'refused')
    ) at time zone tz as date)
$$;
