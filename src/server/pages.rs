//! The pages for people, GraphiQL, the reports and the deal card, from files that are part of the binary: nothing is fetched from another
//! host. `make web` builds them; `build.rs` brings them here.

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::{Path, Request};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use rust_embed::Embed;

use super::error::Refused;
use super::headers::MayBeFramed;
use super::media::{accepts_encoding, wants_html};
use crate::config::WebOrigin;

/// What GraphiQL may do. The editor's workers are built from blobs, and its styles are written into the page.
const GRAPHIQL_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    worker-src 'self' blob:; font-src 'self' data:; img-src 'self' data:; connect-src 'self'; \
    frame-ancestors 'none'; base-uri 'none'";

/// What the page of the reports may do: it has no more than a script, a style, fonts and an icon, each a file of its own.
const REPORTS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// What the deal card may do in a frame: the same. Who may frame it is for the configuration to say.
const CARD_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none';";

/// The page where there are no files.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Spine</title>\
    <h1>This page is not part of this build</h1>\
    <p>Run <code>make web</code>, which needs Node.js, and build again. The graph itself answers at \
    <code>POST /graphql</code>.</p></html>";

/// The built files; none in a build without them.
#[derive(Embed)]
#[folder = "$OUT_DIR/web"]
struct Files;

/// GraphiQL.
pub(super) async fn graphiql(headers: HeaderMap) -> Response {
    page("index.html", GRAPHIQL_POLICY, &headers)
        .unwrap_or_else(|| with_policy(GRAPHIQL_POLICY, (StatusCode::NOT_FOUND, Html(NOT_BUILT)).into_response()))
}

/// The reports, drawn; none in a build without them. The same address gives a program their catalogue.
fn reports(headers: &HeaderMap) -> Option<Response> {
    let mut page = page("reports.html", REPORTS_POLICY, headers)?;
    page.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    Some(page)
}

/// At an address that has data for programs: the page for whoever looks at it in a browser.
pub(super) async fn in_browser(request: Request, next: Next) -> Response {
    let looks = matches!(*request.method(), Method::GET | Method::HEAD) && wants_html(request.headers());
    let page = match request.uri().path() {
        "/graphql" if looks => Some(Redirect::to("/graphiql").into_response()),
        "/reports" if looks => reports(request.headers()),
        _ => None,
    };
    match page {
        Some(page) => page,
        None => next.run(request).await,
    }
}

/// The deal card: the page finds the deal's ID in its own address.
#[derive(Debug, Clone)]
pub(super) struct Card {
    policy: HeaderValue,
    framed: bool,
}

impl Card {
    /// The card as pages of these origins may show it in a frame.
    pub(super) fn new(ancestors: &[WebOrigin]) -> Self {
        let origins: Vec<String> = ancestors.iter().map(ToString::to_string).collect();
        // Origins are scheme, host and port, in ASCII: they fit a header.
        let framed = HeaderValue::from_str(&format!("{CARD_POLICY} frame-ancestors {}", origins.join(" ")));
        match framed {
            Ok(policy) if !ancestors.is_empty() => Self { policy, framed: true },
            _ => Self { policy: HeaderValue::from_static(REPORTS_POLICY), framed: false },
        }
    }

    pub(super) fn page(&self, headers: &HeaderMap) -> Response {
        let page = answer(embedded, "card.html", headers);
        let mut page = page.unwrap_or_else(|| (StatusCode::NOT_FOUND, Html(NOT_BUILT)).into_response());
        page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        if self.framed {
            page.extensions_mut().insert(MayBeFramed);
        }
        page
    }
}

fn page(path: &str, policy: &'static str, headers: &HeaderMap) -> Option<Response> {
    answer(embedded, path, headers).map(|page| with_policy(policy, page))
}

fn with_policy(policy: &'static str, mut page: Response) -> Response {
    page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    page
}

