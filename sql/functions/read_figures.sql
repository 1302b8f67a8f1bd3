-- What is told of the figures, and to whom: admins all, managers of the collections that they may approve in, and everybody of
-- themselves. Of other people nobody is told more than how many they were.
-- Days that are rolled up are read from there; the others, normally today alone, are counted now. Which are which is decided in
-- the statement that reads them, so no day is counted twice, whatever is rolled up meanwhile.
-- Planned anew each time, since what is good for a week of one collection is not for a year of all; and never compiled, which
-- takes longer than all the rest.

-- Where to read each day from. span 'month': from the sums of the month that begins on that day, if `by_month`; 'day': from its
-- rollup; 'live': from the base tables.
create or replace function days_to_read(from_day date, to_day date, today date, tz text, by_month boolean default false)
returns table (day date, span text)
language sql stable
as $$
  with
  months as (
    select m.month, cast(m.month + interval '1 month' as date) as ends
    from rolled_up_months m
    join rollup_state z on z.zone = tz
    where by_month
      and m.month >= from_day
      and m.month + interval '1 month' <= least(to_day + 1, today)
      and not exists (select from stale_days s where s.day >= m.month and s.day < m.month + interval '1 month')
  ),
  kept as (
    select r.day
    from rolled_up_days r
    join rollup_state z on z.zone = tz
    where r.day between from_day and least(to_day, today - 1) and not exists (select from stale_days s where s.day = r.day)
  ),
  begun as materialized (  -- else it would be asked once a day
    select greatest(from_day, first_day(tz)) as day where first_day(tz) is not null
  )
  select m.month, 'month' from months m
  union all
  select k.day, 'day' from kept k
  where not exists (select from months m where k.day >= m.month and k.day < m.ends)
  union all
  select b.day + n, 'live'
  from begun b
  cross join lateral generate_series(0, least(to_day, today) - b.day) as n
  where b.day + n not in (select k.day from kept k)
    and not exists (select from months m where b.day + n >= m.month and b.day + n < m.ends)
$$;

-- The collections whose figures the actor is told; null: all there is, also what is about no collection. With `wanted`, that one
-- alone; where it is none of theirs, as where there are none, {}.
create or replace function told_collections(wanted uuid) returns uuid[]
language sql stable
as $$
  select case
    when wanted is null and actor_is_admin() then null
    else array(
      select c from accessible_collections(current_actor(), 'approve') as c where wanted is null or c = wanted
    )
  end
$$;

-- What was asked, as JSON: `days`, [day, counts…] from `from_day` on; `before`, the counts of the days from `before_day` until
-- then; `people` and `people_before`; `collections`, [id, people, counts…]; `reasons`. The counts, in order: questions, answered,
-- not_found, failed, stopped, cached, liked, disliked, prompt_tokens, completion_tokens. Null for whoever is told nothing.
create or replace function usage_figures(
  wanted uuid, before_day date, from_day date, to_day date, today date, tz text
) returns jsonb
language plpgsql stable security definer set search_path = kyo, pg_temp set plan_cache_mode = force_custom_plan set jit = off set work_mem = '64MB'
as $$
declare
  told constant uuid[] := told_collections(wanted);
  operator constant uuid := '00000000-0000-0000-0000-000000000001';
