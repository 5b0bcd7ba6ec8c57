//! Rows of an answer, read where they stand.
//!
//! A body is read in one pass: the walk goes down to the rows and to the few values beside them (the next page's cursor,
//! an error, a total) and skips the rest. Of a row only the places of its fields are kept; a value is parsed when the
//! mapping asks for it, from the text the owner sent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::path::Path;

/// A visitor's answer where an object was hoped for and something else stands.
macro_rules! scalars_are_nothing {
    () => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}

/// Why an answer cannot be used. Names places of the configuration, never what the owner sent.
#[derive(Debug)]
pub(super) struct Reject(pub(super) Cow<'static, str>);

impl Reject {
    pub(super) fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self(why.into())
    }
}

/// Why a body is refused.
#[derive(Debug)]
pub(super) enum Refused {
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

/// One row: its fields, unread.
#[derive(Debug, Default)]
pub(super) struct Row<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Row<'a> {
    /// The value at a path; none if it is not there or `null`.
    pub(super) fn get(&self, path: &Path) -> Option<&'a RawValue> {
        self.find(path).filter(|value| value.get() != "null")
    }

    /// The value at a path, which may be `null`; none if it is not there.
    pub(super) fn find(&self, path: &Path) -> Option<&'a RawValue> {
        let (first, rest) = path.segments().split_first()?;
        let (_, value) = self.fields.iter().rev().find(|(name, _)| *name == **first)?;
        descend(value, rest)
    }

    /// The fields, in the order in which they were sent.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.fields.iter().map(|(name, value)| (&**name, value.get()))
    }
}

/// The value at a path below a value, which may be `null`; none if it is not there.
fn descend<'a>(value: &'a RawValue, path: &[Box<str>]) -> Option<&'a RawValue> {
    let mut value = value;
    for name in path {
        let mut deserializer = serde_json::Deserializer::from_str(value.get());
        value = Pick { name }.deserialize(&mut deserializer).ok()??;
    }
    Some(value)
}

/// The text of a scalar: a string without its quotes, a number or a boolean as it is written. None for an empty text,
/// an object or a list.
pub(super) fn scalar(value: &RawValue) -> Option<Cow<'_, str>> {
    let text = value.get();
    let text = match text.as_bytes().first()? {
        b'{' | b'[' | b'n' => return None,
        b'"' if text.contains('\\') => Cow::Owned(serde_json::from_str::<String>(text).ok()?.trim().to_owned()),
        b'"' => Cow::Borrowed(text.get(1..text.len().saturating_sub(1))?.trim()),
        _ => Cow::Borrowed(text),
    };
    (!text.is_empty()).then_some(text)
}

/// Whether a value is written as a string.
pub(super) fn is_string(value: &RawValue) -> bool {
    value.get().starts_with('"')
}

/// What is looked for in a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'p> {
    /// Where the rows are; the body itself if empty.
    pub(super) rows: &'p Path,
    /// Whether there is one object instead of a list of them.
    pub(super) single: bool,
    /// Cursor or link of the next page.
    pub(super) next: Option<&'p Path>,
    /// Number of rows in all.
    pub(super) total: Option<&'p Path>,
    /// Whether there is another page.
    pub(super) more: Option<&'p Path>,
    /// What is there only when the answer is an error.
    pub(super) error: Option<&'p Path>,
}

/// What was found beside the rows.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    /// How many rows there were.
    pub(super) rows: usize,
    /// As [`Wanted::next`].
    pub(super) next: Option<Cow<'a, str>>,
    /// As [`Wanted::total`].
    pub(super) total: Option<u64>,
    /// As [`Wanted::more`].
    pub(super) more: Option<bool>,
}

/// What a reader does with each row.
pub(super) type OnRow<'f> = dyn FnMut(&Row<'_>) -> Result<(), Reject> + Send + 'f;

