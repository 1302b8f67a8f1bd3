-- What becomes of a thumb down: an item for the owner of each document that the answer cites, and for those who may approve it.
-- Questions, answers and feedback are their asker's alone. What others see of them is told here: never who asked, and nothing
-- to whoever may not read all that the answer is made of (`answer_is_open_to`, 0010).

-- Whether the actor may look into what is said of an answer beside this document.
create or replace function may_review_feedback(document uuid, answer uuid) returns boolean
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select exists (
      select
      from documents d
      where d.id = document
        and d.state <> 'deleted'
        and (
          d.owner_id = current_actor()
          or d.collection_id in (select accessible_collections(current_actor(), 'approve'))
        )
        -- As the policy on `documents` has it: one that was given to somebody is seen as long as it is published.
        and (
          d.collection_id in (select accessible_collections(current_actor(), 'read'))
          or d.current_version_id is not null
        )
    )
    and may_read_document(current_actor(), document)
    and answer_is_open_to(answer, current_actor())
$$;

-- Bring the items into line with what the actor says of an answer of theirs, or does not say any more. What somebody has
-- decided stays. An answer that cites nothing has an item where the asker says which document has the answer.
create or replace function note_feedback(answer uuid, at timestamptz) returns void
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  wanted uuid[];
begin
  if not exists (
    select from answers a join questions q on q.id = a.question_id where a.id = answer and q.user_id = current_actor()
  ) then
    raise exception 'only its asker says what they think of an answer' using errcode = 'insufficient_privilege';
  end if;
  -- Documents that are being deleted meanwhile are waited for: see `erase_document`.
  wanted := array(
    select d.id
    from documents d
    where d.state <> 'deleted'
      and d.id in (
        select v.document_id
        from citations c
        join document_versions v on v.id = c.version_id
        where c.answer_id = answer
        union all
        select f.correct_document_id
        from feedback f
        where f.answer_id = answer and not exists (select from citations c where c.answer_id = answer)
      )
      and exists (
        select
        from feedback f
        join answers a on a.id = f.answer_id
        where f.answer_id = answer and f.user_id = current_actor() and f.rating = -1 and a.outcome <> 'erased'
      )
    order by d.id
    for share of d
  );
  delete from review_items i
  where i.answer_id = answer and i.kind = 'disliked' and i.closed_at is null and i.document_id <> all(wanted);
  insert into review_items (document_id, kind, answer_id, assigned_to, opened_at)
  select d.id, 'disliked', answer, case when owner.active then owner.id end, at
  from documents d
  join users owner on owner.id = d.owner_id
  where d.id = any(wanted)
  order by d.id
  on conflict (document_id, answer_id) where kind = 'disliked' do nothing;
end $$;

-- What came of it, for the asker: how the last item about the answer was decided, and when; no row before that.
create or replace function outcome_of_feedback(answer uuid) returns table (resolution text, closed_at timestamptz)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select i.resolution, i.closed_at
  from review_items i
  join answers a on a.id = i.answer_id
  join questions q on q.id = a.question_id
  where i.answer_id = answer and i.kind = 'disliked' and i.closed_at is not null and q.user_id = current_actor()
  order by i.closed_at desc, i.id
  limit 1
$$;

-- The items that the actor may look into, one of them or all of a kind; of all the newest of `most`. It asks what
-- `may_review_feedback` asks, from lists that are made once: calling that for each row took milliseconds a row. When something was
-- asked and said is told to the day, in UTC: by the moment, the audit log would tell who it was.
create or replace function feedback_items(wanted uuid, closed boolean, most integer)
returns table (
  id uuid, document_id uuid, title text, collection text, owner_id uuid, question text, standalone text,
  asked_at timestamptz, outcome text, reason text, comment text, correct_document_id uuid,
  opened_at timestamptz, closed_at timestamptz, closed_by uuid, resolution text, note text,
  newer_number integer, newer_since timestamptz
)
language plpgsql stable security definer set search_path = kyo, pg_temp set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
  me constant uuid := current_actor();
  approvable constant uuid[] := array(select accessible_collections(me, 'approve'));
  readable constant uuid[] := array(select accessible_collections(me, 'read'));
  granted constant uuid[] := array(select granted_documents(me));
