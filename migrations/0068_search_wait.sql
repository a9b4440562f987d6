-- What the column has said since a search may begin while its question is being stored.

set local lock_timeout = '5s';

comment on column app.runs.search_ms is 'Milliseconds that the answer waited for its search, which may begin while the question is being stored';