begin
  if told = '{}' then
    return null;
  end if;
  return (
    with
    spans as materialized (
      select * from days_to_read(before_day, to_day, today, tz)
    ),
    scopes as materialized (
      select s.id, s.collections from usage_scopes s where told is null or s.collections && told
    ),
    live as materialized (
      select d.day, u.*
      from spans d
      cross join lateral usage_on(d.day, tz) u
      where d.span = 'live' and (told is null or u.collections && told)
    ),
    counts as materialized (
      select u.day, u.questions, u.answered, u.not_found, u.failed, u.stopped, u.cached, u.liked, u.disliked, u.prompt_tokens,
        u.completion_tokens, u.wrong, u.outdated, u.incomplete, u.wrong_source, u.other
      from usage u
      join spans d on d.day = u.day and d.span = 'day'
      where case when told is null then u.scope_id = 0 else u.scope_id in (select s.id from scopes s) end
      union all
      select l.day, l.questions, l.answered, l.not_found, l.failed, l.stopped, l.cached, l.liked, l.disliked,
        l.prompt_tokens, l.completion_tokens, l.wrong, l.outdated, l.incomplete, l.wrong_source, l.other
      from live l
    ),
    -- Who asked, as sets, of each day and collection. Sets of earlier days are shorter; zeros make all as long.
    size as materialized (
      select coalesce(max(p.number), -1) + 1 as bits from usage_people p
    ),
    askers as materialized (
      select distinct l.day, c.id as collection_id, l.user_id, p.number
      from live l
      left join lateral unnest(l.collections) as c(id) on true
      left join usage_people p on p.user_id = l.user_id
      where l.user_id <> operator and (told is null or c.id = any(told))
    ),
    sets as materialized (
      select p.day, p.collection_id,
        case length(p.people)
          when size.bits then p.people
          else p.people || cast(repeat('0', size.bits - length(p.people)) as bit varying)
        end as people
      from size
      cross join people_by_collection p
      join spans d on d.day = p.day and d.span = 'day'
      where told is null or p.collection_id = any(told)
      union all
      select a.day, a.collection_id, people_as_bits(array_agg(a.number), size.bits)
      from size
      cross join askers a
      where a.number is not null
      group by a.day, a.collection_id, size.bits
    ),
    -- Who has no number yet asks for the first time, on days that are not rolled up.
    newcomers as materialized (
      select a.day, a.collection_id, a.user_id from askers a where a.number is null
    )
    select jsonb_build_object(
      'days', (
        select jsonb_agg(jsonb_build_array(c.day, c.questions, c.answered, c.not_found, c.failed, c.stopped, c.cached, c.liked,
          c.disliked, c.prompt_tokens, c.completion_tokens))
        from (
          select c.day, sum(c.questions) as questions, sum(c.answered) as answered, sum(c.not_found) as not_found,
            sum(c.failed) as failed, sum(c.stopped) as stopped, sum(c.cached) as cached, sum(c.liked) as liked,
            sum(c.disliked) as disliked, sum(c.prompt_tokens) as prompt_tokens, sum(c.completion_tokens) as completion_tokens
          from counts c
          where c.day >= from_day
          group by c.day
        ) c
      ),
      'before', (
        select jsonb_build_array(coalesce(sum(c.questions), 0), coalesce(sum(c.answered), 0), coalesce(sum(c.not_found), 0),
          coalesce(sum(c.failed), 0), coalesce(sum(c.stopped), 0), coalesce(sum(c.cached), 0), coalesce(sum(c.liked), 0),
          coalesce(sum(c.disliked), 0), coalesce(sum(c.prompt_tokens), 0), coalesce(sum(c.completion_tokens), 0))
        from counts c
        where c.day < from_day
      ),
      'people', (select coalesce(bit_count(bit_or(s.people)), 0) from sets s where s.day >= from_day)
        + (select count(distinct n.user_id) from newcomers n where n.day >= from_day),
      'people_before', (select coalesce(bit_count(bit_or(s.people)), 0) from sets s where s.day < from_day)
        + (select count(distinct n.user_id) from newcomers n where n.day < from_day),
      'people_by_day', (
        select jsonb_object_agg(p.day, p.people)
        from (
          select p.day, sum(p.people) as people
          from (
            select s.day, bit_count(bit_or(s.people)) as people from sets s group by s.day
            union all
            select n.day, count(distinct n.user_id) from newcomers n group by n.day
          ) p
          where p.day >= from_day
          group by p.day
        ) p
      ),
      'collections', (
        select jsonb_agg(jsonb_build_array(c.id, coalesce(p.people, 0), c.questions, c.not_found, c.liked, c.disliked))
        from (
          select t.id, sum(c.questions) as questions, sum(c.not_found) as not_found, sum(c.liked) as liked,
            sum(c.disliked) as disliked
          from (
            select s.collections, sum(u.questions) as questions, sum(u.not_found) as not_found, sum(u.liked) as liked,
              sum(u.disliked) as disliked
            from usage u
            join spans d on d.day = u.day and d.span = 'day' and d.day >= from_day
            join scopes s on s.id = u.scope_id
            group by s.id, s.collections
            union all
            select l.collections, l.questions, l.not_found, l.liked, l.disliked from live l where l.day >= from_day
          ) c
          cross join lateral unnest(c.collections) as t(id)
          where told is null or t.id = any(told)
          group by t.id
        ) c
        left join (
          select p.collection_id, sum(p.people) as people
          from (
            select s.collection_id, bit_count(bit_or(s.people)) as people
            from sets s
            where s.day >= from_day
            group by s.collection_id
            union all
            select n.collection_id, count(distinct n.user_id)
            from newcomers n
            where n.day >= from_day
            group by n.collection_id
          ) p
          group by p.collection_id
        ) p on p.collection_id = c.id
      ),
      'reasons', (
        select jsonb_build_object('wrong', coalesce(sum(c.wrong), 0), 'outdated', coalesce(sum(c.outdated), 0),
          'incomplete', coalesce(sum(c.incomplete), 0), 'wrong_source', coalesce(sum(c.wrong_source), 0),
          'other', coalesce(sum(c.other), 0))
        from counts c
        where c.day >= from_day
      )
    )
  );
