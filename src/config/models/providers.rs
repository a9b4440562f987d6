//! The providers of models, in order: which ones, where they are, and with what credentials.

use std::str::FromStr;

use crate::config::Env;
use crate::kernel::live_secret::LiveSecret;

/// Most providers at once.
const MOST_PROVIDERS: usize = 10;

/// A provider by its name.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Name by which orders name it.
    pub name: String,
    /// What it is.
    pub kind: ProviderKind,
}

impl ProviderConfig {
    /// Takes over the key where it goes to the same server; false where that is another.
    pub(in crate::config) fn take_key_of(&self, newer: &Self) -> bool {
        match (&self.kind, &newer.kind) {
            (ProviderKind::OpenAi(own), ProviderKind::OpenAi(newer)) => {
                let server =
                    |it: &OpenAiConfig| (it.base_url.clone(), it.server, it.api_version.clone());
                let is_same = server(own) == server(newer);
                if is_same {
                    own.api_key.take(&newer.api_key);
                }
                is_same
            }
            (_, ProviderKind::OpenAi(_)) | (ProviderKind::OpenAi(_), _) => false,
            _ => true,
        }
    }
}

/// What answers.
#[derive(Clone, Debug)]
pub enum ProviderKind {
    /// In process: chooses and cites sentences, invents nothing.
    Extractive,
    /// Amazon Bedrock.
    Bedrock(BedrockConfig),
    /// Any server that speaks OpenAI's chat completions.
    OpenAi(OpenAiConfig),
}

/// An OpenAI-compatible server. The variables of the provider `openai` are named here; one with a name of its own has the
/// same with `PIDIMA_PROVIDER_<NAME>_` in front.
#[derive(Clone, Debug)]
pub struct OpenAiConfig {
    /// `PIDIMA_OPENAI_BASE_URL`: address up to and with `/v1`, of Azure the resource; required for the provider.
    pub base_url: String,
    /// `PIDIMA_OPENAI_API_KEY`: bearer token, where the server wants one; it may change while the service
    /// runs.
    pub api_key: LiveSecret,
    /// `PIDIMA_OPENAI_MODEL`: model's name, of Azure the deployment's; required for the provider.
    pub model: String,
    /// `PIDIMA_OPENAI_SERVER`: openai, azure or compatible; told by the address when absent.
    pub server: Option<ServerName>,
    /// `PIDIMA_OPENAI_API_VERSION`: version of Azure's API; default the newest that is not a preview.
    pub api_version: Option<String>,
}

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerName {
    /// OpenAI itself.
    OpenAi,
    /// Azure.
    Azure,
    /// Any other.
    Compatible,
}

impl FromStr for ServerName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "openai" => Ok(Self::OpenAi),
            "azure" => Ok(Self::Azure),
            "compatible" => Ok(Self::Compatible),
            _ => Err("give openai, azure or compatible".to_owned()),
        }
    }
}

/// A model of Amazon Bedrock. Credentials, region and endpoint come from the environment as AWS's SDKs read it. The
/// variables of the provider `bedrock` are named here; one with a name of its own has the same with
/// `PIDIMA_PROVIDER_<NAME>_` in front.
#[derive(Clone, Debug)]
pub struct BedrockConfig {
    /// `PIDIMA_BEDROCK_MODEL`: id of the model or of a cross-region inference profile; required for the provider.
    pub model: String,
    /// `PIDIMA_BEDROCK_REGION`: region; that of the environment when absent.
    pub region: Option<String>,
    /// `PIDIMA_BEDROCK_GUARDRAIL_ID` and `PIDIMA_BEDROCK_GUARDRAIL_VERSION`: a guardrail and its version; both or none.
    pub guardrail: Option<(String, String)>,
}

/// Ends of the variables of a provider with a name of its own.
const VARIABLES: [&str; 9] = [
    "KIND",
    "MODEL",
    "BASE_URL",
    "API_KEY",
    "SERVER",
    "API_VERSION",
    "REGION",
    "GUARDRAIL_ID",
    "GUARDRAIL_VERSION",
];

