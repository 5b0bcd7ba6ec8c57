//! Records as rows, and the fields of models.

use std::collections::{BTreeMap, HashMap};

use super::value::Value;

/// A type of field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Integer,
    Char,
    Selection,
    Boolean,
    Float,
    Monetary,
    Date,
    Datetime,
    Json,
    /// A record of another model.
    Many2one(&'static str),
    /// Records of another model.
    Many2many(&'static str),
}

impl Type {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Char => "char",
            Self::Selection => "selection",
            Self::Boolean => "boolean",
            Self::Float => "float",
            Self::Monetary => "monetary",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Json => "json",
            Self::Many2one(_) => "many2one",
            Self::Many2many(_) => "many2many",
        }
    }

    pub(super) fn relation(self) -> Option<&'static str> {
        match self {
            Self::Many2one(model) | Self::Many2many(model) => Some(model),
            _ => None,
        }
    }
}

/// A record.
#[derive(Debug, Clone, Default)]
pub(super) struct Row(HashMap<&'static str, Value>);

impl Row {
    #[must_use]
    pub(super) fn with(mut self, field: &'static str, value: Value) -> Self {
        self.0.insert(field, value);
        self
    }

    #[must_use]
    pub(super) fn text(self, field: &'static str, text: impl Into<String>) -> Self {
        self.with(field, Value::text(text))
    }

    pub(super) fn get(&self, field: &str) -> &Value {
        self.0.get(field).unwrap_or(&Value::False)
    }
}

/// The records of a model.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) fields: &'static [(&'static str, Type)],
    pub(super) rows: BTreeMap<i64, Row>,
}

impl Table {
    pub(super) fn new(fields: &'static [(&'static str, Type)]) -> Self {
        Self { fields, rows: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, id: i64, row: Row) {
        self.rows.insert(id, row.with("id", Value::Int(id)));
    }

    /// The type of a field; `id` is one of each model.
    pub(super) fn field(&self, name: &str) -> Option<Type> {
        if name == "id" {
            return Some(Type::Integer);
        }
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, kind)| *kind)
    }
}

/// All models.
#[derive(Debug, Default)]
pub(super) struct Tables(pub(super) HashMap<&'static str, Table>);

impl Tables {
    pub(super) fn get(&self, model: &str) -> Option<&Table> {
        self.0.get(model)
    }

    /// The values at the end of a path such as `move_id.move_type`, for a row of a model.
    pub(super) fn follow<'t>(&'t self, model: &str, row: &'t Row, path: &str) -> Option<&'t Value> {
        let (field, rest) = path.split_once('.').map_or((path, None), |(field, rest)| (field, Some(rest)));
        let value = row.get(field);
        let Some(rest) = rest else { return Some(value) };
        let relation = self.get(model)?.field(field)?.relation()?;
        match value {
            Value::Link(id, _) => self.follow(relation, self.get(relation)?.rows.get(id)?, rest),
            _ => None,
        }
    }

    /// Whether a path leads to a field; else the field that is not there, and its model.
    pub(super) fn check<'p>(&self, model: &'p str, path: &'p str) -> Result<(), (&'p str, String)> {
        let (field, rest) = path.split_once('.').map_or((path, None), |(field, rest)| (field, Some(rest)));
        let table = self.get(model).ok_or_else(|| (field, model.to_owned()))?;
        let kind = table.field(field).ok_or_else(|| (field, model.to_owned()))?;
        match (rest, kind.relation()) {
            (None, _) => Ok(()),
            (Some(rest), Some(relation)) => self.check(relation, rest),
            (Some(_), None) => Err((field, model.to_owned())),
        }
    }
}
