//! JSON, written where it stands: into one buffer, without a tree in between.

use std::fmt::{Display, Write as _};

use async_graphql::Value;
use async_graphql::resolver_utils::EnumType;
use jiff::civil::Date;
use rust_decimal::Decimal;

/// A key of an answer, as it is written before each of its values: a comma, the name and a colon.
///
/// Keys are most of an answer's pieces, and each is of another length: copied by their length, they make a processor guess.
/// So the beginning is copied in one piece that is always as long, and what is too much is taken back.
#[derive(Debug)]
pub(super) struct ResponseKey {
    beginning: [u8; Self::BEGINNING],
    /// How much of the beginning is the key's.
    length: usize,
    /// What a long one has behind that.
    rest: Box<[u8]>,
}

impl ResponseKey {
    const BEGINNING: usize = 32;

    pub(super) fn new(name: &str) -> Self {
        let mut json = Json::default();
        json.byte(b',');
        json.string(name);
        json.byte(b':');
        let (mut beginning, mut written) = ([0; Self::BEGINNING], json.into_bytes());
        let rest = written.split_off(written.len().min(Self::BEGINNING));
        beginning.iter_mut().zip(&written).for_each(|(place, byte)| *place = *byte);
        Self { beginning, length: written.len(), rest: rest.into() }
    }
}

/// JSON being written.
#[derive(Debug, Default)]
pub struct Json(Vec<u8>);

impl Json {
    /// An empty text with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// The text.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// How much is written, to come back to by [`Json::truncate`].
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// Takes back what was written after `length`.
    pub fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// Makes room for what is about to be written, where it is known.
    pub fn reserve(&mut self, bytes: usize) {
        self.0.reserve(bytes);
    }

    /// JSON that is already written.
    pub fn raw(&mut self, json: &[u8]) {
        self.0.extend_from_slice(json);
    }

    /// One byte of JSON.
    #[inline]
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// A key of an object that [`open`](Self::open) begins afterwards.
    #[inline]
    pub(super) fn key(&mut self, key: &ResponseKey) {
        let end = self.0.len() + key.length;
        self.0.extend_from_slice(&key.beginning);
        self.0.truncate(end);
        if !key.rest.is_empty() {
            self.0.extend_from_slice(&key.rest);
        }
    }

