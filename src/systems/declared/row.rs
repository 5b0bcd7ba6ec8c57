//! Rows of an answer, read where they stand.
//!
//! A body is read in one pass: the walk goes down to the rows and to the few values beside them (the next page's cursor,
//! an error, a total) and skips the rest. Of a row only the places of its fields are kept; a value is parsed when the
//! mapping asks for it, from the text the owner sent. Rows of one answer mostly have the same names in the same order, so
//! what was learned from one row is tried first on the next.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::Arc;

use super::json::{Lead, Raw, Scanner, Tag, Wrong};
use super::path::Path;
use crate::domain::{Currency, MoneyError, Person, parse_currency};

/// Why an answer cannot be used. Names places of the configuration, never what the owner sent.
#[derive(Debug)]
pub(in crate::systems) struct Reject {
    pub(in crate::systems) why: Cow<'static, str>,
    /// Whether it is not the whole.
    pub(in crate::systems) cut: bool,
}

impl Reject {
    /// Something is missing that the system holds.
    pub(in crate::systems) fn cut(why: impl Into<Cow<'static, str>>) -> Self {
        Self { cut: true, ..Self::new(why) }
    }

    pub(in crate::systems) fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self { why: why.into(), cut: false }
    }
}

/// Why a body is refused.
#[derive(Debug)]
pub(in crate::systems) enum Refused {
    /// It is not what the system promises.
    Body(Reject),
    /// One of its rows is not what the configuration says. The system is well all the same.
    Row(Reject),
}

impl Refused {
    fn body(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Body(Reject::new(why))
    }
}

/// More names than this in one row are not compared one by one.
const COMPARED: usize = 64;

/// People who are remembered from row to row.
const PEOPLE: usize = 16;

/// One row: its fields, unread.
#[derive(Debug, Default)]
pub(in crate::systems) struct Row<'a> {
    text: &'a str,
    /// The names of its fields, and maybe of fields at the end of an earlier row.
    names: Vec<Cow<'a, str>>,
    /// The names as numbers.
    tags: Vec<Tag>,
    /// What stands before the values.
    leads: Vec<Lead<'a>>,
    values: Vec<Raw<'a>>,
    /// The row in which it stands.
    outer: Option<&'a Self>,
    /// Whether something in it that was asked for cannot be told: a name is there twice.
    unclear: Cell<bool>,
    /// The currency that was read last.
    currency: Cell<Option<([u8; 3], Currency)>>,
    /// People who were named before: mostly there are few, and of each there is one record.
    people: RefCell<Vec<Arc<Person>>>,
}

