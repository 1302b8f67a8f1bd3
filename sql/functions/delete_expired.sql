-- Delete what is past its time and what nobody asks for any more; returns how many of each. It runs as its owner, since the
-- pipeline may not see any of it, and by the server's clock where `at` is later: nothing that still holds goes because
-- somebody names another day.
--   sessions:         those that have been over, or ended, for as long as KEPT_FOR in kyo_pipeline/db/sessions.py;
--   sign_in_tickets:  those that nobody used in time;
--   sign_in_failures: those that no longer count, FORGOTTEN_AFTER in kyo_pipeline/domain/throttling.py.
-- Expired invitations stay: they are what says that somebody was invited and has never come. Whoever works on one of the rows
-- keeps it until the next time.
create or replace function delete_expired(at timestamptz)
returns table (sessions_over bigint, tickets_unused bigint, failures_forgotten bigint)
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  moment constant timestamptz := least(at, clock_timestamp());
begin
  if actor_is_operator() is not true then
    raise exception 'only the pipeline deletes what is past its time' using errcode = 'insufficient_privilege';
  end if;
  delete from sessions
  where token_hash in (
    select s.token_hash
    from sessions s
    where least(s.expires_at, s.revoked_at) < moment - interval '30 days'
    for update skip locked
  );
  get diagnostics sessions_over = row_count;
  delete from sign_in_tickets
  where ticket_hash in (select t.ticket_hash from sign_in_tickets t where t.expires_at < moment for update skip locked);
  get diagnostics tickets_unused = row_count;
  delete from sign_in_failures
  where subject in (
    select f.subject
    from sign_in_failures f
    where f.last_at < moment - interval '24 hours' and f.blocked_until < moment
    for update skip locked
  );
  get diagnostics failures_forgotten = row_count;
  return next;
end $$;

revoke all on function delete_expired(timestamptz) from public;
grant execute on function delete_expired(timestamptz) to kyo_pipeline;
