-- Of this branch alone, until the part on feedback is merged.
alter table feedback add column reason text check (reason in ('wrong', 'outdated', 'incomplete', 'wrong_source', 'other'));
