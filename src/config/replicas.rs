//! `[replicas]`: the other processes that answer for the same systems.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{Seconds, SecretRef, WebOrigin};

/// The other processes that answer for the same systems. What one of them is told by a webhook to forget it tells the others,
/// before it answers, so that the next read shows the change wherever it is made. Without this section each process forgets
/// for itself.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replicas {
    /// Their addresses, one by one, e.g. `["https://spine-0.example.com", "https://spine-1.example.com"]`. The same list may
    /// stand in the file of each: who is told by itself does nothing.
    #[serde(default)]
    pub urls: Vec<String>,
    /// In place of `urls`: one address whose name leads to all of them, e.g. `http://spine-replicas:4000`, a headless service
    /// of Kubernetes. All addresses of the name are told, with TLS each by the certificate of the name.
    #[serde(default)]
    pub discover: Option<String>,
    /// With `discover`: how often the name is looked up anew, every 5 seconds unless told.
    #[serde(default)]
    pub lookup_interval: Option<Seconds>,
    /// What only the replicas know, the same in each: at least 16 characters of your own.
    pub secret: SecretRef,
    /// How long the sender of a webhook may wait until the others have forgotten, too. Who has not by then is told all the
    /// same, later.
    #[serde(default = "patience")]
    pub patience: Seconds,
    /// Whether replicas on other machines may be told by plain HTTP. Whoever is on the way can read which records have changed,
    /// and nothing of what is in them; without the secret nobody can make them forget.
    #[serde(default)]
    pub plain_http: bool,
    /// File of CA certificates (PEM) to trust beside the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

fn patience() -> Seconds {
    Seconds(Duration::from_secs(1))
}

/// The longest that the sender of a webhook is kept waiting: some do not wait for longer themselves.
const LONGEST_PATIENCE: Duration = Duration::from_secs(5);

/// The least and the most between two looks at a name.
const LOOKUPS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_mins(1));

impl Replicas {
    /// What is set to a value that cannot be, or is missing, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        match (&self.discover, self.urls.as_slice()) {
            (None, []) => {
                let message =
                    "is missing: list the addresses of the replicas, or name in `discover` one that leads to all";
                return Err(("urls", message.to_owned()));
            }
            (Some(_), [_, ..]) => return Err(("discover", "is there beside `urls`: choose".to_owned())),
            (Some(text), []) => check_url("discover", text)?,
            (None, urls) => urls.iter().try_for_each(|text| check_url("urls", text))?,
        }
        if self.patience.0.is_zero() || self.patience.0 > LONGEST_PATIENCE {
            return Err((
                "patience",
                "must be more than nothing and at most 5 seconds: senders do not wait for long".into(),
            ));
        }
        let Some(Seconds(interval)) = self.lookup_interval else { return Ok(()) };
        if self.discover.is_none() {
            return Err(("lookup_interval", "goes with `discover` alone: `urls` are not looked for".to_owned()));
        }
        if interval < LOOKUPS.0 || interval > LOOKUPS.1 {
            return Err(("lookup_interval", "must be at least \"100ms\" and at most a minute".to_owned()));
        }
        Ok(())
    }
}

/// Scheme, host and port, and nothing that would be lost or leak.
fn check_url(key: &'static str, text: &str) -> Result<(), (&'static str, String)> {
    if WebOrigin::parse(text).is_some() {
        Ok(())
    } else {
        // It is not quoted: somebody may have put a password into it.
        Err((
            key,
            "holds what is no address of a replica: write scheme, host and port, e.g. \"http://spine-0:4000\"".into(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let replicas: Replicas = toml::from_str(&format!("secret = {{ env = \"X\" }}\n{text}")).unwrap();
        replicas.check().map_or_else(|(key, message)| format!("{key}: {message}"), |()| String::new())
    }

    #[test]
    fn replicas_are_listed_or_discovered_and_each_has_a_plain_address() {
        for good in [
            "urls = [\"https://a.example.com\", \"http://10.0.0.5:4000/\"]",
            "discover = \"http://spine-replicas:4000\"",
            "discover = \"https://spine.internal\"\nlookup_interval = \"1s\"\npatience = \"250ms\"\nplain_http = true",
        ] {
            assert_eq!(problem(good), "", "{good}");
        }
        for (wrong, expected) in [
            ("", "urls: is missing"),
            ("urls = [\"http://a\"]\ndiscover = \"http://b\"", "discover: is there beside `urls`"),
            ("urls = [\"a:4000\"]", "urls: holds what is no address"),
            ("urls = [\"http://a/x\"]", "urls: holds what is no address"),
            ("discover = \"http://u:hidden@a\"", "discover: holds what is no address"),
            ("discover = \"http://a?b\"", "discover: holds what is no address"),
            ("discover = \"http://a\"\npatience = \"0s\"", "patience: must be more than nothing"),
            ("discover = \"http://a\"\npatience = \"6s\"", "patience: must be more than nothing"),
            ("urls = [\"http://a\"]\nlookup_interval = \"5s\"", "lookup_interval: goes with `discover` alone"),
            ("discover = \"http://a\"\nlookup_interval = \"0s\"", "lookup_interval: must be at least"),
        ] {
            let problem = problem(wrong);
            assert!(problem.starts_with(expected) && !problem.contains("hidden"), "{wrong}: {problem}");
        }
    }
}
