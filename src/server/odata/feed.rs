//! The rows of an answer: page by page as their owners give them, or in an order.
//!
//! Rows without an order come in that of their owner, and a page goes on where the owner's own mark says: that is stable
//! while records change, and nothing is held beyond the page. Rows in an order are read all before the first is given, so
//! there may not be too many; a page goes on behind the last row of the one before, wherever that stands by then.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use foldhash::quality::FixedState;
use serde::{Deserialize, Serialize};

use super::expression::{Expression, Literal, ordering};
use super::filter;
use super::options::Options;
use super::problem::Problem;
use crate::domain::Rates;
use crate::reads::ReadOptions;
use crate::reports::entities::{EntitySet, Place, Question, Row, Steps};
use crate::reports::{Cell, Reports};

/// Rows of a page, unless fewer are preferred.
pub(super) const PAGE: usize = 1000;
/// Rows that are put in an order at most.
pub(super) const MOST_ORDERED: usize = 50_000;
/// Chunks that are looked through for one page. A filter that few rows pass gives a short page, and a link to the next.
const MOST_CHUNKS: usize = 100;

/// What is asked of a set.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) set: EntitySet,
    /// The columns that are given, by their places.
    pub(super) selected: Vec<usize>,
    /// Whether they were named.
    pub(super) is_selection: bool,
    filter: Option<Expression>,
    order: Vec<(usize, bool)>,
    top: Option<usize>,
    skip: usize,
    pub(super) count: bool,
    /// Rows of a page.
    size: usize,
    token: Option<Token>,
    /// What a mark belongs to.
    fingerprint: u64,
}

/// Where the next page begins.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Token {
    /// The question that it belongs to.
    #[serde(rename = "q")]
    fingerprint: u64,
    /// Rows of a page.
    #[serde(rename = "n")]
    size: usize,
    #[serde(flatten)]
    place: Place,
    /// The key of the row with which it begins, and the number of that row in what is there; the number counts if the row is
    /// gone.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(rename = "s", default)]
    skip: usize,
    /// In an order: what the last row before it says of each column of the order, and its key.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    last: Option<Vec<String>>,
}

/// A page.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    /// The options of the next; none after the last.
    pub(super) next: Option<String>,
    /// How many rows there are in all, if that was asked.
    pub(super) count: Option<usize>,
    /// The exchange rates, if an amount was converted by them.
    pub(super) rates: Option<Rates>,
}

impl Asked {
    /// What options ask of a set. `preferred` is how many rows of a page the one who asks prefers.
    pub(super) fn new(set: EntitySet, options: &Options, preferred: Option<usize>) -> Result<Self, Problem> {
        let selected = options.selected(&set.columns)?;
        let fingerprint = {
            let mut hasher = FixedState::default().build_hasher();
            for part in [Some(set.name.as_str()), options.filter.as_deref(), options.order_by.as_deref()] {
                hasher.write(part.unwrap_or_default().as_bytes());
                hasher.write_u8(0);
            }
            hasher.finish()
        };
        let token = options.skip_token.as_deref().map(|token| Token::read(token, fingerprint)).transpose()?;
        let size = token.as_ref().map(|token| token.size).or(preferred).unwrap_or(PAGE);
        Ok(Self {
            is_selection: selected.is_some(),
            selected: selected.unwrap_or_else(|| (0..set.columns.len()).collect()),
            filter: options.filtered(&set.columns)?,
            order: options.ordered(&set.columns)?,
            top: options.top()?,
            skip: options.skip()?,
            count: options.count()?,
            size: size.clamp(1, PAGE),
            token,
            fingerprint,
            set,
        })
    }

    /// What the set is asked: of the columns that are given, or of those alone that must be looked at.
    fn question(&self, given: bool) -> Question {
        let mut columns = vec![self.set.key];
        let places =
            self.selected.iter().filter(|_| given).chain(self.order.iter().filter(|_| given).map(|(place, _)| place));
        columns.extend(places.filter_map(|place| self.set.columns.get(*place)).map(|column| column.name));
        if let Some(filter) = &self.filter {
            filter.columns(&mut columns);
        }
        let conditions = self.filter.as_ref().map(Expression::conditions).unwrap_or_default();
        Question { conditions, columns }
    }

    /// The columns of one row that is asked for by its key.
    pub(super) fn whole_question(&self) -> Question {
        self.question(true)
    }

