//! The calls: a request for keys or for a page of a list, and the pages that follow it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::{FixedState, RandomState};
use http::StatusCode;
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::auth::Oauth;
use super::json::Raw;
use super::link::next_link;
use super::map::Setting;
use super::path::Path;
use super::row::{self, Found, OnRow, Refused, Reject, Row, Wanted};
use super::template::{Between, Body, Param, Template, encode, encode_name};
use super::ways::{Listing, Lookup, Paging};
use crate::domain::SharedIdRule;
use crate::systems::http::{Failure, HttpClient, Request, Response, classify};
use crate::systems::{Call, ErrorKind, SystemError};

/// A connection to the system.
#[derive(Debug)]
pub(in crate::systems) struct Api {
    pub(in crate::systems) http: Arc<HttpClient>,
    /// Who grants the tokens that calls show, if it takes one.
    pub(in crate::systems) oauth: Option<Oauth>,
    /// Where an answer that is an error names its code, for the log.
    pub(in crate::systems) code: Path,
    /// Base URL, without a slash at its end.
    pub(in crate::systems) base: Url,
    /// Zone of dates and times that name none.
    pub(in crate::systems) zone: TimeZone,
    /// How shared IDs are spelled.
    pub(in crate::systems) rule: SharedIdRule,
    /// Largest number of pages of one read.
    pub(in crate::systems) max_pages: usize,
    /// Calls of one batch that are under way at once.
    pub(in crate::systems) concurrency: usize,
}

/// The judgement of answers. A status that may mean "nothing there" is for the endpoint to judge, which knows.
pub(in crate::systems) fn judge(response: &Response) -> Result<(), Failure> {
    match response.status.as_u16() {
        204 | 400 | 402 | 404..=407 | 409..=428 | 430..=499 => Ok(()),
        _ => classify(response),
    }
}

/// One way to ask.
#[derive(Debug, Clone, Copy)]
pub(in crate::systems) struct Ask<'e> {
    /// For errors, logs and counters.
    pub(in crate::systems) operation: &'static str,
    template: &'e Template,
    body: Option<&'e Value>,
    between: Between<'e>,
    numbers: bool,
    each: Option<&'e Path>,
    /// Places that are there only where a list inside a row goes on elsewhere.
    cut: &'e [Path],
    wanted: Wanted<'e>,
    paging: &'e Paging,
    not_found: &'e [u16],
    empty: &'e [u16],
}

impl<'e> Ask<'e> {
    /// By keys.
    pub(in crate::systems) fn lookup(operation: &'static str, lookup: &'e Lookup) -> Self {
        Self {
            operation,
            template: &lookup.path,
            body: lookup.body.as_ref(),
            between: lookup.between(),
            numbers: lookup.numbers,
            each: lookup.each.as_ref(),
            cut: &lookup.cut,
            wanted: wanted(&lookup.rows, lookup.single, lookup.error.as_ref(), lookup.total.as_ref(), &lookup.paging),
            paging: &lookup.paging,
            not_found: lookup.not_found.as_deref().unwrap_or_default(),
            empty: lookup.empty.as_deref().unwrap_or_default(),
        }
    }

    /// Whether a page tells how many rows there are in all: the first one does, and with some systems no other.
    pub(in crate::systems) fn tells_total(&self, position: &Position) -> bool {
        self.wanted.total.is_some() && *position == Position::Start
    }

    /// For all there is.
    pub(in crate::systems) fn listing(operation: &'static str, listing: &'e Listing) -> Self {
        Self {
            operation,
            template: &listing.path,
            body: listing.body.as_ref(),
            between: Between::Repeat,
            numbers: false,
            each: None,
            cut: &listing.cut,
            wanted: wanted(&listing.rows, false, listing.error.as_ref(), listing.total.as_ref(), &listing.paging),
            paging: &listing.paging,
            not_found: &[],
            empty: listing.empty.as_deref().unwrap_or_default(),
        }
    }
}

fn wanted<'e>(
    rows: &'e Path,
    single: bool,
    error: Option<&'e Path>,
    total: Option<&'e Path>,
    paging: &'e Paging,
) -> Wanted<'e> {
    let (next, more) = match paging {
        Paging::Cursor { next, .. } | Paging::NextLink { next } => (Some(next), None),
        Paging::Page { more, .. } | Paging::Offset { more, .. } => (None, more.as_ref()),
        Paging::None | Paging::LinkHeader {} => (None, None),
    };
    Wanted { rows, single, next, total, more, error }
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::systems) enum Position {
    /// At the first row.
    Start,
    /// At a cursor.
    Cursor(String),
    /// At the page, or after as many rows, of this number.
    Number(u64),
    /// At this path and query.
    Link(String),
}

