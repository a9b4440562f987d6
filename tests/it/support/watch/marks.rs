//! Which text and which id belongs to which tenant, by who was seen to send it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pidima::kernel::ids::TenantId;
use serde_json::Value;
use uuid::Uuid;

use super::stores::Stored;
use super::wire::Exchange;
use super::{Seen, texts};

/// Who asks: the tenants in whose name, or none.
pub type Party = BTreeSet<TenantId>;

/// Most letters of a text that are compared.
const LONGEST: usize = 64;

/// The marks of one test.
pub struct Marks {
    finder: AhoCorasick,
    /// Text and owner, in the finder's order.
    pub texts: Vec<(String, TenantId)>,
    pub ids: HashMap<Uuid, TenantId>,
    /// Ids that somebody sent in a tenant's name: they may be kept there.
    sent: HashMap<TenantId, BTreeSet<Uuid>>,
}

/// A mark in a text.
pub struct Found {
    pub mark: String,
    pub owner: TenantId,
    pub excerpt: String,
}

impl Marks {
    /// Marks of what was seen.
    pub fn of(seen: &Seen, stored: &Stored) -> Self {
        let exchanges = seen.exchanges.lock().unwrap().clone();
        let mut owners: BTreeMap<String, TenantId> = BTreeMap::new();
        let mut sent: HashMap<TenantId, BTreeSet<Uuid>> = HashMap::new();
        let mut heard: Vec<(Party, String)> = vec![(Party::new(), product().to_owned())];
        for exchange in &exchanges {
            let party = asks(exchange, stored);
            let asked = exchange.asked();
            let said = format!("{}\n{}", exchange.path, asked);
            for tenant in &party {
                sent.entry(*tenant).or_default().extend(texts::ids(&said));
            }
            if let [tenant] = party.iter().copied().collect::<Vec<_>>()[..] {
                let mut runs = Vec::new();
                texts::runs(&asked, &mut runs);
                // What stands in the address of a login's way back is the issuer's.
                if let Some((path, query)) = exchange.path.split_once('?')
                    && !path.starts_with("/login")
                {
                    // A cursor is the service's own.
                    let own = query.split('&').filter(|pair| !pair.starts_with("cursor="));
                    texts::runs(&own.collect::<Vec<_>>().join("&"), &mut runs);
                }
                owners.extend(runs.into_iter().map(|run| (shortened(run), tenant)));
            }
            heard.push((party, texts::said(&asked)));
        }
        let mut texts: Vec<(String, TenantId)> = owners.into_iter().collect();
        let finder = finder(&texts);
        let mut shared = BTreeSet::new();
        for (party, said) in &heard {
            for found in finder.find_overlapping_iter(said) {
                let at = found.pattern().as_usize();
                if party.len() != 1 || !party.contains(&texts[at].1) {
                    shared.insert(at);
                }
            }
        }
        let mut at = 0;
        texts.retain(|_| {
            at += 1;
            !shared.contains(&(at - 1))
        });
        Self { finder: self::finder(&texts), texts, ids: stored.ids.clone(), sent }
    }

    /// Marks of tenants that are not among the allowed ones.
    pub fn foreign(&self, text: &str, allowed: &Party) -> Vec<Found> {
        let lower = text.to_lowercase();
        let texts = self.finder.find_overlapping_iter(&lower).filter_map(|found| {
            let (mark, owner) = &self.texts[found.pattern().as_usize()];
            let excerpt = excerpt(&lower, found.start(), found.end());
            (!allowed.contains(owner)).then(|| Found { mark: mark.clone(), owner: *owner, excerpt })
        });
        let ids = texts::ids(&lower).into_iter().filter_map(|id| {
            let owner = *self.ids.get(&id)?;
            let excerpt = lower
                .find(&id.to_string())
                .map_or_else(String::new, |at| excerpt(&lower, at, at + 36));
            (!allowed.contains(&owner)).then(|| Found { mark: id.to_string(), owner, excerpt })
        });
        texts.chain(ids).collect()
    }

    /// Texts alone, whoever's: for places where ids may stand.
    pub fn texts_in(&self, text: &str) -> Vec<Found> {
        let mut found = self.foreign(text, &Party::new());
        found.retain(|found| Uuid::try_parse(&found.mark).is_err());
        found
    }

    /// Owners of what stands in a text.
    pub fn owners(&self, text: &str) -> Party {
        self.foreign(text, &Party::new()).into_iter().map(|found| found.owner).collect()
    }

    /// Whether somebody sent this id in the tenant's name.
    pub fn has_sent(&self, tenant: TenantId, mark: &str) -> bool {
        let Ok(id) = Uuid::try_parse(mark) else { return false };
        self.sent.get(&tenant).is_some_and(|ids| ids.contains(&id))
    }
}

/// In whose name a request was made: by its key, cookie or token, else by the tenant that it names.
pub fn asks(exchange: &Exchange, stored: &Stored) -> Party {
    let mut party = by_credential(exchange, stored);
    if party.is_empty() && !exchange.asked_headers.contains("authorization:") {
        let asked = exchange.asked();
        let named =
            |slug: &str| !slug.is_empty() && (asked.contains(slug) || exchange.path.contains(slug));
        party.extend(stored.tenants.iter().filter(|tenant| named(&tenant.slug)).map(|t| t.id));
    }
    party.extend(in_secrets(&format!("{}\n{}", exchange.path, exchange.asked()), stored));
    party
}

fn by_credential(exchange: &Exchange, stored: &Stored) -> Party {
    let mut party = Party::new();
    for line in exchange.asked_headers.lines() {
        if line.starts_with("authorization:") || line.starts_with("cookie:") {
            party.extend(in_secrets(line, stored));
        }
        let sent = line.strip_prefix("authorization: ").and_then(|sent| sent.split_once(' '));
        let Some(payload) = sent.and_then(|(_, token)| payload(token.trim())) else {
            continue;
        };
        let claims: Value = serde_json::from_slice(&payload).unwrap_or_default();
        let is = |name: &str, value: &str| claims[name].as_str() == Some(value);
        let people = stored
            .people
            .iter()
            .filter(|(issuer, subject, _)| is("iss", issuer) && is("sub", subject));
        party.extend(people.map(|(_, _, tenant)| *tenant));
        let claims = claims.to_string();
        party.extend(
            stored.tenants.iter().filter(|t| claims.contains(&t.id.to_string())).map(|t| t.id),
        );
    }
    party
}

/// Tenants of keys, cookies, tokens and links: there alone ids stand without hyphens.
pub fn in_secrets(text: &str, stored: &Stored) -> Party {
    let plain = |tenant: &TenantId| tenant.uuid().simple().to_string();
    stored.tenants.iter().map(|tenant| tenant.id).filter(|id| text.contains(&plain(id))).collect()
}

fn payload(token: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()
}

/// What the product says by itself, lower case.
fn product() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| pidima::app::openapi_text().unwrap().to_lowercase())
}

fn finder(texts: &[(String, TenantId)]) -> AhoCorasick {
    AhoCorasick::new(texts.iter().map(|(text, _)| text)).unwrap()
}

fn shortened(run: String) -> String {
    run.char_indices().nth(LONGEST).map_or(run.clone(), |(end, _)| run[..end].to_owned())
}

fn excerpt(text: &str, from: usize, to: usize) -> String {
    let start = text[..from].char_indices().rev().nth(100).map_or(0, |(at, _)| at);
    let end = text[to..].char_indices().nth(60).map_or(text.len(), |(at, _)| to + at);
    text[start..end].to_owned()
}
