//! The list of reads: what may be asked, and that no path leaves it.

use std::borrow::Cow;

use http::Method;
use url::Url;

/// A call that the client may make: a method and a pattern for the path below the base URL. `*` stands for one or more
/// characters of one segment, once per segment: `/crm/v3/objects/*/batch/read`, `/b1s/v2/Invoices(*)`. The query is no
/// part of it. A segment with an encoded slash matches no `*`.
#[derive(Debug, Clone)]
pub struct Allowed {
    method: Method,
    pattern: Cow<'static, str>,
}

impl Allowed {
    /// A GET, e.g. `Allowed::get("/b1s/v2/Invoices(*)")`.
    pub const fn get(pattern: &'static str) -> Self {
        Self { method: Method::GET, pattern: Cow::Borrowed(pattern) }
    }

    /// A POST, e.g. `Allowed::post("/crm/v3/objects/*/batch/read")`.
    pub const fn post(pattern: &'static str) -> Self {
        Self { method: Method::POST, pattern: Cow::Borrowed(pattern) }
    }

    /// A method and a pattern known at run time only.
    pub fn new(method: Method, pattern: impl Into<Cow<'static, str>>) -> Self {
        Self { method, pattern: pattern.into() }
    }

    fn permits(&self, method: &Method, path: &str) -> bool {
        let (mut patterns, mut segments) = (self.pattern.split('/'), path.split('/'));
        self.method == *method
            && loop {
                match (patterns.next(), segments.next()) {
                    (Some(pattern), Some(segment)) if segment_matches(pattern, segment) => {}
                    (None, None) => break true,
                    _ => break false,
                }
            }
    }
}

fn segment_matches(pattern: &str, segment: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == segment,
        Some((before, after)) => segment
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|inner| !inner.is_empty() && !encodes_slash(inner)),
    }
}

/// Some servers take an encoded slash for a real one: the call would not be the one on the list.
fn encodes_slash(segment: &str) -> bool {
    let segment = segment.to_ascii_lowercase();
    segment.contains("%2f") || segment.contains("%5c")
}

/// The URL of a call, or why it is not made. A path that the URL standard would rewrite (`..`, `%2e%2e`, `\`, a tab, a
/// character that should have been encoded) is not the path that was checked, and is refused too.
pub(super) fn url(base: &Url, allowed: &[Allowed], method: &Method, path_and_query: &str) -> Result<Url, &'static str> {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    if !allowed.iter().any(|allowed| allowed.permits(method, path)) {
        return Err("not on the list of reads");
    }
    // Scheme, host and port stay those of the base URL: only what comes after them is parsed.
    let as_written = format!("{}{path}", base.path().trim_end_matches('/'));
    let mut url = base.clone();
    url.set_path(&as_written);
    url.set_query(query);
    if url.path() != as_written || path_and_query.contains('#') {
        return Err("the path is not percent-encoded, or leads elsewhere");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(base: &str, method: &Method, path: &str) -> Option<String> {
        let allowed = [
            Allowed::get("/crm/v3/objects/*"),
            Allowed::post("/crm/v3/objects/*/batch/read"),
            Allowed::get("/b1s/v2/Invoices(*)"),
            Allowed::new(Method::GET, String::from("/b1s/v2/Invoices")),
        ];
        url(&base.parse().unwrap(), &allowed, method, path).ok().map(String::from)
    }

    #[test]
    fn calls_on_the_list_are_put_below_the_base_url() {
        for (base, method, path, expected) in [
            ("https://a.example", Method::GET, "/crm/v3/objects/deals?limit=1", "/crm/v3/objects/deals?limit=1"),
            ("https://a.example/sub/", Method::GET, "/crm/v3/objects/0-3", "/sub/crm/v3/objects/0-3"),
            ("https://a.example/sub", Method::POST, "/crm/v3/objects/d/batch/read", "/sub/crm/v3/objects/d/batch/read"),
            ("https://a.example", Method::GET, "/b1s/v2/Invoices(91)", "/b1s/v2/Invoices(91)"),
            ("https://a.example", Method::GET, "/b1s/v2/Invoices('a%20b')", "/b1s/v2/Invoices('a%20b')"),
            (
                "https://a.example",
                Method::GET,
                "/b1s/v2/Invoices?$filter=Project eq 'x/../y'",
                "/b1s/v2/Invoices?$filter=Project%20eq%20%27x/../y%27",
            ),
        ] {
            assert_eq!(asked(base, &method, path), Some(format!("https://a.example{expected}")), "{path}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for (method, path) in [
            (Method::POST, "/crm/v3/objects/deals"),
            (Method::DELETE, "/crm/v3/objects/deals"),
            (Method::GET, "/crm/v3/objects"),
            (Method::GET, "/crm/v3/objects/"),
            (Method::GET, "/crm/v3/objects/deals/"),
            (Method::GET, "/crm/v3/objects/deals/1"),
            (Method::GET, "/CRM/v3/objects/deals"),
            (Method::GET, "//crm/v3/objects/deals"),
            (Method::GET, "crm/v3/objects/deals"),
            (Method::GET, "@evil.example/crm/v3/objects/deals"),
            (Method::GET, ".evil.example/crm/v3/objects/deals"),
            (Method::GET, "https://evil.example/crm/v3/objects/deals"),
            (Method::GET, "/crm/v3/objects/.."),
            (Method::GET, "/crm/v3/objects/%2e%2E"),
            (Method::GET, "/crm/v3/objects/."),
            (Method::GET, "/crm/v3/objects/deals%2F1"),
            (Method::GET, "/crm/v3/objects/deals%5c1"),
            (Method::GET, "/crm/v3/objects/deals\\1"),
            (Method::GET, "/crm/v3/objects/deals\t"),
            (Method::GET, "/crm/v3/objects/deals#x"),
            (Method::GET, "/crm/v3/objects/deals?a=1#x"),
            (Method::GET, "/crm/v3/objects/two words"),
            (Method::GET, "/b1s/v2/Invoices()"),
            (Method::GET, "/b1s/v2/Invoices(1)x"),
            (Method::GET, "/b1s/v2/Invoices(1)/Cancel"),
            (Method::POST, "/b1s/v2/Invoices(1)"),
            (Method::GET, ""),
        ] {
            assert_eq!(asked("https://a.example", &method, path), None, "{method} {path}");
        }
    }
}
