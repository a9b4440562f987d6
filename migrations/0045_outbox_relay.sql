-- The relay talks to a queue over the network and must not hold a transaction meanwhile: it takes messages for a while
-- instead of locking them.

alter table app.outbox add column taken_until timestamptz;
comment on column app.outbox.taken_until is 'Until then a relay is handing it over; absent or past: to be handed over';
