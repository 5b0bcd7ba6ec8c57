//! `Link` headers (RFC 8288): where the next page is.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::LINK;

/// The target of the first link whose relation is `next`.
pub(in crate::systems) fn next_link<'a>(headers: &HeaderMap) -> Option<Cow<'a, str>> {
    let lines = headers.get_all(LINK).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(links).find(|(_, params)| is_next(params)).map(|(target, _)| Cow::Owned(target.to_owned()))
}

/// Targets and the text of their parameters. A comma parts links only outside of `<...>` and of quotes.
fn links(line: &str) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    let mut rest = line;
    while let Some((target, after)) = rest.split_once('<').and_then(|(_, target)| target.split_once('>')) {
        let (params, next) = cut(after, ',');
        links.push((target, params));
        rest = next;
    }
    links
}

/// Whether `; rel="prev next"; title="..."` has the relation among its own.
fn is_next(params: &str) -> bool {
    let mut rest = params;
    while !rest.is_empty() {
        let (param, next) = cut(rest, ';');
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
        if name.trim().eq_ignore_ascii_case("rel") && relations.any(|one| one.eq_ignore_ascii_case("next")) {
            return true;
        }
        rest = next;
    }
    false
}

/// What stands before and behind the first such sign that is not within quotes.
fn cut(text: &str, sign: char) -> (&str, &str) {
    let mut quoted = false;
    let end = text.find(|next| {
        quoted ^= next == '"';
        next == sign && !quoted
    });
    end.and_then(|end| Some((text.get(..end)?, text.get(end + sign.len_utf8()..)?))).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_next_page_is_found_among_other_links() {
        for (line, expected) in [
            (r#"<https://a.example/x?page=2>; rel="next""#, Some("https://a.example/x?page=2")),
            (r#"</x?ids=1,2&page=1>; rel="prev", </x?ids=1,2&page=3>; rel="next""#, Some("/x?ids=1,2&page=3")),
            (r"</x?page=3>; rel=next; title=more", Some("/x?page=3")),
            (r#"</x?page=3>; title="a, <b>; rel=next", </x?page=4>; REL="last NEXT""#, Some("/x?page=4")),
            (r#"</x?page=3>; rel="last""#, None),
            (r#"</x?page=3>; rel="nextish""#, None),
            ("", None),
            ("</x", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(LINK, HeaderValue::from_str(line).unwrap());
            assert_eq!(next_link(&headers).as_deref(), expected, "{line}");
        }
    }
}
