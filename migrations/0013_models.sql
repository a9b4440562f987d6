-- What is known of models, which the operator changes without a build, and what each run tried and cost.
-- Both tables hold public facts and no tenant's.

create table app.models (
    provider text not null,
    model text not null,
    context_tokens int,
    max_output_tokens int,
    prompt_caching boolean not null default false,
    system_prompt boolean not null default true,
    updated_at timestamptz not null default now(),
    constraint models_pkey primary key (provider, model),
    constraint models_provider_check check (length(provider) between 1 and 30),
    constraint models_model_check check (length(model) between 1 and 200),
    constraint models_context_tokens_check check (context_tokens > 0),
    constraint models_max_output_tokens_check check (max_output_tokens > 0)
);
comment on table app.models is 'Models that can be asked: how much they read and write, and what they can; of no tenant';
comment on column app.models.provider is 'Adapter (extractive, bedrock, openai) or name of a provider of the settings';
comment on column app.models.model is 'Name of the model as the provider knows it';
comment on column app.models.context_tokens is 'Tokens that a prompt may have; null when unknown';
comment on column app.models.max_output_tokens is 'Tokens of the longest answer; null when unknown';
comment on column app.models.prompt_caching is 'Whether requests mark what the provider shall keep in its cache';
comment on column app.models.system_prompt is 'Whether it takes rules apart from the conversation';
comment on column app.models.updated_at is 'When the operator last changed it';
revoke all on app.models from public;
grant select, insert, update on app.models to pidima_app;

create table app.model_prices (
    provider text not null,
    model text not null,
    valid_from timestamptz not null,
    input_usd numeric(14, 6) not null,
    output_usd numeric(14, 6) not null,
    cached_input_usd numeric(14, 6),
    cache_write_usd numeric(14, 6),
    source text not null,
    created_at timestamptz not null default now(),
    constraint model_prices_pkey primary key (provider, model, valid_from),
    constraint model_prices_provider_model_fkey foreign key (provider, model)
        references app.models (provider, model) on delete cascade,
    constraint model_prices_usd_check check (
        input_usd between 0 and 100000
        and output_usd between 0 and 100000
        and cached_input_usd between 0 and 100000
        and cache_write_usd between 0 and 100000
    ),
    constraint model_prices_source_check check (length(source) between 1 and 300)
);
comment on table app.model_prices is 'What a model costs, in US dollars for a million tokens; a new price is a new row, so that old runs keep theirs';
comment on column app.model_prices.provider is 'Provider of the model';
comment on column app.model_prices.model is 'Model';
comment on column app.model_prices.valid_from is 'From then on, until the next row begins';
comment on column app.model_prices.input_usd is 'For a million tokens read';
comment on column app.model_prices.output_usd is 'For a million tokens written';
comment on column app.model_prices.cached_input_usd is 'For a million tokens read from the cache; null: as any others';
comment on column app.model_prices.cache_write_usd is 'For a million tokens read and put into the cache; null: as any others';
comment on column app.model_prices.source is 'Where the price was read';
comment on column app.model_prices.created_at is 'When it was entered';
revoke all on app.model_prices from public;
grant select, insert, update on app.model_prices to pidima_app;

alter table app.runs
    add column attempts jsonb not null default '[]',
    add column cached_input_tokens bigint,
    add column usage_estimated boolean not null default false,
    add constraint runs_attempts_check check (jsonb_typeof(attempts) = 'array');
comment on column app.runs.attempts is 'Each try of a provider in order: provider, model, mode, outcome, milliseconds, tokens, findings of its guardrail';
comment on column app.runs.cached_input_tokens is 'Of the input tokens, those that came from a provider''s cache; null when nobody counted';
comment on column app.runs.usage_estimated is 'Whether some of the tokens are made from lengths, since the provider did not count';

grant select (attempts, cached_input_tokens, usage_estimated) on app.runs to pidima_analyst;

