-- Embedding sets side by side: each is built beside the one that answers, judged, swapped in, and kept for the way back.

-- How texts were cut. A set searches the chunks of one cutting, since a model that reads less needs smaller ones; several
-- sets may share one. The statistics of search by words belong to the chunks, and so to the cutting.
create table cuttings (
  id integer generated always as identity primary key,
  name text not null unique,  -- `Cutting.name` in kyo_pipeline/domain/cutting.py
  size integer not null check (size > 0),        -- tokens of a chunk
  overlap integer not null check (overlap >= 0),  -- tokens that neighbours share
  is_counted boolean not null default false,  -- whether the figures below are kept: not while it is being built
  chunk_count bigint not null default 0,      -- of what can be found
  lexeme_count bigint not null default 0,
  weighed_length real,                        -- average length that the BM25 weights were computed with
  emptied_at timestamptz                      -- when the last chunks were deleted that no set searched any more
);

-- What is there was cut in one way, as far as search is concerned. Where the settings were changed in between, `cut_as` of the
-- versions differs; the name is that of most of those that answer.
insert into cuttings (name, size, overlap, is_counted, chunk_count, lexeme_count, weighed_length)
select
  named.name,
  coalesce(cast(nullif(split_part(named.name, '/', 2), '') as integer), 500),
  coalesce(cast(nullif(split_part(named.name, '/', 3), '') as integer), 50),
  true, corpus.chunk_count, corpus.lexeme_count, corpus.weighed_length
from corpus
cross join (
  select v.cut_as as name
  from document_versions v
  left join documents d on d.current_version_id = v.id and d.state = 'approved'
  where v.cut_as ~ '^\d+/\d+/\d+/'
  group by v.cut_as
  order by count(d.id) desc, count(*) desc
  limit 1
) named;
insert into cuttings (name, size, overlap, is_counted, chunk_count, lexeme_count, weighed_length)
select 'unknown', 500, 50, true, corpus.chunk_count, corpus.lexeme_count, corpus.weighed_length
from corpus
where (exists (select from embedding_sets) or exists (select from chunks)) and not exists (select from cuttings);

alter table chunks add column cutting_id integer references cuttings;
update chunks set cutting_id = (select id from cuttings);
alter table chunks alter column cutting_id set not null;
alter table chunks drop constraint chunks_version_id_ordinal_key;
alter table chunks add unique (version_id, cutting_id, ordinal);

create table lexeme_counts (
  cutting_id integer not null references cuttings on delete cascade,
  lexeme_id integer not null references lexemes,
  chunk_count integer not null,  -- searchable chunks that contain it
  primary key (cutting_id, lexeme_id)
);
insert into lexeme_counts (cutting_id, lexeme_id, chunk_count)
select k.id, l.id, l.chunk_count from lexemes l cross join cuttings k where l.chunk_count > 0;
alter table lexemes drop column chunk_count;
drop function if exists analyse_question(text, text, text[]);
drop function if exists similar_lexemes(text[]);
drop function if exists count_searchable(uuid[], integer);
alter table corpus drop column chunk_count, drop column lexeme_count, drop column weighed_length;

-- The settings that were last compared with what answers, see `follow_settings`.
alter table corpus add column followed text;

-- In which languages there are documents does not depend on how they are cut.
alter table corpus_languages rename column chunk_count to version_count;
delete from corpus_languages;
insert into corpus_languages (language, version_count)
select v.language, count(*)
from documents d
join document_versions v on v.id = d.current_version_id
where d.state = 'approved'
group by v.language;

