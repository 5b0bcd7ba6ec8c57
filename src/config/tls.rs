//! `[server.tls]`: TLS at the door itself.

use std::path::PathBuf;

use serde::Deserialize;

/// TLS at the door itself, 1.2 and 1.3. Without it Spine speaks plain HTTP, and a proxy in front of it has the certificate. The
/// files are read anew when they change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// File of the certificate (PEM), with those of the authorities between it and the root behind it.
    pub certificate: PathBuf,
    /// File of its private key (PEM: PKCS#8, or as the kind of key has it).
    pub key: PathBuf,
    /// File of the certificates (PEM) of the authority that issues those of clients. Programs with such a certificate sign in by
    /// it, with the roles that `[sign_in.certificates]` gives its name; others are asked for a key or a token still.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
}
