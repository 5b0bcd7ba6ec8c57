//! Secrets: named in the configuration, never written in it.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Where a secret is: `{ file = "/run/secrets/hubspot" }` or `{ env = "HUBSPOT_TOKEN" }`.
#[derive(Clone, Deserialize, schemars::JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "snake_case")]
pub enum SecretRef {
    /// A file that holds the secret and nothing else; one newline at its end is dropped.
    File(PathBuf),
    /// An environment variable. Prefer a file: variables are inherited and show up in dumps.
    Env(String),
    /// A word of the embedded systems, which is no secret: it begins with `demo-`. Anything else is refused.
    Demo(String),
}

/// Without the word of an embedded system: somebody may have written a secret there.
impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Env(name) => f.debug_tuple("Env").field(name).finish(),
            Self::Demo(_) => f.debug_tuple("Demo").finish_non_exhaustive(),
        }
    }
}

/// Somebody who writes the secret itself in place of the table is told so without being quoted.
impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TableVisitor;

        impl<'de> Visitor<'de> for TableVisitor {
            type Value = SecretRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("{ file = \"...\" } or { env = \"...\" }")
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<SecretRef, E> {
                Err(E::custom(
                    "a secret does not stand in the configuration: write { file = \"...\" } or { env = \"...\" }",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretRef, A::Error> {
                SecretRef::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_any(TableVisitor)
    }
}

impl SecretRef {
    /// Reads the secret. The error says what could not be read, and never a part of it.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads secrets from the environment")]
    pub fn read(&self) -> Result<SecretString, String> {
        let text = match self {
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|error| format!("the secret file {} cannot be read: {}", path.display(), error.kind()))?,
            Self::Env(name) => {
                std::env::var(name).map_err(|_| format!("the environment variable {name} is not set or not text"))?
            }
            Self::Demo(word) if word.starts_with("demo-") => word.clone(),
            Self::Demo(_) => {
                return Err(
                    "a secret does not stand in the configuration: write { file = \"...\" } or { env = \"...\" }"
                        .to_owned(),
                );
            }
        };
        let secret = text.strip_suffix('\n').unwrap_or(&text);
        let secret = secret.strip_suffix('\r').unwrap_or(secret);
        if secret.is_empty() {
            return Err(match self {
                Self::File(path) => format!("the secret file {} is empty", path.display()),
                Self::Env(name) => format!("the environment variable {name} is empty"),
                Self::Demo(_) => "the word is empty".to_owned(),
            });
        }
        Ok(SecretString::from(secret))
    }
}
