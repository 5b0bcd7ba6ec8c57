//! The query options of a request.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::expression::Expression;
use super::filter;
use super::problem::Problem;
use crate::reports::Column;

/// What need not be escaped in a value.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Options of OData that mean something that this feed does not do.
const UNSUPPORTED: [&str; 9] =
    ["$apply", "$compute", "$deltatoken", "$expand", "$id", "$index", "$levels", "$schemaversion", "$search"];

/// The options as they are written, each at most once.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) select: Option<String>,
    pub(super) filter: Option<String>,
    pub(super) order_by: Option<String>,
    top: Option<String>,
    skip: Option<String>,
    count: Option<String>,
    pub(super) skip_token: Option<String>,
    pub(super) format: Option<String>,
}

impl Options {
    /// Reads the part of an address behind the question mark. Options that are none of OData's are none of ours.
    pub(super) fn parse(query: &str) -> Result<Self, Problem> {
        let mut options = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            let place = match name.as_str() {
                "$select" => &mut options.select,
                "$filter" => &mut options.filter,
                "$orderby" => &mut options.order_by,
                "$top" => &mut options.top,
                "$skip" => &mut options.skip,
                "$count" => &mut options.count,
                "$skiptoken" => &mut options.skip_token,
                "$format" => &mut options.format,
                other if UNSUPPORTED.contains(&other) => {
                    return Err(Problem::not_implemented(format!("`{other}` is not supported")));
                }
                other if other.starts_with('$') => {
                    return Err(Problem::bad_request(format!("there is no option `{}`", shown(other))));
                }
                "select" | "filter" | "orderby" | "top" | "skip" | "count" | "skiptoken" | "format" => {
                    return Err(Problem::bad_request(format!("write `${name}`, with the dollar sign")));
                }
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Problem::bad_request(format!("`{name}` is given twice")));
            }
        }
        Ok(options)
    }

    pub(super) fn top(&self) -> Result<Option<usize>, Problem> {
        whole("$top", self.top.as_deref())
    }

    pub(super) fn skip(&self) -> Result<usize, Problem> {
        whole("$skip", self.skip.as_deref()).map(Option::unwrap_or_default)
    }

    pub(super) fn count(&self) -> Result<bool, Problem> {
        match self.count.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::bad_request("`$count` is true or false")),
        }
    }

    /// The columns that `$select` names; none for all.
    pub(super) fn selected(&self, columns: &[Column]) -> Result<Option<Vec<usize>>, Problem> {
        let Some(select) = &self.select else { return Ok(None) };
        let mut places = Vec::new();
        for name in select.split(',').map(str::trim) {
            if name == "*" {
                return Ok(None);
            }
            let (place, _) = filter::column(name, columns)?;
            if !places.contains(&place) {
                places.push(place);
            }
        }
        // In the order of the columns, whatever the order in which they are named.
        places.sort_unstable();
        Ok(Some(places))
    }

    pub(super) fn filtered(&self, columns: &[Column]) -> Result<Option<Expression>, Problem> {
        self.filter.as_deref().map(|text| filter::parse(text, columns)).transpose()
    }

    /// The columns that `$orderby` names, each with whether it is descending.
    pub(super) fn ordered(&self, columns: &[Column]) -> Result<Vec<(usize, bool)>, Problem> {
        let items = self.order_by.iter().flat_map(|order| order.split(','));
        let items = items.map(|item| {
            let mut words = item.split_whitespace();
            let (name, direction) = (words.next().unwrap_or_default(), words.next().unwrap_or("asc"));
            if name.contains('(') {
                return Err(Problem::not_implemented("`$orderby` takes names of properties, no functions"));
            }
            let (place, _) = filter::column(name, columns)?;
            match (direction, words.next()) {
                ("asc", None) => Ok((place, false)),
                ("desc", None) => Ok((place, true)),
                _ => Err(Problem::bad_request(format!(
                    "`$orderby` is written `{} asc` or `{} desc`",
                    shown(name),
                    shown(name)
                ))),
            }
        });
        items.collect()
    }

    /// The options of the next page: the same rows from a mark on, and at most so many of them.
    pub(super) fn next(&self, token: &str, top: Option<usize>) -> String {
        let mut query = String::new();
        let top = top.map(|top| top.to_string());
        for (name, value) in [
            ("$select", self.select.as_deref()),
            ("$filter", self.filter.as_deref()),
            ("$orderby", self.order_by.as_deref()),
            ("$format", self.format.as_deref()),
            ("$top", top.as_deref()),
            ("$skiptoken", Some(token)),
        ] {
            if let Some(value) = value {
                let between = if query.is_empty() { "" } else { "&" };
                query.extend([between, name, "="]);
                query.extend(utf8_percent_encode(value, VALUE));
            }
        }
        query
    }
}

