-- Give an embedding set up that does not answer questions: nothing new goes into it, and what is in it stands until it is dropped.
create or replace function retire_embedding_set(target integer, at timestamptz) returns void
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  if not actor_is_admin() then
    raise exception 'only an admin may retire an embedding set' using errcode = 'insufficient_privilege';
  end if;
  update embedding_sets
  set state = 'retired', retired_at = coalesce(retired_at, at), is_kept = false, problem = null
  where id = target and state in ('building', 'ready', 'retired');
  if not found then
    raise exception 'this embedding set cannot be retired' using errcode = 'object_not_in_prerequisite_state';
  end if;
end $$;

revoke all on function retire_embedding_set(integer, timestamptz) from public;
grant execute on function retire_embedding_set(integer, timestamptz) to kyo_app, kyo_pipeline;
