//! Documents that are known beforehand: those of the binary, and those of the configuration's folder.
//! `POST /graphql/p/NAME` asks with them and sends the variables alone; `GET /graphql/p/NAME?variables=JSON` does for those who
//! cannot POST; and `documentId` stands for them in the body of any `POST /graphql`.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use http::StatusCode;
use serde_json::value::RawValue;

use super::audit;
use super::body::Parameters;
use super::error::Refused;
use super::hubspot_signature;
use crate::access::{PrincipalKind, Viewer};
use crate::config;

/// The documents of the binary by their names. Each has one operation.
const OURS: [(&str, &str); 3] = [
    ("deal-card", include_str!("operations/deal-card.graphql")),
    ("deal-card-changed", include_str!("operations/deal-card-changed.graphql")),
    ("margin-by-vertical", include_str!("operations/margin-by-vertical.graphql")),
];

/// The largest file of a document, in bytes.
const LARGEST: u64 = 256 * 1024;

/// The documents that are known beforehand, and who asks with no others.
#[derive(Debug)]
pub struct Operations {
    stored: Vec<Stored>,
    texts: HashSet<String>,
    enforce: Vec<PrincipalKind>,
}

/// A document.
#[derive(Debug)]
struct Stored {
    name: String,
    /// `sha256:` and the hash of its text.
    id: String,
    text: String,
}

impl Operations {
    /// Reads the documents of the configuration. An error says what is wrong with the folder.
    pub fn load(config: &config::Operations) -> Result<Self, Vec<String>> {
        let mut documents: Vec<(String, String)> =
            OURS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        if let Some(folder) = &config.folder {
            let (read, errors) = read(folder);
            let ours = |name: &str| OURS.iter().any(|(known, _)| *known == name);
            let taken = read.iter().filter(|(name, _)| ours(name));
            let errors: Vec<String> = errors
                .into_iter()
                .chain(taken.map(|(name, _)| format!("`{name}` is a document of Spine's: use another name")))
                .collect();
            if !errors.is_empty() {
                return Err(errors);
            }
            documents.extend(read);
        }
        let stored = documents.into_iter().map(|(name, text)| Stored { name, id: audit::hash(&text), text });
        let stored: Vec<Stored> = stored.collect();
        let texts = stored.iter().map(|document| document.text.clone()).collect();
        Ok(Self { stored, texts, enforce: config.enforce.clone() })
    }

    /// The documents of the configuration, by name and text.
    pub fn of_folder(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all().skip(OURS.len())
    }

    fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.stored.iter().map(|document| (document.name.as_str(), document.text.as_str()))
    }

    /// Whether a viewer asks with these documents and no others.
    pub(super) fn are_all_for(&self, viewer: &Viewer) -> bool {
        let kind = viewer.principal.kind;
        viewer.view.stored_only || kind == PrincipalKind::Card || self.enforce.contains(&kind)
    }

    /// Refuses a document that is not known beforehand to who asks with no others.
    pub(super) fn admit(&self, viewer: &Viewer, document: &str) -> Result<(), Refused> {
        if !self.are_all_for(viewer) || self.texts.contains(document) {
            return Ok(());
        }
        let message =
            "You ask with documents that are known beforehand, and this is none: `/graphql/p/NAME`, or `documentId`.";
        Err(Refused::new(StatusCode::FORBIDDEN, "DOCUMENT_NOT_STORED", message))
    }

    /// The document with a name, or with a hash.
    pub(super) fn by_id(&self, id: &str) -> Result<&str, Refused> {
        let known = self.stored.iter().find(|document| document.name == id || document.id == id);
        known.map(|document| document.text.as_str()).ok_or_else(|| {
            let message = "`documentId` names no document that is known here: it is a name, or `sha256:` and the hash of its text.";
            Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
        })
    }

    fn named(&self, name: &str) -> Result<&str, Refused> {
        let known = self.stored.iter().find(|document| document.name == name);
        known.map(|document| document.text.as_str()).ok_or_else(|| {
            let names: Vec<&str> = self.all().map(|(name, _)| name).collect();
            let names = names.join(", ");
            let message =
                format!("There is no such operation: there are {names}. Any other is asked with POST /graphql.");
            Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
        })
    }
}

