//! The Tryton connector against answers that were recorded from a real Tryton (`tests/tryton/record.py`). The same
//! expectations run against a real one (`tests/real_tryton.rs`).

#[path = "../tryton/cases.rs"]
mod cases;
#[path = "../tryton/target.rs"]
#[expect(dead_code, reason = "the ports that are read against a real Tryton only")]
mod target;

/// A server that answers what it was asked when it was recorded, and refuses the rest as Tryton does.
mod server {
    use std::net::TcpListener;
    use std::sync::{Arc, LazyLock};

    use axum::extract::State;
    use axum::routing::post;
    use axum::{Json, Router};
    use serde_json::{Value, json};

    pub(crate) const PASSWORD: &str = "{ demo = \"demo-tryton\" }";
    pub(crate) const KEY: &str = "{ demo = \"demo-tryton\" }";

    /// It serves all tests, each of which has a runtime of its own: so it has one, too.
    static URL: LazyLock<String> = LazyLock::new(|| {
        let recorded: Vec<Value> = serde_json::from_str(include_str!("../tryton/recorded.json")).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let router = Router::new().route("/tryton/rpc/", post(answer)).with_state(Arc::new(recorded));
                axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await.unwrap();
            });
        });
        url
    });

    async fn answer(State(recorded): State<Arc<Vec<Value>>>, Json(question): Json<Value>) -> Json<Value> {
        if question["method"] == "common.db.login" {
            return Json(json!({ "id": 1, "result": [2, "recorded", null] }));
        }
        let is_it = |row: &&Value| row["method"] == question["method"] && row["params"] == question["params"];
        Json(match recorded.iter().find(is_it) {
            Some(row) => json!({ "id": 1, "result": row["result"] }),
            None => json!({ "id": 1, "error": ["not recorded", ""] }),
        })
    }

    pub(crate) fn url() -> String {
        URL.clone()
    }

    pub(crate) fn database() -> String {
        "tryton".to_owned()
    }

    pub(crate) fn series() -> String {
        "8".to_owned()
    }
}
