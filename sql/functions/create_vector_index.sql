-- The HNSW index of an embedding set, in one go over all vectors that are there: many times as fast as one after the other. With so
-- many MB of memory and helping workers; null: as the database is configured. Twice is the same as once.
create or replace function create_vector_index(embedding_set integer, memory_mb integer default null, workers integer default null)
returns void
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  made embedding_sets;
begin
  select s.* into strict made from embedding_sets s where s.id = embedding_set;
  if memory_mb is not null then
    perform set_config('maintenance_work_mem', format('%sMB', memory_mb), true);
  end if;
  if workers is not null then
    perform set_config('max_parallel_maintenance_workers', cast(workers as text), true);
  end if;
  execute format(
    'create index if not exists %I on kyo.%I using hnsw (embedding public.%s_cosine_ops)',
    format('chunk_embeddings_%s_nearest', embedding_set), format('chunk_embeddings_%s', embedding_set), made.storage);
  execute format('analyze kyo.%I', format('chunk_embeddings_%s', embedding_set));
end $$;

revoke all on function create_vector_index(integer, integer, integer) from public;
grant execute on function create_vector_index(integer, integer, integer) to kyo_pipeline;
