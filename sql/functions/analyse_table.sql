-- Have the planner's statistics of a table in `kyo` counted anew. It runs as its owner: nobody else may. False where somebody
-- is changing the table at this moment, or it is gone: to wait behind `create index concurrently`, which waits for every
-- transaction in its turn, could end that one as a deadlock.
-- One table a transaction: its lock, which holds autovacuum up, stays until the transaction ends.
create or replace function analyse_table(wanted text) returns boolean
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  if actor_is_operator() is not true then
    raise exception 'only the pipeline looks after tables' using errcode = 'insufficient_privilege';
  end if;
  begin
    execute format('lock table kyo.%I in share update exclusive mode nowait', wanted);
  exception when lock_not_available or undefined_table then
    return false;
  end;
  execute format('analyze kyo.%I', wanted);
  return true;
end $$;

revoke all on function analyse_table(text) from public;
grant execute on function analyse_table(text) to kyo_pipeline;
