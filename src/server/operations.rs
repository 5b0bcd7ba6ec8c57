//! Documents that are part of the binary: `GET /graphql/p/NAME?variables=JSON` asks with them, for those who cannot POST.

use http::StatusCode;
use serde_json::value::RawValue;

use super::error::Refused;

/// The documents by their names. Each has one operation.
const DOCUMENTS: [(&str, &str); 2] = [
    ("deal-card", include_str!("operations/deal-card.graphql")),
    ("margin-by-vertical", include_str!("operations/margin-by-vertical.graphql")),
];

/// The body of the POST that would ask the same.
pub(super) fn body(name: &str, query: Option<&str>) -> Result<Vec<u8>, Refused> {
    let Some((_, document)) = DOCUMENTS.iter().find(|(known, _)| *known == name) else {
        let names = DOCUMENTS.map(|(name, _)| name).join(", ");
        let message = format!("There is no such operation: there are {names}. Any other is asked with POST /graphql.");
        return Err(Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", message));
    };
    let mut variables = None;
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if name != "variables" {
            let start: String = name.chars().take(40).collect();
            return Err(Refused::bad_request(format!("There is no parameter `{start}`: there is variables.")));
        }
        if variables.replace(value).is_some() {
            return Err(Refused::bad_request("`variables` is there twice: say it once."));
        }
    }
    let variables = variables.as_deref().unwrap_or("{}");
    // One JSON value and nothing behind it: it goes into the body as it is.
    let variables: &RawValue =
        serde_json::from_str(variables).map_err(|_| Refused::bad_request("`variables` is not valid JSON."))?;
    let document = serde_json::Value::from(*document);
    Ok(format!("{{\"query\":{document},\"variables\":{variables}}}").into_bytes())
}
