-- How well the organisation's own questions are answered, night after night; and what whoever runs KYO is told of at once.

-- Quality ------------------------------------------------------------------------------------------------------------

-- One night: figures alone, no question and no name of a document.
create table quality_runs (
  id integer generated always as identity primary key,
  at timestamptz not null,
  conditions jsonb not null,  -- embedding set, weights, settings, corpus: `Conditions` in kyo_pipeline/domain/quality.py
  figures jsonb not null,     -- `Figures`, of all questions
  origins jsonb not null,     -- the same by where the questions come from
  left_out integer not null,  -- questions whose documents are not here
  nights integer not null,    -- how many before it was compared with; 0: none was comparable
  shared integer not null,    -- on how many questions
  drops jsonb not null,       -- what became worse
  accepted_at timestamptz,    -- somebody has said: this is what is normal from now on
  accepted_by uuid references users,
  check ((accepted_at is null) = (accepted_by is null))
);
create index on quality_runs (at desc);

-- Of each question of the last nights, so that two nights are compared on the questions that both had. `question` is a keyed
-- hash of its words and of what was known to answer it.
create table quality_scores (
  run_id integer not null references quality_runs on delete cascade,
  question bytea not null,
  origin text not null,
  ndcg double precision,  -- these three only where there is an answer
  recall double precision,
  reciprocal_rank double precision,
  answered boolean not null,
  milliseconds double precision not null,
  primary key (run_id, question)
);

-- Managers and admins: those who answer for documents.
create function actor_is_manager() returns boolean
language sql stable parallel safe security definer set search_path = kyo, pg_temp
as $$
  select exists (select from users where id = current_actor() and active and role_rank(role) >= access_rank('approve'))
$$;
revoke all on function actor_is_manager() from public;
grant execute on function actor_is_manager() to kyo_app, kyo_pipeline;

alter table quality_runs enable row level security;
create policy pipeline on quality_runs to kyo_pipeline
  using ((select actor_is_operator())) with check ((select actor_is_operator()));
create policy managers on quality_runs for select to kyo_app using ((select actor_is_manager()));
create policy admins on quality_runs for update to kyo_app
  using ((select actor_is_admin())) with check (accepted_by = (select current_actor()));
grant select, insert on quality_runs to kyo_pipeline;
grant select, update (accepted_at, accepted_by) on quality_runs to kyo_app;

alter table quality_scores enable row level security;
create policy pipeline on quality_scores to kyo_pipeline
  using ((select actor_is_operator())) with check ((select actor_is_operator()));
grant select, insert, delete on quality_scores to kyo_pipeline;

-- Alerts -------------------------------------------------------------------------------------------------------------

-- A condition that holds, or held. One is open at a time for each subject of a kind.
create table alerts (
  id integer generated always as identity primary key,
  kind text not null check (kind in ('audit_chain', 'failed_run', 'quality', 'queue')),
  subject text not null,           -- the job, the measure …; never a question, a name or a text of a document
  sentence text not null,          -- the newest
  opened_at timestamptz not null,
  last_sent_at timestamptz,        -- null: it has not lasted long enough yet for anybody to be told
  missing_since timestamptz,       -- it has not been seen since then, and may have ended
  closed_at timestamptz
);
create unique index alerts_open on alerts (kind, subject) where closed_at is null;
create index on alerts (closed_at);

-- What is to be sent, and to which channel: kept until it was taken, so that nothing is lost and nothing sent twice.
create table alert_notices (
  id bigint generated always as identity primary key,
  alert_id integer not null references alerts on delete cascade,
  channel text not null check (channel in ('webhook', 'email')),
  news text not null check (news in ('opened', 'reminder', 'resolved')),
  sentence text not null,
  noted_at timestamptz not null,
  attempts integer not null default 0,
  retry_at timestamptz not null,
  sent_at timestamptz,
  given_up_at timestamptz,
  problem text                     -- why the last attempt failed
);
create index on alert_notices (alert_id);
create index alert_notices_waiting on alert_notices (channel, id) where sent_at is null and given_up_at is null;

alter table alerts enable row level security;
create policy pipeline on alerts to kyo_pipeline
  using ((select actor_is_operator())) with check ((select actor_is_operator()));
create policy admins on alerts for select to kyo_app using ((select actor_is_admin()));
grant select, insert, update, delete on alerts to kyo_pipeline;
grant select on alerts to kyo_app;

alter table alert_notices enable row level security;
create policy pipeline on alert_notices to kyo_pipeline
  using ((select actor_is_operator())) with check ((select actor_is_operator()));
create policy admins on alert_notices for select to kyo_app using ((select actor_is_admin()));
grant select, insert, update, delete on alert_notices to kyo_pipeline;
grant select on alert_notices to kyo_app;
