//! Sources of settings outside the machine, and how they are read.

use std::time::Duration;

use super::Env;

/// Most secrets at once.
const MOST_SECRETS: usize = 10;
/// Longest path of parameters: AWS takes 15 levels and some 1000 characters of name.
const MOST_PATH_BYTES: usize = 512;

/// Which sources there are. They can be told by the environment and its file alone.
#[derive(Clone, Debug)]
pub struct SourcesConfig {
    /// `PIDIMA_SECRETS`: ARNs or names of secrets of Secrets Manager that hold settings, separated by commas; absent: none.
    pub secrets: Vec<String>,
    /// `PIDIMA_PARAMETERS_PATH`: path of Parameter Store beneath which settings are; absent: none. Ends with a slash here.
    pub parameters_path: Option<String>,
    /// `PIDIMA_SETTINGS_TIMEOUT_MS`: time for reading one of them, all tries included; default 10000.
    pub timeout: Duration,
    /// `PIDIMA_SETTINGS_TRIES`: tries of one request; default 3.
    pub tries: u32,
    /// `PIDIMA_SETTINGS_MAX_BYTES`: largest secret, and most bytes of all parameters; default 262144.
    pub max_bytes: usize,
    /// `PIDIMA_SETTINGS_REFRESH_MS`: how often all sources are read again while the service runs; default 60000.
    pub refresh: Duration,
}

impl SourcesConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            secrets: secrets(env),
            parameters_path: parameters_path(env),
            timeout: env.millis("PIDIMA_SETTINGS_TIMEOUT_MS", 10_000, 100, 60_000),
            tries: env.number("PIDIMA_SETTINGS_TRIES", 3, 1, 10),
            max_bytes: env.number("PIDIMA_SETTINGS_MAX_BYTES", 262_144, 1_024, 4_194_304),
            refresh: env.millis("PIDIMA_SETTINGS_REFRESH_MS", 60_000, 100, 86_400_000),
        }
    }
}

fn secrets(env: &Env) -> Vec<String> {
    let list = env.text("PIDIMA_SECRETS").unwrap_or_default();
    let ids = list.split(',').map(str::trim).filter(|id| !id.is_empty());
    let ids: Vec<String> = ids.map(str::to_owned).collect();
    if ids.len() > MOST_SECRETS {
        env.fault(format!(
            "PIDIMA_SECRETS names {} secrets: give {MOST_SECRETS} at most",
            ids.len()
        ));
    }
    for (index, id) in ids.iter().enumerate() {
        if ids[..index].contains(id) {
            env.fault(format!("PIDIMA_SECRETS names {id} twice: name it once"));
        }
    }
    ids
}

fn parameters_path(env: &Env) -> Option<String> {
    let path = env.text("PIDIMA_PARAMETERS_PATH")?;
    let inner = path.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let is_plain = |part: &str| {
        !part.is_empty() && part.chars().all(|it| it.is_ascii_alphanumeric() || "._-".contains(it))
    };
    if path.len() > MOST_PATH_BYTES || !inner.is_some_and(|inner| inner.split('/').all(is_plain)) {
        env.fault(format!(
            "PIDIMA_PARAMETERS_PATH is \"{path}\": give a path such as /pidima/prod/, {MOST_PATH_BYTES} bytes at most"
        ));
        return None;
    }
    inner.map(|inner| format!("/{inner}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> (SourcesConfig, Vec<String>) {
        let env = Env::from_pairs([(name, value)]);
        let config = SourcesConfig::from_env(&env);
        (config, env.finish().err().map(|error| error.faults).unwrap_or_default())
    }

    #[test]
    fn a_path_begins_with_a_slash_and_may_end_with_one() {
        for path in ["/pidima/prod", "/pidima/prod/"] {
            let (config, faults) = read("PIDIMA_PARAMETERS_PATH", path);
            assert_eq!(
                (config.parameters_path.as_deref(), faults.len()),
                (Some("/pidima/prod/"), 0)
            );
        }
        let longest = format!("/{}", "a".repeat(MOST_PATH_BYTES - 1));
        assert_eq!(read("PIDIMA_PARAMETERS_PATH", &longest).1, [""; 0]);
        for path in ["pidima", "/", "//", "/a//b", "/a b", &format!("{longest}a")] {
            let faults = read("PIDIMA_PARAMETERS_PATH", path).1;
            assert_eq!(faults.len(), 1, "{path}");
        }
    }

    #[test]
    fn secrets_are_ten_at_most_and_each_stands_once() {
        let names = |count: usize| {
            let names: Vec<String> = (0..count).map(|number| format!("s{number}")).collect();
            names.join(", ")
        };
        assert_eq!(read("PIDIMA_SECRETS", &names(MOST_SECRETS)).0.secrets.len(), MOST_SECRETS);
        for (list, faults) in [(names(10), 0), (names(11), 1), ("a, b, a".to_owned(), 1)] {
            assert_eq!(read("PIDIMA_SECRETS", &list).1.len(), faults, "{list}");
        }
    }
}
