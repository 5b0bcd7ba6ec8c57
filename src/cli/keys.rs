//! `spine keys`: makes API keys, and looks at those of a configuration. No secret is kept.

use std::path::PathBuf;

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Subcommand;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{Exit, complain, read_config, say};
use crate::config::{ApiKey, KeyHash, Scope, is_key_name};
use crate::domain::{Clock, SystemClock};

/// Random bytes of a secret: nobody guesses 256 bits.
const SECRET_BYTES: usize = 32;

/// What is done with keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Makes a key: prints it once, and what to add to the configuration, which holds its hash alone.
    Create(Create),
    /// The keys of a configuration, and until when they are good.
    List(List),
    /// Whether a key, read from stdin, is good by a configuration.
    Check(List),
}

/// Options of `spine keys create`.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// What the key is called: letters, digits, `-` and `_`. It is the user name, too.
    name: String,
    /// A role that it gives, of [access.roles]; may be said several times.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// What it may be used for; may be said several times. Everything if nothing is said.
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
    /// For how many days it is good.
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// The result as JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `spine keys list` and `spine keys check`.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// The result as JSON.
    #[arg(long)]
    json: bool,
}

fn scope(text: &str) -> Result<Scope, String> {
    let known = Scope::ALL.map(Scope::as_str).join(", ");
    Scope::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| format!("known are {known}"))
}

pub(super) fn run(command: &Command) -> Exit {
    let today = SystemClock::default().today();
    match command {
        Command::Create(options) => create(options, today),
        Command::List(options) => list(options, today),
        Command::Check(options) => check(options, today),
    }
}

fn create(options: &Create, today: Date) -> Exit {
    let name = &options.name;
    if !is_key_name(name) {
        complain(&format!("error: `{name}` is no name for a key: write 1 to 64 letters, digits, `-` and `_`"));
        return Exit::Usage;
    }
    let mut bytes = [0; SECRET_BYTES];
    let expires = today.checked_add(i64::from(options.days).days());
    let (Ok(()), Ok(expires)) = (rand::fill(&mut bytes), expires) else {
        complain("error: this machine gives no random numbers");
        return Exit::Usage;
    };
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let (key, hash) = (format!("{name}.{secret}"), KeyHash::of(&secret).to_string());
    let mut table = format!("[sign_in.keys.{name}]\nhash = \"{hash}\"\nexpires = {expires}\n");
    if !options.roles.is_empty() {
        table += &entry("roles", options.roles.clone());
    }
    if !options.scopes.is_empty() {
        let scopes: Vec<&str> = options.scopes.iter().map(|scope| scope.as_str()).collect();
        table += &entry("scopes", scopes);
    }
    if options.json {
        say(&json!({ "name": name, "key": key, "hash": hash, "expires": expires, "config": table }).to_string());
    } else {
        say(&key);
        complain(&format!(
            "This is the key. It is shown now and never again. As user name and password it is `{name}` and what is after the dot.\n\
             Add to spine.toml, and start Spine anew:\n\n{table}"
        ));
    }
    Exit::Ok
}

/// A line of a TOML table. A list of plain words is spelled as in JSON.
fn entry<T: Into<Value>>(key: &str, value: Vec<T>) -> String {
    format!("{key} = {}\n", Value::from(value))
}

fn list(options: &List, today: Date) -> Exit {
    let Some(config) = read_config(&options.config) else { return Exit::Usage };
    let all = &config.sign_in.keys;
    if options.json {
        let all: Vec<Value> = all.iter().map(|(name, key)| described(name, key, today)).collect();
        say(&Value::from(all).to_string());
        return Exit::Ok;
    }
    if all.is_empty() {
        complain("There are no keys: `spine keys create` makes one.");
    }
    let width = all.keys().map(String::len).max().unwrap_or_default();
    for (name, key) in all {
        let until = match key.expires {
            None => "no end".to_owned(),
            Some(day) if today >= day => format!("expired on {day}"),
            Some(day) => format!("good until {day}"),
        };
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        say(&format!("{name:<width$}  {until:<21}  roles: {}; for: {}", key.roles.join(", "), scopes.join(", ")));
    }
    Exit::Ok
}

/// The key comes by stdin: an argument would stand in the list of processes and in the shell's history.
fn check(options: &List, today: Date) -> Exit {
    let Some(config) = read_config(&options.config) else { return Exit::Usage };
    let mut line = String::new();
    if let Err(error) = std::io::stdin().read_line(&mut line) {
        complain(&format!("error: the key cannot be read from stdin: {}", error.kind()));
        return Exit::Usage;
    }
    let Some((name, secret)) = line.trim().split_once('.') else {
        complain("error: this is no key: it is a name, a dot and a secret");
        return Exit::Usage;
    };
    let known = config.sign_in.keys.get_key_value(name).filter(|(_, key)| key.hash.is_of(secret));
    let Some((name, key)) = known else {
        complain("error: the configuration has no such key");
        return Exit::Credential;
    };
    if options.json {
        say(&described(name, key, today).to_string());
    }
    if let Some(day) = key.expires.filter(|day| today >= *day) {
        complain(&format!("error: the key expired on {day}"));
        return Exit::Credential;
    }
    if !options.json {
        say(&format!("The key {name} is good."));
    }
    Exit::Ok
}

fn described(name: &str, key: &ApiKey, today: Date) -> Value {
    let is_good = key.expires.is_none_or(|day| today < day);
    json!({ "name": name, "roles": key.roles, "scopes": key.scopes, "expires": key.expires, "good": is_good })
}