impl<'a> Row<'a> {
    /// The value at a path; none if it is not there or `null`.
    #[inline]
    pub(in crate::systems) fn get(&self, path: &Path) -> Option<Raw<'a>> {
        self.find(path).filter(|value| !value.is_null())
    }

    /// The value at a path, which may be `null`; none if it is not there.
    #[inline]
    pub(in crate::systems) fn find(&self, path: &Path) -> Option<Raw<'a>> {
        // Mostly it is one name, and stands where it stood in the row before.
        let guess = path.last_seen();
        match (self.values.get(guess), self.tags.get(guess)) {
            (Some(value), Some(tag)) if path.is_just(*tag) => Some(*value),
            _ if path.goes_up() => self.outer?.own(path),
            _ => self.own(path),
        }
    }

    /// The value at a path within the row.
    fn own(&self, path: &Path) -> Option<Raw<'a>> {
        let guess = path.last_seen();
        let field = if self.begins(path, guess) { guess } else { self.search(path)? };
        let value = *self.values.get(field)?;
        match path.segments() {
            [] => None,
            [_] => Some(value),
            [_, rest @ ..] => descend(value, rest).unwrap_or_else(|_| {
                self.unclear.set(true);
                None
            }),
        }
    }

    /// Whether a path begins with a field. There are as many values as fields, and maybe more names.
    fn begins(&self, path: &Path, field: usize) -> bool {
        let name = self.tags.get(field).zip(self.names.get(field));
        field < self.values.len() && name.is_some_and(|(tag, name)| path.begins_with(*tag, name))
    }

    /// The field that a path begins with.
    #[cold]
    fn search(&self, path: &Path) -> Option<usize> {
        let field = (0..self.values.len()).find(|field| self.begins(path, *field))?;
        path.seen(field);
        Some(field)
    }

    /// Refuses the row if something that was asked of it cannot be told.
    fn clear(&self) -> Result<(), Reject> {
        if self.unclear.get() { Err(Reject::new("a name is there twice")) } else { Ok(()) }
    }

    /// The whole row, as it was sent.
    pub(in crate::systems) fn text(&self) -> &'a str {
        self.text
    }

    /// Reads an ISO 4217 code. Most rows name the one that the row before named.
    pub(in crate::systems) fn currency(&self, code: &str) -> Result<Currency, MoneyError> {
        if let Some((known, currency)) = self.currency.get()
            && code.as_bytes() == known
        {
            return Ok(currency);
        }
        let currency = parse_currency(code)?;
        if let Ok(code) = code.as_bytes().try_into() {
            self.currency.set(Some((code, currency)));
        }
        Ok(currency)
    }

    /// A person. Most rows name one whom a row before named.
    pub(in crate::systems) fn person(&self, name: &str, email: Option<&str>) -> Arc<Person> {
        let mut people = self.people.borrow_mut();
        let is_meant = |person: &&Arc<Person>| person.name == name && person.email.as_deref() == email;
        if let Some(known) = people.iter().find(is_meant) {
            return Arc::clone(known);
        }
        let person = Arc::new(Person { name: name.into(), email: email.map(Into::into) });
        if people.len() == PEOPLE {
            people.clear();
        }
        people.push(Arc::clone(&person));
        person
    }

    /// Reads the next object. A name that is there twice is wrong.
    fn read(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Wrong> {
        let mut many = None;
        self.unclear.set(false);
        self.values.clear();
        scanner.peek()?;
        let start = scanner.place();
        scanner.enter(b'{')?;
        loop {
            let lead = self.leads.get(self.values.len());
            if !lead.is_some_and(|lead| scanner.passes(lead)) && !self.learn(scanner, &mut many)? {
                break;
            }
            self.values.push(scanner.value()?);
        }
        self.text = scanner.since(start);
        Ok(())
    }

    /// Reads the next name, and takes note of it for the next rows; `false` at the end of the row. Names are compared one by
    /// one, and those of a long row by way of `many`.
    #[inline(never)]
    fn learn(&mut self, scanner: &mut Scanner<'a>, many: &mut Option<HashSet<Cow<'a, str>>>) -> Result<bool, Wrong> {
        let (field, begin) = (self.values.len(), scanner.place());
        if !scanner.goes_on(b'}', field == 0)? {
            return Ok(false);
        }
        self.names.truncate(field);
        self.tags.truncate(field);
        self.leads.truncate(field);
        let name = scanner.name()?;
        let is_new = if field < COMPARED {
            !self.names.contains(&name)
        } else {
            // From here on each name of the row is learned.
            many.get_or_insert_with(|| self.names.iter().cloned().collect()).insert(name.clone())
        };
        if !is_new {
            return Err(scanner.wrong());
        }
        self.leads.push(scanner.lead(begin)?);
        self.tags.push(Tag::of(&name));
        self.names.push(name);
        Ok(true)
    }
}

/// The value at a path below a value, which may be `null`; none if it is not there.
fn descend<'a>(value: Raw<'a>, path: &[Box<str>]) -> Result<Option<Raw<'a>>, Wrong> {
    path.iter().try_fold(Some(value), |value, name| value.map_or(Ok(None), |value| value.pick(name)))
}

/// What is looked for in a body.
#[derive(Debug, Clone, Copy)]
pub(in crate::systems) struct Wanted<'p> {
    /// Where the rows are; the body itself if empty.
    pub(in crate::systems) rows: &'p Path,
    /// Whether there is one object instead of a list of them.
    pub(in crate::systems) single: bool,
    /// Cursor or link of the next page.
    pub(in crate::systems) next: Option<&'p Path>,
    /// Number of rows in all.
    pub(in crate::systems) total: Option<&'p Path>,
    /// Whether there is another page.
    pub(in crate::systems) more: Option<&'p Path>,
    /// What is there only when the answer is an error.
    pub(in crate::systems) error: Option<&'p Path>,
}

