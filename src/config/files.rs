//! The files that a configuration names: those that are read again when they change.

use std::path::PathBuf;

use toml::{Table, Value};

/// The files and folders that a configuration names, in the order of the text, and none that Spine itself writes: the audit
/// trail, and the tokens that QuickBooks exchanges. Of a text that is no TOML there are none.
pub fn named_files(text: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    if let Ok(table) = text.parse::<Table>() {
        collect(&table, &mut Vec::new(), &mut files);
    }
    files
}

fn collect<'t>(table: &'t Table, path: &mut Vec<&'t str>, files: &mut Vec<PathBuf>) {
    for (key, value) in table {
        path.push(key);
        match value {
            Value::Table(inner) => collect(inner, path, files),
            Value::String(file) if names_a_file(path) => files.push(file.into()),
            _ => {}
        }
        path.pop();
    }
}

/// Whether the text at a path is the name of a file that Spine reads.
fn names_a_file(path: &[&str]) -> bool {
    match path {
        ["audit", "file"] | ["connections", _, "tokens", "file"] | [] => false,
        ["server", "tls", _] | ["operations", "folder"] => true,
        [.., key] => matches!(*key, "file" | "ca_file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_wherever_they_are_named_but_for_those_that_spine_writes() {
        let text = r#"
[server.tls]
certificate = "server.pem"
key = "server.key"
client_ca = "clients.pem"
[operations]
folder = "documents"
[audit]
file = "audit.jsonl"
[sign_in.oidc.company]
ca_file = "issuer.pem"
[sign_in.hubspot]
client_secret = { file = "/run/secrets/app" }
[http]
ca_file = "all.pem"
[connections.crm]
token = { file = "/run/secrets/crm" }
http = { ca_file = "crm.pem" }
webhook = { secret = { file = "hook" } }
[connections.books]
client_secret = { env = "file" }
tokens = { file = "tokens.json" }
[connections.own]
auth = { kind = "basic", password = { file = "own" } }
deals = { key = "id", path = "/file" }
"#;
        let files: Vec<String> = named_files(text).iter().map(|file| file.display().to_string()).collect();
        let expected = "server.pem server.key clients.pem documents issuer.pem /run/secrets/app all.pem /run/secrets/crm crm.pem hook own";
        assert_eq!(files.join(" "), expected);
        assert_eq!(named_files("no TOML"), Vec::<PathBuf>::new());
    }
}