/// What a page was.
#[derive(Debug)]
pub(in crate::systems) struct PageEnd {
    /// How many rows it had.
    pub(in crate::systems) rows: u64,
    /// Where the next one begins; none on the last.
    pub(in crate::systems) next: Option<Position>,
    /// How many rows there are in all, if the answer said so.
    pub(in crate::systems) total: Option<u64>,
    /// Whether the system says that there is nothing by that name.
    pub(in crate::systems) not_found: bool,
}

/// What is asked for beside the keys.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::systems) struct Extra<'x> {
    /// Filters and orders.
    pub(in crate::systems) params: &'x [(&'x str, Param)],
    /// Size of the page; none for the size that is configured.
    pub(in crate::systems) size: Option<u64>,
}

impl Api {
    /// What all rows of the connection are read by.
    pub(in crate::systems) fn setting(&self) -> Setting<'_> {
        Setting { zone: &self.zone, rule: &self.rule }
    }

    /// An error with a word for the log.
    pub(in crate::systems) fn error(
        &self,
        operation: &'static str,
        kind: ErrorKind,
        detail: impl Into<String>,
    ) -> SystemError {
        let detail: String = detail.into();
        SystemError { detail: Some(detail.into()), ..self.http.error(operation, kind) }
    }

    /// Sends. Where a token is needed, one that is refused is renewed once.
    async fn send(&self, call: &Call, request: Request) -> Result<Response, SystemError> {
        let Some(oauth) = &self.oauth else { return self.http.send(call, request).await };
        let ticket = oauth.ticket(call, None).await?;
        match self.http.send(call, ticket.value.on(request.clone())).await {
            Err(error) if error.kind == ErrorKind::Unauthorized => {
                let ticket = oauth.ticket(call, Some(&ticket)).await?;
                self.http.send(call, ticket.value.on(request)).await
            }
            answer => answer,
        }
    }

    /// The code that an error names, where it looks like one.
    fn code(&self, body: &[u8]) -> Option<String> {
        let body = serde_json::from_slice::<&RawValue>(body).ok().filter(|_| !self.code.is_empty())?;
        let code =
            self.code.segments().iter().try_fold(Raw::of(body), |value, name| value.pick(name).ok()?)?.scalar()?;
        let is_code = code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_graphic());
        is_code.then(|| code.into_owned())
    }

    /// Reads one page.
    pub(in crate::systems) async fn page(
        &self,
        call: &Call,
        ask: Ask<'_>,
        keys: &[&str],
        position: &Position,
        extra: Extra<'_>,
        on_row: &mut OnRow<'_>,
    ) -> Result<PageEnd, SystemError> {
        let request = request(ask, keys, position, extra);
        let path = request.path.clone();
        let response = self.send(call, request).await?;
        let status = response.status.as_u16();
        let not_found = ask.not_found.contains(&status);
        if not_found || ask.empty.contains(&status) {
            if *position != Position::Start {
                return Err(self.error(ask.operation, ErrorKind::Truncated, "a page that was announced is not there"));
            }
            return Ok(PageEnd { rows: 0, next: None, total: None, not_found });
        }
        if response.status == StatusCode::NO_CONTENT {
            return self
                .http
                .decoded(ask.operation, Err("HTTP 204, which is not among the statuses of `empty`".to_owned()));
        }
        if !response.status.is_success() {
            let code = self.code(&response.body);
            let mut detail = format!("status {}", response.status.as_u16());
            if let Some(code) = &code {
                detail.push_str(", ");
                detail.push_str(code);
            }
            tracing::warn!(
                upstream.operation = ask.operation,
                upstream.status = response.status.as_u16(),
                upstream.code = code,
                "the system did not accept a question"
            );
            return Err(self.error(ask.operation, ErrorKind::BadRequest, detail));
        }
        let mut on_whole_row = |row: &Row<'_>| match ask.cut.iter().find(|path| row.get(path).is_some()) {
            Some(path) => Err(Reject::cut(format!("a list inside a row goes on elsewhere: `{path}`"))),
            None => on_row(row),
        };
        let found = row::read(&response.body, ask.wanted, &mut on_whole_row);
        let found = match found {
            Ok(found) => {
                let found = self.http.decoded(ask.operation, Ok(found))?;
                match ask.paging {
                    Paging::LinkHeader {} => Found { next: next_link(&response.headers), ..found },
                    _ => found,
                }
            }
            Err(Refused::Body(Reject { why, .. })) => self.http.decoded(ask.operation, Err(why.into_owned()))?,
            Err(Refused::Row(Reject { why, cut })) => {
                tracing::warn!(
                    upstream.operation = ask.operation,
                    upstream.detail = &*why,
                    "a row is not what the configuration says"
                );
                let kind = if cut { ErrorKind::Truncated } else { ErrorKind::BadResponse };
                return Err(self.error(ask.operation, kind, why));
            }
        };
        self.end(ask, &path, position, extra, &found)
    }

    /// Reads all pages. False if the system says that there is nothing by that name, by a status of `not_found`.
    pub(in crate::systems) async fn all(
        &self,
        call: &Call,
        ask: Ask<'_>,
        keys: &[&str],
        params: &[(&str, Param)],
        on_row: &mut OnRow<'_>,
    ) -> Result<bool, SystemError> {
        let truncated = |why: &str| Err(self.error(ask.operation, ErrorKind::Truncated, why));
        let extra = Extra { params, size: None };
        let paged = !matches!(ask.paging, Paging::None);
        let (mut position, mut visited) = (Position::Start, HashSet::new());
        let mut whole = Whole::default();
        for _ in 0..self.max_pages.max(1) {
            let end = {
                let mut on_row = |row: &Row<'_>| {
                    if paged {
                        whole.row(row);
                    }
                    match ask.each {
                        Some(path) => row::inside(row, path, on_row),
                        None => on_row(row),
                    }
                };
                self.page(call, ask, keys, &position, extra, &mut on_row).await?
            };
            if end.not_found {
                return Ok(false);
            }
            if let Err(why) = whole.page(&end, ask.tells_total(&position)) {
                return truncated(why);
            }
            let Some(next) = end.next else {
                return whole.end().map_or_else(truncated, |()| Ok(true));
            };
            visited.insert(position);
            if visited.contains(&next) {
                return truncated("the next page is one that was read before");
            }
            position = next;
        }
        truncated("more pages than `max_pages`")
    }

    /// Where the next page begins.
    fn end(
        &self,
        ask: Ask<'_>,
        path: &str,
        position: &Position,
        extra: Extra<'_>,
        found: &Found<'_>,
    ) -> Result<PageEnd, SystemError> {
        let rows = u64::try_from(found.rows).unwrap_or(u64::MAX);
        let at = |first| if let Position::Number(number) = position { *number } else { first };
        // A list that ends before all of the rows that it says there are is none: wherever it was begun.
        let ends = |size: u64, more: bool, short_page: bool, seen: u64| {
            let said = more && found.more != Some(true);
            let ends = said || rows == 0 || (short_page && rows < size);
            match found.total {
                Some(total) if ends && seen < total => {
                    Err(self.error(ask.operation, ErrorKind::Truncated, "the pages end before the rows do"))
                }
                total => Ok(ends || total.is_some_and(|total| seen >= total)),
            }
        };
        let next = match ask.paging {
            Paging::None => None,
            Paging::Cursor { .. } => found.next.as_deref().map(|cursor| Position::Cursor(cursor.to_owned())),
            Paging::NextLink { .. } | Paging::LinkHeader {} => match found.next.as_deref() {
                Some(link) => Some(Position::Link(self.link(ask, path, link)?)),
                None => None,
            },
            Paging::Page { first, size, more, short_page, .. } => {
                let number = at(*first);
                let before = number.saturating_sub(*first).saturating_mul(*size);
                let seen = before.saturating_add(rows);
                if rows < *size && rows > 0 && found.total.is_some_and(|total| seen < total) {
                    let why = "pages smaller than `size`: set it to the largest page the system gives";
                    return Err(self.error(ask.operation, ErrorKind::Truncated, why));
                }
                (!ends(*size, more.is_some(), *short_page, seen)?).then(|| Position::Number(number.saturating_add(1)))
            }
            Paging::Offset { size, more, short_page, .. } => {
                let seen = at(0).saturating_add(rows);
                let size = extra.size.unwrap_or(*size);
                (!ends(size, more.is_some(), *short_page, seen)?).then_some(Position::Number(seen))
            }
        };
        Ok(PageEnd { rows, next, total: found.total, not_found: false })
    }

    /// A link to the next page as a path below the base URL. One that leads anywhere else is refused: it would take the
    /// credential there. A link is relative to the page it stands on, or to the base URL.
    fn link(&self, ask: Ask<'_>, path: &str, link: &str) -> Result<String, SystemError> {
        let base = self.base.as_str().trim_end_matches('/');
        let here = Url::parse(&format!("{base}{path}")).ok();
        let root = Url::parse(&format!("{base}/")).ok();
        let same = |there: &Url| {
            let signed_in = !there.username().is_empty() || there.password().is_some();
            let path = here.as_ref().map(|here| decoded(here.path()));
            there.origin() == self.base.origin() && !signed_in && Some(decoded(there.path())) == path
        };
        let mut readings = [&here, &root].into_iter().filter_map(|from| from.as_ref()?.join(link).ok());
        let there = readings.find(same).ok_or_else(|| {
            self.error(ask.operation, ErrorKind::BadResponse, "a link to the next page that leads elsewhere")
        })?;
        let path = path.split('?').next().unwrap_or_default();
        Ok(there.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
    }
}

