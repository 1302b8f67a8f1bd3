-- The audit log proves itself: each row carries the hash of the one before. What is hashed and how: kyo_pipeline/domain/audit_chain.py.

-- Numbers without gaps, in the order of the commits: whoever appends a row takes the next one under `lock_audit_chain`.
alter table audit_log
  alter column id drop identity,
  add column address text,          -- from where; forgotten after a while, what is hashed is `address_digest`
  add column address_digest bytea,
  add column request_id text,       -- of the page's run, the command or Dagster's run: rows of one belong together
  add column previous_hash bytea,   -- null, as all of these, in rows from before there was a chain
  add column hash bytea,
  add column seal bytea;            -- keyed with what the database does not know

-- Lists are read in the order of `at`, one page from where the last one ended. What can be asked for together has an index
-- together: else whoever did much, and never that, would be read to the end. Which one is used does not depend on
-- statistics, see kyo_pipeline/db/audit_log.py.
create index on audit_log (actor_id, at, id);
create index on audit_log (event, at, id);
create index on audit_log (object_type, at, id);
create index on audit_log (actor_id, event, at, id);
create index on audit_log (actor_id, object_type, at, id);
create index on audit_log (object_id, at, id);
create index on audit_log (request_id, at, id) where request_id is not null;
create index audit_log_addresses on audit_log (at) where address is not null;
-- The same of what was refused: few rows.
create index audit_log_refusals on audit_log (at, id) where outcome = 'refused';
create index audit_log_refusals_actor on audit_log (actor_id, at, id) where outcome = 'refused';
create index audit_log_refusals_event on audit_log (event, at, id) where outcome = 'refused';
create index audit_log_refusals_type on audit_log (object_type, at, id) where outcome = 'refused';
create index audit_log_refusals_actor_event on audit_log (actor_id, event, at, id) where outcome = 'refused';
create index audit_log_refusals_actor_type on audit_log (actor_id, object_type, at, id) where outcome = 'refused';

-- The end of the chain, for whoever appends to it: until the end of the transaction nobody else does. No row: it is empty.
-- The policies let nobody but admins read the log, so it runs as its owner.
create function lock_audit_chain() returns table (id bigint, hash bytea)
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('kyo.audit_chain', 0));
  -- A statement of its own, since the snapshot of one that waited for the lock would be older than the last row.
  return query select l.id, l.hash from audit_log l order by l.id desc limit 1;
end $$;
revoke all on function lock_audit_chain() from public;
grant execute on function lock_audit_chain() to kyo_app, kyo_pipeline;

grant insert (id, address, address_digest, request_id, previous_hash, hash, seal) on audit_log to kyo_app, kyo_pipeline;

-- Every night the pipeline reads the chain, to see whether it holds.
grant select on audit_log to kyo_pipeline;
create policy operator on audit_log for select to kyo_pipeline using ((select actor_is_operator()));

-- Rows leave in one way, through `prune_audit_log`, and addresses through `forget_audit_addresses`: both set kyo.audit_retention,
-- which helps nobody who is not the owner of the table.
create or replace function refuse_change() returns trigger language plpgsql
as $$
begin
  if tg_op = 'DELETE' and current_setting('kyo.audit_retention', true) = 'prune'
    or tg_op = 'UPDATE' and current_setting('kyo.audit_retention', true) = 'forget' then
    return null;
  end if;
  raise exception 'the audit log is append-only';
end $$;