end $$;

-- Documents, as JSON: `most`, the first of [id, title, collection, asked_about, cited, disliked] by questions, or with
-- `by_dislikes` by those who disliked an answer that cites it; `never`, of those that answer questions, the first that
-- nobody asked about, by title, and `never_count`.
create or replace function document_figures(
  wanted uuid, from_day date, to_day date, today date, tz text, by_dislikes boolean, shown integer
) returns jsonb
language plpgsql stable security definer set search_path = kyo, pg_temp set plan_cache_mode = force_custom_plan set jit = off set work_mem = '64MB'
as $$
declare
  told constant uuid[] := told_collections(wanted);
begin
  if told = '{}' then
    return null;
  end if;
  return (
    with
    spans as materialized (
      select * from days_to_read(from_day, to_day, today, tz, true)
    ),
    used as materialized (
      select u.document_id, sum(u.asked_about) as asked_about, sum(u.cited) as cited, sum(u.disliked) as disliked
      from (
        select u.document_id, u.asked_about, u.cited, u.disliked
        from spans d
        join usage_by_document_and_month u on u.month = d.day
        where d.span = 'month'
        union all
        select u.document_id, u.asked_about, u.cited, u.disliked
        from spans d
        join usage_by_document u on u.day = d.day
        where d.span = 'day'
        union all
        select u.document_id, u.asked_about, u.cited, u.disliked
        from spans d
        cross join lateral documents_on(d.day, tz) u
        where d.span = 'live'
      ) u
      group by u.document_id
    ),
    never as materialized (
      select d.id, d.title, d.collection_id
      from documents d
      where not by_dislikes
        and d.state = 'approved'
        and d.current_version_id is not null
        and (told is null or d.collection_id = any(told))
        and not exists (select from used u where u.document_id = d.id)
    )
    select jsonb_build_object(
      'most', (
        select jsonb_agg(jsonb_build_array(m.id, m.title, m.name, m.asked_about, m.cited, m.disliked))
        from (
          select d.id, d.title, c.name, u.asked_about, u.cited, u.disliked
          from used u
          join documents d on d.id = u.document_id and d.state <> 'deleted'
          join collections c on c.id = d.collection_id
          where (told is null or d.collection_id = any(told)) and (not by_dislikes or u.disliked > 0)
          order by case when by_dislikes then u.disliked end desc, u.asked_about desc, d.title, d.id
          limit shown
        ) m
      ),
      'never', (
        select jsonb_agg(jsonb_build_array(n.id, n.title, n.name, 0, 0, 0))
        from (
          select n.id, n.title, c.name
          from never n
          join collections c on c.id = n.collection_id
          order by n.title, n.id
          limit shown
        ) n
      ),
      'never_count', (select count(*) from never)
    )
  );
