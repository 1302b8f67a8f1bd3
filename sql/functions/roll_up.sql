-- Rollups: the figures of days that are over, kept. All of these are for the pipeline, and run as their owner, since neither
-- role may read other people's questions or write these tables.
--
-- Late events. Whatever changes the figures of a day writes that day to `stale_days` in its own transaction, if the day is
-- closed (note_late_events.sql). A rollup first deletes the notes of its day that it sees, and then counts, each statement by a
-- newer snapshot: what was noted is counted, and what commits later leaves a note that the rollup did not see. A day is closed
-- by its first rollup, which waits for those who have begun to write something of that day while it was open: they hold a lock
-- on it. So nobody who asks today ever waits for a rollup.

-- Roll up one day of the zone `tz`, or do it again. Returns some of its figures.
create or replace function roll_up_day(the_day date, tz text, today date, at timestamptz)
returns table (questions bigint, people bigint, documents bigint, refused bigint, files bigint)
language plpgsql volatile security definer set search_path = kyo, pg_temp
as $$
#variable_conflict use_column
declare
  space constant integer := hashtext('kyo.stale_days');
begin
  if actor_is_operator() is not true then
    raise exception 'only the pipeline rolls up days' using errcode = 'insufficient_privilege';
  end if;
  if the_day >= today then
    raise exception 'a day that is not over cannot be rolled up' using errcode = 'object_not_in_prerequisite_state';
  end if;
  perform set_config('lock_timeout', '30s', true);
  perform pg_advisory_xact_lock(hashtextextended('kyo.rollups', 0));
  perform pg_advisory_xact_lock(space, 0);  -- whoever changes something about all days, see note_late_events.sql
  if (select s.zone from rollup_state s) <> tz then
    -- Its days are others: nothing that was rolled up is one of them. Around the end of the closed ones some may be open there.
    perform pg_advisory_xact_lock(space, s.closed_through - date '2000-01-01' + n)
    from rollup_state s
    cross join generate_series(-2, 2) as n
    where s.closed_through > '-infinity';
    delete from rolled_up_days;
    delete from rolled_up_months;
    update rollup_state set zone = tz;
  end if;
  if (select s.closed_through from rollup_state s) < the_day then
    perform pg_advisory_xact_lock(space, the_day - date '2000-01-01');
    update rollup_state set closed_through = the_day;
  end if;
  delete from stale_days s where s.day = the_day;

  delete from usage_by_person u where u.day = the_day;
  delete from usage u where u.day = the_day;
  with counted as materialized (
    select * from usage_on(the_day, tz)
  ),
  known as (
    insert into usage_scopes (collections)
    select distinct c.collections from counted c
    where not exists (select from usage_scopes s where s.collections = c.collections)
    returning id, collections
  ),
  scopes as (
    select id, collections from known
    union all
    select id, collections from usage_scopes
  )
  insert into usage_by_person
  select the_day, s.id, c.user_id, c.questions, c.answered, c.not_found, c.failed, c.stopped, c.cached, c.liked, c.disliked,
    c.prompt_tokens, c.completion_tokens, c.wrong, c.outdated, c.incomplete, c.wrong_source, c.other
  from counted c
  join scopes s on s.collections = c.collections;
  insert into usage
    (day, scope_id, questions, answered, not_found, failed, stopped, cached, liked, disliked, prompt_tokens,
      completion_tokens, wrong, outdated, incomplete, wrong_source, other)
  select u.day, coalesce(u.scope_id, 0), sum(u.questions), sum(u.answered), sum(u.not_found), sum(u.failed), sum(u.stopped), sum(u.cached),
    sum(u.liked), sum(u.disliked), sum(u.prompt_tokens), sum(u.completion_tokens), sum(u.wrong), sum(u.outdated),
    sum(u.incomplete), sum(u.wrong_source), sum(u.other)
  from usage_by_person u
  where u.day = the_day
  group by grouping sets ((u.day, u.scope_id), (u.day));  -- without a scope: of all of them

  delete from people_by_collection p where p.day = the_day;
  insert into usage_people (user_id, number)
  select n.user_id, (select coalesce(max(p.number), -1) from usage_people p) + row_number() over (order by n.user_id)
  from (select distinct u.user_id from usage_by_person u where u.day = the_day) n
  where n.user_id not in (select p.user_id from usage_people p);
  insert into people_by_collection (day, collection_id, people)
  select the_day, a.collection_id, people_as_bits(array_agg(a.number), max(a.number) + 1)
  from (
    select distinct c.id as collection_id, p.number
    from usage_by_person u
    join usage_scopes s on s.id = u.scope_id
    left join lateral unnest(s.collections) as c(id) on true
    join usage_people p on p.user_id = u.user_id
    where u.day = the_day and u.user_id <> '00000000-0000-0000-0000-000000000001'
  ) a
  group by a.collection_id;

  delete from usage_by_document u where u.day = the_day;
  insert into usage_by_document (day, document_id, asked_about, cited, disliked)
  select the_day, d.document_id, d.asked_about, d.cited, d.disliked from documents_on(the_day, tz) d;

  delete from latency l where l.day = the_day;
  insert into latency (day, stage, bucket, count)
  select the_day, l.stage, l.bucket, l.count from latency_on(the_day, tz) l;

  -- Of what is no longer in the audit log, the figures stay.
  if not exists (select from rolled_up_days r where r.day = the_day) or refusals_are_on_record(the_day, tz) then
    delete from refusals r where r.day = the_day;
    insert into refusals (day, event, count)
    select the_day, r.event, r.count from refusals_on(the_day, tz) r;
  end if;

  delete from ingestion i where i.day = the_day;
  insert into ingestion (day, collection_id, bucket, files, ready, failed)
  select the_day, i.collection_id, i.bucket, i.files, i.ready, i.failed from ingestion_on(the_day, tz) i;

  delete from rolled_up_months m where m.month = date_trunc('month', cast(the_day as timestamp));
  insert into rolled_up_days (day, rolled_up_at) values (the_day, at)
  on conflict (day) do update set rolled_up_at = excluded.rolled_up_at, checked_at = null;

  return query select
    (select coalesce(sum(u.questions), 0) from usage u where u.day = the_day and u.scope_id = 0),
    (select count(distinct u.user_id) from usage_by_person u where u.day = the_day),
    (select count(*) from usage_by_document u where u.day = the_day),
    (select coalesce(sum(r.count), 0) from refusals r where r.day = the_day),
    (select coalesce(sum(i.files), 0) from ingestion i where i.day = the_day);
