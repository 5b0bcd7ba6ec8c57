//! Query options and what they do to an entity set.

use std::cmp::Ordering;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::answer::{Refusal, write_record};
use super::filter::Filter;
use super::index::Index;
use super::records::{Record, Set};
use super::value::{Dialect, Value, write_text};
use crate::demo::company::model::Company;

/// What a link may not hold as it is.
const IN_LINK: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'\'').add(b'#').add(b'%').add(b'&').add(b'+').add(b'<').add(b'>');

/// The query options of a request, decoded.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pairs: Vec<(String, String)>,
    pub(super) filter: Option<Filter>,
    pub(super) select: Option<Vec<String>>,
    pub(super) expand: Option<String>,
    pub(super) order: Vec<(String, bool)>,
    pub(super) apply: Option<String>,
    pub(super) skip: usize,
    pub(super) top: Option<usize>,
    pub(super) count: bool,
}

/// The rows of one page and what comes after.
pub(super) struct Page<T> {
    pub(super) rows: Vec<T>,
    pub(super) total: Option<usize>,
    /// Where the next page starts.
    pub(super) next: Option<usize>,
}

impl Options {
    /// Reads the query part of a URL. A plus sign is a space, as clients of real servers write it.
    pub(super) fn from_url(query: &str) -> Result<Self, Refusal> {
        let decoded = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
            (decode(name), decode(value))
        });
        Self::read(decoded)
    }

    /// Reads the query option of the query service, which is not encoded.
    pub(super) fn from_text(text: &str) -> Result<Self, Refusal> {
        // An ampersand within a quoted text is no separator.
        let mut pairs = vec![String::new()];
        let mut quoted = false;
        for char in text.chars() {
            quoted ^= char == '\'';
            if char == '&' && !quoted {
                pairs.push(String::new());
            } else if let Some(pair) = pairs.last_mut() {
                pair.push(char);
            }
        }
        Self::read(pairs.into_iter().filter(|pair| !pair.trim().is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((&pair, ""));
            (name.trim().to_owned(), value.trim().to_owned())
        }))
    }

    fn read(pairs: impl Iterator<Item = (String, String)>) -> Result<Self, Refusal> {
        let mut options = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "$filter" => options.filter = Some(Filter::parse(&value).map_err(Refusal::bad)?),
                "$select" => options.select = Some(value.split(',').map(|name| name.trim().to_owned()).collect()),
                "$expand" => options.expand = Some(value.clone()),
                "$apply" => options.apply = Some(value.clone()),
                "$orderby" => {
                    for part in value.split(',') {
                        let mut words = part.split_whitespace();
                        let (Some(field), direction) = (words.next(), words.next()) else {
                            return Err(Refusal::bad("invalid $orderby"));
                        };
                        options.order.push((field.to_owned(), direction == Some("desc")));
                    }
                }
                "$skip" => options.skip = value.parse().map_err(|_| Refusal::bad("invalid $skip"))?,
                "$top" => options.top = Some(value.parse().map_err(|_| Refusal::bad("invalid $top"))?),
                "$count" => options.count = value == "true",
                "$inlinecount" => options.count = value == "allpages",
                _ if name.starts_with('$') => return Err(Refusal::bad(format!("Not supported query option '{name}'"))),
                _ => {}
            }
            options.pairs.push((name, value));
        }
        Ok(options)
    }

    /// The value of an option that is not one of the query language, e.g. a parameter of a stored query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The link to the next page, relative as the Service Layer writes it; the page size is not in it.
    pub(super) fn link(&self, target: &str, next: usize) -> String {
        let mut link = format!("{target}?");
        for (name, value) in self.pairs.iter().filter(|(name, _)| name != "$skip" && name != "$top") {
            link.extend([name.as_str(), "="]);
            link.extend(utf8_percent_encode(value, IN_LINK));
            link.push('&');
        }
        if let Some(top) = self.top {
            link.extend(["$top=", &(top - (next - self.skip).min(top)).to_string(), "&"]);
        }
        link.extend(["$skip=", &next.to_string()]);
        link
    }

    /// Cuts a page out of rows that come in their order.
    pub(super) fn page<T>(&self, mut rows: impl Iterator<Item = T>, page_size: usize) -> Page<T> {
        let mut seen = 0;
        while seen < self.skip && rows.next().is_some() {
            seen += 1;
        }
        let limit = self.top.unwrap_or(usize::MAX);
        let size = if page_size == 0 { limit } else { limit.min(page_size) };
        let page: Vec<T> = rows.by_ref().take(size).collect();
        let more = page.len() < limit && rows.next().is_some();
        let total = self.count.then(|| seen + page.len() + usize::from(more) + rows.count());
        Page { next: more.then(|| self.skip + page.len()), rows: page, total }
    }
}