/// What was found beside the rows.
#[derive(Debug, Default)]
pub(in crate::systems) struct Found<'a> {
    /// How many rows there were.
    pub(in crate::systems) rows: usize,
    /// As [`Wanted::next`].
    pub(in crate::systems) next: Option<Cow<'a, str>>,
    /// As [`Wanted::total`].
    pub(in crate::systems) total: Option<u64>,
    /// As [`Wanted::more`].
    pub(in crate::systems) more: Option<bool>,
}

/// What a reader does with each row.
pub(in crate::systems) type OnRow<'f> = dyn FnMut(&Row<'_>) -> Result<(), Reject> + Send + 'f;

/// Reads a body. An answer without the place of the rows, or with an error in it, is refused; `null` there is no row.
pub(in crate::systems) fn read<'a>(
    body: &'a [u8],
    wanted: Wanted<'_>,
    on_row: &mut OnRow<'_>,
) -> Result<Found<'a>, Refused> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|_| Refused::body("not UTF-8"))?;
    let mut walk = Walk { scanner: Scanner::new(text), rows: None, beside: [None; 4], single: wanted.single, on_row };
    let mut paths = vec![(Slot::Rows, wanted.rows.segments())];
    let beside = [wanted.next, wanted.total, wanted.more, wanted.error];
    paths.extend(beside.iter().enumerate().filter_map(|(i, path)| Some((Slot::Beside(i), path.as_ref()?.segments()))));
    walk.go(&paths).and_then(|()| Ok(walk.scanner.end()?)).map_err(|stop| match stop {
        Stop::Row(reject) => Refused::Row(reject),
        Stop::Body(Wrong(at)) => {
            let what = if at >= text.len() { "the JSON ends too early" } else { "not the JSON that is configured" };
            let before = body.get(..at).unwrap_or(body);
            let line = before.split(|byte| *byte == b'\n').count();
            let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len);
            Refused::body(format!("{what} (line {line}, column {column})"))
        }
    })?;
    let [next, total, more, error] = walk.beside.map(|value| value.filter(|value| !value.is_null()));
    if error.is_some_and(|error| !matches!(error.text(), "false" | "\"\"" | "[]" | "{}" | "0")) {
        return Err(Refused::body("a success that holds an error"));
    }
    let Some(rows) = walk.rows else {
        return Err(Refused::body(format!("no rows at `{}`", wanted.rows)));
    };
    // What says whether there is more must say it: a list that ends too early would pass for a whole one.
    let next = next.map(|value| value.scalar().ok_or_else(|| Refused::body("`next` is no text"))).transpose()?;
    let total = total.map(|value| value.scalar().and_then(|text| text.parse().ok()));
    let more = match (wanted.more, more.and_then(Raw::scalar).as_deref()) {
        (None, _) => None,
        (Some(_), Some("true")) => Some(true),
        (Some(_), Some("false")) => Some(false),
        (Some(path), _) => return Err(Refused::body(format!("neither true nor false at `{path}`"))),
    };
    Ok(Found {
        rows,
        next,
        total: total.map(|total| total.ok_or_else(|| Refused::body("`total` is no number"))).transpose()?,
        more,
    })
}

/// Reads the objects of a list inside a row.
pub(in crate::systems) fn each<'a>(
    list: Raw<'a>,
    mut on_row: impl FnMut(&Row<'a>) -> Result<(), Reject>,
) -> Result<(), Reject> {
    let elements = list.elements().map_err(|_| Reject::new("not a list where lines are configured"))?;
    let mut row = Row::default();
    for element in elements {
        row.read(&mut Scanner::new(element.text())).map_err(|_| Reject::new("a line that is not an object"))?;
        on_row(&row)?;
        row.clear()?;
    }
    Ok(())
}

