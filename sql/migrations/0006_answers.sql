-- What was found when an answer was checked, and the documents that came nearest to a question without one.

alter table answers
  add column findings jsonb not null default '{}';  -- see kyo_pipeline/domain/answer_findings.py

create table near_documents (
  answer_id uuid not null references answers on delete cascade,
  rank integer not null check (rank > 0),
  document_id uuid not null references documents on delete cascade,
  primary key (answer_id, rank)
);
create index on near_documents (document_id);

grant select, insert on near_documents to kyo_app;

alter table near_documents enable row level security;
create policy readable on near_documents for select to kyo_app
  using (
    exists (select from answers a where a.id = answer_id)
    and exists (select from documents d where d.id = document_id)
  );
create policy own on near_documents for insert to kyo_app
  with check (
    exists (
      select
      from answers a
      join questions q on q.id = a.question_id
      where a.id = answer_id and q.user_id = (select current_actor())
    )
    and exists (select from documents d where d.id = document_id)
  );