end $$;

-- Whether the audit log reaches back to the begin of the day: rows before it are still there, or none was ever removed.
create or replace function refusals_are_on_record(the_day date, tz text) returns boolean
language sql stable
as $$
  select exists (select from audit_log l where l.at < cast(the_day as timestamp) at time zone tz)
    or not exists (select from audit_log l where l.event = 'audit:prune')
$$;

-- Sum up the months that are over and whose days have all been rolled up. Returns how many.
create or replace function roll_up_months(tz text, today date) returns integer
language plpgsql volatile security definer set search_path = kyo, pg_temp
as $$
declare
  wanted date;
  done integer := 0;
begin
  if actor_is_operator() is not true then
    raise exception 'only the pipeline rolls up days' using errcode = 'insufficient_privilege';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('kyo.rollups', 0));
  for wanted in
    select m.month
    from (select distinct cast(date_trunc('month', cast(r.day as timestamp)) as date) as month from rolled_up_days r) m
    where m.month not in (select k.month from rolled_up_months k)
      and m.month + interval '1 month' <= today
      and not exists (
        select
        from generate_series(0, 30) as n
        where m.month + n >= first_day(tz)
          and m.month + n < m.month + interval '1 month'
          and m.month + n not in (select r.day from rolled_up_days r)
      )
  loop
    delete from usage_by_document_and_month u where u.month = wanted;
    insert into usage_by_document_and_month (month, document_id, asked_about, cited, disliked)
    select wanted, u.document_id, sum(u.asked_about), sum(u.cited), sum(u.disliked)
    from usage_by_document u
    where u.day >= wanted and u.day < wanted + interval '1 month'
    group by u.document_id;
    delete from latency_by_month l where l.month = wanted;
    insert into latency_by_month (month, stage, bucket, count)
    select wanted, l.stage, l.bucket, sum(l.count)
    from latency l
    where l.day >= wanted and l.day < wanted + interval '1 month'
    group by l.stage, l.bucket;
    insert into rolled_up_months values (wanted);
    done := done + 1;
  end loop;
  return done;
