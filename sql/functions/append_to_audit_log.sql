-- Rows of the audit log, in their order, from a list of objects; whoever calls this holds `lock_audit_chain`, with the
-- caller's own rights. A function only since its plan is kept: to plan the statement takes longer than to run it, and
-- meanwhile nobody else can append.
create or replace function append_to_audit_log(rows jsonb) returns void
language plpgsql
as $$
begin
  insert into kyo.audit_log (
    id, at, actor_id, actor_name, event, object_type, object_id, outcome, details, address, request_id,
    address_digest, previous_hash, hash, seal
  )
  select
    r.id, r.at, r.actor_id, r.actor_name, r.event, r.object_type, r.object_id, r.outcome, r.details, r.address,
    r.request_id, decode(r.address_digest, 'hex'), decode(r.previous_hash, 'hex'), decode(r.hash, 'hex'), decode(r.seal, 'hex')
  from jsonb_to_recordset(rows) as r (
    id bigint, at timestamptz, actor_id uuid, actor_name text, event text, object_type text, object_id text, outcome text,
    details jsonb, address text, request_id text, address_digest text, previous_hash text, hash text, seal text
  );
end $$;

revoke all on function append_to_audit_log(jsonb) from public;
grant execute on function append_to_audit_log(jsonb) to kyo_app, kyo_pipeline;