/// A path as it reads: servers write the same one in several ways.
fn decoded(path: &str) -> Cow<'_, [u8]> {
    percent_decode_str(path).into()
}

fn request(ask: Ask<'_>, keys: &[&str], position: &Position, extra: Extra<'_>) -> Request {
    if let Position::Link(path) = position {
        return Request::get(ask.operation, path.clone());
    }
    let mut path = ask.template.fill(keys, ask.between);
    let mut params: Vec<(&str, Param)> = extra.params.to_vec();
    page_params(ask.paging, position, extra.size, &mut params);
    if let Some(template) = ask.body {
        let body = Body { template, keys, numbers: ask.numbers, params: &params };
        return Request::post_json(ask.operation, path, &body);
    }
    for (name, value) in &params {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.extend(encode_name(name));
        path.push('=');
        path.extend(encode(&value.text()));
    }
    Request::get(ask.operation, path)
}

fn page_params<'e>(paging: &'e Paging, position: &Position, size: Option<u64>, params: &mut Vec<(&'e str, Param)>) {
    let mut sized = |size_param: &'e Option<String>, configured: u64| {
        if let Some(name) = size_param {
            params.push((name, Param::Number(size.unwrap_or(configured))));
        }
    };
    match paging {
        Paging::None | Paging::NextLink { .. } | Paging::LinkHeader {} => {}
        Paging::Cursor { param, size_param, size, .. } => {
            sized(size_param, *size);
            if let Position::Cursor(cursor) = position {
                params.push((param, Param::Text(cursor.clone())));
            }
        }
        Paging::Page { param, first, size_param, size, .. } => {
            sized(size_param, *size);
            let number = if let Position::Number(number) = position { *number } else { *first };
            params.push((param, Param::Number(number)));
        }
        Paging::Offset { param, size_param, size, .. } => {
            sized(size_param, *size);
            let number = if let Position::Number(number) = position { *number } else { 0 };
            params.push((param, Param::Number(number)));
        }
    }
}