end $$;

-- How many answers took how long in each stage; whatever they were about, since that says nothing of how quick KYO is.
create or replace function latency_figures(wanted uuid, from_day date, to_day date, today date, tz text)
returns table (stage text, bucket smallint, count bigint)
language plpgsql stable security definer set search_path = kyo, pg_temp set plan_cache_mode = force_custom_plan set jit = off set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  told constant uuid[] := told_collections(wanted);
begin
  if told = '{}' then
    return;
  end if;
  return query
  with spans as materialized (
    select * from days_to_read(from_day, to_day, today, tz, true)
  )
  select l.stage, l.bucket, cast(sum(l.count) as bigint)
  from (
    select l.stage, l.bucket, l.count from spans d join latency_by_month l on l.month = d.day where d.span = 'month'
    union all
    select l.stage, l.bucket, l.count from spans d join latency l on l.day = d.day where d.span = 'day'
    union all
    select l.stage, l.bucket, l.count from spans d cross join lateral latency_on(d.day, tz) l where d.span = 'live'
  ) l
  group by l.stage, l.bucket;
end $$;

create or replace function ingestion_figures(wanted uuid, from_day date, to_day date, today date, tz text)
returns table (bucket smallint, files bigint, ready bigint, failed bigint)
language plpgsql stable security definer set search_path = kyo, pg_temp set plan_cache_mode = force_custom_plan set jit = off set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  told constant uuid[] := told_collections(wanted);
begin
  if told = '{}' then
    return;
  end if;
  return query
  with spans as materialized (
    select * from days_to_read(from_day, to_day, today, tz)
  )
  select i.bucket, cast(sum(i.files) as bigint), cast(sum(i.ready) as bigint), cast(sum(i.failed) as bigint)
  from (
    select i.collection_id, i.bucket, i.files, i.ready, i.failed
    from spans d
    join ingestion i on i.day = d.day
    where d.span = 'day'
    union all
    select i.collection_id, i.bucket, i.files, i.ready, i.failed
    from spans d
    cross join lateral ingestion_on(d.day, tz) i
    where d.span = 'live'
  ) i
  where told is null or i.collection_id = any(told)
  group by i.bucket;
end $$;

-- What was refused on each day, for admins.
create or replace function refusal_figures(from_day date, to_day date, today date, tz text)
returns table (day date, count bigint)
language plpgsql stable security definer set search_path = kyo, pg_temp set plan_cache_mode = force_custom_plan set jit = off set work_mem = '64MB'
as $$
#variable_conflict use_column
begin
  if actor_is_admin() is not true then
    return;
  end if;
  return query
  with spans as materialized (
    select * from days_to_read(from_day, to_day, today, tz)
  )
  select r.day, cast(sum(r.count) as bigint)
  from (
    select d.day, r.count from spans d join refusals r on r.day = d.day where d.span = 'day'
    union all
    select d.day, r.count from spans d cross join lateral refusals_on(d.day, tz) r where d.span = 'live'
  ) r
  group by r.day;
end $$;

-- What the actor asked: [day, counts…] as in `usage_figures`.
create or replace function own_usage_figures(from_day date, to_day date, today date, tz text) returns jsonb
language plpgsql stable security definer set search_path = kyo, pg_temp set plan_cache_mode = force_custom_plan set jit = off set work_mem = '64MB'
as $$
declare
  actor constant uuid := current_actor();