/// `PIDIMA_MODEL_PROVIDERS`, else the one that `PIDIMA_MODEL_PROVIDER` names, else the extractive answerer.
pub(super) fn read(env: &Env) -> Vec<ProviderConfig> {
    let single = env.text("PIDIMA_MODEL_PROVIDER");
    if let Some(name) = single.as_deref().filter(|name| !is_kind(name)) {
        env.fault(format!(
            "PIDIMA_MODEL_PROVIDER is \"{name}\": give extractive, bedrock or openai"
        ));
    }
    let several = env.text("PIDIMA_MODEL_PROVIDERS");
    let several_variable =
        if several.is_some() { "PIDIMA_MODEL_PROVIDERS" } else { "PIDIMA_MODEL_PROVIDER" };
    let text = several.or(single).unwrap_or_else(|| "extractive".to_owned());
    let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.is_empty() || names.len() > MOST_PROVIDERS {
        env.fault(format!("{several_variable} names {}: give 1 to {MOST_PROVIDERS}", names.len()));
    }
    // Also those of providers that are not in the list: one may be taken out of it for a while.
    env.family("PIDIMA_PROVIDER_", &VARIABLES);
    let built_in = BuiltIn::read(env);
    let mut providers: Vec<ProviderConfig> = Vec::new();
    for name in names {
        if providers.iter().any(|provider| provider.name == name) {
            env.fault(format!("{several_variable} names {name} twice"));
        } else if let Some(kind) =
            built_in.kind(env, name).or_else(|| named(env, several_variable, name))
        {
            providers.push(ProviderConfig { name: name.to_owned(), kind });
        }
    }
    providers
}

fn prefix_of(kind: &str) -> String {
    format!("PIDIMA_{}_", kind.to_uppercase())
}

fn is_kind(name: &str) -> bool {
    matches!(name, "extractive" | "bedrock" | "openai")
}

/// The variables of the providers that have the name of their kind. They are read whether named or not, so that all are
/// known.
struct BuiltIn {
    bedrock: Variables,
    openai: Variables,
}

impl BuiltIn {
    fn read(env: &Env) -> Self {
        Self {
            bedrock: Variables {
                prefix: prefix_of("bedrock"),
                model: env.text("PIDIMA_BEDROCK_MODEL"),
                region: env.text("PIDIMA_BEDROCK_REGION"),
                guardrail_id: env.text("PIDIMA_BEDROCK_GUARDRAIL_ID"),
                guardrail_version: env.text("PIDIMA_BEDROCK_GUARDRAIL_VERSION"),
                ..Variables::default()
            },
            openai: Variables {
                prefix: prefix_of("openai"),
                model: env.text("PIDIMA_OPENAI_MODEL"),
                base_url: env.text("PIDIMA_OPENAI_BASE_URL"),
                api_key: env.text("PIDIMA_OPENAI_API_KEY"),
                server: env.text("PIDIMA_OPENAI_SERVER"),
                api_version: env.text("PIDIMA_OPENAI_API_VERSION"),
                ..Variables::default()
            },
        }
    }

    fn kind(&self, env: &Env, name: &str) -> Option<ProviderKind> {
        match name {
            "extractive" => Some(ProviderKind::Extractive),
            "bedrock" => Some(ProviderKind::Bedrock(self.bedrock.bedrock(env, name))),
            "openai" => Some(ProviderKind::OpenAi(self.openai.openai(env, name))),
            _ => None,
        }
    }
}

/// A provider with a name of its own. `<NAME>` is its name in capitals.
fn named(env: &Env, variable: &str, name: &str) -> Option<ProviderKind> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.len() > 30 || !name.bytes().all(plain) {
        env.fault(format!(
            "{variable} names \"{name}\": take 1 to 30 lower-case letters, digits and underscores"
        ));
        return None;
    }
    let prefix = format!("PIDIMA_PROVIDER_{}_", name.to_uppercase());
    let text = |suffix: &str| env.named(&format!("{prefix}{suffix}"));
    let variables = Variables {
        model: text("MODEL"),
        base_url: text("BASE_URL"),
        api_key: text("API_KEY"),
        server: text("SERVER"),
        api_version: text("API_VERSION"),
        region: text("REGION"),
        guardrail_id: text("GUARDRAIL_ID"),
        guardrail_version: text("GUARDRAIL_VERSION"),
        prefix: prefix.clone(),
    };
    match text("KIND").as_deref() {
        Some("bedrock") => Some(ProviderKind::Bedrock(variables.bedrock(env, name))),
        Some("openai") => Some(ProviderKind::OpenAi(variables.openai(env, name))),
        other => {
            let told = other.map_or("not set".to_owned(), |other| format!("\"{other}\""));
            env.fault(format!("{prefix}KIND is {told}: give bedrock or openai"));
            None
        }
    }
}

#[derive(Default)]
struct Variables {
    prefix: String,
    model: Option<String>,
    base_url: Option<String>,
    api_key: Option<String>,
    server: Option<String>,
    api_version: Option<String>,
    region: Option<String>,
    guardrail_id: Option<String>,
    guardrail_version: Option<String>,
}

impl Variables {
    fn needed(&self, env: &Env, name: &str, variable: &str, value: Option<&String>) -> String {
        value.cloned().unwrap_or_else(|| {
            env.fault(format!(
                "{}{variable} is not set: the provider {name} is named",
                self.prefix
            ));
            String::new()
        })
    }