/// A segment of a path, escaped.
pub(super) fn escaped(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, VALUE)
}

/// The text that an address holds in its escapes. A plus is a blank, as in forms.
fn decoded(text: &str) -> Result<String, Problem> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Problem::bad_request("the address is not UTF-8 in its escapes"))
}

fn whole(name: &str, text: Option<&str>) -> Result<Option<usize>, Problem> {
    let wrong = |_| Problem::bad_request(format!("`{name}` is a whole number from 0 on"));
    text.map(|text| text.trim().parse().map_err(wrong)).transpose()
}

fn shown(text: &str) -> String {
    text.chars().take(40).map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::ColumnKind;

    const COLUMNS: [Column; 2] =
        [Column::new("id", "", ColumnKind::Text, ""), Column::new("amount", "", ColumnKind::Amount, "")];

    fn parse(query: &str) -> Result<Options, Problem> {
        Options::parse(query)
    }

    #[test]
    fn options_are_read_with_their_escapes() {
        let options = parse("$filter=id%20eq%20%27a%26b%27&$top=5&$skip=+2&%24count=true&sap-client=100&&").unwrap();
        assert_eq!(options.filter.as_deref(), Some("id eq 'a&b'"));
        assert_eq!((options.top(), options.skip(), options.count()), (Ok(Some(5)), Ok(2), Ok(true)));
        assert_eq!(parse("$select=amount, id").unwrap().selected(&COLUMNS), Ok(Some(vec![0, 1])));
        assert_eq!(parse("$select=*").unwrap().selected(&COLUMNS), Ok(None));
        assert_eq!(parse("$orderby=amount desc,id").unwrap().ordered(&COLUMNS), Ok(vec![(1, true), (0, false)]));
        assert_eq!(parse("").unwrap().ordered(&COLUMNS), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, said) in [
            ("$filtr=1", "there is no option `$filtr`"),
            ("filter=1", "write `$filter`, with the dollar sign"),
            ("$top=1&$top=2", "`$top` is given twice"),
            ("$filter=%ff", "the address is not UTF-8 in its escapes"),
        ] {
            assert_eq!(parse(query).unwrap_err().message, said, "{query}");
        }
        for query in ["$top=-1", "$top=1.5", "$top=x", "$top=99999999999999999999"] {
            assert_eq!(parse(query).unwrap().top().unwrap_err().message, "`$top` is a whole number from 0 on");
        }
        let message = parse("$select=amuont").unwrap().selected(&COLUMNS).unwrap_err().message;
        assert_eq!(message, "there is no property `amuont`: did you mean `amount`?");
        let message = parse("$orderby=id up").unwrap().ordered(&COLUMNS).unwrap_err().message;
        assert_eq!(message, "`$orderby` is written `id asc` or `id desc`");
        for query in ["$expand=Deals", "$apply=x", "$search=x", "$compute=x"] {
            assert_eq!(parse(query).unwrap_err().status, http::StatusCode::NOT_IMPLEMENTED, "{query}");
        }
    }

    #[test]
    fn the_next_page_is_asked_for_with_the_same_options() {
        let options = parse("$filter=id%20eq%20%27a%26b%27&$top=5&$skip=2&$count=true").unwrap();
        let next = options.next("abc", Some(3));
        assert_eq!(next, "$filter=id%20eq%20%27a%26b%27&$top=3&$skiptoken=abc");
        let read = parse(&next).unwrap();
        assert_eq!((read.filter, read.skip_token.as_deref()), (options.filter, Some("abc")));
    }
}