/// Reads the rows inside a row. One that has none at that place has none.
pub(in crate::systems) fn inside(outer: &Row<'_>, path: &Path, on_row: &mut OnRow<'_>) -> Result<(), Reject> {
    let Some(list) = outer.get(path) else { return Ok(()) };
    let elements = list.elements().map_err(|_| Reject::new(format!("no list of rows at `{path}`")))?;
    let mut row = Row { outer: Some(outer), ..Row::default() };
    for element in elements {
        row.read(&mut Scanner::new(element.text()))
            .map_err(|_| Reject::new(format!("a row at `{path}` that is no object")))?;
        on_row(&row)?;
        row.clear()?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Slot {
    Rows,
    Beside(usize),
}

/// Why a walk ends before its end.
enum Stop {
    Body(Wrong),
    Row(Reject),
}

impl From<Wrong> for Stop {
    fn from(wrong: Wrong) -> Self {
        Self::Body(wrong)
    }
}

/// Paths that are looked for, without the part that lies behind.
type Paths<'p> = [(Slot, &'p [Box<str>])];

/// Goes down to what is wanted.
struct Walk<'a, 'f> {
    scanner: Scanner<'a>,
    rows: Option<usize>,
    beside: [Option<Raw<'a>>; 4],
    single: bool,
    on_row: &'f mut OnRow<'f>,
}

impl<'a> Walk<'a, '_> {
    /// Reads the value that is next, in which `paths` are looked for.
    fn go(&mut self, paths: &Paths<'_>) -> Result<(), Stop> {
        if paths.iter().any(|(slot, rest)| matches!(slot, Slot::Rows) && rest.is_empty()) {
            return self.read_rows(paths);
        }
        if paths.is_empty() || paths.iter().any(|(_, rest)| rest.is_empty()) {
            let value = self.scanner.value()?;
            for (slot, rest) in paths {
                self.keep(*slot, descend(value, rest)?);
            }
            return Ok(());
        }
        let mut first = true;
        match self.scanner.peek()? {
            b'{' => {
                self.scanner.enter(b'{')?;
                while self.scanner.goes_on(b'}', std::mem::take(&mut first))? {
                    let name = self.scanner.name()?;
                    self.go(&below(paths, |wanted| *wanted == *name))?;
                }
            }
            b'[' => {
                self.scanner.enter(b'[')?;
                let mut places = 0_usize..;
                while self.scanner.goes_on(b']', std::mem::take(&mut first))? {
                    let place = places.next();
                    self.go(&below(paths, |wanted| wanted.parse().ok() == place))?;
                }
            }
            _ => {
                self.scanner.value()?;
            }
        }
        Ok(())
    }

    /// Reads the rows, or the one that there is.
    fn read_rows(&mut self, paths: &Paths<'_>) -> Result<(), Stop> {
        if self.rows.is_some() {
            return Err(self.scanner.wrong().into());
        }
        let mut row = Row::default();
        match (self.scanner.peek()?, self.single) {
            (b'[', false) => {
                self.rows = Some(0);
                let mut first = true;
                self.scanner.enter(b'[')?;
                while self.scanner.goes_on(b']', std::mem::take(&mut first))? {
                    row.read(&mut self.scanner)?;
                    self.row(&row)?;
                }
            }
            (b'{', single) => {
                row.read(&mut self.scanner)?;
                let mut error = false;
                for (slot, path) in paths {
                    if let Some((first, rest)) = path.split_first() {
                        let field = row.names.iter().position(|name| **name == **first);
                        let value = field.and_then(|field| row.values.get(field).copied());
                        let value = value.map_or(Ok(None), |value| descend(value, rest))?;
                        self.keep(*slot, value);
                        error |= matches!(slot, Slot::Beside(3)) && value.is_some_and(|value| !value.is_null());
                    }
                }
                // An object where a list is expected leaves the rows unfound: an error envelope is told apart by the caller.
                if single && !error {
                    self.row(&row)?;
                }
            }
            (b'n', _) => {
                self.scanner.value()?;
                self.rows = Some(0);
            }
            _ => return Err(self.scanner.wrong().into()),
        }
        Ok(())
    }

