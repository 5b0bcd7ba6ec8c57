//! The text of `spine.toml` and where things stand in it, so that every message can name file, line and dotted path.

use std::fmt;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong with a configuration, and where: `spine.toml:14:1: connections.hubspot.tokn: ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as it was named.
    pub file: String,
    /// Line, from 1; none where the trouble is that something is not there.
    pub line: Option<usize>,
    /// Column, from 1.
    pub column: Option<usize>,
    /// Dotted path of the key.
    pub path: String,
    /// What is wrong and how to put it right.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        if self.path.is_empty() {
            write!(f, ": {}", self.message)
        } else {
            write!(f, ": {}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ConfigError {}

/// A configuration file as text. Its `Debug` does not show the text: somebody may have written a secret into it.
#[derive(Clone)]
pub struct Document {
    file: String,
    text: String,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("file", &self.file).field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

impl Document {
    /// Takes the text of a file; it must be TOML.
    pub fn parse(file: impl Into<String>, text: impl Into<String>) -> Result<Self, ConfigError> {
        let document = Self { file: file.into(), text: text.into() };
        match DeTable::parse(&document.text) {
            Ok(_) => Ok(document),
            Err(error) => {
                let told = document.error("", error.span(), error.message().to_owned());
                // What is no TOML is wrong in a place, be it the very first.
                let (line, column) = document.position(Some(error.span().unwrap_or_default()));
                Err(ConfigError { line, column, ..told })
            }
        }
    }

    /// The names of the keys of a table; empty if it is not there.
    pub fn keys(&self, path: &[&str]) -> Vec<String> {
        self.table(path).map(|table| table.keys().map(|key| key.get_ref().to_string()).collect()).unwrap_or_default()
    }

    /// A text value.
    pub fn text(&self, path: &[&str]) -> Option<String> {
        let (last, parents) = path.split_last()?;
        self.table(parents)?.get(*last)?.get_ref().as_str().map(str::to_owned)
    }

    /// Reads a table into a struct. `layers` are tables laid over one another, the last on top; those that are not there
    /// are skipped. Keys in `without` belong to somebody else.
    pub fn section<T: DeserializeOwned>(&self, layers: &[&[&str]], without: &[&str]) -> Result<T, ConfigError> {
        self.section_over("", layers, without)
    }

    /// As [`section`](Self::section), with `base` (TOML of our own) below all layers.
    pub fn section_over<T: DeserializeOwned>(
        &self,
        base: &str,
        layers: &[&[&str]],
        without: &[&str],
    ) -> Result<T, ConfigError> {
        let mut merged =
            DeTable::parse(base).map_err(|error| self.error("", None, error.message().to_owned()))?.into_inner();
        let mut span = 0..0;
        for layer in layers {
            if let Some(value) = self.value(layer) {
                span = value.span();
                let DeValue::Table(table) = value.into_inner() else {
                    return Err(self.error(&layer.join("."), Some(span), "this must be a table".to_owned()));
                };
                for (key, value) in table {
                    if !without.contains(&&**key.get_ref()) {
                        merged.remove(&**key.get_ref());
                        merged.insert(key, value);
                    }
                }
            }
        }
        let name = layers.last().map(|layer| layer.join(".")).unwrap_or_default();
        T::deserialize(toml::Deserializer::from(Spanned::new(span, merged)))
            .map_err(|error| self.error(&name, error.span(), explain(error.message())))
    }

    /// An error at a dotted path; on the line of that key, or of the nearest table above it that is there.
    pub fn error_at(&self, path: &str, message: impl Into<String>) -> ConfigError {
        let mut keys: Vec<&str> = path.split('.').collect();
        let mut span = None;
        while span.is_none() && !keys.is_empty() {
            span = self.key_span(&keys);
            keys.pop();
        }
        let (line, column) = self.position(span);
        ConfigError { file: self.file.clone(), line, column, path: path.to_owned(), message: message.into() }
    }

    fn table(&self, path: &[&str]) -> Option<DeTable<'_>> {
        match self.value(path)?.into_inner() {
            DeValue::Table(table) => Some(table),
            _ => None,
        }
    }

    fn value(&self, path: &[&str]) -> Option<Spanned<DeValue<'_>>> {
        let root = DeTable::parse(&self.text).ok()?;
        let mut value = Spanned::new(root.span(), DeValue::Table(root.into_inner()));
        for key in path {
            let DeValue::Table(mut table) = value.into_inner() else { return None };
            value = table.remove(*key)?;
        }
        Some(value)
    }

    fn key_span(&self, path: &[&str]) -> Option<Range<usize>> {
        let (last, parents) = path.split_last()?;
        self.table(parents)?.iter().find(|(key, _)| key.get_ref() == last).map(|(key, _)| key.span())
    }

    fn error(&self, section: &str, span: Option<Range<usize>>, message: String) -> ConfigError {
        let path = span.as_ref().and_then(|span| self.path_at(span)).unwrap_or_else(|| section.to_owned());
        let (line, column) = self.position(span.clone());
        if span.is_none_or(|span| span == (0..0)) {
            return self.error_at(section, message);
        }
        ConfigError { file: self.file.clone(), line, column, path, message }
    }

    /// The dotted path of the innermost key or value that holds a span.
    fn path_at(&self, span: &Range<usize>) -> Option<String> {
        fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
            outer.start <= inner.start && inner.end <= outer.end
        }
        fn search(table: &DeTable<'_>, span: &Range<usize>, path: &mut Vec<String>) -> bool {
            for (key, value) in table {
                path.push(key.get_ref().to_string());
                if holds(&key.span(), span)
                    || (matches!(value.get_ref(), DeValue::Table(inner) if search(inner, span, path)))
                {
                    return true;
                }
                if holds(&value.span(), span) {
                    return true;
                }
                path.pop();
            }
            false
        }
        let mut path = Vec::new();
        let root = DeTable::parse(&self.text).ok()?;
        search(root.get_ref(), span, &mut path).then(|| path.join("."))
    }

    fn position(&self, span: Option<Range<usize>>) -> (Option<usize>, Option<usize>) {
        let Some(before) = span.and_then(|span| self.text.get(..span.start)) else { return (None, None) };
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
        (Some(line), Some(column))
    }
}

/// Adds the nearest known name to serde's message about an unknown one.
fn explain(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    let (true, Some(wrong)) = (unknown, quoted.next()) else { return message.to_owned() };
    let known: Vec<&str> = quoted.collect();
    match nearest(wrong, &known) {
        Some(name) => format!("unknown key `{wrong}`: did you mean `{name}`?"),
        None if known.is_empty() => format!("unknown key `{wrong}`"),
        None => format!("unknown key `{wrong}`: known here are {}", known.join(", ")),
    }
}

/// The known name that somebody who wrote `wrong` probably meant.
pub fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), *name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