/// A file of the pages.
pub(super) async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    answer(embedded, &path, &headers)
        .unwrap_or_else(|| Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing here.").into_response())
}

fn embedded(path: &str) -> Option<Cow<'static, [u8]>> {
    Files::get(path).map(|file| file.data)
}

/// A file, compressed if the build compressed it and the browser can read that.
fn answer(get: impl Fn(&str) -> Option<Cow<'static, [u8]>>, path: &str, headers: &HeaderMap) -> Option<Response> {
    let plain = get(path)?;
    let compressed = [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(encoding, _)| accepts_encoding(headers, encoding))
        .find_map(|(encoding, suffix)| Some((encoding, get(&format!("{path}.{suffix}"))?)));
    let (encoding, data) = compressed.map_or((None, plain), |(encoding, data)| (Some(encoding), data));

    let mut response = Response::new(match data {
        Cow::Borrowed(data) => Body::from(data),
        Cow::Owned(data) => Body::from(data),
    });
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let charset = if mime.type_() == "text" { "; charset=utf-8" } else { "" };
    let content_type = HeaderValue::from_str(&format!("{mime}{charset}"));
    // The names of assets change with their contents.
    let caching = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.extend(content_type.ok().map(|value| (header::CONTENT_TYPE, value)));
    headers.extend(encoding.map(|encoding| (header::CONTENT_ENCODING, HeaderValue::from_static(encoding))));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(path: &str) -> Option<Cow<'static, [u8]>> {
        let data: &'static [u8] = match path {
            "index.html" => b"<html>",
            "assets/app-1a2b.js" => b"plain",
            "assets/app-1a2b.js.br" => b"brotli",
            "assets/app-1a2b.js.gz" => b"gzip",
            "assets/font-3c4d.woff2" => b"font",
            "favicon.svg" => b"<svg>",
            _ => return None,
        };
        Some(Cow::Borrowed(data))
    }

    async fn asked(path: &str, encodings: &str) -> (HeaderMap, Vec<u8>) {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, encodings.parse().unwrap())]);
        let response = answer(bundle, path, &headers).unwrap();
        let (parts, body) = response.into_parts();
        (parts.headers, axum::body::to_bytes(body, 1000).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn files_have_their_types_and_are_cached_if_their_names_change_with_them() {
        for (path, content_type, caching) in [
            ("index.html", "text/html; charset=utf-8", "no-cache"),
            ("assets/app-1a2b.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
            ("assets/font-3c4d.woff2", "font/woff2", "public, max-age=31536000, immutable"),
            ("favicon.svg", "image/svg+xml", "no-cache"),
        ] {
            let (headers, _) = asked(path, "").await;
            assert_eq!(headers[header::CONTENT_TYPE], content_type, "{path}");
            assert_eq!(headers[header::CACHE_CONTROL], caching, "{path}");
            assert_eq!(headers[header::VARY], "accept-encoding", "{path}");
        }
    }

    #[tokio::test]
    async fn a_compressed_file_is_sent_where_it_is_there_and_welcome() {
        for (path, encodings, encoding, body) in [
            ("assets/app-1a2b.js", "gzip, deflate, br", Some("br"), "brotli"),
            ("assets/app-1a2b.js", "gzip", Some("gzip"), "gzip"),
            ("assets/app-1a2b.js", "br;q=0, gzip;q=0.1", Some("gzip"), "gzip"),
            ("assets/app-1a2b.js", "zstd", None, "plain"),
            ("index.html", "gzip, br", None, "<html>"),
        ] {
            let (headers, sent) = asked(path, encodings).await;
            assert_eq!(
                headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap()),
                encoding,
                "{encodings}"
            );
            assert_eq!(sent, body.as_bytes(), "{encodings}");
        }
    }

    #[test]
    fn a_file_that_is_not_in_the_bundle_is_not_found() {
        assert!(answer(bundle, "assets/../../etc/passwd", &HeaderMap::new()).is_none());
    }
}
