-- Have another embedding set answer questions, in one transaction: whoever has begun to search goes on in the set before, which
-- stands. It takes the lock on `corpus` first: nothing is published meanwhile, so whatever answers questions is in the new set.
-- The one before is kept, and kept up to date, for the way back. No row of a version is touched: people hold some while they
-- wait for that lock.
create or replace function activate_embedding_set(target integer, at timestamptz) returns void
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  chosen embedding_sets;
  serving embedding_sets;
begin
  if not actor_is_admin() then
    raise exception 'only an admin may have another embedding set answer' using errcode = 'insufficient_privilege';
  end if;
  perform from corpus for update;
  select s.* into serving from embedding_sets s where s.state = 'active' for no key update;
  select s.* into strict chosen from embedding_sets s where s.id = target for no key update;
  if chosen.state not in ('ready', 'retired') or chosen.indexed_at is null or exists (
    select
    from document_versions v
    left join embedding_work w on w.embedding_set_id = target and w.version_id = v.id
    where v.status = 'ready' and w.state is distinct from 'done'
  ) then
    raise exception 'documents are missing in this embedding set' using errcode = 'object_not_in_prerequisite_state';
  end if;
  -- What is ready is in the set before as well.
  insert into embedding_work (embedding_set_id, version_id, state, chunk_count)
  select serving.id, v.id, 'done', v.chunk_count
  from document_versions v
  where v.status = 'ready' and serving.id is not null
  on conflict (embedding_set_id, version_id) do update
  set state = 'done', error = null, claimed_by = null, claimed_until = null, chunk_count = excluded.chunk_count;
  update embedding_sets set state = 'retired', retired_at = at, is_kept = true where id = serving.id;
  update embedding_sets set state = 'active', activated_at = at, retired_at = null, is_kept = true, problem = null
  where id = target;
  update corpus set revision = revision + 1;
end $$;

revoke all on function activate_embedding_set(integer, timestamptz) from public;
grant execute on function activate_embedding_set(integer, timestamptz) to kyo_app, kyo_pipeline;

-- Note on up to so many versions how many passages they have in the set that answers now; returns how many were not up to date.
-- Those that somebody works on are left for the next time.
create or replace function note_cutting(most integer) returns integer
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  noted integer;
begin
  if not actor_is_admin() then
    raise exception 'only an admin may do this' using errcode = 'insufficient_privilege';
  end if;
  with
  cutting as (
    select k.id, k.name from embedding_sets s join cuttings k on k.id = s.cutting_id where s.state = 'active'
  ),
  stale as (
    select v.id
    from document_versions v
    cross join cutting k
    where v.status = 'ready' and v.cut_as is distinct from k.name
    limit most
    for no key update of v skip locked
  ),
  counted as (
    select c.version_id, count(*) as chunks, sum(c.tokens) as tokens
    from chunks c
    cross join cutting k
    where c.version_id in (select id from stale) and c.cutting_id = k.id
    group by c.version_id
  )
  update document_versions v
  set chunk_count = n.chunks, tokens = n.tokens, cut_as = k.name
  from counted n
  cross join cutting k
  where v.id = n.version_id;
  get diagnostics noted = row_count;
  return noted;
end $$;

revoke all on function note_cutting(integer) from public;
grant execute on function note_cutting(integer) to kyo_app, kyo_pipeline;
