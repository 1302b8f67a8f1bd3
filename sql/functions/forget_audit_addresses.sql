-- Where deeds of before this moment came from is forgotten; returns how many. What is hashed is the digest, which stays.
create or replace function forget_audit_addresses(before timestamptz) returns bigint
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  forgotten bigint;
begin
  if actor_is_operator() is not true then
    raise exception 'only the pipeline forgets addresses' using errcode = 'insufficient_privilege';
  end if;
  perform set_config('kyo.audit_retention', 'forget', true);
  update audit_log set address = null where address is not null and at < before;
  get diagnostics forgotten = row_count;
  perform set_config('kyo.audit_retention', '', true);
  return forgotten;
end $$;

revoke all on function forget_audit_addresses(timestamptz) from public;
grant execute on function forget_audit_addresses(timestamptz) to kyo_pipeline;