/// `GET /Invoices?...`: the body of the answer.
pub(super) fn list(
    company: &Company,
    index: &Index,
    set: Set,
    options: &Options,
    page_size: usize,
    (dialect, host): (Dialect, &str),
) -> Result<String, Refusal> {
    refuse_unknown(set, options)?;
    let matching = matching(company, index, set, options.filter.as_ref());
    let in_key_order = match options.order.as_slice() {
        [] => true,
        [(field, descending)] => field == set.key() && !descending,
        _ => false,
    };
    let page = if in_key_order {
        options.page(matching, page_size)
    } else {
        let mut rows: Vec<Record<'_>> = matching.collect();
        rows.sort_by(|a, b| in_order(&options.order, &|name| a.field(name), &|name| b.field(name)));
        options.page(rows.into_iter(), page_size)
    };
    let mut out = String::from("{");
    write_text(&mut out, &dialect.annotation(if dialect == Dialect::V1 { "metadata" } else { "context" }));
    out.push(':');
    write_text(&mut out, &format!("http://{host}{}/$metadata#{}", dialect.root(), set.name()));
    if let Some(total) = page.total {
        out.push(',');
        write_text(&mut out, &dialect.annotation("count"));
        // A text in the older dialect, a number in the newer.
        out.push(':');
        let total = Value::Int(i64::try_from(total).unwrap_or(i64::MAX));
        match dialect {
            Dialect::V1 => total.write_quoted(&mut out),
            Dialect::V2 => total.write(&mut out, dialect),
        }
    }
    out.push_str(",\"value\":[");
    for (at, record) in page.rows.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_record(&mut out, *record, set, options.select.as_deref(), dialect);
    }
    out.push(']');
    write_next(&mut out, dialect, set.name(), options, page.next);
    out.push('}');
    Ok(out)
}

/// `GET /Invoices/$count?$filter=...`.
pub(super) fn count(company: &Company, index: &Index, set: Set, options: &Options) -> Result<usize, Refusal> {
    refuse_unknown(set, options)?;
    Ok(matching(company, index, set, options.filter.as_ref()).count())
}

/// Writes the link to the next page, if there is one.
pub(super) fn write_next(out: &mut String, dialect: Dialect, path: &str, options: &Options, next: Option<usize>) {
    if let Some(next) = next {
        let target = if dialect == Dialect::V1 { format!("{}/{path}", dialect.root()) } else { path.to_owned() };
        out.push(',');
        write_text(out, &dialect.annotation("nextLink"));
        out.push(':');
        write_text(out, &options.link(&target, next));
    }
}

fn matching<'a>(
    company: &'a Company,
    index: &'a Index,
    set: Set,
    filter: Option<&'a Filter>,
) -> impl Iterator<Item = Record<'a>> {
    index
        .candidates(company, set, filter, "", None)
        .filter(move |record| filter.is_none_or(|filter| filter.holds(&|name| record.field(name))))
}

/// How two rows stand in an order.
pub(super) fn in_order<'a>(
    order: &[(String, bool)],
    a: &dyn Fn(&str) -> Value<'a>,
    b: &dyn Fn(&str) -> Value<'a>,
) -> Ordering {
    order.iter().fold(Ordering::Equal, |found, (name, descending)| {
        found.then_with(|| {
            let order = a(name).sorts_before(&b(name));
            if *descending { order.reverse() } else { order }
        })
    })
}

fn refuse_unknown(set: Set, options: &Options) -> Result<(), Refusal> {
    let collection = set.collection().map(|(name, _)| name);
    if let Some(expand) = &options.expand {
        // The rows of a document are a complex type: they cannot be expanded, only selected.
        return Err(Refusal::bad(format!("Invalid navigation property '{expand}'")));
    }
    let filtered = options.filter.iter().flat_map(Filter::fields);
    let ordered = options.order.iter().map(|(name, _)| name.as_str());
    let selected = options.select.iter().flatten().map(String::as_str).filter(|name| Some(*name) != collection);
    for name in filtered.chain(ordered).chain(selected) {
        if !set.fields().contains(&name) && name != "*" {
            return Err(Refusal::bad(format!("Property '{name}' of '{}' is invalid", set.name())));
        }
    }
    Ok(())
}
