//! Health, for load balancers and supervisors. The systems behind are no part of it: one of them being away must not
//! take Spine away too.

use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::configuration::Configuration;
use super::places::Places;

/// The process answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// New requests are welcome. A configuration is loaded, or there would be no router; that a newer one cannot be used is said,
/// and no reason to take Spine away. While many are refused because there are too many, others had better be asked; what comes
/// is answered all the same.
pub(super) fn ready(
    stopping: &CancellationToken,
    places: &Places,
    configuration: &Configuration,
) -> (StatusCode, Json<Value>) {
    let refused = places.overloaded();
    let (status, word) = match refused {
        _ if stopping.is_cancelled() => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
        None => (StatusCode::OK, "ready"),
    };
    let mut said = json!({ "status": word, "configuration": configuration.state() });
    if let (Some(refused), Some(said)) = (refused, said.as_object_mut()) {
        said.insert("refused".to_owned(), json!(refused));
    }
    (status, Json(said))
}