end $$;

-- Days that are over and not rolled up, or for which something has come since.
create or replace function days_to_roll_up(tz text, today date) returns setof date
language plpgsql stable security definer set search_path = kyo, pg_temp
as $$
begin
  if actor_is_operator() is not true then
    raise exception 'only the pipeline rolls up days' using errcode = 'insufficient_privilege';
  end if;
  return query
  select d.day
  from (select first_day(tz) as first) f
  cross join lateral (select f.first + n as day from generate_series(0, today - 1 - f.first) as n) d
  where not exists (select from rolled_up_days r join rollup_state s on s.zone = tz where r.day = d.day)
  union
  select s.day from stale_days s where s.day < today
  order by 1;
end $$;

-- Compare rollups with the base tables: figures of a day that are not those which are counted now, a row for each group that
-- differs. No row where something has come for the day since: it will be rolled up again. Of people it is only told how
-- many of their rows differ: whoever reads this need not know who asked how much. Notes when it was checked.
create or replace function recount_day(the_day date, tz text, at timestamptz)
returns table (figures text, of_what text, kept jsonb, counted jsonb)
language plpgsql volatile security definer set search_path = kyo, pg_temp
as $$
#variable_conflict use_column
begin
  if actor_is_operator() is not true then
    raise exception 'only the pipeline checks rollups' using errcode = 'insufficient_privilege';
  end if;
  if not exists (select from rolled_up_days r join rollup_state s on s.zone = tz where r.day = the_day) then
    return;
  end if;
  return query
  with
  kept_rows as (
    select 'usage_by_person' as figures, concat_ws(' ', s.collections, u.user_id) as of_what,
      to_jsonb(u) - '{day,scope_id,user_id}'::text[] as row
    from usage_by_person u join usage_scopes s on s.id = u.scope_id where u.day = the_day
    union all
    select 'usage', coalesce(cast(s.collections as text), 'all'), to_jsonb(u) - '{day,scope_id}'::text[]
    from usage u left join usage_scopes s on s.id = u.scope_id where u.day = the_day
    union all
    select 'people_by_collection', coalesce(cast(p.collection_id as text), '-'), to_jsonb(cast(p.people as text))
    from people_by_collection p where p.day = the_day
    union all
    select 'usage_by_document', cast(u.document_id as text), to_jsonb(u) - '{day,document_id}'::text[]
    from usage_by_document u where u.day = the_day
    union all
    select 'latency', concat_ws(' ', l.stage, l.bucket), jsonb_build_object('count', l.count)
    from latency l where l.day = the_day
    union all
    select 'refusals', r.event, jsonb_build_object('count', r.count)
    from refusals r where r.day = the_day and refusals_are_on_record(the_day, tz)
    union all
    select 'ingestion', concat_ws(' ', coalesce(cast(i.collection_id as text), '-'), i.bucket),
      to_jsonb(i) - '{day,collection_id,bucket}'::text[]
    from ingestion i where i.day = the_day
  ),
  asked as materialized (
    select * from usage_on(the_day, tz)
  ),
  counted_rows as (
    select 'usage_by_person' as figures, concat_ws(' ', a.collections, a.user_id) as of_what,
      to_jsonb(a) - '{collections,user_id}'::text[] as row
    from asked a
    union all
    select 'usage', coalesce(cast(a.collections as text), 'all'), jsonb_build_object(
      'questions', sum(a.questions), 'answered', sum(a.answered), 'not_found', sum(a.not_found), 'failed', sum(a.failed),
      'stopped', sum(a.stopped), 'cached', sum(a.cached), 'liked', sum(a.liked), 'disliked', sum(a.disliked),
      'prompt_tokens', sum(a.prompt_tokens), 'completion_tokens', sum(a.completion_tokens), 'wrong', sum(a.wrong),
      'outdated', sum(a.outdated), 'incomplete', sum(a.incomplete), 'wrong_source', sum(a.wrong_source), 'other', sum(a.other))
    from asked a group by grouping sets ((a.collections), ()) having count(*) > 0
    union all
    select 'people_by_collection', coalesce(cast(p.collection_id as text), '-'),
      to_jsonb(cast(people_as_bits(array_agg(p.number), max(p.number) + 1) as text))
    from (
      select distinct c.id as collection_id, n.number
      from asked a
      left join lateral unnest(a.collections) as c(id) on true
      join usage_people n on n.user_id = a.user_id
      where a.user_id <> '00000000-0000-0000-0000-000000000001'
    ) p
    group by p.collection_id
    union all
    select 'usage_by_document', cast(d.document_id as text), to_jsonb(d) - 'document_id' from documents_on(the_day, tz) d
    union all
    select 'latency', concat_ws(' ', l.stage, l.bucket), jsonb_build_object('count', l.count) from latency_on(the_day, tz) l
    union all
    select 'refusals', r.event, jsonb_build_object('count', r.count)
    from refusals_on(the_day, tz) r where refusals_are_on_record(the_day, tz)
    union all
    select 'ingestion', concat_ws(' ', coalesce(cast(i.collection_id as text), '-'), i.bucket),
      to_jsonb(i) - '{collection_id,bucket}'::text[]
    from ingestion_on(the_day, tz) i
  ),
  months as (
    select m.month from rolled_up_months m where m.month = date_trunc('month', cast(the_day as timestamp))
  ),
  differing_rows as (
    select figures, of_what, k.row as kept, c.row as counted
    from kept_rows k
    full join counted_rows c using (figures, of_what)
    where k.row is distinct from c.row
  ),
  differing as (
    select figures, of_what, kept, counted from differing_rows where figures <> 'usage_by_person'
    union all
    select 'usage_by_person', '', jsonb_build_object('rows that differ', count(*)), jsonb_build_object('rows that differ', 0)
    from differing_rows
    where figures = 'usage_by_person'
    having count(*) > 0
    union all
    select 'usage_by_document_and_month', cast(document_id as text), to_jsonb(k) - 'document_id', to_jsonb(c) - 'document_id'
    from (
      select u.document_id, cast(sum(u.asked_about) as bigint) as asked_about, cast(sum(u.cited) as bigint) as cited,
        cast(sum(u.disliked) as bigint) as disliked
      from months m join usage_by_document_and_month u on u.month = m.month
      group by u.document_id
    ) k
    full join (
      select u.document_id, cast(sum(u.asked_about) as bigint) as asked_about, cast(sum(u.cited) as bigint) as cited,
        cast(sum(u.disliked) as bigint) as disliked
      from months m join usage_by_document u on u.day >= m.month and u.day < m.month + interval '1 month'
      group by u.document_id
    ) c using (document_id)
    where to_jsonb(k) is distinct from to_jsonb(c)
    union all
    select 'latency_by_month', concat_ws(' ', stage, bucket), to_jsonb(k.count), to_jsonb(c.count)
    from (
      select l.stage, l.bucket, cast(sum(l.count) as bigint) as count
      from months m join latency_by_month l on l.month = m.month
      group by l.stage, l.bucket
    ) k
    full join (
      select l.stage, l.bucket, cast(sum(l.count) as bigint) as count
      from months m join latency l on l.day >= m.month and l.day < m.month + interval '1 month'
      group by l.stage, l.bucket
    ) c using (stage, bucket)
    where k.count is distinct from c.count
  )
  select d.figures, d.of_what, d.kept, d.counted
  from differing d
  where not exists (select from stale_days s where s.day = the_day)
  order by 1, 2
  limit 100;
  update rolled_up_days r set checked_at = at where r.day = the_day;
end $$;

-- Days to be checked: the last one, and those that nobody has looked at for the longest.
create or replace function days_to_check(wanted integer, tz text) returns setof date
language plpgsql stable security definer set search_path = kyo, pg_temp
as $$
begin
  if actor_is_operator() is not true then
    raise exception 'only the pipeline checks rollups' using errcode = 'insufficient_privilege';
  end if;
  return query
  select r.day
  from rolled_up_days r
  join rollup_state s on s.zone = tz
  order by r.day < (select max(day) from rolled_up_days), r.checked_at nulls first, r.day desc
  limit wanted;
end $$;

revoke all on function
  roll_up_day(date, text, date, timestamptz), roll_up_months(text, date), days_to_roll_up(text, date),
  recount_day(date, text, timestamptz), days_to_check(integer, text)
from public;
grant execute on function
  roll_up_day(date, text, date, timestamptz), roll_up_months(text, date), days_to_roll_up(text, date),
  recount_day(date, text, timestamptz), days_to_check(integer, text)
to kyo_pipeline;
