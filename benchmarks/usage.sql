-- Usage that is made up, for benchmarks/usage.py: one statement after another, by the owner of the tables, in the order in which
-- it would have come about.
-- A person or a document n is asked by, or about, the more often the smaller n is; the last fifth of the documents never are.

create temporary table made as
select
  cast(md5('q' || n) as uuid) as question,
  cast(md5('a' || n) as uuid) as answer,
  cast(md5('p' || floor(:people * power(random(), 2))) as uuid) as person,
  (cast(day as timestamp) + make_interval(mins => minute, secs => floor(random() * 60))) at time zone :zone as asked_at,
  case when o < 0.80 then 'answered' when o < 0.94 then 'not_found' when o < 0.97 then 'stopped' else 'failed' end as outcome,
  random() < 0.12 as cached,
  case when t < 0.10 then 1 when t < 0.15 then -1 end as thumb,
  random() as r,
  random() as other,
  cast(floor(:documents * 0.8 * power(random(), 3)) as integer) as document
from (
  select n, random() as o, random() as t, random() as w,
    cast(:first as date) + cast(floor(random() * :days) as integer) as day,
    cast(case when random() < 0.9 then 480 + floor(random() * 600) else floor(random() * 1440) end as integer) as minute
  from generate_series(1, :questions) as n
) q
where extract(isodow from day) < 6 or w < 0.2
order by asked_at;

insert into users (id, username, name, role, created_at, password_changed_at)
select cast(md5('p' || n) as uuid), 'person' || n, 'Person ' || n, 'employee', now(), now()
from generate_series(0, :people - 1) as n;

insert into collections (id, name, created_at)
select cast(md5('c' || n) as uuid), 'Collection ' || n, now() from generate_series(0, :collections - 1) as n;

insert into documents (id, collection_id, owner_id, title, state, created_at, updated_at)
select cast(md5('d' || n) as uuid), cast(md5('c' || n % :collections) as uuid), :operator, 'Document ' || n, 'approved', now(), now()
from generate_series(0, :documents - 1) as n;

insert into document_versions (id, document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at,
  ready_at, review, status, error)
select cast(md5('v' || n) as uuid), cast(md5('d' || n) as uuid), 1, 'a.txt', repeat('0', 64), 1, 'text/plain', :operator, at,
  case when n % 50 > 0 then at + make_interval(secs => 5 + 200 * power(random(), 4)) end,
  'approved',
  case when n % 50 > 0 then 'ready' else 'failed' end,
  case when n % 50 = 0 then 'x' end
from (
  select n,
    (cast(:first as timestamp) + make_interval(mins => cast(floor(random() * 1440 * :days) as integer))) at time zone :zone as at
  from generate_series(0, :documents - 1) as n
) v;

update documents d set current_version_id = v.id from document_versions v where v.document_id = d.id;

insert into conversations (id, user_id, begun_at) select question, person, asked_at from made;

insert into questions (id, user_id, text, asked_at, conversation_id)
select question, person, 'What about ' || document || '?', asked_at, question from made;

insert into answers (id, question_id, text, outcome, generator, model, timings, prompt_tokens, completion_tokens, answered_at)
select answer, question, 'So it is.', outcome, 'x', 'x',
  case
    when cached then jsonb_build_object('cache', 1 + 5 * r)
    else jsonb_build_object('embed', 2 + 10 * r, 'search', 5 + 40 * other, 'generate', 50 / (r + 0.02))
  end,
  cast(800 + 900 * r as integer), cast(40 + 200 * other as integer), asked_at + interval '1 second'
from made
where outcome <> 'failed' or r < 0.9;

-- Two documents at the most, for the most part of the same collection.
insert into citations (answer_id, marker, version_id, start_offset, end_offset, score)
select answer, 1, cast(md5('v' || document) as uuid), 0, 10, r from made where outcome = 'answered';

insert into citations (answer_id, marker, version_id, start_offset, end_offset, score)
select answer, 2,
  cast(md5('v' || (document + case when other < 0.7 then :collections else 1 end) % cast(:documents * 0.8 as integer)) as uuid),
  0, 10, r
from made
where outcome = 'answered' and r < 0.6;

insert into near_documents (answer_id, rank, document_id)
select answer, rank,
  cast(md5('d' || (document + rank * :collections) % cast(:documents * 0.8 as integer)) as uuid)
from made
cross join generate_series(1, 3) as rank
where outcome = 'not_found';

insert into feedback (answer_id, user_id, rating, reason, created_at, updated_at)
select answer, person, thumb,
  case when thumb < 0 then (array['wrong', 'outdated', 'incomplete', 'wrong_source', 'other'])[1 + cast(floor(5 * other) as integer)] end,
  asked_at, asked_at
from made
where thumb is not null and outcome in ('answered', 'not_found');

insert into audit_log (id, at, actor_name, event, object_type, object_id, outcome, details)
select row_number() over (), asked_at, 'x', 'answer:refuse', 'answer', '', 'refused', '{}' from made where r < 0.005;

drop table made;
