-- Remove the vectors of an embedding set that does not answer questions. Its row stays: answers say by which set they were found.
-- The chunks that no set searches any more are the pipeline's to delete, little by little.
create or replace function drop_embedding_set(target integer, at timestamptz) returns void
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  chosen embedding_sets;
begin
  if not actor_is_admin() then
    raise exception 'only an admin may drop an embedding set' using errcode = 'insufficient_privilege';
  end if;
  select s.* into strict chosen from embedding_sets s where s.id = target for no key update;
  if chosen.state not in ('building', 'ready', 'retired') then
    raise exception 'this embedding set cannot be dropped' using errcode = 'object_not_in_prerequisite_state';
  end if;
  update embedding_sets set state = 'dropped', dropped_at = at, problem = null where id = target;
  delete from embedding_work where embedding_set_id = target;
  -- To drop the table takes `chunks` from everybody for a moment, since that has its foreign key. Whoever searches is not to queue
  -- behind this while it waits for a long statement: it is tried again later.
  perform set_config('lock_timeout', '2s', true);
  execute format('drop function if exists kyo.search_set_%s', target);
  execute format('drop table if exists kyo.chunk_embeddings_%s', target);
end $$;

revoke all on function drop_embedding_set(integer, timestamptz) from public;
grant execute on function drop_embedding_set(integer, timestamptz) to kyo_app, kyo_pipeline;