/// Reads a body. An answer without the place of the rows, or with an error in it, is refused; `null` there is no row.
pub(super) fn read<'a>(body: &'a [u8], wanted: Wanted<'_>, on_row: &mut OnRow<'_>) -> Result<Found<'a>, Refused> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|_| Refused::body("not UTF-8"))?;
    let mut state = State { rows: None, beside: [None; 4], single: wanted.single, on_row, reject: None };
    let mut paths = vec![(Slot::Rows, wanted.rows.segments())];
    let beside = [wanted.next, wanted.total, wanted.more, wanted.error];
    paths.extend(beside.iter().enumerate().filter_map(|(i, path)| Some((Slot::Beside(i), path.as_ref()?.segments()))));
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let walked = Walk { state: &mut state, paths }.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    if let Some(reject) = state.reject {
        return Err(Refused::Row(reject));
    }
    if let Err(error) = walked {
        let what = if error.is_eof() { "the JSON ends too early" } else { "not the JSON that is configured" };
        return Err(Refused::body(format!("{what} (line {}, column {})", error.line(), error.column())));
    }
    let [next, total, more, error] = state.beside.map(|value| value.filter(|value| value.get() != "null"));
    if error.is_some_and(|error| !matches!(error.get(), "false" | "\"\"" | "[]" | "{}" | "0")) {
        return Err(Refused::body("a success that holds an error"));
    }
    let Some(rows) = state.rows else {
        return Err(Refused::body(format!("no rows at `{}`", wanted.rows)));
    };
    Ok(Found {
        rows,
        next: next.and_then(scalar),
        total: total.and_then(scalar).and_then(|text| text.parse().ok()),
        more: more.and_then(scalar).map(|text| text == "true"),
    })
}

/// Reads the objects of a list inside a row; none of them if it is `null`.
pub(super) fn each<'a>(
    list: &'a RawValue,
    mut on_row: impl FnMut(&Row<'a>) -> Result<(), Reject>,
) -> Result<(), Reject> {
    let elements: Vec<&'a RawValue> =
        serde_json::from_str(list.get()).map_err(|_| Reject::new("not a list where lines are configured"))?;
    let mut row = Row::default();
    for element in elements {
        RowSeed(&mut row)
            .deserialize(&mut serde_json::Deserializer::from_str(element.get()))
            .map_err(|_| Reject::new("a line that is not an object"))?;
        on_row(&row)?;
    }
    Ok(())
}

/// Reads the texts of a value that is a scalar or a list of scalars.
pub(super) fn scalars(value: &RawValue) -> Vec<Cow<'_, str>> {
    if value.get().starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
        elements.into_iter().filter_map(scalar).collect()
    } else {
        scalar(value).into_iter().collect()
    }
}

#[derive(Clone, Copy)]
enum Slot {
    Rows,
    Beside(usize),
}

struct State<'a, 'f> {
    rows: Option<usize>,
    beside: [Option<&'a RawValue>; 4],
    single: bool,
    on_row: &'f mut OnRow<'f>,
    reject: Option<Reject>,
}

impl<'a> State<'a, '_> {
    fn row<E: serde::de::Error>(&mut self, row: &Row<'a>) -> Result<(), E> {
        self.rows = Some(self.rows.unwrap_or(0) + 1);
        (self.on_row)(row).map_err(|reject| {
            self.reject = Some(reject);
            E::custom("a row was refused")
        })
    }

    fn keep(&mut self, slot: Slot, value: Option<&'a RawValue>) {
        if let Slot::Beside(i) = slot
            && let Some(place) = self.beside.get_mut(i)
        {
            *place = value;
        }
    }
}

