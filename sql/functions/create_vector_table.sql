-- The table of an embedding set with its HNSW index, and the search in it. It runs as its owner: the pipeline may make no tables of its own.
create or replace function create_vector_table(embedding_set integer) returns void
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  name text := format('chunk_embeddings_%s', embedding_set);
  dimensions integer := (select s.dimensions from embedding_sets s where s.id = embedding_set);
begin
  execute format(
    'create table kyo.%I (chunk_id bigint primary key references chunks on delete cascade, embedding public.vector(%s) not null)',
    name, dimensions);
  execute format('create index on %I using hnsw (embedding public.vector_cosine_ops)', name);
  -- Only the pipeline: the app finds vectors through `search_set_<id>` alone.
  execute format('grant select, insert, update, delete on %I to kyo_pipeline', name);
  perform create_search(embedding_set);
end $$;

revoke all on function create_vector_table(integer) from public;
grant execute on function create_vector_table(integer) to kyo_pipeline;
