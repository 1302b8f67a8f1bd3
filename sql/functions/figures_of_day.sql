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

-- Which documents the answers of a day cite, and how often, or which came near a question without an answer. Laterally, answer
-- by answer: the planner would rather read all citations there are.
create or replace function documents_of_answers(the_day date, tz text, person uuid default null)
returns table (answer_id uuid, document_id uuid, cited integer, rating smallint)
language sql stable
as $$
  with asked as materialized (
    select a.answer_id, a.outcome, a.rating from asked_on(the_day, tz, person) a
  )
  select a.answer_id, t.document_id, t.cited, a.rating
  from asked a
  cross join lateral (
    select v.document_id, cast(count(*) as integer) as cited
    from citations c
    join document_versions v on v.id = c.version_id
    where c.answer_id = a.answer_id
    group by v.document_id
  ) t
  union all
  select a.answer_id, t.document_id, 0, cast(null as smallint)
  from asked a
  cross join lateral (
    select distinct n.document_id from near_documents n where n.answer_id = a.answer_id
  ) t
  where a.outcome = 'not_found'
$$;

create or replace function usage_on(the_day date, tz text, person uuid default null)
returns table (
  collections uuid[], user_id uuid, questions integer, answered integer, not_found integer, failed integer, stopped integer,
  cached integer, liked integer, disliked integer, prompt_tokens bigint, completion_tokens bigint, wrong integer, outdated integer,
  incomplete integer, wrong_source integer, other integer
)
language sql stable
as $$
  with asked as materialized (
    select * from asked_on(the_day, tz, person)
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
  from asked a
  left join lateral (
    select array_agg(distinct d.collection_id order by d.collection_id) as collections
    from (
      select v.document_id
      from citations c
      join document_versions v on v.id = c.version_id
      where c.answer_id = a.answer_id
      union all
      select n.document_id from near_documents n where n.answer_id = a.answer_id and a.outcome = 'not_found'
    ) t
    join documents d on d.id = t.document_id
    where d.collection_id is not null
  ) b on true
  group by 1, 2
$$;

create or replace function documents_on(the_day date, tz text, person uuid default null)
returns table (document_id uuid, asked_about integer, cited integer, disliked integer)
language sql stable
as $$
  select t.document_id, count(*), sum(t.cited), count(*) filter (where t.rating = -1)
  from documents_of_answers(the_day, tz, person) t
  group by t.document_id
$$;

-- Of questions that were answered, or not found: what was stopped or has failed took as long as somebody was patient.
create or replace function latency_on(the_day date, tz text)
returns table (stage text, bucket smallint, count integer)
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
returns table (event text, count integer)
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
returns table (collection_id uuid, bucket smallint, files integer, ready integer, failed integer)
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

-- People as a set: as many bits as `size`, those of the numbers set.
create or replace function people_as_bits(numbers integer[], size integer) returns bit varying
language plpgsql immutable
as $$
declare
  bits bit varying := cast(repeat('0', size) as bit varying);
  number integer;
begin
  foreach number in array numbers loop
    bits := set_bit(bits, number, 1);
  end loop;
  return bits;
end $$;

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