    /// Rows of a page.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    fn keeps(&self, row: &Row) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.holds(row))
    }

    /// Reads a page.
    pub(super) async fn page(
        &self,
        reports: &Reports,
        options: &ReadOptions,
        given: &Options,
    ) -> Result<Page, Problem> {
        if !self.order.is_empty() {
            return self.ordered_page(reports, options, given).await;
        }
        // All pages have the same count: it is told on the first.
        let counts = self.count && self.token.is_none();
        let count = if counts { Some(self.counted(reports, options).await?) } else { None };
        let question = self.question(true);
        let mut page = Page { count, ..Page::default() };
        let most = self.size.min(self.top.unwrap_or(usize::MAX));
        let mut skip = if self.token.is_some() { 0 } else { self.skip };
        let mut place = Some(self.token.as_ref().map(|token| token.place.clone()).unwrap_or_default());
        let mut begins = self.token.as_ref();
        for _ in 0..MOST_CHUNKS {
            let Some(at) = place.take().filter(|_| most > 0) else { return Ok(page) };
            let chunk = reports.chunk(&self.set, &question, &at, options).await?;
            page.rates = page.rates.or(chunk.rates);
            let from = begins.take().map_or(0, |token| token.begin(&chunk.rows));
            for (number, row) in chunk.rows.into_iter().enumerate().skip(from) {
                if !self.keeps(&row) {
                    continue;
                }
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                if page.rows.len() == most {
                    page.next =
                        self.next(given, most, |token| Token { place: at, key: key(&row), skip: number, ..token });
                    return Ok(page);
                }
                page.rows.push(row);
            }
            place = chunk.next;
            if page.rows.len() == most {
                break;
            }
        }
        if let Some(place) = place {
            if skip > 0 {
                return Err(Problem::bad_request(
                    "`$skip` is more than this feed passes over: follow `@odata.nextLink`",
                ));
            }
            page.next = self.next(given, page.rows.len(), |token| Token { place, ..token });
        }
        Ok(page)
    }

    /// Reads all rows, puts them in order, and takes a page of them.
    async fn ordered_page(&self, reports: &Reports, options: &ReadOptions, given: &Options) -> Result<Page, Problem> {
        let question = self.question(true);
        let (mut all, mut rates) = (Vec::new(), None);
        let mut steps = Steps::default();
        while let Some(at) = steps.step()? {
            let chunk = reports.chunk(&self.set, &question, &at, options).await?;
            rates = rates.or(chunk.rates);
            all.extend(chunk.rows.into_iter().filter(|row| self.keeps(row)));
            if all.len() > MOST_ORDERED {
                return Err(Problem::bad_request(format!(
                    "`$orderby` puts at most {MOST_ORDERED} rows in order: filter them, or put them in order where they are loaded"
                )));
            }
            steps.go_on(chunk.next);
        }
        let count = (self.count && self.token.is_none()).then_some(all.len());
        if let Some(last) = self.token.as_ref().and_then(|token| token.last.as_ref()) {
            let last = self.last_row(last)?;
            all.retain(|row| self.compared(row, &last).is_gt());
        }
        all.sort_by(|left, right| self.compared(left, right));
        let skip = if self.token.is_some() { 0 } else { self.skip };
        let most = self.size.min(self.top.unwrap_or(usize::MAX));
        let more = all.len() > skip.saturating_add(most);
        let rows: Vec<Row> = all.into_iter().skip(skip).take(most).collect();
        let last = rows.last().map(|row| self.order_places().map(|place| written(row.get(place))).collect());
        let next = if more { self.next(given, rows.len(), |token| Token { last, ..token }) } else { None };
        Ok(Page { rows, next, count, rates })
    }

    /// The places of the columns of the order, and that of the key, which makes it one of all rows.
    fn order_places(&self) -> impl Iterator<Item = usize> {
        self.order.iter().map(|(place, _)| *place).chain([0])
    }

    /// The row of a mark, as far as the order needs it.
    fn last_row(&self, last: &[String]) -> Result<Row, Problem> {
        let mut row = vec![Cell::Empty; self.set.columns.len()];
        for (place, text) in self.order_places().zip(last) {
            let cell = filter::literal(text).map_err(|_| Token::unusable())?;
            *row.get_mut(place).ok_or_else(Token::unusable)? = cell;
        }
        if last.len() == self.order.len() + 1 { Ok(row) } else { Err(Token::unusable()) }
    }

    fn compared(&self, left: &Row, right: &Row) -> Ordering {
        let of = |place: usize| {
            let (left, right) = (left.get(place).unwrap_or(&Cell::Empty), right.get(place).unwrap_or(&Cell::Empty));
            ordering(left, right).unwrap_or(Ordering::Equal)
        };
        let ordered =
            self.order.iter().map(|(place, descending)| if *descending { of(*place).reverse() } else { of(*place) });
        ordered.fold(Ordering::Equal, Ordering::then).then_with(|| of(0))
    }

    /// Counts all rows.
    pub(super) async fn counted(&self, reports: &Reports, options: &ReadOptions) -> Result<usize, Problem> {
        let question = self.question(false);
        let (mut count, mut steps) = (0, Steps::default());
        while let Some(at) = steps.step()? {
            let chunk = reports.chunk(&self.set, &question, &at, options).await?;
            count += chunk.rows.iter().filter(|row| self.keeps(row)).count();
            steps.go_on(chunk.next);
        }
        Ok(count)
    }

    /// The options of the next page after one of so many rows; none if no more rows are asked for.
    fn next(&self, given: &Options, rows: usize, with: impl FnOnce(Token) -> Token) -> Option<String> {
        let top = self.top.map(|top| top.saturating_sub(rows));
        let token = Token {
            fingerprint: self.fingerprint,
            size: self.size,
            place: Place::default(),
            key: None,
            skip: 0,
            last: None,
        };
        (top != Some(0)).then(|| given.next(&with(token).written(), top))
    }
}

impl Token {
    fn read(text: &str, fingerprint: u64) -> Result<Self, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let token: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        token.filter(|token| token.fingerprint == fingerprint).ok_or_else(Self::unusable)
    }

    fn written(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn unusable() -> Problem {
        Problem::bad_request(
            "`$skiptoken` is not of this question: take it from `@odata.nextLink`, with all options beside it",
        )
    }

    /// The number of the row with which the page begins.
    fn begin(&self, rows: &[Row]) -> usize {
        let known = self.key.as_ref().and_then(|own| rows.iter().position(|row| key(row).as_ref() == Some(own)));
        known.unwrap_or(self.skip)
    }
}

fn key(row: &Row) -> Option<String> {
    row.first().map(|cell| written(Some(cell)))
}

fn written(cell: Option<&Cell>) -> String {
    Literal(cell.unwrap_or(&Cell::Empty)).to_string()
}
