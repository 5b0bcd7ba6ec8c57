//! Signing in, and answers that are not what was promised.

use super::*;
use crate::domain::ClientId;
use crate::systems::secret_file::SecretFile;
use crate::systems::{ErrorKind, SystemError};

const CLIENTS: &str = r#"
[clients]
by_id = { path = "/x?ids={ids}", rows = "rows", error = "error.message" }
fields = { id = "id", name = "name" }
"#;

async fn one(connection: &Connection) -> Result<Option<String>, SystemError> {
    let key = ClientId::new("1");
    let mut batch = connection.clients.as_ref().unwrap().clients(&call(), std::slice::from_ref(&key)).await?;
    match batch.failed.remove(&key) {
        Some(error) => Err(error),
        None => Ok(batch.found.remove(&key).and_then(|client| client.name)),
    }
}

async fn answered(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Result<Option<String>, SystemError> {
    let stub = stub(answer).await;
    one(&connection(&stub.url, CLIENTS)).await
}

#[tokio::test]
async fn signs_in_as_configured() {
    let files = ["bearer-token\n", "basic-password\n", "key\n"].map(SecretFile::new);
    let [token, password, key] = files.each_ref().map(SecretFile::reference);
    for (auth, name, value) in [
        (format!(r#"{{ kind = "bearer", token = {token} }}"#), "authorization", "Bearer bearer-token"),
        (
            format!(r#"{{ kind = "basic", user = "spine", password = {password} }}"#),
            "authorization",
            "Basic c3BpbmU6YmFzaWMtcGFzc3dvcmQ=",
        ),
        (format!(r#"{{ kind = "header", name = "X-API-Key", value = {key} }}"#), "x-api-key", "key"),
    ] {
        let stub = stub(|_| json(r#"{"rows":[]}"#)).await;
        let text = format!("auth = {auth}\nheaders = {{ Accept-Language = \"de\" }}\n{CLIENTS}");
        one(&connection(&stub.url, &text)).await.unwrap();
        let headers = stub.last().headers;
        assert_eq!(headers[name], value);
        assert_eq!(headers["accept-language"], "de");
    }
    let stub = stub(|_| json(r#"{"rows":[]}"#)).await;
    one(&connection(&stub.url, CLIENTS)).await.unwrap();
    assert!(!stub.last().headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_secret_shows_in_no_error_and_no_debug_output() {
    let file = SecretFile::new("very-secret-token\n");
    let token = file.reference();
    let stub = stub(|_| status(401, r#"{"error":"very-secret-token"}"#)).await;
    let text = format!("auth = {{ kind = \"bearer\", token = {token} }}\n{CLIENTS}");
    let connection = connection(&stub.url, &text);
    let error = one(&connection).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(!format!("{error} {error:?} {connection:?}").contains("very-secret"));
}

#[tokio::test]
async fn the_label_of_the_content_does_not_matter_its_bytes_do() {
    let good = r#"{"rows":[{"id":"1","name":"Ana"}]}"#;
    let labelled =
        |kind: &'static str, body: String| answered(move |_| ([(CONTENT_TYPE, kind)], body.clone()).into_response());
    assert_eq!(labelled("text/plain", good.to_owned()).await.unwrap().as_deref(), Some("Ana"));
    assert_eq!(labelled("text/html", format!("\u{feff}{good}")).await.unwrap().as_deref(), Some("Ana"));
    let html = labelled("application/json", "<html>sign in</html>".to_owned()).await;
    assert_eq!(html.unwrap_err().kind, ErrorKind::BadResponse);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error() {
    for body in [
        r#"{"rows":[{"id":"1","name":"Ana"}"#,
        r#"{"rows":[{"id":"1","name":"Ana"}]} trailing"#,
        r#"{"data":[]}"#,
        r#"{"rows":{"id":"1"}}"#,
        r#"{"rows":["1"]}"#,
        r#"{"rows":5}"#,
        "[]",
        "{}",
    ] {
        let error = answered(move |_| json(body)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadResponse, "{body}");
        assert!(!error.to_string().contains("Ana"), "{error}");
    }
    let not_utf8 = answered(|_| {
        ([(CONTENT_TYPE, "application/json")], b"{\"rows\":[{\"id\":\"\xe4\"}]}".to_vec()).into_response()
    });
    assert_eq!(not_utf8.await.unwrap_err().kind, ErrorKind::BadResponse);
}

#[tokio::test]
async fn an_error_inside_a_success_is_an_error_whatever_stands_beside_it() {
    for body in [
        r#"{"error":{"message":"no such customer Ana"}}"#,
        r#"{"rows":[],"error":{"message":"locked"}}"#,
        r#"{"error":{"message":"locked"},"rows":[{"id":"1","name":"Ana"}]}"#,
    ] {
        let error = answered(move |_| json(body)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadResponse, "{body}");
        assert!(!error.to_string().contains("Ana"));
    }
    for body in [r#"{"rows":[],"error":null}"#, r#"{"rows":[],"error":{"message":""}}"#, r#"{"rows":null}"#] {
        assert_eq!(answered(move |_| json(body)).await.unwrap(), None, "{body}");
    }
}

#[tokio::test]
async fn an_error_in_place_of_one_object_is_an_error_and_no_record() {
    let stub = stub(|_| json(r#"{"error":{"message":"locked"},"id":"1","name":"Ana"}"#)).await;
    let text = CLIENTS.replace(r#"/x?ids={ids}", rows = "rows""#, r#"/x/{id}", single = true"#);
    let error = one(&connection(&stub.url, &text)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadResponse);
}

#[tokio::test]
async fn statuses_mean_what_they_mean() {
    for (code, kind) in [
        (400, ErrorKind::BadRequest),
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::BadRequest),
        (422, ErrorKind::BadRequest),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Broken),
        (503, ErrorKind::Broken),
    ] {
        assert_eq!(answered(move |_| status(code, "{}")).await.unwrap_err().kind, kind, "{code}");
    }
    let nothing = |_: &_| StatusCode::NO_CONTENT.into_response();
    assert_eq!(answered(nothing).await.unwrap_err().kind, ErrorKind::BadResponse, "it may come from anything");
}

#[tokio::test]
async fn the_rows_may_lie_anywhere() {
    for (rows, single, body) in [
        ("", false, r#"[{"id":"1","name":"Ana"}]"#),
        ("data.items", false, r#"{"x":[1,{"items":2}],"data":{"n":1,"items":[{"id":1,"name":"Ana"}]}}"#),
        ("results.0.rows", false, r#"{"results":[{"rows":[{"id":"1","name":"Ana"}]},{"rows":[]}]}"#),
        ("", true, r#"{"id":"1","name":"Ana","items":[{"id":"2"}]}"#),
        ("client", true, r#"{"client":{"na\u006de":"Ana","id":"1"}}"#),
    ] {
        let stub = stub(move |_| json(body)).await;
        let path = if single { "/x/{id}" } else { "/x?ids={ids}" };
        let text = format!(
            "[clients]\nby_id = {{ path = \"{path}\", rows = \"{rows}\", single = {single} }}\nfields = {{ id = \"id\", name = \"name\" }}"
        );
        assert_eq!(one(&connection(&stub.url, &text)).await.unwrap().as_deref(), Some("Ana"), "{body}");
    }
}

#[tokio::test]
async fn only_configured_calls_are_made() {
    let stub = stub(|_| json(r#"{"rows":[]}"#)).await;
    let text =
        format!("{CLIENTS}\n[contacts]\nby_deal = {{ path = \"/d/{{id}}\", body = {{}} }}\nfields = {{ id = \"id\" }}");
    let config: Config = toml::from_str(&format!("url = \"{}\"\n{text}", stub.url)).unwrap();
    let reads: Vec<String> =
        crate::systems::declared::check::reads(&config.split().1).iter().map(|read| format!("{read:?}")).collect();
    assert_eq!(reads.len(), 2);
    assert!(reads[0].contains("GET") && reads[0].contains("\"/x\""), "{reads:?}");
    assert!(reads[1].contains("POST") && reads[1].contains("\"/d/*\""), "{reads:?}");
}
