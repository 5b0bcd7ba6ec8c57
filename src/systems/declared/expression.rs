//! Keys in a filter expression: `Project in ('A','B')`, `(No eq 1 or No eq 2)`. The one place where literals are quoted.

use super::template::{encode, encoded_len};

/// A text as a literal of a filter language: quotes in it are doubled.
pub(in crate::systems) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// How keys are written as literals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Literal {
    /// As texts: `'A-17'`.
    #[default]
    Text,
    /// As whole numbers: `17`. A key that is none is not asked for.
    Number,
    /// As GUIDs: `b7a0c1de-0000-4000-8000-000000000001`. A key that is none is not asked for.
    Guid,
}

impl Literal {
    /// Whether a key can be written so.
    pub(in crate::systems) fn takes(self, key: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Number => key.parse::<i64>().is_ok_and(|number| number.to_string() == key),
            Self::Guid => {
                let lengths = key.split('-').map(str::len);
                lengths.eq([8, 4, 4, 4, 12]) && key.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
            }
        }
    }

    fn write(self, key: &str) -> String {
        match self {
            Self::Text => quoted(key),
            Self::Number | Self::Guid => key.to_owned(),
        }
    }
}

/// An expression with places where all keys of a call go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::systems) struct Expression {
    pieces: Vec<Piece>,
    literal: Literal,
    /// Whether keys are written in capitals.
    upper: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// A text, percent-encoded.
    Text(String),
    /// The keys, each between these texts, with one more text between two of them; all percent-encoded.
    Keys { before: String, after: String, between: String },
}

impl Expression {
    pub(in crate::systems) fn new(literal: Literal, upper: bool) -> Self {
        Self { pieces: Vec::new(), literal, upper }
    }

    /// Goes on with a text.
    pub(in crate::systems) fn text(&mut self, text: &str) {
        let text = encode(text).to_string();
        if let Some(Piece::Text(last)) = self.pieces.last_mut() {
            last.push_str(&text);
        } else {
            self.pieces.push(Piece::Text(text));
        }
    }

    /// Goes on with the keys.
    pub(in crate::systems) fn keys(&mut self, before: &str, after: &str, between: &str) {
        let encoded = |text| encode(text).to_string();
        self.pieces.push(Piece::Keys { before: encoded(before), after: encoded(after), between: encoded(between) });
    }

    /// Whether a key can stand in it.
    pub(in crate::systems) fn takes(&self, key: &str) -> bool {
        self.literal.takes(key)
    }

    /// Bytes without any key.
    pub(in crate::systems) fn len(&self) -> usize {
        let text = |piece: &Piece| if let Piece::Text(text) = piece { text.len() } else { 0 };
        self.pieces.iter().map(text).sum()
    }

    /// Bytes that a key adds, at the most.
    pub(in crate::systems) fn added(&self, key: &str) -> usize {
        let key = encoded_len(&self.write_key(key));
        let piece = |piece: &Piece| match piece {
            Piece::Text(_) => 0,
            Piece::Keys { before, after, between } => before.len() + key + after.len() + between.len(),
        };
        self.pieces.iter().map(piece).sum()
    }

    /// Writes the expression for keys, percent-encoded.
    pub(in crate::systems) fn write(&self, keys: &[&str], out: &mut String) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Keys { before, after, between } => {
                    for (i, key) in keys.iter().enumerate() {
                        out.push_str(if i > 0 { between } else { "" });
                        out.push_str(before);
                        out.extend(encode(&self.write_key(key)));
                        out.push_str(after);
                    }
                }
            }
        }
    }

    fn write_key(&self, key: &str) -> String {
        if self.upper { self.literal.write(&key.to_uppercase()) } else { self.literal.write(key) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(expression: &Expression, keys: &[&str]) -> String {
        let mut out = String::new();
        expression.write(keys, &mut out);
        assert!(out.len() <= expression.len() + keys.iter().map(|key| expression.added(key)).sum::<usize>());
        percent_encoding::percent_decode_str(&out).decode_utf8().unwrap().into_owned()
    }

    #[test]
    fn whatever_a_key_holds_it_stays_one_literal() {
        let mut within = Expression::new(Literal::Text, false);
        within.text("(Project in (");
        within.keys("", "", ",");
        within.text(")) and Open eq true");
        assert_eq!(written(&within, &["A", "O'Neil"]), "(Project in ('A','O''Neil')) and Open eq true");
        assert_eq!(
            written(&within, &["' or 1 eq 1 or '", "a,b&$top=1"]),
            "(Project in (''' or 1 eq 1 or ''','a,b&$top=1')) and Open eq true"
        );
        let mut raw = String::new();
        within.write(&["x&$top=1#'"], &mut raw);
        assert!(!raw.contains(['&', '#', '\'', ' ', '+']), "{raw}");
    }

    #[test]
    fn keys_may_stand_in_several_places_and_in_capitals() {
        let mut chain = Expression::new(Literal::Text, true);
        chain.text("(");
        chain.keys("toupper(P) eq ", "", " or ");
        chain.text(" or Lines/any(l: ");
        chain.keys("toupper(l/P) eq ", "", " or ");
        chain.text("))");
        assert_eq!(
            written(&chain, &["a", "b"]),
            "(toupper(P) eq 'A' or toupper(P) eq 'B' or Lines/any(l: toupper(l/P) eq 'A' or toupper(l/P) eq 'B'))"
        );
    }

    #[test]
    fn numbers_and_guids_are_written_bare_and_nothing_else_is() {
        for (literal, good, bad) in [
            (
                Literal::Number,
                &["0", "17", "-3"][..],
                &["", "007", "1 or 1 eq 1", "1.5", "x", "99999999999999999999"][..],
            ),
            (
                Literal::Guid,
                &["b7a0c1de-0000-4000-8000-00000000000A"][..],
                &["", "b7a0c1de000040008000000000000001", "b7a0c1de-0000-4000-8000-00000000000g", "a-b-c-d-e"][..],
            ),
        ] {
            assert!(good.iter().all(|key| literal.takes(key)), "{literal:?}");
            assert!(!bad.iter().any(|key| literal.takes(key)), "{literal:?}");
        }
    }
}
