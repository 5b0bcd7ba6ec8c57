//! What Odoo says when it does not answer, and what of it may be repeated: names of exceptions, models and fields. The
//! rest of a message can quote records, and its trace the server.

use serde::Deserialize;

use crate::systems::ErrorKind;
use crate::systems::http::{self as shared, Failure, Response, Retry};

/// The body of a refusal by JSON-RPC, which comes with status 200, below `error`.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    data: Option<Said>,
}

/// The exception: below `data` by JSON-RPC, the body itself by JSON-2.
#[derive(Debug, Default, Deserialize)]
struct Said {
    name: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: Refusal,
}

impl Refusal {
    /// What it means.
    pub(super) fn failure(self) -> Failure {
        let said = self.data.unwrap_or_default();
        let name = said.name.as_deref().unwrap_or_default();
        let class = name.rsplit('.').next().unwrap_or_default();
        let (kind, retry) = match class {
            "AccessDenied" | "SessionExpiredException" => (ErrorKind::Unauthorized, Retry::No),
            "AccessError" => (ErrorKind::Forbidden, Retry::No),
            "MissingError" | "UserError" | "ValidationError" | "RedirectWarning" | "ValueError" | "KeyError"
            | "TypeError" | "AttributeError" | "NotFound" => (ErrorKind::BadRequest, Retry::No),
            // Two transactions met, or the database was away for a moment.
            "SerializationFailure" | "DeadlockDetected" | "LockNotAvailable" | "OperationalError" => {
                (ErrorKind::Broken, Retry::Backoff)
            }
            _ => (ErrorKind::Broken, Retry::No),
        };
        Failure { kind, retry, detail: said.detail() }
    }
}

impl Said {
    /// The exception, and what it is about.
    fn detail(&self) -> Option<String> {
        let name = technical(self.name.as_deref()?)?;
        let about = self.message.as_deref().and_then(about);
        Some(about.map_or_else(|| name.to_owned(), |about| format!("{name}: {about}")))
    }
}

/// The field or model that a message is about.
fn about(message: &str) -> Option<String> {
    if let Some(field) = message.strip_prefix("Invalid field ") {
        // `Invalid field crm.lead.x in leaf (...)`, `Invalid field 'x' on model 'crm.lead'`
        let field = technical(field.split_whitespace().next()?.trim_matches(['\'', '"']))?;
        let model =
            message.split(" on model ").nth(1).and_then(|model| technical(model.trim_matches(['\'', '"', '.'])));
        let on = model.map(|model| format!(" of `{model}`")).unwrap_or_default();
        return Some(format!("there is no field `{field}`{on}"));
    }
    if let Some(model) = message.strip_prefix("Object ").and_then(|rest| rest.split_whitespace().next()) {
        return Some(format!("there is no model `{}`: its module is not installed", technical(model)?));
    }
    if let Some((before, after)) = message.split_once("Fields:") {
        // `Document type: Project (project.project)`, `- stage_id (allowed for groups '...')`
        let fields: Vec<String> = after
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- ")?.split_whitespace().next())
            .filter_map(|field| Some(format!("`{}`", technical(field)?)))
            .collect();
        let model = before.rsplit_once('(').and_then(|(_, rest)| technical(rest.split(')').next()?));
        let on = model.map(|model| format!(" of `{model}`")).unwrap_or_default();
        return (!fields.is_empty()).then(|| format!("the user may not read {}{on}", fields.join(", ")));
    }
    // `You are not allowed to access 'Journal Entry' (account.move) records.`
    let (before, after) = message.split_once(" records")?;
    let denied = before.starts_with("You are not allowed") && !after.is_empty();
    let model = before.rsplit_once('(')?.1.strip_suffix(')').and_then(technical).filter(|_| denied)?;
    Some(format!("the user may not read `{model}`"))
}

/// A name of an exception, model or field. Anything else is not repeated.
fn technical(name: &str) -> Option<&str> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    (plain && !name.is_empty() && name.len() <= 80).then_some(name)
}

/// The usual table, and what comes with status 200. JSON-2 has statuses, and says in its body what they are about.
pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    let shared = shared::classify(response);
    match &shared {
        Ok(()) if begins_with_error(&response.body) => match serde_json::from_slice::<Refused>(&response.body) {
            Ok(refused) => Err(refused.error.failure()),
            Err(_) => Ok(()),
        },
        Ok(()) => Ok(()),
        Err(_) => shared.map_err(|mut failure| {
            if let Ok(said) = serde_json::from_slice::<Said>(&response.body)
                && let Some(detail) = said.detail()
            {
                failure.detail = Some(detail);
            }
            failure
        }),
    }
}

/// Odoo writes the error before all that is long; a result is not parsed twice for its sake.
fn begins_with_error(body: &[u8]) -> bool {
    let head = body.get(..200).unwrap_or(body);
    head.windows(7).any(|window| window == b"\"error\"")
}