    fn row(&mut self, row: &Row<'a>) -> Result<(), Stop> {
        self.rows = Some(self.rows.unwrap_or(0) + 1);
        (self.on_row)(row).and_then(|()| row.clear()).map_err(Stop::Row)
    }

    fn keep(&mut self, slot: Slot, value: Option<Raw<'a>>) {
        if let Slot::Beside(i) = slot
            && let Some(place) = self.beside.get_mut(i)
        {
            *place = value;
        }
    }
}

/// What is left of the paths that go on by a name.
fn below<'p>(paths: &Paths<'p>, is: impl Fn(&str) -> bool) -> Vec<(Slot, &'p [Box<str>])> {
    let rest = |(slot, path): &(Slot, &'p [Box<str>])| {
        path.split_first().filter(|(name, _)| is(name)).map(|(_, rest)| (*slot, rest))
    };
    paths.iter().filter_map(rest).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is between the pieces of an object, and between its fields.
    const SPACES: [&str; 4] = ["", " ", "\n\t", "                                        "];

    fn written(fields: &[(String, i64)], [inside, between]: [&str; 2]) -> String {
        let fields = fields.iter().map(|(name, value)| {
            format!("{inside}{}{inside}:{inside}{value}{inside}", serde_json::to_string(name).unwrap())
        });
        format!("{{{}}}", fields.collect::<Vec<_>>().join(&format!(",{between}")))
    }

    proptest! {
        #[test]
        fn a_row_is_read_as_serde_json_reads_it_whatever_stood_in_the_rows_before(
            rows in proptest::collection::vec(
                (
                    proptest::collection::vec(("(a|b|é|\"|[n]{27,33}|[m]{60})", any::<i64>()), 0..6),
                    proptest::array::uniform2(proptest::sample::select(&SPACES[..])),
                ),
                0..8,
            ),
            all_alike: bool,
        ) {
            let mut rows = rows;
            if let Some((first, _)) = rows.first().cloned().filter(|_| all_alike) {
                // The same names in the same order, as rows mostly are.
                for (fields, _) in &mut rows {
                    fields.clone_from(&first);
                }
            }
            let body = format!("[{}]", rows.iter().map(|(row, spaces)| written(row, *spaces)).collect::<Vec<_>>().join(","));
            let twice = rows.iter().any(|(row, _)| (1..row.len()).any(|at| row[..at].iter().any(|(name, _)| *name == row[at].0)));
            let paths: Vec<_> = rows.iter().flat_map(|(row, _)| row).map(|(name, _)| (name, Path::name(name))).collect();
            let mut seen = Vec::new();
            let wanted = Wanted { rows: &Path::default(), single: false, next: None, total: None, more: None, error: None };
            let read = read(body.as_bytes(), wanted, &mut |row| {
                let values = paths.iter().map(|(_, path)| row.get(path).map(|value| value.text().to_owned()));
                seen.push(values.collect::<Vec<_>>());
                Ok(())
            });
            prop_assert_eq!(read.is_err(), twice, "{}", body);
            if !twice {
                let theirs: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
                let expected: Vec<Vec<_>> = theirs
                    .iter()
                    .map(|row| paths.iter().map(|(name, _)| row.get(name.as_str()).map(ToString::to_string)).collect())
                    .collect();
                prop_assert_eq!(seen, expected, "{}", body);
            }
        }
    }

    #[test]
    fn whoever_is_named_again_is_the_same_record() {
        let row = Row::default();
        let [ana, again, other] = [None, None, Some("ana@example.com")].map(|email| row.person("Ana", email));
        assert!(Arc::ptr_eq(&ana, &again) && !Arc::ptr_eq(&ana, &other));
        for number in 0..3 * PEOPLE {
            let (name, email) = (format!("{number}"), format!("{number}@example.com"));
            for email in [None, Some(&*email)] {
                let person = row.person(&name, email);
                assert_eq!((&*person.name, person.email.as_deref()), (&*name, email));
            }
        }
    }
}