/// Goes down to what is wanted.
struct Walk<'w, 'p, 'a, 'f> {
    state: &'w mut State<'a, 'f>,
    paths: Vec<(Slot, &'p [Box<str>])>,
}

impl<'a> DeserializeSeed<'a> for Walk<'_, '_, 'a, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        let at_rows = self.paths.iter().any(|(slot, rest)| matches!(slot, Slot::Rows) && rest.is_empty());
        if at_rows {
            return deserializer.deserialize_any(Rows { state: self.state, beside: self.paths });
        }
        if self.paths.iter().any(|(_, rest)| rest.is_empty()) {
            let value: &'a RawValue = serde::Deserialize::deserialize(deserializer)?;
            for (slot, rest) in self.paths {
                self.state.keep(slot, descend(value, rest));
            }
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Walk<'_, '_, 'a, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let paths = below(&self.paths, |name| *name == *key);
            if paths.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(Walk { state: &mut *self.state, paths })?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        for place in 0_usize.. {
            let paths = below(&self.paths, |name| name.parse() == Ok(place));
            let more = if paths.is_empty() {
                seq.next_element::<IgnoredAny>()?.is_some()
            } else {
                seq.next_element_seed(Walk { state: &mut *self.state, paths })?.is_some()
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    scalars_are_nothing!();
}

/// What is left of the paths that go on by a name.
fn below<'p>(paths: &[(Slot, &'p [Box<str>])], is: impl Fn(&str) -> bool) -> Vec<(Slot, &'p [Box<str>])> {
    let rest = |(slot, path): &(Slot, &'p [Box<str>])| {
        path.split_first().filter(|(name, _)| is(name)).map(|(_, rest)| (*slot, rest))
    };
    paths.iter().filter_map(rest).collect()
}

/// Reads the rows, or the one that there is.
struct Rows<'w, 'p, 'a, 'f> {
    state: &'w mut State<'a, 'f>,
    beside: Vec<(Slot, &'p [Box<str>])>,
}

impl<'a> Visitor<'a> for Rows<'_, '_, 'a, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.state.single { "an object" } else { "a list of objects" })
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.state.single {
            return Err(A::Error::custom("a list where one object is configured"));
        }
        self.state.rows = Some(0);
        let mut row = Row::default();
        while seq.next_element_seed(RowSeed(&mut row))?.is_some() {
            self.state.row(&row)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<(), A::Error> {
        let mut row = Row::default();
        RowSeed(&mut row).visit_map(map)?;
        let mut error = false;
        for (slot, path) in &self.beside {
            if let Some((first, rest)) = path.split_first() {
                let value =
                    row.fields.iter().find(|(name, _)| *name == **first).and_then(|(_, value)| descend(value, rest));
                self.state.keep(*slot, value);
                error |= matches!(slot, Slot::Beside(3)) && value.is_some_and(|value| value.get() != "null");
            }
        }
        // An object where a list is expected leaves the rows unfound: an error envelope is told apart by the caller.
        if self.state.single && !error { self.state.row(&row) } else { Ok(()) }
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.state.rows = Some(0);
        Ok(())
    }
}

/// Reads one object into a row.
struct RowSeed<'r, 'a>(&'r mut Row<'a>);

impl<'a> DeserializeSeed<'a> for RowSeed<'_, 'a> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for RowSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.fields.clear();
        while let Some(name) = map.next_key_seed(KeySeed)? {
            self.0.fields.push((name, map.next_value()?));
        }
        Ok(())
    }
}

/// Finds one name of an object, or one place of a list.
struct Pick<'n> {
    name: &'n str,
}

impl<'a> DeserializeSeed<'a> for Pick<'_> {
    type Value = Option<&'a RawValue>;

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Pick<'_> {
    type Value = Option<&'a RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key_seed(KeySeed)? {
            if name == self.name {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut place = self.name.parse::<usize>().ok();
        let mut found = None;
        while let Some(value) = seq.next_element::<&'a RawValue>()? {
            if place == Some(0) {
                found = Some(value);
            }
            place = place.and_then(|place| place.checked_sub(1));
        }
        Ok(found)
    }

    scalars_are_nothing!();
}

/// A name in an object, borrowed where it can be.
struct KeySeed;

impl<'a> DeserializeSeed<'a> for KeySeed {
    type Value = Cow<'a, str>;

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for KeySeed {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
