-- Everything that says what stood in a document: its texts, chunks, vectors, and the answers that quote it. What stays is
-- that it was there: its row, its versions' rows, the audit log. The caller takes it out of the statistics before, and
-- removes the files after: their digests are what comes back.
create or replace function erase_document(document uuid, at timestamptz) returns setof text
language plpgsql security definer set search_path = kyo, pg_temp
as $$
declare
  versions constant uuid[] := array(select v.id from document_versions v where v.document_id = document);
  cases constant uuid[] := array(select l.case_id from evaluation_case_documents l where l.document_id = document);
begin
  if not actor_is_admin() then
    raise exception 'only an admin may delete a document' using errcode = 'insufficient_privilege';
  end if;
  -- While the index of another embedding set is made, nothing can be deleted from its table; the caller holds what others publish
  -- with, who are not to wait for that.
  perform set_config('lock_timeout', '2s', true);
  update documents
  set state = 'deleted', deleted_at = at, deleted_by = current_actor(), updated_at = at, tags = '{}', review_by = null,
    stale_since = null
  where id = document;
  update document_versions
  set status = 'failed', error = 'This document was deleted.', claimed_by = null, claimed_until = null
  where id = any(versions);
  delete from version_texts where version_id = any(versions);
  -- Their vectors go with them. Before the answers: one that is being stored meanwhile holds the chunks that it cites.
  -- It has locked them in the order of their numbers.
  perform from chunks c where c.version_id = any(versions) order by c.id for update;
  delete from chunks where version_id = any(versions);
  update feedback set comment = '' where answer_id in (select c.answer_id from citations c where c.version_id = any(versions));
  update answers set text = '', outcome = 'erased', findings = '{}'
  where id in (select c.answer_id from citations c where c.version_id = any(versions));
  update verified_answers
  set text = '', findings = '{}', withdrawn_by = coalesce(withdrawn_by, current_actor()),
    withdrawn_at = coalesce(withdrawn_at, at), withdrawn_because = 'A document that it cited was deleted.'
  where id in (select c.verified_answer_id from verified_citations c where c.version_id = any(versions));
  delete from near_documents n where n.document_id = document;
  update feedback f set correct_document_id = null where f.correct_document_id = document;
  -- Of an answer that is gone there is nothing to look at, for the owners of what else it cited either.
  delete from review_items i
  where i.document_id = document or i.answer_id in (select c.answer_id from citations c where c.version_id = any(versions));
  -- What an answer should say may be what stood here.
  delete from evaluation_case_documents l where l.document_id = document;
  update evaluation_cases e set expected_answer = '' where e.id = any(cases);
  delete from evaluation_cases e
  where e.id = any(cases) and not exists (select from evaluation_case_documents l where l.case_id = e.id);
  return query select distinct v.sha256 from document_versions v where v.id = any(versions);
end $$;

revoke all on function erase_document(uuid, timestamptz) from public;
grant execute on function erase_document(uuid, timestamptz) to kyo_app;
