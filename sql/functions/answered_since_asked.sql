-- Questions of the actor that they want to be told about, and a document that answers them by now and that they may read.
create or replace function answered_since_asked()
returns table (question_id uuid, question text, asked_at timestamptz, document_id uuid, title text, answered_at timestamptz)
language sql stable security definer set search_path = kyo, pg_temp
as $$
  select q.id, coalesce(q.standalone, q.text), q.asked_at, d.id, d.title, g.changed_at
  from question_followers f
  join questions q on q.id = f.question_id and q.user_id = f.user_id
  join gap_questions m on m.question_id = q.id
  join gaps g on g.id = m.gap_id
  join documents d on d.id = g.document_id
  where f.user_id = current_actor()
    and g.state = 'answered'
    and q.asked_at <= g.changed_at
    and (f.dismissed_at is null or f.dismissed_at < g.changed_at)
    and d.state = 'approved'
    and d.current_version_id is not null
    and may_read_document(f.user_id, d.id)
    -- Asked again it was not answered: that would be no news.
    and not exists (
      select
      from gap_replies r
      where r.question_id = q.id
        and r.gap_id = g.id
        and r.asked_at >= g.changed_at
        and r.result in ('not_found', 'failed')
    )
  order by g.changed_at desc, q.asked_at desc, q.id
$$;

revoke all on function answered_since_asked() from public;
grant execute on function answered_since_asked() to kyo_app;