    fn openai(&self, env: &Env, name: &str) -> OpenAiConfig {
        let server = self.server.as_deref().and_then(|text| {
            let parsed = ServerName::from_str(text);
            parsed
                .map_err(|error| {
                    env.fault(format!("{}SERVER is \"{text}\": {error}", self.prefix));
                })
                .ok()
        });
        OpenAiConfig {
            base_url: self.needed(env, name, "BASE_URL", self.base_url.as_ref()),
            api_key: env.sendable(&format!("{}API_KEY", self.prefix), self.api_key.clone()).into(),
            model: self.needed(env, name, "MODEL", self.model.as_ref()),
            server,
            api_version: self.api_version.clone(),
        }
    }

    fn bedrock(&self, env: &Env, name: &str) -> BedrockConfig {
        if self.guardrail_id.is_some() != self.guardrail_version.is_some() {
            let prefix = &self.prefix;
            env.fault(format!("set {prefix}GUARDRAIL_ID and {prefix}GUARDRAIL_VERSION together"));
        }
        BedrockConfig {
            model: self.needed(env, name, "MODEL", self.model.as_ref()),
            region: self.region.clone(),
            guardrail: self.guardrail_id.clone().zip(self.guardrail_version.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn providers(pairs: &[(&str, &str)]) -> Result<Vec<ProviderConfig>, Vec<String>> {
        let env = Env::from_pairs(pairs.iter().copied());
        let read = read(&env);
        env.finish().map(|()| read).map_err(|error| error.faults)
    }

    const OPENAI: [(&str, &str); 2] =
        [("PIDIMA_OPENAI_BASE_URL", "http://a/v1"), ("PIDIMA_OPENAI_MODEL", "m")];

    #[test]
    fn an_order_is_kept_and_the_single_provider_still_works() {
        let names = |pairs: &[(&str, &str)]| -> Vec<String> {
            providers(pairs).unwrap().into_iter().map(|it| it.name).collect()
        };
        assert_eq!(names(&[]), ["extractive"]);
        let single = [&OPENAI[..], &[("PIDIMA_MODEL_PROVIDER", "openai")]].concat();
        assert_eq!(names(&single), ["openai"]);
        let several = [&single[..], &[("PIDIMA_MODEL_PROVIDERS", "extractive, openai")]].concat();
        assert_eq!(names(&several), ["extractive", "openai"]);
        let own = [
            ("PIDIMA_MODEL_PROVIDERS", "eu_claude,azure,extractive"),
            ("PIDIMA_PROVIDER_EU_CLAUDE_KIND", "bedrock"),
            ("PIDIMA_PROVIDER_EU_CLAUDE_MODEL", "eu.anthropic.claude"),
            ("PIDIMA_PROVIDER_EU_CLAUDE_REGION", "eu-central-1"),
            ("PIDIMA_PROVIDER_AZURE_KIND", "openai"),
            ("PIDIMA_PROVIDER_AZURE_BASE_URL", "https://a.openai.azure.com"),
            ("PIDIMA_PROVIDER_AZURE_MODEL", "d"),
            ("PIDIMA_PROVIDER_AZURE_SERVER", "azure"),
        ];
        let read = providers(&own).unwrap();
        let ProviderKind::Bedrock(bedrock) = &read[0].kind else { panic!() };
        assert_eq!(bedrock.region.as_deref(), Some("eu-central-1"));
        let ProviderKind::OpenAi(azure) = &read[1].kind else { panic!() };
        assert_eq!(azure.server, Some(ServerName::Azure));
    }

    #[test]
    fn what_is_missing_wrong_or_there_twice_is_told() {
        let faults = |pairs: &[(&str, &str)]| providers(pairs).map_or_else(|it| it.len(), |_| 0);
        let named = |value| faults(&[&OPENAI[..], &[("PIDIMA_MODEL_PROVIDERS", value)]].concat());
        assert_eq!(named("openai,extractive"), 0);
        assert_eq!(named("openai,openai"), 1);
        assert_eq!(named(","), 1);
        assert_eq!(named("Claude"), 1);
        assert_eq!(named("claude"), 1, "no kind");
        assert_eq!(named("bedrock"), 1, "no model");
        assert_eq!(faults(&[("PIDIMA_MODEL_PROVIDER", "openai")]), 2, "no address, no model");
        assert_eq!(faults(&[("PIDIMA_MODEL_PROVIDER", "claude")]), 2, "no kind of that name");
        for (count, told) in [(10, 0), (11, 1)] {
            let names: Vec<String> = (0..count).map(|number| format!("p{number}")).collect();
            let mut pairs = vec![("PIDIMA_MODEL_PROVIDERS".to_owned(), names.join(","))];
            for name in names {
                let prefix = format!("PIDIMA_PROVIDER_{}_", name.to_uppercase());
                pairs.push((format!("{prefix}KIND"), "bedrock".to_owned()));
                pairs.push((format!("{prefix}MODEL"), "m".to_owned()));
            }
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (&**a, &**b)).collect();
            assert_eq!(faults(&pairs), told, "{count}");
        }
    }
}