/// The documents of a folder, by name and text, and what is wrong there.
fn read(folder: &Path) -> (Vec<(String, String)>, Vec<String>) {
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return (documents, vec![format!("{} cannot be read: {error}", folder.display())]),
    };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "graphql")) {
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        {
            errors.push(format!(
                "{} has a name that is no part of an address: use letters, digits, - and _",
                path.display()
            ));
            continue;
        }
        let length = fs::metadata(path).map_or(0, |file| file.len());
        match fs::read_to_string(path) {
            Ok(_) if length > LARGEST => errors.push(format!("{} is larger than {LARGEST} bytes", path.display())),
            Ok(text) => documents.push((name.to_owned(), text)),
            Err(error) => errors.push(format!("{} cannot be read: {error}", path.display())),
        }
    }
    (documents, errors)
}

/// The body of the `POST /graphql` that would ask the same as this GET.
pub(super) fn by_get(operations: &Operations, name: &str, query: Option<&str>) -> Result<Vec<u8>, Refused> {
    let document = operations.named(name)?;
    let mut variables = None;
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if hubspot_signature::PARAMETERS.contains(&name.as_ref()) {
            continue;
        }
        if name != "variables" {
            return Err(unknown(&name, "there is variables"));
        }
        if variables.replace(value).is_some() {
            return Err(Refused::bad_request("`variables` is there twice: say it once."));
        }
    }
    let variables = variables.as_deref().unwrap_or("{}");
    // One JSON value and nothing behind it: it goes into the body as it is.
    let variables: &RawValue =
        serde_json::from_str(variables).map_err(|_| Refused::bad_request("`variables` is not valid JSON."))?;
    Ok(asking(document, Some(variables), None))
}

/// The body of the `POST /graphql` that would ask the same as this POST.
pub(super) fn by_post(
    operations: &Operations,
    name: &str,
    query: Option<&str>,
    body: &[u8],
) -> Result<Vec<u8>, Refused> {
    let document = operations.named(name)?;
    for (name, _) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if !hubspot_signature::PARAMETERS.contains(&name.as_ref()) {
            return Err(unknown(&name, "a POST has its variables in the body"));
        }
    }
    let Parameters { query, operation_name, variables, .. } = Parameters::parse(body, "variables")?;
    if query.is_some() {
        let message =
            "`query` is not for the caller to say: the operation's name stands for it. Send `variables` alone.";
        return Err(Refused::bad_request(message));
    }
    Ok(asking(document, variables, operation_name))
}

fn unknown(parameter: &str, hint: &str) -> Refused {
    let start: String = parameter.chars().take(40).collect();
    Refused::bad_request(format!("There is no parameter `{start}`: {hint}."))
}

/// The same text for the same question, by whichever method: answers are kept by it.
fn asking(document: &str, variables: Option<&RawValue>, operation: Option<&RawValue>) -> Vec<u8> {
    let variables = variables.map_or("{}", RawValue::get);
    let document = serde_json::Value::from(document);
    let operation = operation.map(|name| format!(",\"operationName\":{name}")).unwrap_or_default();
    format!("{{\"query\":{document},\"variables\":{variables}{operation}}}").into_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_card_follows_all_that_it_shows() {
        let words = |name: &str| -> BTreeSet<&str> {
            let (_, text) = OURS.iter().find(|(known, _)| *known == name).unwrap();
            let code = text.lines().filter_map(|line| line.split('#').next());
            code.flat_map(|line| line.split(|sign: char| !sign.is_alphanumeric())).collect()
        };
        // Where and when it was read is shown too, and is no change by itself.
        let left_out = ["asOf", "connection", "projectId", "recordId", "source", "sources", "system"];
        let of_the_question = ["DealCard", "DealLookup", "by", "deal", "query"];
        let expected: BTreeSet<&str> = left_out.into_iter().chain(of_the_question).collect();
        let (shown, followed) = (words("deal-card"), words("deal-card-changed"));
        assert_eq!(shown.difference(&followed).copied().collect::<BTreeSet<_>>(), expected);
    }
}
