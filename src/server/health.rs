//! Health, for load balancers and supervisors. The systems behind are no part of it: one of them being away must not
//! take Spine away too.

use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::configuration::Configuration;

/// The process answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// New requests are welcome. A configuration is loaded, or there would be no router; that a newer one cannot be used is said,
/// and no reason to take Spine away.
pub(super) fn ready(draining: &CancellationToken, configuration: &Configuration) -> (StatusCode, Json<Value>) {
    let (status, word) =
        if draining.is_cancelled() { (StatusCode::SERVICE_UNAVAILABLE, "draining") } else { (StatusCode::OK, "ready") };
    (status, Json(json!({ "status": word, "configuration": configuration.state() })))
}
