-- Have another embedding set answer questions, in one transaction: whoever has begun to search goes on in the set before, which
-- stands. It takes the lock on `corpus` first: nothing is published meanwhile, so whatever answers questions is in the new set.
-- The one before is kept, and kept up to date, for the way back.
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
  select s.* into serving from embedding_sets s where s.state = 'active' for update;
  select s.* into strict chosen from embedding_sets s where s.id = target for update;
  if chosen.state not in ('ready', 'retired') or chosen.indexed_at is null or exists (
    select
    from document_versions v
    left join embedding_work w on w.embedding_set_id = target and w.version_id = v.id
    where v.status = 'ready' and w.state is distinct from 'done'
  ) then
    raise exception 'documents are missing in this embedding set' using errcode = 'object_not_in_prerequisite_state';
  end if;
  -- What is ready is in the set before as well, with so many chunks.
  insert into embedding_work (embedding_set_id, version_id, state, chunk_count, tokens)
  select serving.id, v.id, 'done', v.chunk_count, v.tokens
  from document_versions v
  where v.status = 'ready' and serving.id is not null
  on conflict (embedding_set_id, version_id) do update
  set state = 'done', error = null, chunk_count = excluded.chunk_count, tokens = excluded.tokens;
  update embedding_sets set state = 'retired', retired_at = at, is_kept = true where id = serving.id;
  update embedding_sets set state = 'active', activated_at = at, retired_at = null where id = target;
  if chosen.cutting_id is distinct from serving.cutting_id then
    update document_versions v
    set chunk_count = w.chunk_count, tokens = w.tokens, cut_as = k.name
    from embedding_work w
    cross join cuttings k
    where w.embedding_set_id = target and w.version_id = v.id and v.status = 'ready' and k.id = chosen.cutting_id;
  end if;
  update corpus set revision = revision + 1;
end $$;

revoke all on function activate_embedding_set(integer, timestamptz) from public;
grant execute on function activate_embedding_set(integer, timestamptz) to kyo_app, kyo_pipeline;
