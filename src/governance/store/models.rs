//! Rows of `models` and `model_prices`, which belong to no tenant: public facts that the operator keeps.

use chrono::{DateTime, Utc};

use crate::adapters::models::ModelCard;
use crate::db::{self, SystemTx};

/// A price, in US dollars for a million tokens, as decimal text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPrice {
    /// From then on, until the next one begins.
    pub valid_from: DateTime<Utc>,
    /// Tokens read.
    pub input_usd: String,
    /// Tokens written.
    pub output_usd: String,
    /// Tokens read from the cache; as any others when absent.
    pub cached_input_usd: Option<String>,
    /// Tokens read and put into the cache; as any others when absent.
    pub cache_write_usd: Option<String>,
    /// Where it was read.
    pub source: String,
}

/// A model with the price that holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedModel {
    /// What is known of it.
    pub card: ModelCard,
    /// Its price; absent when nobody has entered one.
    pub price: Option<ModelPrice>,
}

impl SystemTx {
    /// All models, by provider and name.
    pub async fn list_model_cards(&mut self) -> db::Result<Vec<ModelCard>> {
        let rows = sqlx::query!(
            "select
                provider,
                model,
                context_tokens,
                max_output_tokens,
                prompt_caching,
                system_prompt
            from models
            order by provider, model"
        )
        .fetch_all(self.connection())
        .await?;
        let cards = rows.into_iter().map(|row| ModelCard {
            provider: row.provider,
            model: row.model,
            context_tokens: tokens(row.context_tokens),
            max_output_tokens: tokens(row.max_output_tokens),
            prompt_caching: row.prompt_caching,
            system_prompt: row.system_prompt,
        });
        Ok(cards.collect())
    }

    /// All models with the prices that hold at a time, by provider and name.
    pub async fn list_priced_models(&mut self, at: DateTime<Utc>) -> db::Result<Vec<PricedModel>> {
        let rows = sqlx::query!(
            r#"select
                m.provider,
                m.model,
                m.context_tokens,
                m.max_output_tokens,
                m.prompt_caching,
                m.system_prompt,
                p.valid_from as "valid_from?",
                trim_scale(p.input_usd)::text as input_usd,
                trim_scale(p.output_usd)::text as output_usd,
                trim_scale(p.cached_input_usd)::text as cached_input_usd,
                trim_scale(p.cache_write_usd)::text as cache_write_usd,
                p.source as "source?"
            from models m
            left join lateral (
                select
                    valid_from,
                    input_usd,
                    output_usd,
                    cached_input_usd,
                    cache_write_usd,
                    source
                from model_prices p
                where p.provider = m.provider
                    and p.model = m.model
                    and p.valid_from <= $1
                order by p.valid_from desc
                limit 1
            ) p on true
            order by m.provider, m.model"#,
            at
        )
        .fetch_all(self.connection())
        .await?;
        let models = rows.into_iter().map(|row| {
            let price = match (row.valid_from, row.input_usd, row.output_usd, row.source) {
                (Some(valid_from), Some(input_usd), Some(output_usd), Some(source)) => {
                    Some(ModelPrice {
                        valid_from,
                        input_usd,
                        output_usd,
                        cached_input_usd: row.cached_input_usd,
                        cache_write_usd: row.cache_write_usd,
                        source,
                    })
                }
                _ => None,
            };
            let card = ModelCard {
                provider: row.provider,
                model: row.model,
                context_tokens: tokens(row.context_tokens),
                max_output_tokens: tokens(row.max_output_tokens),
                prompt_caching: row.prompt_caching,
                system_prompt: row.system_prompt,
            };
            PricedModel { card, price }
        });
        Ok(models.collect())
    }

    /// Enters a model, or replaces what was known of it.
    pub async fn put_model(&mut self, card: &ModelCard) -> db::Result<()> {
        let number = |tokens: Option<u32>| tokens.and_then(|tokens| i32::try_from(tokens).ok());
        sqlx::query!(
            "insert into models (
                provider,
                model,
                context_tokens,
                max_output_tokens,
                prompt_caching,
                system_prompt
            )
            values ($1, $2, $3, $4, $5, $6)
            on conflict (provider, model) do update
            set
                context_tokens = excluded.context_tokens,
                max_output_tokens = excluded.max_output_tokens,
                prompt_caching = excluded.prompt_caching,
                system_prompt = excluded.system_prompt,
                updated_at = now()",
            card.provider,
            card.model,
            number(card.context_tokens),
            number(card.max_output_tokens),
            card.prompt_caching,
            card.system_prompt
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Enters a price; one that begins at the same time is replaced. The texts are decimal numbers.
    pub async fn put_model_price(
        &mut self,
        provider: &str,
        model: &str,
        price: &ModelPrice,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into model_prices (
                provider,
                model,
                valid_from,
                input_usd,
                output_usd,
                cached_input_usd,
                cache_write_usd,
                source
            )
            values ($1, $2, $3, $4::text::numeric, $5::text::numeric, $6::text::numeric, $7::text::numeric, $8)
            on conflict (provider, model, valid_from) do update
            set
                input_usd = excluded.input_usd,
                output_usd = excluded.output_usd,
                cached_input_usd = excluded.cached_input_usd,
                cache_write_usd = excluded.cache_write_usd,
                source = excluded.source",
            provider,
            model,
            price.valid_from,
            price.input_usd,
            price.output_usd,
            price.cached_input_usd,
            price.cache_write_usd,
            price.source
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

fn tokens(count: Option<i32>) -> Option<u32> {
    count.and_then(|count| u32::try_from(count).ok())
}
