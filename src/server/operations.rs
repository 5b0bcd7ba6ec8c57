//! Documents that are part of the binary. `POST /graphql/p/NAME` asks with them and sends the variables alone;
//! `GET /graphql/p/NAME?variables=JSON` does for those who cannot POST.

use http::StatusCode;
use serde_json::value::RawValue;

use super::body::Parameters;
use super::error::Refused;

/// The documents by their names. Each has one operation.
const DOCUMENTS: [(&str, &str); 2] = [
    ("deal-card", include_str!("operations/deal-card.graphql")),
    ("margin-by-vertical", include_str!("operations/margin-by-vertical.graphql")),
];

/// What HubSpot adds to the address on behalf of a card: who looks, at which account, by which app. It is part of what
/// HubSpot signs, and no part of the question.
const ADDED_BY_HUBSPOT: [&str; 4] = ["portalId", "userId", "userEmail", "appId"];

/// The body of the `POST /graphql` that would ask the same as this GET.
pub(super) fn by_get(name: &str, query: Option<&str>) -> Result<Vec<u8>, Refused> {
    let document = document(name)?;
    let mut variables = None;
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if ADDED_BY_HUBSPOT.contains(&name.as_ref()) {
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
pub(super) fn by_post(name: &str, query: Option<&str>, body: &[u8]) -> Result<Vec<u8>, Refused> {
    let document = document(name)?;
    for (name, _) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if !ADDED_BY_HUBSPOT.contains(&name.as_ref()) {
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

fn document(name: &str) -> Result<&'static str, Refused> {
    let known = DOCUMENTS.iter().find(|(known, _)| *known == name);
    known.map(|(_, document)| *document).ok_or_else(|| {
        let names = DOCUMENTS.map(|(name, _)| name).join(", ");
        let message = format!("There is no such operation: there are {names}. Any other is asked with POST /graphql.");
        Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    })
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
