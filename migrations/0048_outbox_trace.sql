-- A job goes on with the trace of the request that asked for it. The message that a queue delivers stays as it is: the worker
-- reads the trace here when it takes the job up, so that nobody who may write to the queue can name one.

alter table app.outbox
    add column traceparent text,
    add constraint outbox_traceparent_check check (traceparent ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$');
comment on column app.outbox.traceparent is
    'Trace that asked for the work, in the form of W3C Trace Context; null where none was made';
