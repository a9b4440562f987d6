//! `pidima model`: what is known of models and what they cost, kept by whoever has the database's address. A running
//! service reads the table again within a minute.

use std::io::Write;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use super::database;
use crate::adapters::models::ModelCard;
use crate::config::Env;
use crate::db::SystemTx;
use crate::governance::{ModelPrice, PricedModel};

/// Dearest price that is taken, in US dollars for a million tokens.
const MOST_USD: f64 = 100_000.0;
/// Most decimal places of a price.
const PLACES: usize = 6;

#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// List models with what they can and what they cost now
    List {
        /// Only models whose name holds this text
        #[arg(long)]
        name: Option<String>,
    },
    /// Enter a model, change what is known of it, or enter a new price; what is not given stays
    Set(Box<SetArgs>),
}

#[derive(Debug, Args)]
pub struct SetArgs {
    /// Adapter (bedrock, openai) or name of a provider of the settings
    provider: String,
    /// Name of the model as the provider knows it
    model: String,
    /// Tokens that a prompt may have
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    context_tokens: Option<u32>,
    /// Tokens of the longest answer
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    max_output_tokens: Option<u32>,
    /// Whether requests mark what the provider shall keep in its cache
    #[arg(long)]
    prompt_caching: Option<bool>,
    /// Whether the model takes rules apart from the conversation
    #[arg(long)]
    system_prompt: Option<bool>,
    /// Price of a million tokens read, in US dollars
    #[arg(long, requires_all = ["output_usd", "source"], value_parser = usd)]
    input_usd: Option<String>,
    /// Price of a million tokens written, in US dollars
    #[arg(long, requires = "input_usd", value_parser = usd)]
    output_usd: Option<String>,
    /// Price of a million tokens read from the cache; as any others when absent
    #[arg(long, requires = "input_usd", value_parser = usd)]
    cached_input_usd: Option<String>,
    /// Price of a million tokens read and put into the cache; as any others when absent
    #[arg(long, requires = "input_usd", value_parser = usd)]
    cache_write_usd: Option<String>,
    /// Where the price was read
    #[arg(long, requires = "input_usd")]
    source: Option<String>,
    /// From when on the price holds (RFC 3339); now when absent
    #[arg(long, requires = "input_usd")]
    valid_from: Option<DateTime<Utc>>,
}

pub async fn run(command: ModelCommand, env: &Env) -> anyhow::Result<()> {
    let db = database::open(env).await?;
    let mut tx = db.system().await?;
    match command {
        ModelCommand::List { name } => {
            let mut out = std::io::stdout();
            for model in tx.list_priced_models(Utc::now()).await? {
                if name.as_ref().is_none_or(|name| model.card.model.contains(name.as_str())) {
                    writeln!(out, "{}", line(&model))?;
                }
            }
        }
        ModelCommand::Set(args) => {
            set(&mut tx, *args).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

async fn set(tx: &mut SystemTx, args: SetArgs) -> anyhow::Result<()> {
    let (provider, model) = (args.provider.trim(), args.model.trim());
    let within = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
    anyhow::ensure!(within(provider, 30), "the provider must have 1 to 30 characters");
    anyhow::ensure!(within(model, 200), "the model must have 1 to 200 characters");
    let known = tx.list_model_cards().await?;
    let known = known.into_iter().find(|card| card.provider == provider && card.model == model);
    let card = known.unwrap_or_else(|| ModelCard {
        provider: provider.to_owned(),
        model: model.to_owned(),
        context_tokens: None,
        max_output_tokens: None,
        prompt_caching: false,
        system_prompt: true,
    });
    let card = ModelCard {
        context_tokens: args.context_tokens.or(card.context_tokens),
        max_output_tokens: args.max_output_tokens.or(card.max_output_tokens),
        prompt_caching: args.prompt_caching.unwrap_or(card.prompt_caching),
        system_prompt: args.system_prompt.unwrap_or(card.system_prompt),
        ..card
    };
    tx.put_model(&card).await?;
    let (Some(input_usd), Some(output_usd)) = (args.input_usd, args.output_usd) else {
        return Ok(());
    };
    let source = args.source.unwrap_or_default();
    anyhow::ensure!(within(source.trim(), 300), "the source must have 1 to 300 characters");
    let price = ModelPrice {
        valid_from: args.valid_from.unwrap_or_else(Utc::now),
        input_usd,
        output_usd,
        cached_input_usd: args.cached_input_usd,
        cache_write_usd: args.cache_write_usd,
        source: source.trim().to_owned(),
    };
    tx.put_model_price(provider, model, &price).await?;
    Ok(())
}

/// A price as it is stored: digits with at most six places, not negative, not absurd.
fn usd(text: &str) -> Result<String, String> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = !whole.is_empty() && digits(whole) && digits(places) && places.len() <= PLACES;
    match text.parse::<f64>() {
        Ok(usd) if is_number && usd <= MOST_USD => Ok(text.trim_end_matches('.').to_owned()),
        _ => Err(format!("give US dollars from 0 to {MOST_USD} with at most {PLACES} places")),
    }
}

fn line(model: &PricedModel) -> String {
    let PricedModel { card, price } = model;
    let number = |tokens: Option<u32>| tokens.map_or("?".to_owned(), |tokens| tokens.to_string());
    let caching = if card.prompt_caching { "caches" } else { "-" };
    let price = price.as_ref().map_or("no price".to_owned(), |price| {
        let cached = price.cached_input_usd.as_deref().unwrap_or("-");
        let (input, output) = (&price.input_usd, &price.output_usd);
        let since = price.valid_from.format("%Y-%m-%d");
        format!(
            "${input} in, ${cached} cached, ${output} out per million, since {since} ({})",
            price.source
        )
    });
    format!(
        "{}  {}  context {}  output {}  {caching}  {price}",
        card.provider,
        card.model,
        number(card.context_tokens),
        number(card.max_output_tokens)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_plain_number_within_its_bounds() {
        for good in ["0", "3", "0.15", "100000", "0.000001", "27.5", "5."] {
            assert!(usd(good).is_ok(), "{good}");
        }
        for bad in ["", "-1", "1e3", "100000.000001", "0.0000001", "NaN", "inf", "1,5", ".5", "$3"]
        {
            assert!(usd(bad).is_err(), "{bad}");
        }
    }
}
