//! The real Tryton that `setup.sh` has set up.

use secrecy::ExposeSecret;
use spine::config::SecretRef;

/// Where the password and the key are.
pub(crate) const PASSWORD: &str = "{ env = \"SPINE_TRYTON_PASSWORD\" }";
pub(crate) const KEY: &str = "{ env = \"SPINE_TRYTON_KEY\" }";

fn variable(name: &str) -> String {
    let read = SecretRef::Env(name.to_owned()).read();
    read.expect("run tests/tryton/setup.sh first").expose_secret().to_owned()
}

pub(crate) fn url() -> String {
    variable("SPINE_TRYTON_URL")
}

pub(crate) fn database() -> String {
    variable("SPINE_TRYTON_DATABASE")
}

pub(crate) fn series() -> String {
    variable("SPINE_TRYTON_SERIES")
}