/// What was read of a list so far, to notice a page that comes again and rows that do not come.
#[derive(Debug, Default)]
pub(in crate::systems) struct Whole {
    seen: HashSet<u64, RandomState>,
    pages: usize,
    /// Rows of this page that no page before had.
    new: usize,
    rows: u64,
    /// The largest number of rows that was told: some systems tell it on the first page alone.
    total: Option<u64>,
}

impl Whole {
    pub(in crate::systems) fn row(&mut self, row: &Row<'_>) {
        self.new += usize::from(self.seen.insert(fingerprint(row)));
    }

    /// A page was read. The error says why the list cannot be trusted.
    /// `tells_total` if this page is one that tells how many rows there are in all.
    pub(in crate::systems) fn page(&mut self, end: &PageEnd, tells_total: bool) -> Result<(), &'static str> {
        if tells_total && end.total.is_none() && end.rows > 0 {
            return Err("no total where the configuration says that there is one");
        }
        self.rows += end.rows;
        self.total = self.total.max(end.total);
        let again = self.pages > 0 && end.rows > 0 && self.new == 0;
        (self.pages, self.new) = (self.pages + 1, 0);
        if again { Err("a page that holds nothing new") } else { Ok(()) }
    }

    /// There are no more pages.
    pub(in crate::systems) fn end(&self) -> Result<(), &'static str> {
        if self.total.is_some_and(|total| self.rows < total) {
            return Err("the pages end before the rows do");
        }
        Ok(())
    }
}

/// A row by what it holds, to notice a page that comes again.
fn fingerprint(row: &Row<'_>) -> u64 {
    FixedState::default().hash_one(row.text())
}
