-- Rows whose time is over leave the audit log, the oldest first, up to and with `through`; returns how many. The caller puts on
-- record where the log begins from now on: without that row, `kyo audit verify` says that rows are missing.
create or replace function prune_audit_log(through bigint) returns bigint
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  pruned bigint;
begin
  if actor_is_operator() is not true then
    raise exception 'only the pipeline prunes the audit log' using errcode = 'insufficient_privilege';
  end if;
  perform set_config('kyo.audit_retention', 'prune', true);
  delete from audit_log where id <= through;
  get diagnostics pruned = row_count;
  perform set_config('kyo.audit_retention', '', true);
  return pruned;
end $$;

revoke all on function prune_audit_log(bigint) from public;
grant execute on function prune_audit_log(bigint) to kyo_pipeline;