create view analytics.model_attempts with (security_invoker = true, security_barrier = true) as
select
    r.run_id,
    t.number,
    t.attempt ->> 'provider' as provider,
    t.attempt ->> 'model' as model,
    t.attempt ->> 'mode' as mode,
    t.attempt ->> 'outcome' as outcome,
    (t.attempt ->> 'status')::int as status,
    (t.attempt ->> 'first_token_ms')::bigint as first_token_ms,
    (t.attempt ->> 'total_ms')::bigint as total_ms,
    (t.attempt -> 'usage' ->> 'input_tokens')::bigint as input_tokens,
    (t.attempt -> 'usage' ->> 'output_tokens')::bigint as output_tokens,
    (t.attempt -> 'usage' ->> 'cached_input_tokens')::bigint as cached_input_tokens,
    coalesce((t.attempt -> 'usage' ->> 'is_estimated')::boolean, false) as usage_estimated,
    r.created_at as asked_at
from app.runs r
cross join lateral jsonb_array_elements(r.attempts) with ordinality as t (attempt, number);
comment on view analytics.model_attempts is 'One row per try of a model provider: what came of it, how long it took, its tokens';
grant select on analytics.model_attempts to pidima_analyst;

create function app.cost_micro_usd(p_attempts jsonb, p_at timestamptz) returns bigint
language sql stable parallel safe
as $$
    select case when bool_and(p.input_usd is not null) then round(sum(
        (u.input_tokens - u.cached_tokens - u.written_tokens) * p.input_usd
        + u.cached_tokens * coalesce(p.cached_input_usd, p.input_usd)
        + u.written_tokens * coalesce(p.cache_write_usd, p.input_usd)
        + u.output_tokens * p.output_usd
    ))::bigint end
    from jsonb_array_elements(p_attempts) a
    cross join lateral (
        select
            (a -> 'usage' ->> 'input_tokens')::numeric as input_tokens,
            (a -> 'usage' ->> 'output_tokens')::numeric as output_tokens,
            coalesce((a -> 'usage' ->> 'cached_input_tokens')::numeric, 0) as cached_tokens,
            coalesce((a -> 'usage' ->> 'cache_write_tokens')::numeric, 0) as written_tokens
    ) u
    left join lateral (
        select m.input_usd, m.output_usd, m.cached_input_usd, m.cache_write_usd
        from app.model_prices m
        where m.model = a ->> 'model'
            and m.provider in (a ->> 'provider', a ->> 'kind')
            and m.valid_from <= p_at
        order by (m.provider = a ->> 'provider') desc, m.valid_from desc
        limit 1
    ) p on true
    where u.input_tokens is not null
$$;
comment on function app.cost_micro_usd(jsonb, timestamptz) is
    'Price of the attempts of a run in millionths of a US dollar, at the prices of that time; null when one of them has none';
revoke execute on function app.cost_micro_usd(jsonb, timestamptz) from public;
grant execute on function app.cost_micro_usd(jsonb, timestamptz) to pidima_app;