begin
  return (
    with
    spans as materialized (
      select * from days_to_read(from_day, to_day, today, tz)
    ),
    counts as (
      select u.day, u.questions, u.answered, u.not_found, u.failed, u.stopped, u.cached, u.liked, u.disliked, u.prompt_tokens,
        u.completion_tokens
      from usage_by_person u
      join spans d on d.day = u.day and d.span = 'day'
      where u.user_id = actor and u.day between from_day and to_day
      union all
      select d.day, u.questions, u.answered, u.not_found, u.failed, u.stopped, u.cached, u.liked, u.disliked, u.prompt_tokens,
        u.completion_tokens
      from spans d
      cross join lateral usage_on(d.day, tz, actor) u
      where d.span = 'live'
    )
    select jsonb_agg(jsonb_build_array(c.day, c.questions, c.answered, c.not_found, c.failed, c.stopped, c.cached, c.liked,
      c.disliked, c.prompt_tokens, c.completion_tokens))
    from (
      select c.day, sum(c.questions) as questions, sum(c.answered) as answered, sum(c.not_found) as not_found,
        sum(c.failed) as failed, sum(c.stopped) as stopped, sum(c.cached) as cached, sum(c.liked) as liked,
        sum(c.disliked) as disliked, sum(c.prompt_tokens) as prompt_tokens, sum(c.completion_tokens) as completion_tokens
      from counts c
      group by c.day
    ) c
  );
end $$;

-- The documents that the actor's own questions were about, as far as they may read them. Few: always counted.
create or replace function own_document_figures(from_day date, to_day date, tz text, shown integer)
returns table (id uuid, title text, collection text, asked_about bigint, cited bigint, disliked bigint)
language plpgsql stable security definer set search_path = kyo, pg_temp set plan_cache_mode = force_custom_plan set jit = off set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  actor constant uuid := current_actor();
begin
  return query
  with
  asked as materialized (
    select a.id, a.outcome, f.rating
    from questions q
    join answers a on a.question_id = q.id
    left join feedback f on f.answer_id = a.id and f.user_id = q.user_id
    where q.user_id = actor
      and q.asked_at >= cast(from_day as timestamp) at time zone tz
      and q.asked_at < cast(to_day + 1 as timestamp) at time zone tz
  ),
  used as (
    select t.document_id, count(*) as asked_about, cast(sum(t.cited) as bigint) as cited,
      count(*) filter (where t.rating = -1) as disliked
    from (
      select a.id, v.document_id, count(*) as cited, min(a.rating) as rating
      from asked a
      join citations c on c.answer_id = a.id
      join document_versions v on v.id = c.version_id
      group by a.id, v.document_id
      union all
      select distinct a.id, n.document_id, cast(0 as bigint), cast(null as smallint)
      from asked a
      join near_documents n on n.answer_id = a.id
      where a.outcome = 'not_found'
    ) t
    group by t.document_id
  )
  select m.id, m.title, m.name, m.asked_about, m.cited, m.disliked
  from (
    select d.id, d.title, c.name, u.asked_about, u.cited, u.disliked
    from used u
    join documents d on d.id = u.document_id and d.state <> 'deleted'
    join collections c on c.id = d.collection_id
    order by u.asked_about desc, d.title, d.id
    offset 0  -- whether one may be read is asked in this order, and of no more than it takes
  ) m
  where may_read_document(actor, m.id)
  limit shown;
end $$;

revoke all on function
  usage_figures(uuid, date, date, date, date, text), document_figures(uuid, date, date, date, text, boolean, integer),
  latency_figures(uuid, date, date, date, text), ingestion_figures(uuid, date, date, date, text),
  refusal_figures(date, date, date, text), own_usage_figures(date, date, date, text),
  own_document_figures(date, date, text, integer)
from public;
grant execute on function
  usage_figures(uuid, date, date, date, date, text), document_figures(uuid, date, date, date, text, boolean, integer),
  latency_figures(uuid, date, date, date, text), ingestion_figures(uuid, date, date, date, text),
  refusal_figures(date, date, date, text), own_usage_figures(date, date, date, text),
  own_document_figures(date, date, text, integer)
to kyo_app;