    /// Begins an object with what was written from `start` on, each field with a comma before it.
    #[inline]
    pub(super) fn open(&mut self, start: usize) {
        match self.0.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => self.byte(b'{'),
        }
    }

    /// `null`.
    pub fn null(&mut self) {
        self.raw(b"null");
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, value: bool) {
        self.raw(if value { b"true" } else { b"false" });
    }

    /// Writing to a buffer in memory cannot fail.
    fn printed(&mut self, what: impl Display) {
        let written = write!(self, "{what}");
        debug_assert!(written.is_ok(), "writing to memory failed");
    }

    /// What needs no escape, as a text.
    fn quoted(&mut self, what: impl Display) {
        self.byte(b'"');
        self.printed(what);
        self.byte(b'"');
    }

    /// A whole number.
    pub fn integer(&mut self, number: i128) {
        self.printed(number);
    }

    /// A text, in quotes and escaped as `serde_json` does it.
    pub fn string(&mut self, text: &str) {
        self.0.reserve(text.len() + 2);
        self.0.push(b'"');
        self.escaped(text);
        self.0.push(b'"');
    }

    /// The inside of a text.
    pub fn escaped(&mut self, text: &str) {
        if is_plain(text.as_bytes()) {
            self.0.extend_from_slice(text.as_bytes());
            return;
        }
        for part in text.split_inclusive(|sign: char| sign.is_ascii() && is_special(sign as u8)) {
            let mut signs = part.chars();
            let last = signs.next_back().filter(|sign| sign.is_ascii() && is_special(*sign as u8));
            let plain = if last.is_some() { signs.as_str() } else { part };
            self.0.extend_from_slice(plain.as_bytes());
            match last {
                Some('"') => self.raw(br#"\""#),
                Some('\\') => self.raw(br"\\"),
                Some('\n') => self.raw(br"\n"),
                Some('\r') => self.raw(br"\r"),
                Some('\t') => self.raw(br"\t"),
                Some('\u{8}') => self.raw(br"\b"),
                Some('\u{c}') => self.raw(br"\f"),
                Some(other) => self.printed(format_args!("\\u{:04x}", u32::from(other))),
                None => {}
            }
        }
    }

    /// A text, or null.
    pub fn text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.null(),
        }
    }

    /// A decimal as a text, exact to the last digit.
    pub fn decimal(&mut self, number: Decimal) {
        let scale = number.scale() as usize;
        match u64::try_from(number.mantissa().unsigned_abs()) {
            Ok(digits) if scale < 20 => self.short_decimal(number.is_sign_negative(), digits, scale),
            _ => self.quoted(number),
        }
    }

    /// A decimal of at most twenty digits, from its last to its first.
    fn short_decimal(&mut self, negative: bool, digits: u64, scale: usize) {
        let (mut text, mut start) = ([b'"'; 32], 31);
        let mut put = |sign| {
            start -= 1;
            if let Some(place) = text.get_mut(start) {
                *place = sign;
            }
        };
        let digit = |number: u64| b'0' + u8::try_from(number % 10).unwrap_or_default();
        let mut rest = digits;
        if scale > 0 {
            for _ in 0..scale {
                put(digit(rest));
                rest /= 10;
            }
            put(b'.');
        }
        // At least one before the point.
        put(digit(rest));
        rest /= 10;
        while rest > 0 {
            put(digit(rest));
            rest /= 10;
        }
        if negative {
            put(b'-');
        }
        self.raw(text.get(start - 1..).unwrap_or_default());
    }

    /// A day as a text: `2026-03-31`.
    pub fn date(&mut self, date: Date) {
        let digit = |number: i16| b'0' + u8::try_from(number % 10).unwrap_or_default();
        let (year, month, day) = (date.year(), i16::from(date.month()), i16::from(date.day()));
        if (0..=9999).contains(&year) {
            let [y1, y2, y3, y4] = [digit(year / 1000), digit(year / 100), digit(year / 10), digit(year)];
            let [m1, m2, d1, d2] = [digit(month / 10), digit(month), digit(day / 10), digit(day)];
            self.raw(&[b'"', y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'"']);
        } else {
            self.quoted(date);
        }
    }

    /// A word of an enumeration.
    pub fn word<E: EnumType>(&mut self, word: E) {
        let name = E::items().iter().find(|item| item.value == word).map(|item| item.name);
        self.text(name);
    }

    /// A value out of async-graphql. Bytes are JSON that is already written: the graph has no other binary values.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.null(),
            Value::Boolean(value) => self.boolean(*value),
            Value::String(text) => self.string(text),
            Value::Enum(name) => self.string(name),
            Value::Number(number) => self.printed(number),
            Value::Binary(json) => self.raw(json),
            Value::List(items) => self.list(items, Self::value),
            Value::Object(fields) => {
                self.object(fields, |json, (key, value)| {
                    json.string(key);
                    json.byte(b':');
                    json.value(value);
                });
            }
        }
    }

    /// `[...]`, with `item` for each.
    pub fn list<T>(&mut self, items: impl IntoIterator<Item = T>, item: impl FnMut(&mut Self, T)) {
        self.separated(*b"[]", items, item);
    }

    /// `{...}`, with `field` for each.
    pub fn object<T>(&mut self, fields: impl IntoIterator<Item = T>, field: impl FnMut(&mut Self, T)) {
        self.separated(*b"{}", fields, field);
    }

    fn separated<T>(
        &mut self,
        [open, close]: [u8; 2],
        items: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut Self, T),
    ) {
        self.0.push(open);
        for (at, one) in items.into_iter().enumerate() {
            if at > 0 {
                self.0.push(b',');
            }
            item(self, one);
        }
        self.0.push(close);
    }
}

