//! Faults, as the vendor words them: JSON, lower-case JSON of its front door, and XML for who does not ask for JSON.

use std::borrow::Cow;

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;

/// A refusal.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    status: StatusCode,
    kind: &'static str,
    code: u32,
    message: &'static str,
    detail: Cow<'static, str>,
}

impl Fault {
    fn validation(code: u32, message: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "ValidationFault", code, message, detail: detail.into() }
    }

    /// A statement that cannot be read.
    pub(super) fn parser(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::validation(4000, "Error parsing query", detail.into())
    }

    /// A property that cannot be asked about.
    pub(super) fn not_queryable(name: &str) -> Self {
        Self::validation(4001, "Invalid query", format!("QueryValidationError: property '{name}' is not queryable"))
    }

    /// A record that is not there.
    pub(super) fn not_found() -> Self {
        Self::validation(
            610,
            "Object Not Found",
            "Object Not Found : Something you're trying to use has been made inactive.",
        )
    }

    /// What is not done here.
    pub(super) fn unsupported() -> Self {
        Self::validation(500, "Unsupported Operation", "Operation is not supported: the embedded system only reads.")
    }

    /// The front door's refusal of a token: `errors` in lower case.
    pub(super) fn not_signed_in() -> Response {
        let message = "message=AuthenticationFailed; errorCode=003200; statusCode=401";
        let error = json!({ "message": message, "detail": "Token expired: ****", "code": "3200", "element": null });
        let fault = json!({ "error": [error], "type": "AUTHENTICATION" });
        let body = json!({ "warnings": null, "intuitObject": null, "fault": fault, "report": null });
        (StatusCode::UNAUTHORIZED, Json(body)).into_response()
    }

    /// The front door's refusal of a token for another company.
    pub(super) fn other_company() -> Response {
        let message = "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403";
        let error = json!({ "message": message, "detail": null, "code": "3100", "element": null });
        let fault = json!({ "error": [error], "type": "AUTHORIZATION" });
        (StatusCode::FORBIDDEN, Json(json!({ "warnings": null, "fault": fault }))).into_response()
    }

    /// The answer, in JSON or XML.
    pub(super) fn into_response(self, headers: &HeaderMap) -> Response {
        let json_wanted =
            headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|a| a.contains("json"));
        let mut response = if json_wanted {
            let error = json!({ "Message": self.message, "Detail": self.detail, "code": self.code.to_string() });
            let fault = json!({ "Error": [error], "type": self.kind });
            Json(json!({ "Fault": fault, "time": TIME })).into_response()
        } else {
            let detail = self.detail.replace('&', "&amp;").replace('<', "&lt;");
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><IntuitResponse \
                 xmlns=\"http://schema.intuit.com/finance/v3\" time=\"{TIME}\"><Fault type=\"{}\"><Error code=\"{}\">\
                 <Message>{}</Message><Detail>{detail}</Detail></Error></Fault></IntuitResponse>",
                self.kind, self.code, self.message
            );
            ([(CONTENT_TYPE, "application/xml;charset=UTF-8")], body).into_response()
        };
        *response.status_mut() = self.status;
        response
    }
}

/// When an answer was made. The embedded company's clock stands still.
pub(super) const TIME: &str = "2026-11-25T10:00:00.000-08:00";

/// The number that Intuit's support asks for, on every answer.
pub(super) fn with_support_id(mut response: Response) -> Response {
    let id = format!("1-{:08x}-{:024x}", fastrand::u32(..), fastrand::u128(..) >> 32);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("intuit_tid"), id);
    }
    response
}
