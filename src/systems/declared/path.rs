//! Paths: where a value stands in what the owner sends.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::json::Tag;

/// Where a value stands: `"customer.name"`, with a number for a place in a list (`"amounts.0.value"`), or a list of names
/// where a name holds a dot: `["@odata.nextLink"]`. Empty is the thing itself. `^` at its beginning is the row in which the
/// row stands.
#[derive(Debug, Default)]
pub struct Path {
    names: Vec<Box<str>>,
    /// Whether it goes on from the row in which the row stands.
    up: bool,
    /// Its first name as one number.
    tag: Tag,
    /// Whether that number says all: one name, of the row itself, and not too long for a number.
    plain: bool,
    /// Where its first name stood in the row that was read last: the first place to look in the next one.
    last_seen: AtomicUsize,
}

impl Clone for Path {
    fn clone(&self) -> Self {
        Self { names: self.names.clone(), last_seen: AtomicUsize::default(), ..*self }
    }
}

impl Path {
    /// The names, from the outermost in.
    pub(in crate::systems) fn segments(&self) -> &[Box<str>] {
        &self.names
    }

    /// Whether it goes on from the row in which the row stands.
    pub(in crate::systems) fn goes_up(&self) -> bool {
        self.up
    }

    /// Whether it is this name and nothing else. If not it may be all the same: this is a quick look.
    #[inline]
    pub(in crate::systems) fn is_just(&self, name: Tag) -> bool {
        self.plain && self.tag == name
    }

    /// Whether it begins with this name, which makes this number.
    pub(in crate::systems) fn begins_with(&self, tag: Tag, name: &str) -> bool {
        self.tag == tag && (!self.tag.is_cut() || self.names.first().is_some_and(|first| **first == *name))
    }

    /// Which field of a row it probably begins with. A guess, to be checked.
    pub(in crate::systems) fn last_seen(&self) -> usize {
        self.last_seen.load(Ordering::Relaxed)
    }

    /// Takes note of which field it was.
    pub(in crate::systems) fn seen(&self, field: usize) {
        self.last_seen.store(field, Ordering::Relaxed);
    }

    /// Whether it is the thing itself.
    pub(in crate::systems) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(in crate::systems) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        Self::of(text.split('.').map(Into::into).collect())
    }

    /// The value of this name, which may hold dots.
    pub(in crate::systems) fn name(name: &str) -> Self {
        Self::new(vec![name.into()], false)
    }

    fn new(names: Vec<Box<str>>, up: bool) -> Self {
        let tag = names.first().map(|name| Tag::of(name)).unwrap_or_default();
        let plain = names.len() == 1 && !up && !tag.is_cut();
        Self { names, up, tag, plain, last_seen: AtomicUsize::default() }
    }

    fn of(mut names: Vec<Box<str>>) -> Result<Self, String> {
        let up = names.first().is_some_and(|first| &**first == "^");
        if up {
            names.remove(0);
        }
        if up && names.is_empty() {
            return Err("`^` is no value: write which field of the outer row, `^.currency`".to_owned());
        }
        if names.iter().any(|name| name.is_empty()) {
            return Err("a path with an empty name in it: write `outer.inner`".to_owned());
        }
        Ok(Self::new(names, up))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.up {
            f.write_str("^.")?;
        }
        f.write_str(&self.names.join("."))
    }
}

struct PathVisitor;

impl<'de> Visitor<'de> for PathVisitor {
    type Value = Path;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path such as \"customer.name\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Path, E> {
        Path::parse(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Path, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = seq.next_element::<Box<str>>()? {
            names.push(name);
        }
        Path::of(names).map_err(A::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PathVisitor)
    }
}

impl schemars::JsonSchema for Path {
    fn schema_name() -> Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Where a value stands: `customer.name`, or a list of names where a name holds a dot.",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
        })
    }
}

/// A table of options that is mostly a path, so that the path alone may stand for it.
pub(in crate::systems) trait FromPath: Sized {
    /// The table with this path and nothing else.
    fn from_path(path: Path) -> Self;

    /// What is wrong with the table, and how to put it right.
    fn check(&self) -> Result<(), String>;
}

/// A value of a row: a path, or a table of options.
#[derive(Debug, Clone)]
pub struct Field<T>(pub T);

struct FieldVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: FromPath + Deserialize<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path such as \"customer.name\", or a table of options such as { path = \"customer.name\" }")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        PathVisitor.visit_str(text).map(|path| Field(T::from_path(path)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        PathVisitor.visit_seq(seq).map(|path| Field(T::from_path(path)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Field)
    }
}

impl<'de, T: FromPath + Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let field = deserializer.deserialize_any(FieldVisitor::<T>(std::marker::PhantomData))?;
        field.0.check().map_err(D::Error::custom)?;
        Ok(field)
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Field<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Field", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (path, table) = (generator.subschema_for::<Path>(), generator.subschema_for::<T>());
        schemars::json_schema!({ "anyOf": [path, table] })
    }
}
