-- How KYO was used, a row a day: figures of days that are over. Neither role reads or writes these tables: functions do, which
-- see to who may know what (functions/read_figures.sql) and that they equal the base tables (functions/roll_up.sql).
-- No foreign keys: a rollup would lock the rows of people and documents, and wait for those who change them, who wait for it.

-- One row. `zone`: whose days the figures are of. What happens to a day up to `closed_through` is noted in `stale_days`.
create table rollup_state (
  only_row boolean primary key default true check (only_row),
  zone text not null default 'UTC',
  closed_through date not null default '-infinity'
);
insert into rollup_state default values;

create table rolled_up_days (
  day date primary key,
  rolled_up_at timestamptz not null,
  checked_at timestamptz  -- when its figures were last compared with the base tables
);

-- Days for which something has come, changed or gone. A row an event: a rollup deletes those that it has seen, and no other.
create table stale_days (
  id bigint generated always as identity primary key,
  day date not null
);
create index on stale_days (day);

-- Which collections a question was about, as a set: so that whoever sees several of them counts it once.
create table usage_scopes (
  id integer generated always as identity primary key,
  collections uuid[] not null unique  -- in order
);

create table usage_by_person (
  day date not null,
  scope_id integer not null,
  user_id uuid not null,
  questions integer not null,
  answered integer not null,
  not_found integer not null,
  failed integer not null,
  stopped integer not null,
  cached integer not null,
  liked integer not null,
  disliked integer not null,
  prompt_tokens bigint not null,      -- of what was not cached
  completion_tokens bigint not null,
  wrong integer not null,             -- reasons of those who disliked it
  outdated integer not null,
  incomplete integer not null,
  wrong_source integer not null,
  other integer not null,
  primary key (day, scope_id, user_id)
);
create index on usage_by_person (user_id, day);

-- The same without the people: few rows, for sums. Scope 0 is everything.
create table usage (like usage_by_person);
alter table usage drop column user_id, add primary key (day, scope_id);

create table usage_by_document (
  day date not null,
  document_id uuid not null,
  asked_about integer not null,
  cited integer not null,
  disliked integer not null,
  primary key (day, document_id)
);

-- Of each stage of an answer how many took how long: bucket b is 10^(b/20) to 10^((b+1)/20) milliseconds.
create table latency (
  day date not null,
  stage text not null,
  bucket smallint not null,
  count integer not null,
  primary key (day, stage, bucket)
);

create table refusals (
  day date not null,
  event text not null,
  count integer not null,
  primary key (day, event)
);

-- Files by the day of their upload. `bucket`: seconds until one could be searched, as above; null: it cannot.
create table ingestion (
  day date not null,
  collection_id uuid,  -- null: there is none any more
  bucket smallint,
  files integer not null,
  ready integer not null,
  failed integer not null
);
create index on ingestion (day);

-- Who asked, as a set: bit n is for the person with the number n. To count people over a year is to join sets.
create table usage_people (
  user_id uuid primary key,
  number integer not null unique
);
create table people_by_collection (
  day date not null,
  collection_id uuid,  -- null: what was asked was about none
  people bit varying not null
);
create index on people_by_collection (day);

-- Months whose days are all there, summed up: for long ranges. A rollup of one of its days takes a month out.
create table rolled_up_months (month date primary key);
create table usage_by_document_and_month (
  month date not null,
  document_id uuid not null,
  asked_about integer not null,
  cited integer not null,
  disliked integer not null,
  primary key (month, document_id)
);

create table latency_by_month (
  month date not null,
  stage text not null,
  bucket smallint not null,
  count bigint not null,
  primary key (month, stage, bucket)
);

-- A day of the base tables is read by these.
create index on questions (asked_at);
create index on document_versions (uploaded_at);
