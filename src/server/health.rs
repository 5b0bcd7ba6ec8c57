//! Health, for load balancers and supervisors. The systems behind are no part of it: one of them being away must not
//! take Spine away too.

use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::places::Places;

/// The process answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// New requests are welcome. The configuration is loaded, or there would be no router. While many are refused because there
/// are too many, others had better be asked; what comes is answered all the same.
pub(super) fn ready(draining: &CancellationToken, places: &Places) -> (StatusCode, Json<Value>) {
    if draining.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "draining" })))
    } else if let Some(refused) = places.overloaded() {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "overloaded", "refused": refused })))
    } else {
        (StatusCode::OK, Json(json!({ "status": "ready" })))
    }
}
