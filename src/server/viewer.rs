//! Who asks: every request behind this layer has its [`Viewer`].

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode};

use super::error::Refused;
use crate::access::{Access, NoRole, Principal, Viewer};

/// In which of their roles somebody wants to be answered.
const ROLE: HeaderName = HeaderName::from_static("x-spine-role");

/// Names the viewer of a request.
pub(super) async fn name(State(access): State<Arc<Access>>, mut request: Request, next: Next) -> Response {
    let wanted = match request.headers().get(ROLE).map(|role| role.to_str()) {
        None => None,
        Some(Ok(role)) => Some(role),
        Some(Err(_)) => return no_role(&NoRole::NotYours).into_response(),
    };
    match access.viewer(Principal::anyone(), wanted) {
        Ok(viewer) => {
            request.extensions_mut().insert(viewer);
            next.run(request).await
        }
        Err(error) => no_role(&error).into_response(),
    }
}

/// Who asks.
pub(super) fn of(extensions: &http::Extensions) -> Arc<Viewer> {
    extensions.get::<Arc<Viewer>>().map_or_else(Viewer::anyone, Arc::clone)
}

/// The answer to somebody without a role.
fn no_role(error: &NoRole) -> Refused {
    Refused::new(StatusCode::FORBIDDEN, "NO_ROLE", error.to_string())
}