-- What it takes to open the model of a set once the settings name another one. Keys are never here.
alter table embedding_sets
  add column cutting_id integer references cuttings,
  add column model_setting text,  -- KYO_EMBEDDING_MODEL: a name, or a folder
  add column endpoint text,
  add column tokenizer_file text,
  add column storage text not null default 'vector' check (storage in ('vector', 'halfvec')),
  add column reason text not null default '',  -- why it was built
  add column created_by uuid references users,
  add column indexed_at timestamptz,   -- its index is there, and all documents of then are in it
  add column judged_at timestamptz,
  add column verdict text check (verdict in ('not_worse', 'worse', 'unjudged')),
  add column judgement jsonb,
  add column tokens bigint not null default 0,         -- that its model has read
  add column embedded bigint not null default 0,       -- passages that its model was asked for
  add column calls bigint not null default 0,          -- requests to a model elsewhere
  add column work_seconds double precision not null default 0,  -- of runs, added up
  add column problem text,             -- why it does not go on, for people
  add column retired_at timestamptz,
  add column is_kept boolean not null default true,  -- whether new documents go into it, while it does not answer
  add column dropped_at timestamptz;
alter table embedding_sets drop constraint embedding_sets_state_check;
alter table embedding_sets add check (state in ('building', 'ready', 'active', 'retired', 'dropped'));

-- Sets that were replaced before anything was in them.
do $$
declare
  old integer;
begin
  for old in select id from embedding_sets where state = 'retired' loop
    execute format('drop function if exists search_set_%s', old);
    execute format('drop table if exists chunk_embeddings_%s', old);
  end loop;
end $$;
update embedding_sets set state = 'dropped', dropped_at = created_at where state = 'retired';
-- So that `create_vector_index` knows the index that is there.
do $$
declare
  one integer;
begin
  for one in select id from embedding_sets where state <> 'dropped' loop
    execute format('alter index if exists chunk_embeddings_%s_embedding_idx rename to chunk_embeddings_%s_nearest', one, one);
  end loop;
end $$;
update embedding_sets set cutting_id = (select id from cuttings limit 1), indexed_at = activated_at;

-- Of which set the vectors are that the last step made: see `publish_ready`.
alter table document_versions add column embedded_in integer references embedding_sets;
update document_versions set embedded_in = (select id from embedding_sets where state = 'active')
where status in ('embedded', 'ready');

-- What is still to be done for the sets that do not answer questions. A claim is as in `document_versions`.
create table embedding_work (
  embedding_set_id integer not null references embedding_sets on delete cascade,
  version_id uuid not null references document_versions on delete cascade,
  state text not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
  error text check ((error is not null) = (state = 'failed')),
  claimed_by text,
  claimed_until timestamptz,
  attempts integer not null default 0,
  retry_at timestamptz,
  chunk_count integer,  -- how many it has there, once it is done
  primary key (embedding_set_id, version_id)
);
create index on embedding_work (version_id);
create index embedding_work_waiting on embedding_work (embedding_set_id) where state = 'waiting';

-- A set that somebody has asked for in the app; the pipeline begins it, since it knows the model.
create table embedding_requests (
  id integer generated always as identity primary key,
  requested_by uuid not null references users,
  requested_at timestamptz not null,
  taken_at timestamptz
);
create unique index on embedding_requests ((true)) where taken_at is null;

alter table cuttings enable row level security;
create policy everybody on cuttings to kyo_app, kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);
grant select on cuttings to kyo_app;
grant select, insert, update, delete on cuttings to kyo_pipeline;

alter table lexeme_counts enable row level security;
create policy pipeline on lexeme_counts to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);
grant select, insert, update, delete on lexeme_counts to kyo_pipeline;

alter table embedding_work enable row level security;
create policy pipeline on embedding_work to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);
create policy admins on embedding_work for select to kyo_app using ((select actor_is_admin()));
grant select on embedding_work to kyo_app;
grant select, insert, update, delete on embedding_work to kyo_pipeline;

alter table embedding_requests enable row level security;
create policy pipeline on embedding_requests to kyo_pipeline
  using ((select current_actor()) is not null) with check ((select current_actor()) is not null);
create policy admins on embedding_requests to kyo_app
  using ((select actor_is_admin())) with check (requested_by = (select current_actor()) and (select actor_is_admin()));
grant select, insert (requested_by, requested_at) on embedding_requests to kyo_app;
grant select, update on embedding_requests to kyo_pipeline;

-- The foreign key looks for them whenever a version is deleted.
create index on document_versions (reprocess_of) where reprocess_of is not null;
