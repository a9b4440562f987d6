-- What a model writes of a passage is embedded and searched with it.

-- What is waited for here holds up everybody behind it: rather not now, and once more.
set local lock_timeout = '5s';

-- The passage stays as it is: what is quoted and cited is the body. The context is embedded and searched in front of it.
alter table app.chunks add column context text;
comment on column app.chunks.context is 'Heading in context that a model wrote, embedded and searched with the passage; null for none';
grant update on app.chunks to pidima_app;
