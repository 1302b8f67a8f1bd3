-- Access for programs: families of tokens, which are sessions without a browser, and API keys.

-- A family's token_hash is that of the refresh token that counts now.
alter table sessions
  add column kind text not null default 'browser' check (kind in ('browser', 'api'));

-- The only way to change the token and the end of a session: a refresh token is exchanged for the next one.
create function exchange_refresh_token(session_id uuid, old_hash bytea, new_hash bytea, at timestamptz, until timestamptz)
returns boolean
language sql volatile security definer set search_path = kyo, pg_temp as $$
  with exchanged as (
    update sessions s
    set token_hash = new_hash, expires_at = until, last_seen_at = at
    where s.id = session_id and s.token_hash = old_hash and s.kind = 'api' and s.revoked_at is null
      and (s.user_id = current_actor() or actor_is_admin())
    returning 1
  )
  select exists (select from exchanged)
$$;
revoke all on function exchange_refresh_token(uuid, bytea, bytea, timestamptz, timestamptz) from public;
grant execute on function exchange_refresh_token(uuid, bytea, bytea, timestamptz, timestamptz) to kyo_app;

create table api_keys (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users on delete cascade check (user_id <> '00000000-0000-0000-0000-000000000001'),
  name text not null check (name <> '' and length(name) <= 80),
  hint text not null,              -- the first characters, to tell keys apart
  key_hash bytea not null unique,  -- sha256 of the random key
  scopes text[] not null check (cardinality(scopes) > 0),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  last_used_at timestamptz,
  last_used_address text not null default '',
  revoked_at timestamptz
);
create index on api_keys (user_id);
create unique index api_keys_have_names on api_keys (user_id, lower(name)) where revoked_at is null;

grant select, insert on api_keys to kyo_app;
grant update (last_used_at, last_used_address, revoked_at) on api_keys to kyo_app;
alter table api_keys enable row level security;
create policy own on api_keys to kyo_app
  using (user_id = (select current_actor()) or (select actor_is_admin()));
create policy nobody_elses on api_keys as restrictive for insert to kyo_app
  with check (user_id = (select current_actor()));
-- No key comes back.
create policy revoked_for_good on api_keys as restrictive for update to kyo_app
  using (revoked_at is null) with check (true);
