-- The table of an embedding set and the search in it; its index comes when the vectors are there (create_vector_index.sql). It
-- runs as its owner: the pipeline may make no tables of its own.
create or replace function create_vector_table(embedding_set integer) returns void
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  name text := format('chunk_embeddings_%s', embedding_set);
  made embedding_sets;
begin
  select s.* into strict made from embedding_sets s where s.id = embedding_set;
  execute format(
    'create table kyo.%I (chunk_id bigint primary key references chunks on delete cascade, embedding public.%s(%s) not null)',
    name, made.storage, made.dimensions);
  -- Only the pipeline: the app finds vectors through `search_set_<id>` alone.
  execute format('grant select, insert, update, delete on %I to kyo_pipeline', name);
  perform create_search(embedding_set);
end $$;

revoke all on function create_vector_table(integer) from public;
grant execute on function create_vector_table(integer) to kyo_pipeline;
