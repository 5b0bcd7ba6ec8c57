//! Documents of one's own that are known beforehand, and who may ask with these alone.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use spine::app::App;
use spine::config::Config;
use spine::domain::{Clock, SystemClock};

use super::support::{Gateway, client, company, json_body, read_json, send};

/// A folder of this test's own, with documents.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, documents: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("spine-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        for (name, text) in documents {
            std::fs::write(path.join(name), text).unwrap();
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

const NAMES: &str = "query Names($first: Int!) { deals(first: $first) { nodes { name } } }";

const ROLES: &str = "\n[access.roles.free]\n[access.roles.bound]\nstored_only = true\n";

async fn post(gateway: &Gateway, role: &str, path: &str, body: Value) -> (u16, Value) {
    let request = client().post(format!("{}{path}", gateway.url)).header("x-spine-role", role);
    let response = send(json_body(request, &body)).await;
    (response.status().as_u16(), read_json(response).await)
}

#[tokio::test]
async fn who_asks_with_known_documents_alone_asks_with_no_others() {
    let folder = Folder::with("known", &[("names.graphql", NAMES), ("notes.txt", "not a document")]);
    let settings = format!("{ROLES}[operations]\nfolder = {:?}\n", folder.0);
    let gateway = Gateway::over(company(20), |config| config + &settings).await;
    let variables = json!({ "first": 2 });
    let free = json!({ "query": "{ deals(first: 2) { nodes { name } } }" });
    let (status, whole) = post(&gateway, "free", "/graphql", free.clone()).await;
    assert_eq!((status, whole["data"]["deals"]["nodes"].as_array().unwrap().len()), (200, 2));
    // Whether it was answered before for somebody else, or not.
    for body in [free, json!({ "query": "{ deals(first: 3) { nodes { name } } }" })] {
        let (status, refused) = post(&gateway, "bound", "/graphql", body).await;
        assert_eq!((status, &refused["errors"][0]["extensions"]["code"]), (403, &json!("DOCUMENT_NOT_STORED")));
    }
    let hash = {
        let answer =
            post(&gateway, "free", "/graphql", json!({ "documentId": "sha256:00", "variables": variables })).await;
        assert_eq!(answer.0, 404, "{}", answer.1);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, NAMES.as_bytes());
        let hex: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{}", hex.concat())
    };
    for (path, body) in [
        ("/graphql/p/names", json!({ "variables": variables })),
        ("/graphql", json!({ "documentId": "names", "variables": variables })),
        ("/graphql", json!({ "documentId": hash, "variables": variables })),
        ("/graphql", json!({ "query": NAMES, "variables": variables })),
    ] {
        let (status, answer) = post(&gateway, "bound", path, body.clone()).await;
        assert_eq!((status, &answer["data"]), (200, &whole["data"]), "{path} {body}");
    }
    let both = json!({ "documentId": "names", "query": NAMES });
    assert_eq!(post(&gateway, "free", "/graphql", both).await.0, 400);
}

#[tokio::test]
async fn a_kind_of_sign_in_can_be_bound_to_known_documents() {
    let gateway = Gateway::over(company(10), |config| config + "\n[operations]\nenforce = [\"anyone\"]\n").await;
    let request = client().post(format!("{}/graphql", gateway.url));
    let response = send(json_body(request, &json!({ "query": "{ deals(first: 1) { nodes { name } } }" }))).await;
    assert_eq!(response.status(), 403);
    let request = client().post(format!("{}/graphql/p/margin-by-vertical", gateway.url));
    assert_eq!(send(json_body(request, &json!({}))).await.status(), 200);
}

#[tokio::test]
async fn a_document_that_is_wrong_does_not_start() {
    let gateway = Gateway::over(company(5), |config| config).await;
    let base = gateway.demo.gateway_config();
    let errors = |folder: &std::path::Path| {
        let config = Config::parse("spine.toml", &format!("{base}[operations]\nfolder = {folder:?}\n")).unwrap();
        let built = App::build(&config, Arc::new(SystemClock::default()) as Arc<dyn Clock>);
        let errors = built.err().unwrap_or_default();
        errors.iter().map(|error| format!("{}: {}", error.path, error.message)).collect::<Vec<_>>().join("\n")
    };
    for (name, text, message) in [
        (
            "a.graphql",
            "{ deals { nodes { nam } } }",
            "operations.folder: a.graphql: Unknown field \"nam\" on type \"Deal\".",
        ),
        ("a.graphql", "{ deals { nodes { name } }", "operations.folder: a.graphql: "),
        (
            "a.graphql",
            "query A { metrics { name } } query B { metrics { name } }",
            "a.graphql: it must have one operation",
        ),
        ("deal-card.graphql", "{ metrics { name } }", "`deal-card` is a document of Spine's: use another name"),
        ("a b.graphql", "{ metrics { name } }", "has a name that is no part of an address"),
    ] {
        let folder = Folder::with("wrong", &[(name, text)]);
        let errors = errors(&folder.0);
        assert!(errors.contains(message), "{errors}");
    }
    assert!(errors("/nonexistent".as_ref()).contains("/nonexistent cannot be read"));
}
