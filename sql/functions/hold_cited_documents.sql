-- Keep what an answer cites, and a document that the actor names beside it, from being replaced, archived or deleted until the
-- end of the transaction; what somebody is deleting at this moment is waited for. In the order of `erase_document`, documents
-- before everything else: two orders would wait for each other. Where the answer, which may be told by its question, is neither
-- the actor's nor shared with them, and of documents that they may not read, nothing is held.
create or replace function hold_cited_documents(answer uuid, named uuid) returns void
language plpgsql security definer set search_path = kyo, pg_temp
as $$
begin
  perform
  from documents d
  where d.id in (
      select v.document_id
      from answers a
      join questions q on q.id = a.question_id
      join citations c on c.answer_id = a.id
      join document_versions v on v.id = c.version_id
      where answer in (a.id, q.id) and (q.user_id = current_actor() or answer_is_shared_with(a.id, current_actor()))
    )
    or (d.id = named and may_read_document(current_actor(), named))
  order by d.id
  for share of d;
end $$;

revoke all on function hold_cited_documents(uuid, uuid) from public;
grant execute on function hold_cited_documents(uuid, uuid) to kyo_app;