begin
  return query
  select i.id, d.id, d.title,
    -- A single document may be read without its collection.
    case when d.collection_id = any(readable) then k.name else '' end,
    d.owner_id, q.text, q.standalone, date_trunc('day', q.asked_at, 'UTC'), a.outcome, f.reason, f.comment,
    case when may_read_document(me, f.correct_document_id) then f.correct_document_id end,
    date_trunc('day', i.opened_at, 'UTC'), i.closed_at, i.closed_by, i.resolution, i.note, newer.number, newer.published_at
  from (
    select o.*
    from (
      select r.*
      from review_items r
      join documents t on t.id = r.document_id
      where r.kind = 'disliked'
        and (wanted is null or r.id = wanted)
        and (closed is null or (r.closed_at is not null) = closed)
        and t.state <> 'deleted'
        and (t.owner_id = me or t.collection_id = any(approvable))
        and (t.collection_id = any(readable) or (t.id = any(granted) and t.current_version_id is not null))
      order by coalesce(r.closed_at, r.opened_at) desc, r.id
      offset 0  -- what else an answer is made of is looked at in this order, and of no more answers than it takes
    ) as o
    where (
      select a.outcome <> 'erased'
        and (a.generator = 'extractive' or a.outcome = 'not_found' or a.shown_documents is not null)
        and coalesce(
          (
            select bool_and(
              x.state <> 'deleted'
              and (
                coalesce(x.collection_id = any(approvable), false)
                or (
                  (
                    coalesce(x.collection_id = any(readable) and (not x.restricted or x.owner_id = me), false)
                    or x.id = any(granted)
                  )
                  and (
                    x.owner_id = me
                    or (x.current_version_id is not null and v.uploaded_by = me)
                    or (current.sha256 is not distinct from v.sha256 and v.review = 'approved')
                  )
                )
              )
            )
            from citations c
            join document_versions v on v.id = c.version_id
            join documents x on x.id = v.document_id
            left join document_versions current on current.id = x.current_version_id and x.state = 'approved'
            where c.answer_id = a.id
          ),
          true
        )
        and (
          a.outcome = 'not_found'
          or coalesce(
            (
              select bool_and(
                coalesce(x.collection_id = any(approvable), false)
                or coalesce(x.collection_id = any(readable) and (not x.restricted or x.owner_id = me), false)
                or coalesce(x.id = any(granted), false)
              )
              from unnest(a.shown_documents) as shown(id)
              left join documents x on x.id = shown.id
            ),
            true
          )
        )
      from answers a
      where a.id = o.answer_id
    )
    limit most
  ) as i
  join documents d on d.id = i.document_id
  left join collections k on k.id = d.collection_id
  join answers a on a.id = i.answer_id
  join questions q on q.id = a.question_id
  left join feedback f on f.answer_id = a.id and f.user_id = q.user_id
  -- What answers now, where it is not what was cited; the same file read again is no news.
  left join document_versions newer on newer.id = d.current_version_id
    and d.state = 'approved'
    and newer.published_at > a.answered_at
    and not exists (
      select
      from citations c
      join document_versions v on v.id = c.version_id
      where c.answer_id = a.id and v.document_id = d.id and v.sha256 = newer.sha256
    )
  -- Of one day in no order that says anything.
  order by coalesce(i.closed_at, date_trunc('day', i.opened_at, 'UTC')) desc, i.id;
end $$;

-- The answer of an item, as it was. It is known by the item: by its own id, the audit log would tell who asked.
create or replace function feedback_answer(item uuid)
returns table (
  id uuid, question_id uuid, question text, standalone text, asked_at timestamptz, text text, outcome text,
  generator text, model text, timings jsonb, prompt_tokens integer, completion_tokens integer, findings jsonb
)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select i.id, i.id, q.text, q.standalone, date_trunc('day', q.asked_at, 'UTC'), a.text, a.outcome, a.generator, a.model, a.timings,
    a.prompt_tokens, a.completion_tokens, a.findings
  from review_items i
  join answers a on a.id = i.answer_id
  join questions q on q.id = a.question_id
  where i.id = item and i.kind = 'disliked' and may_review_feedback(i.document_id, a.id)
$$;

-- What it cites; `answer_id` is the item's.
create or replace function feedback_citations(item uuid) returns setof citations
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select i.id, c.marker, c.version_id, c.chunk_id, c.start_offset, c.end_offset, c.score
  from review_items i
  join citations c on c.answer_id = i.answer_id
  where i.id = item and i.kind = 'disliked' and may_review_feedback(i.document_id, i.answer_id)
$$;

-- Decide about an item that is open still. No row where it is not, or not for the actor: somebody was quicker, or the asker has
-- taken it back. What is found to be right becomes a case of the evaluation set: of a confirmed answer the documents that it cites,
-- of a corrected one `sources`, which the actor must be able to read.
create or replace function resolve_feedback_item(
  item uuid, how text, said text, sources uuid[], expected text, at timestamptz
) returns table (document_id uuid, case_id uuid)
language plpgsql security definer set search_path = kyo, pg_temp
as $$
#variable_conflict use_column
declare
  subject review_items;
  right_ones uuid[] := '{}';
begin
  select i.* into subject from review_items i where i.id = item and i.kind = 'disliked';
  if how = 'corrected' then
    right_ones := sources;
    if exists (select from unnest(sources) as source(id) where may_read_document(current_actor(), source.id) is not true) then
      raise exception 'a source that the actor may not read' using errcode = 'insufficient_privilege';
    end if;
  elsif how = 'confirmed' then
    right_ones := array(
      select distinct v.document_id
      from citations c
      join document_versions v on v.id = c.version_id
      where c.answer_id = subject.answer_id
    );
  end if;
  -- In the order of `erase_document`: documents first. Two orders would wait for each other.
  perform from documents d where d.id = any(right_ones || subject.document_id) order by d.id for share;
  perform from review_items i where i.id = item and i.kind = 'disliked' and i.closed_at is null for update;
  if not found or not may_review_feedback(subject.document_id, subject.answer_id) then
    return;
  end if;
  document_id := subject.document_id;
  case_id := (
    select keep_evaluation_case(coalesce(q.standalone, q.text), right_ones, expected, 'review', a.id, at)
    from answers a
    join questions q on q.id = a.question_id
    where a.id = subject.answer_id and cardinality(right_ones) > 0
  );
  update review_items i set closed_at = at, closed_by = current_actor(), resolution = how, note = said where i.id = item;
  return next;
end $$;

revoke all on function
  may_review_feedback(uuid, uuid), note_feedback(uuid, timestamptz), outcome_of_feedback(uuid),
  feedback_items(uuid, boolean, integer), feedback_answer(uuid), feedback_citations(uuid),
  resolve_feedback_item(uuid, text, text, uuid[], text, timestamptz)
from public;
grant execute on function
  note_feedback(uuid, timestamptz), outcome_of_feedback(uuid),
  feedback_items(uuid, boolean, integer), feedback_answer(uuid), feedback_citations(uuid),
  resolve_feedback_item(uuid, text, text, uuid[], text, timestamptz)
to kyo_app;
