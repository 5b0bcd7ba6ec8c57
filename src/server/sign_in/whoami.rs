//! `GET /whoami`: who one is here, for people and for pages.

use std::sync::Arc;

use async_graphql::Executor;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::Serialize;

use crate::access::Viewer;
use crate::server::{Door, origin};

/// Who asks, as they are answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WhoAmI<'a> {
    kind: &'static str,
    subject: &'a str,
    name: Option<&'a str>,
    email: Option<&'a str>,
    /// The role in which this request is answered; null where no roles are configured.
    role: Option<&'a str>,
    /// All that `X-Spine-Role` may name.
    roles: Vec<&'a str>,
}

/// Who asks.
pub(in crate::server) async fn whoami<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    Extension(viewer): Extension<Arc<Viewer>>,
    headers: HeaderMap,
) -> Response {
    if !origin::is_own(&headers, &door.options.public_origins) {
        return origin::refused().into_response();
    }
    let principal = &viewer.principal;
    let who = WhoAmI {
        kind: principal.kind.as_str(),
        subject: &principal.subject,
        name: principal.name.as_deref(),
        email: principal.email.as_deref(),
        role: viewer.view.role.as_deref(),
        roles: door.sign_in.access.role_names(principal),
    };
    axum::Json(who).into_response()
}