-- Facts of the day on which this was written. Contexts, limits and prices are those of the providers' price lists
-- (https://aws.amazon.com/bedrock/pricing/, https://developers.openai.com/api/docs/pricing), as the price map of the Python
-- package litellm 1.110.2 repeats them, read on 2026-11-26. A model whose price that map gives without naming its source has
-- none here. A cross-region profile has a row of its own: its price differs from the model's.
insert into app.models (provider, model, context_tokens, max_output_tokens, prompt_caching, system_prompt)
values
    ('bedrock', 'anthropic.claude-haiku-4-5-20251001-v1:0', 200000, 64000, true, true),
    ('bedrock', 'global.anthropic.claude-haiku-4-5-20251001-v1:0', 200000, 64000, true, true),
    ('bedrock', 'us.anthropic.claude-haiku-4-5-20251001-v1:0', 200000, 64000, true, true),
    ('bedrock', 'eu.anthropic.claude-haiku-4-5-20251001-v1:0', 200000, 64000, true, true),
    ('bedrock', 'anthropic.claude-sonnet-4-5-20250929-v1:0', 200000, 64000, true, true),
    ('bedrock', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0', 200000, 64000, true, true),
    ('bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 200000, 64000, true, true),
    ('bedrock', 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0', 200000, 64000, true, true),
    ('bedrock', 'anthropic.claude-opus-4-5-20251101-v1:0', 200000, 64000, true, true),
    ('bedrock', 'global.anthropic.claude-opus-4-5-20251101-v1:0', 200000, 64000, true, true),
    ('bedrock', 'us.anthropic.claude-opus-4-5-20251101-v1:0', 200000, 64000, true, true),
    ('bedrock', 'eu.anthropic.claude-opus-4-5-20251101-v1:0', 200000, 64000, true, true),
    ('bedrock', 'anthropic.claude-sonnet-4-6', 1000000, 64000, true, true),
    ('bedrock', 'global.anthropic.claude-sonnet-4-6', 1000000, 64000, true, true),
    ('bedrock', 'us.anthropic.claude-sonnet-4-6', 1000000, 64000, true, true),
    ('bedrock', 'eu.anthropic.claude-sonnet-4-6', 1000000, 64000, true, true),
    ('bedrock', 'anthropic.claude-opus-4-6-v1', 1000000, 128000, true, true),
    ('bedrock', 'global.anthropic.claude-opus-4-6-v1', 1000000, 128000, true, true),
    ('bedrock', 'us.anthropic.claude-opus-4-6-v1', 1000000, 128000, true, true),
    ('bedrock', 'eu.anthropic.claude-opus-4-6-v1', 1000000, 128000, true, true),
    ('bedrock', 'anthropic.claude-opus-4-7', 1000000, 128000, true, true),
    ('bedrock', 'global.anthropic.claude-opus-4-7', 1000000, 128000, true, true),
    ('bedrock', 'us.anthropic.claude-opus-4-7', 1000000, 128000, true, true),
    ('bedrock', 'eu.anthropic.claude-opus-4-7', 1000000, 128000, true, true),
    ('bedrock', 'anthropic.claude-opus-4-8', 1000000, 128000, true, true),
    ('bedrock', 'global.anthropic.claude-opus-4-8', 1000000, 128000, true, true),
    ('bedrock', 'us.anthropic.claude-opus-4-8', 1000000, 128000, true, true),
    ('bedrock', 'eu.anthropic.claude-opus-4-8', 1000000, 128000, true, true),
    ('bedrock', 'anthropic.claude-sonnet-5', 1000000, 128000, true, true),
    ('bedrock', 'global.anthropic.claude-sonnet-5', 1000000, 128000, true, true),
    ('bedrock', 'us.anthropic.claude-sonnet-5', 1000000, 128000, true, true),
    ('bedrock', 'eu.anthropic.claude-sonnet-5', 1000000, 128000, true, true),
    ('bedrock', 'anthropic.claude-sonnet-5-5', 1000000, 128000, true, true),
    ('bedrock', 'global.anthropic.claude-sonnet-5-5', 1000000, 128000, true, true),
    ('bedrock', 'us.anthropic.claude-sonnet-5-5', 1000000, 128000, true, true),
    ('bedrock', 'eu.anthropic.claude-sonnet-5-5', 1000000, 128000, true, true),
    ('bedrock', 'anthropic.claude-opus-5', 1000000, 128000, true, true),
    ('bedrock', 'global.anthropic.claude-opus-5', 1000000, 128000, true, true),
    ('bedrock', 'us.anthropic.claude-opus-5', 1000000, 128000, true, true),
    ('bedrock', 'eu.anthropic.claude-opus-5', 1000000, 128000, true, true),
    ('bedrock', 'anthropic.claude-opus-5-5', 1000000, 128000, true, true),
    ('bedrock', 'global.anthropic.claude-opus-5-5', 1000000, 128000, true, true),
    ('bedrock', 'us.anthropic.claude-opus-5-5', 1000000, 128000, true, true),
    ('bedrock', 'eu.anthropic.claude-opus-5-5', 1000000, 128000, true, true),
    ('bedrock', 'anthropic.claude-haiku-5-5', 1000000, 128000, true, true),
    ('bedrock', 'global.anthropic.claude-haiku-5-5', 1000000, 128000, true, true),
    ('bedrock', 'us.anthropic.claude-haiku-5-5', 1000000, 128000, true, true),
    ('bedrock', 'eu.anthropic.claude-haiku-5-5', 1000000, 128000, true, true),
    ('bedrock', 'amazon.nova-micro-v1:0', 128000, 10000, true, true),
    ('bedrock', 'us.amazon.nova-micro-v1:0', 128000, 10000, true, true),
    ('bedrock', 'eu.amazon.nova-micro-v1:0', 128000, 10000, true, true),
    ('bedrock', 'amazon.nova-lite-v1:0', 300000, 10000, true, true),
    ('bedrock', 'us.amazon.nova-lite-v1:0', 300000, 10000, true, true),
    ('bedrock', 'eu.amazon.nova-lite-v1:0', 300000, 10000, true, true),
    ('bedrock', 'amazon.nova-pro-v1:0', 300000, 10000, true, true),
    ('bedrock', 'us.amazon.nova-pro-v1:0', 300000, 10000, true, true),
    ('bedrock', 'eu.amazon.nova-pro-v1:0', 300000, 10000, true, true),
    ('bedrock', 'amazon.nova-2-lite-v1:0', 1000000, 64000, true, true),
    ('bedrock', 'us.amazon.nova-2-lite-v1:0', 1000000, 64000, true, true),
    ('bedrock', 'eu.amazon.nova-2-lite-v1:0', 1000000, 64000, true, true),
    ('bedrock', 'global.amazon.nova-2-lite-v1:0', 1000000, 64000, true, true),
    ('bedrock', 'amazon.nova-premier-v1:0', 1000000, 10000, true, true),
    ('bedrock', 'us.meta.llama3-3-70b-instruct-v1:0', 128000, 4096, false, true),
    ('bedrock', 'meta.llama3-3-70b-instruct-v1:0', 128000, 4096, false, true),
    ('bedrock', 'mistral.mistral-large-3-675b-instruct', 256000, 32000, false, true),
    ('bedrock', 'mistral.mistral-7b-instruct-v0:2', 32000, 4096, false, false),
    ('bedrock', 'openai.gpt-oss-120b-1:0', 128000, 16384, false, true),
    ('bedrock', 'openai.gpt-oss-20b-1:0', 128000, 16384, false, true),
    ('bedrock', 'deepseek.v3.2', 156000, 8000, false, true),
    ('openai', 'gpt-4o', 128000, 16384, false, true),
    ('openai', 'gpt-4o-mini', 128000, 16384, false, true),
    ('openai', 'gpt-4.1', 1047576, 32768, false, true),
    ('openai', 'gpt-4.1-mini', 1047576, 32768, false, true),
    ('openai', 'gpt-4.1-nano', 1047576, 32768, false, true),
    ('openai', 'o3', 200000, 100000, false, true),
    ('openai', 'o4-mini', 200000, 100000, false, true),
    ('openai', 'gpt-5', 272000, 128000, false, true),
    ('openai', 'gpt-5-mini', 272000, 128000, false, true),
    ('openai', 'gpt-5-nano', 272000, 128000, false, true),
    ('openai', 'gpt-5.1', 272000, 128000, false, true),
    ('openai', 'gpt-5.2', 272000, 128000, false, true),
    ('openai', 'gpt-5.4', 1050000, 128000, false, true),
    ('openai', 'gpt-5.4-mini', 272000, 128000, false, true),
    ('openai', 'gpt-5.5', 1050000, 128000, false, true),
    ('extractive', 'sentences-1', null, null, false, true);

insert into app.model_prices (
    provider, model, valid_from, input_usd, output_usd, cached_input_usd, cache_write_usd, source
)
select
    p.provider,
    p.model,
    '2026-11-26 00:00:00Z',
    p.input_usd,
    p.output_usd,
    p.cached_input_usd,
    p.cache_write_usd,
    case p.provider
        when 'bedrock' then 'aws.amazon.com/bedrock/pricing, as repeated by litellm 1.110.2, read on 2026-11-26'
        else 'developers.openai.com/api/docs/pricing, as repeated by litellm 1.110.2, read on 2026-11-26'
    end
from (
    values
        ('bedrock', 'anthropic.claude-haiku-4-5-20251001-v1:0', 1, 5, 0.1, 1.25),
        ('bedrock', 'global.anthropic.claude-haiku-4-5-20251001-v1:0', 1, 5, 0.1, 1.25),
        ('bedrock', 'us.anthropic.claude-haiku-4-5-20251001-v1:0', 1.1, 5.5, 0.11, 1.375),
        ('bedrock', 'eu.anthropic.claude-haiku-4-5-20251001-v1:0', 1.1, 5.5, 0.11, 1.375),
        ('bedrock', 'anthropic.claude-sonnet-4-5-20250929-v1:0', 3, 15, 0.3, 3.75),
        ('bedrock', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0', 3, 15, 0.3, 3.75),
        ('bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 3.3, 16.5, 0.33, 4.125),
        ('bedrock', 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0', 3.3, 16.5, 0.33, 4.125),
        ('bedrock', 'anthropic.claude-opus-4-5-20251101-v1:0', 5, 25, 0.5, 6.25),
        ('bedrock', 'global.anthropic.claude-opus-4-5-20251101-v1:0', 5, 25, 0.5, 6.25),
        ('bedrock', 'us.anthropic.claude-opus-4-5-20251101-v1:0', 5.5, 27.5, 0.55, 6.875),
        ('bedrock', 'eu.anthropic.claude-opus-4-5-20251101-v1:0', 5.5, 27.5, 0.55, 6.875),
        ('bedrock', 'anthropic.claude-sonnet-4-6', 3, 15, 0.3, 3.75),
        ('bedrock', 'global.anthropic.claude-sonnet-4-6', 3, 15, 0.3, 3.75),
        ('bedrock', 'us.anthropic.claude-sonnet-4-6', 3.3, 16.5, 0.33, 4.125),
        ('bedrock', 'eu.anthropic.claude-sonnet-4-6', 3.3, 16.5, 0.33, 4.125),
        ('bedrock', 'anthropic.claude-opus-4-6-v1', 5, 25, 0.5, 6.25),
        ('bedrock', 'global.anthropic.claude-opus-4-6-v1', 5, 25, 0.5, 6.25),
        ('bedrock', 'us.anthropic.claude-opus-4-6-v1', 5.5, 27.5, 0.55, 6.875),
        ('bedrock', 'eu.anthropic.claude-opus-4-6-v1', 5.5, 27.5, 0.55, 6.875),
        ('bedrock', 'anthropic.claude-opus-4-7', 5, 25, 0.5, 6.25),
        ('bedrock', 'global.anthropic.claude-opus-4-7', 5, 25, 0.5, 6.25),
        ('bedrock', 'us.anthropic.claude-opus-4-7', 5.5, 27.5, 0.55, 6.875),
        ('bedrock', 'eu.anthropic.claude-opus-4-7', 5.5, 27.5, 0.55, 6.875),
        ('bedrock', 'anthropic.claude-opus-4-8', 5, 25, 0.5, 6.25),
        ('bedrock', 'global.anthropic.claude-opus-4-8', 5, 25, 0.5, 6.25),
        ('bedrock', 'us.anthropic.claude-opus-4-8', 5.5, 27.5, 0.55, 6.875),
        ('bedrock', 'eu.anthropic.claude-opus-4-8', 5.5, 27.5, 0.55, 6.875),
        ('bedrock', 'anthropic.claude-sonnet-5', 2, 10, 0.2, 2.5),
        ('bedrock', 'global.anthropic.claude-sonnet-5', 2, 10, 0.2, 2.5),
        ('bedrock', 'us.anthropic.claude-sonnet-5', 2.2, 11, 0.22, 2.75),
        ('bedrock', 'eu.anthropic.claude-sonnet-5', 2.2, 11, 0.22, 2.75),
        ('bedrock', 'anthropic.claude-sonnet-5-5', 2, 10, 0.1, 2.5),
        ('bedrock', 'global.anthropic.claude-sonnet-5-5', 2, 10, 0.1, 2.5),
        ('bedrock', 'us.anthropic.claude-sonnet-5-5', 2.2, 11, 0.11, 2.75),
        ('bedrock', 'eu.anthropic.claude-sonnet-5-5', 2.2, 11, 0.11, 2.75),
        ('bedrock', 'anthropic.claude-opus-5', 5, 25, 0.5, 6.25),
        ('bedrock', 'global.anthropic.claude-opus-5', 5, 25, 0.5, 6.25),
        ('bedrock', 'us.anthropic.claude-opus-5', 5.5, 27.5, 0.55, 6.875),
        ('bedrock', 'eu.anthropic.claude-opus-5', 5.5, 27.5, 0.55, 6.875),
        ('bedrock', 'anthropic.claude-opus-5-5', 4, 20, 0.2, 5),
        ('bedrock', 'global.anthropic.claude-opus-5-5', 4, 20, 0.2, 5),
        ('bedrock', 'us.anthropic.claude-opus-5-5', 4.4, 22, 0.22, 5.5),
        ('bedrock', 'eu.anthropic.claude-opus-5-5', 4.4, 22, 0.22, 5.5),
        ('bedrock', 'anthropic.claude-haiku-5-5', 0.1, 0.5, 0.01, 0.125),
        ('bedrock', 'global.anthropic.claude-haiku-5-5', 0.1, 0.5, 0.01, 0.125),
        ('bedrock', 'us.anthropic.claude-haiku-5-5', 0.11, 0.55, 0.011, 0.1375),
        ('bedrock', 'eu.anthropic.claude-haiku-5-5', 0.11, 0.55, 0.011, 0.1375),
        ('bedrock', 'amazon.nova-micro-v1:0', 0.035, 0.14, 0.00875, null),
        ('bedrock', 'us.amazon.nova-micro-v1:0', 0.035, 0.14, 0.00875, null),
        ('bedrock', 'amazon.nova-lite-v1:0', 0.06, 0.24, 0.015, null),
        ('bedrock', 'us.amazon.nova-lite-v1:0', 0.06, 0.24, 0.015, null),
        ('bedrock', 'amazon.nova-pro-v1:0', 0.8, 3.2, 0.2, null),
        ('bedrock', 'us.amazon.nova-pro-v1:0', 0.8, 3.2, 0.2, null),
        ('bedrock', 'eu.amazon.nova-pro-v1:0', 1.05, 4.2, 0.2625, null),
        ('bedrock', 'amazon.nova-2-lite-v1:0', 0.3, 2.5, 0.075, null),
        ('bedrock', 'us.amazon.nova-2-lite-v1:0', 0.33, 2.75, 0.0825, null),
        ('bedrock', 'global.amazon.nova-2-lite-v1:0', 0.3, 2.5, 0.075, null),
        ('bedrock', 'amazon.nova-premier-v1:0', 2.5, 12.5, 0.625, null),
        ('bedrock', 'us.meta.llama3-3-70b-instruct-v1:0', 0.72, 0.72, null, null),
        ('bedrock', 'meta.llama3-3-70b-instruct-v1:0', 0.72, 0.72, null, null),
        ('bedrock', 'mistral.mistral-large-3-675b-instruct', 0.5, 1.5, null, null),
        ('bedrock', 'mistral.mistral-7b-instruct-v0:2', 0.15, 0.2, null, null),
        ('bedrock', 'openai.gpt-oss-120b-1:0', 0.15, 0.6, null, null),
        ('bedrock', 'openai.gpt-oss-20b-1:0', 0.07, 0.3, null, null),
        ('bedrock', 'deepseek.v3.2', 0.62, 1.85, null, null),
        ('openai', 'gpt-4o', 2.5, 10, 1.25, null),
        ('openai', 'gpt-4o-mini', 0.15, 0.6, 0.075, null),
        ('openai', 'gpt-4.1', 2, 8, 0.5, null),
        ('openai', 'gpt-4.1-mini', 0.4, 1.6, 0.1, null),
        ('openai', 'gpt-4.1-nano', 0.1, 0.4, 0.025, null),
        ('openai', 'o3', 2, 8, 0.5, null),
        ('openai', 'o4-mini', 1.1, 4.4, 0.275, null),
        ('openai', 'gpt-5', 1.25, 10, 0.125, null),
        ('openai', 'gpt-5-mini', 0.25, 2, 0.025, null),
        ('openai', 'gpt-5-nano', 0.05, 0.4, 0.005, null),
        ('openai', 'gpt-5.1', 1.25, 10, 0.125, null),
        ('openai', 'gpt-5.2', 1.75, 14, 0.175, null),
        ('openai', 'gpt-5.4', 2.5, 15, 0.25, null),
        ('openai', 'gpt-5.4-mini', 0.75, 4.5, 0.075, null),
        ('openai', 'gpt-5.5', 5, 30, 0.5, null)
) as p (provider, model, input_usd, output_usd, cached_input_usd, cache_write_usd);

insert into app.model_prices (provider, model, valid_from, input_usd, output_usd, source)
values ('extractive', 'sentences-1', '2026-01-01 00:00:00Z', 0, 0, 'it runs in the process');