/// Whether nothing in a text must be escaped, eight bytes at a time: most texts are short, and have nothing.
fn is_plain(text: &[u8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // The top bit of a byte is set where the byte is less than `bound`; and maybe in bytes above such a one.
    let less = |word: u64, bound: u8| word.wrapping_sub(EACH * u64::from(bound)) & !word;
    let is_plain = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        let [quote, backslash] = [b'"', b'\\'].map(|sign| less(word ^ (EACH * u64::from(sign)), 1));
        (less(word, 0x20) | quote | backslash) & (EACH * 0x80) == 0
    };
    let (words, rest) = text.as_chunks::<8>();
    match text.last_chunk::<8>() {
        // What is left over is looked at with some that was seen already, which is quicker than one by one.
        Some(last) => words.iter().all(is_plain) && is_plain(last),
        None => rest.iter().all(|byte| !is_special(*byte)),
    }
}

/// Whether a byte must be escaped.
const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

impl std::fmt::Write for Json {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Json)) -> String {
        let mut json = Json::default();
        write(&mut json);
        String::from_utf8(json.into_bytes()).unwrap()
    }

    proptest! {
        #[test]
        fn a_text_is_escaped_as_serde_json_does_it(text in any::<String>(), control in "[\u{0}-\u{7f}]{0,9}") {
            for text in [text, control] {
                prop_assert_eq!(written(|json| json.string(&text)), serde_json::to_string(&text).unwrap());
            }
        }

        #[test]
        fn a_decimal_is_written_as_it_prints(units in any::<i64>(), small in -999i64..1000, scale in 0u32..=28) {
            for number in [Decimal::new(units, scale), Decimal::new(small, scale)] {
                prop_assert_eq!(written(|json| json.decimal(number)), format!("\"{number}\""));
            }
        }

        #[test]
        fn a_day_is_written_as_it_prints(days in -800_000i32..800_000) {
            let day = jiff::civil::date(2000, 1, 1).checked_add(jiff::Span::new().days(days));
            if let Ok(day) = day {
                prop_assert_eq!(written(|json| json.date(day)), format!("\"{day}\""));
            }
        }
    }

    #[test]
    fn a_key_of_any_length_is_written_whole_and_nothing_behind_it() {
        for length in 0..80 {
            let names = ["\"".repeat(length), "k".repeat(length), format!("{}é", "k".repeat(length))];
            let expected = names.each_ref().map(|name| format!("{}:1", serde_json::to_string(name).unwrap())).join(",");
            let object = written(|json| {
                let start = json.length();
                for name in &names {
                    json.key(&ResponseKey::new(name));
                    json.integer(1);
                }
                json.open(start);
                json.byte(b'}');
            });
            assert_eq!(object, format!("{{{expected}}}"));
        }
        assert_eq!(written(|json| json.open(0)), "{", "an object without a field");
    }

    #[test]
    fn large_decimals_keep_all_digits() {
        for number in [Decimal::MAX, Decimal::MIN, Decimal::new(1, 28), Decimal::new(0, 3), -Decimal::new(0, 2)] {
            assert_eq!(written(|json| json.decimal(number)), format!("\"{number}\""));
        }
    }

    #[test]
    fn values_are_written_as_serde_json_does_it() {
        let value = async_graphql::value!({ "a": [1, 2.5, -3, null, true, "x\"y"], "b": {}, "c": [] });
        assert_eq!(written(|json| json.value(&value)), serde_json::to_string(&value).unwrap());
        let nested = Value::List(vec![Value::Binary(br#"{"a":1}"#.to_vec().into()), Value::Null]);
        assert_eq!(written(|json| json.value(&nested)), r#"[{"a":1},null]"#);
    }
}
