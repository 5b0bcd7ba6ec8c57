//! JSON, read where it stands: a value is found and checked in one pass and its text is kept. Nothing is built and nothing is
//! copied, so that what is not asked for costs no more than its bytes.
//!
//! What is accepted is what `serde_json` accepts, with its limit on nesting everywhere; a test holds the two together.

use std::borrow::Cow;

/// Deepest nesting that is read.
const DEEPEST: u8 = 127;

/// Where a text stops being the JSON that is wanted, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::systems) struct Wrong(pub(in crate::systems) usize);

/// A value as its owner wrote it.
#[derive(Debug, Clone, Copy)]
pub(in crate::systems) struct Raw<'a> {
    text: &'a str,
    kind: Kind,
}

/// What a value is, as far as reading it depends on that. As wide as what stands beside it: values are handed on by the
/// thousand, and what is written in one width and read in another the processor has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum Kind {
    Null,
    /// `true` or `false`.
    Boolean,
    Number,
    /// A string that reads as it is written.
    String,
    /// A string with a backslash in it.
    Escaped,
    Object,
    List,
}

impl<'a> Raw<'a> {
    /// A whole text that was found to be JSON.
    pub(in crate::systems) fn of(text: &'a serde_json::value::RawValue) -> Self {
        let text = text.get();
        let kind = match text.as_bytes().first() {
            Some(b'"') if text.contains('\\') => Kind::Escaped,
            Some(b'"') => Kind::String,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::List,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        };
        Self { text, kind }
    }

    /// As it is written.
    pub(in crate::systems) fn text(self) -> &'a str {
        self.text
    }

    /// Whether it is `null`.
    pub(in crate::systems) fn is_null(self) -> bool {
        self.kind == Kind::Null
    }

    /// Whether it is written as a string.
    pub(in crate::systems) fn is_string(self) -> bool {
        matches!(self.kind, Kind::String | Kind::Escaped)
    }

    /// Whether it is a number.
    pub(in crate::systems) fn is_number(self) -> bool {
        self.kind == Kind::Number
    }

    /// Whether it is a list.
    pub(in crate::systems) fn is_list(self) -> bool {
        self.kind == Kind::List
    }

    /// The text of a scalar: a string without its quotes and the space around it, a number or a boolean as it is written.
    /// None for an empty text, `null`, an object or a list.
    #[inline]
    pub(in crate::systems) fn scalar(self) -> Option<Cow<'a, str>> {
        let text = match self.kind {
            Kind::String => trim(self.text.get(1..self.text.len().saturating_sub(1))?),
            Kind::Number | Kind::Boolean => self.text,
            Kind::Escaped => return self.unescaped(),
            Kind::Null | Kind::Object | Kind::List => return None,
        };
        (!text.is_empty()).then_some(Cow::Borrowed(text))
    }

    #[cold]
    fn unescaped(self) -> Option<Cow<'a, str>> {
        let text = serde_json::from_str::<String>(self.text).ok()?.trim().to_owned();
        (!text.is_empty()).then_some(Cow::Owned(text))
    }

    /// Hands on the texts of a scalar, or of a list of scalars.
    pub(in crate::systems) fn each_scalar(self, mut take: impl FnMut(Cow<'a, str>)) {
        if !self.is_list() {
            self.scalar().into_iter().for_each(take);
        } else if let Ok(elements) = self.elements() {
            elements.into_iter().filter_map(Raw::scalar).for_each(&mut take);
        }
    }

    /// The elements of a list.
    pub(in crate::systems) fn elements(self) -> Result<Vec<Self>, Wrong> {
        let (mut scanner, mut elements) = (Scanner::new(self.text), Vec::new());
        scanner.enter(b'[')?;
        while scanner.goes_on(b']', elements.is_empty())? {
            elements.push(scanner.value()?);
        }
        Ok(elements)
    }

    /// The value of a name of an object, or the one at a place of a list. A name that is there twice is wrong: nobody can say
    /// which of the two is meant.
    pub(in crate::systems) fn pick(self, name: &str) -> Result<Option<Self>, Wrong> {
        if self.is_list() {
            let place = name.parse::<usize>().ok();
            return Ok(place.map(|place| self.elements().map(|all| all.get(place).copied())).transpose()?.flatten());
        }
        let (mut scanner, mut found, mut first) = (Scanner::new(self.text), None, true);
        if scanner.enter(b'{').is_err() {
            return Ok(None);
        }
        while scanner.goes_on(b'}', std::mem::take(&mut first))? {
            let is_it = scanner.name()? == name;
            let value = scanner.value()?;
            if is_it && found.replace(value).is_some() {
                return Err(scanner.wrong());
            }
        }
        Ok(found)
    }
}

/// As [`str::trim`], which looks for white space of all scripts at both ends. Mostly there is none.
fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

/// A name as one number, to be compared at once. Names of up to 15 bytes are the same if their tags are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::systems) struct Tag(u128);

impl Tag {
    pub(in crate::systems) fn of(name: &str) -> Self {
        let mut bytes = [0; 16];
        let [length, places @ ..] = &mut bytes;
        *length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        places.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
        Self(u128::from_le_bytes(bytes))
    }

    /// Whether the name is longer than what the number holds of it.
    pub(in crate::systems) fn is_cut(self) -> bool {
        self.0 & 0xff > 15
    }
}

/// What stands before a value of an object: a comma if another is before it, the name and a colon, with the space around
/// them. Mostly it stands before the same value of the next object, too.
#[derive(Debug)]
pub(in crate::systems) struct Lead<'a> {
    written: &'a str,
    /// Its beginning as one number, and which bits of that count.
    beginning: u128,
    counts: u128,
}

impl<'a> Lead<'a> {
    fn of(written: &'a str) -> Self {
        let (mut bytes, mut counts) = ([0; 16], [0; 16]);
        for ((place, count), byte) in bytes.iter_mut().zip(&mut counts).zip(written.bytes()) {
            (*place, *count) = (byte, u8::MAX);
        }
        Self { written, beginning: u128::from_le_bytes(bytes), counts: u128::from_le_bytes(counts) }
    }

    /// Whether a text begins with it.
    #[inline]
    fn begins(&self, text: &[u8]) -> bool {
        match text.first_chunk::<16>() {
            Some(text) if self.written.len() <= 16 => (u128::from_le_bytes(*text) ^ self.beginning) & self.counts == 0,
            _ => text.starts_with(self.written.as_bytes()),
        }
    }
}

/// Goes through a text.
#[derive(Debug)]
pub(in crate::systems) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
}

impl<'a> Scanner<'a> {
    pub(in crate::systems) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// How far it is.
    pub(in crate::systems) fn place(&self) -> usize {
        self.at
    }

    /// The text from a place to here.
    #[inline]
    pub(in crate::systems) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// What cannot be here.
    pub(in crate::systems) fn wrong(&self) -> Wrong {
        Wrong(self.at)
    }

    /// The next byte that is no white space. It is not passed.
    #[inline]
    pub(in crate::systems) fn peek(&mut self) -> Result<u8, Wrong> {
        match self.text.as_bytes().get(self.at) {
            Some(byte) if *byte > b' ' => Ok(*byte),
            _ => self.peek_behind_space(),
        }
    }

    fn peek_behind_space(&mut self) -> Result<u8, Wrong> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(self.wrong()),
            }
        }
    }

    /// Passes what stood before another value, if the same stands here.
    #[inline]
    pub(in crate::systems) fn passes(&mut self, lead: &Lead<'_>) -> bool {
        let here = lead.begins(self.text.as_bytes().get(self.at..).unwrap_or_default());
        self.at += if here { lead.written.len() } else { 0 };
        here
    }

    /// What was passed from a place on, to be passed elsewhere. A value is next.
    pub(in crate::systems) fn lead(&mut self, start: usize) -> Result<Lead<'a>, Wrong> {
        self.peek()?;
        Ok(Lead::of(self.since(start)))
    }

    /// Goes into an object or a list.
    pub(in crate::systems) fn enter(&mut self, bracket: u8) -> Result<(), Wrong> {
        if self.peek()? != bracket || self.depth == DEEPEST {
            return Err(self.wrong());
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Whether there is another element before the bracket that ends an object or a list; leaves it if not.
    #[inline]
    pub(in crate::systems) fn goes_on(&mut self, bracket: u8, first: bool) -> Result<bool, Wrong> {
        let next = self.peek()?;
        if next == bracket {
            self.at += 1;
            self.depth = self.depth.saturating_sub(1);
            return Ok(false);
        }
        if !first {
            self.byte(b',')?;
            self.peek()?;
        }
        Ok(true)
    }

    /// Passes a name and its colon.
    pub(in crate::systems) fn name(&mut self) -> Result<Cow<'a, str>, Wrong> {
        let start = self.at;
        let escaped = self.string()?;
        let text = self.since(start);
        let text = if escaped {
            Cow::Owned(serde_json::from_str(text).map_err(|_| self.wrong())?)
        } else {
            Cow::Borrowed(text.get(1..text.len().saturating_sub(1)).unwrap_or_default())
        };
        self.colon()?;
        Ok(text)
    }

    /// Passes a value.
    #[inline]
    pub(in crate::systems) fn value(&mut self) -> Result<Raw<'a>, Wrong> {
        let first = self.peek()?;
        let start = self.at;
        let kind = self.skip(first)?;
        Ok(Raw { text: self.since(start), kind })
    }

    /// Makes sure that nothing follows.
    pub(in crate::systems) fn end(&mut self) -> Result<(), Wrong> {
        match self.peek() {
            Ok(_) => Err(self.wrong()),
            Err(_) => Ok(()),
        }
    }

    fn colon(&mut self) -> Result<(), Wrong> {
        self.peek()?;
        self.byte(b':')
    }

    /// Passes the value that begins with this byte.
    #[inline]
    fn skip(&mut self, first: u8) -> Result<Kind, Wrong> {
        Ok(match first {
            b'"' => self.string().map(|escaped| if escaped { Kind::Escaped } else { Kind::String })?,
            b'-' | b'0'..=b'9' => self.number().map(|()| Kind::Number)?,
            b'{' => self.object().map(|()| Kind::Object)?,
            b'[' => self.list().map(|()| Kind::List)?,
            b't' => self.word("true").map(|()| Kind::Boolean)?,
            b'f' => self.word("false").map(|()| Kind::Boolean)?,
            b'n' => self.word("null").map(|()| Kind::Null)?,
            _ => return Err(self.wrong()),
        })
    }

    fn object(&mut self) -> Result<(), Wrong> {
        self.enter(b'{')?;
        let mut first = true;
        while self.goes_on(b'}', first)? {
            first = false;
            self.string()?;
            self.colon()?;
            let first = self.peek()?;
            self.skip(first)?;
        }
        Ok(())
    }

    fn list(&mut self) -> Result<(), Wrong> {
        self.enter(b'[')?;
        let mut first = true;
        while self.goes_on(b']', first)? {
            first = false;
            let first = self.peek()?;
            self.skip(first)?;
        }
        Ok(())
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> Result<(), Wrong> {
        if self.text.as_bytes().get(self.at) != Some(&byte) {
            return Err(self.wrong());
        }
        self.at += 1;
        Ok(())
    }

    /// Passes one of these bytes if it stands here.
    #[inline]
    fn passes_one(&mut self, bytes: &[u8]) -> bool {
        let here = self.text.as_bytes().get(self.at).is_some_and(|byte| bytes.contains(byte));
        self.at += usize::from(here);
        here
    }

    fn word(&mut self, word: &str) -> Result<(), Wrong> {
        word.bytes().try_for_each(|byte| self.byte(byte))
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Wrong> {
        let start = self.at;
        while matches!(self.text.as_bytes().get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong()) } else { Ok(()) }
    }

    #[inline]
    fn number(&mut self) -> Result<(), Wrong> {
        self.passes_one(b"-");
        if !self.passes_one(b"0") {
            self.digits()?;
        }
        if self.passes_one(b".") {
            self.digits()?;
        }
        if self.passes_one(b"eE") {
            self.passes_one(b"+-");
            self.digits()?;
        }
        Ok(())
    }

    /// Passes a string; `true` if it has a backslash in it.
    #[inline]
    fn string(&mut self) -> Result<bool, Wrong> {
        self.byte(b'"')?;
        self.plain();
        if self.text.as_bytes().get(self.at) == Some(&b'"') {
            self.at += 1;
            return Ok(false);
        }
        self.escaped_string()
    }

    /// Passes the rest of a string, which has more in it than plain signs.
    #[cold]
    fn escaped_string(&mut self) -> Result<bool, Wrong> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(true);
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                _ => return Err(self.wrong()),
            }
            self.plain();
        }
    }

    /// Passes what is neither a quote, nor a backslash, nor a control character, eight bytes at a time.
    #[inline]
    fn plain(&mut self) {
        let mut rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
            let special = special(u64::from_le_bytes(*eight));
            if special != 0 {
                let passed = self.text.len() - rest.len();
                self.at = passed + usize::try_from(special.trailing_zeros() / 8).unwrap_or_default();
                return;
            }
            rest = behind;
        }
        let plain = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | ..=0x1f)).count();
        self.at = self.text.len() - rest.len() + plain;
    }

    /// Passes what follows a backslash. Half of a surrogate pair is no character: a text with one could not be read.
    fn escape(&mut self) -> Result<(), Wrong> {
        match self.text.as_bytes().get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => match self.unit()? {
                0xdc00..=0xdfff => return Err(self.wrong()),
                0xd800..=0xdbff => {
                    self.byte(b'\\')?;
                    if !matches!(self.unit()?, 0xdc00..=0xdfff) {
                        return Err(self.wrong());
                    }
                }
                _ => {}
            },
            _ => return Err(self.wrong()),
        }
        Ok(())
    }

    /// Passes a `u` and the four digits behind it.
    fn unit(&mut self) -> Result<u32, Wrong> {
        self.byte(b'u')?;
        (0..4).try_fold(0, |unit, _| {
            let digit = self.text.as_bytes().get(self.at).and_then(|byte| char::from(*byte).to_digit(16));
            let digit = digit.ok_or_else(|| self.wrong())?;
            self.at += 1;
            Ok(unit * 16 + digit)
        })
    }
}

/// Marks quotes, backslashes and control characters by the highest bit of their byte. Above the first mark there may be
/// others that are none.
#[inline]
fn special(eight: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHEST: u64 = ONES * 0x80;
    let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    (control | zero(eight ^ (ONES * u64::from(b'"'))) | zero(eight ^ (ONES * u64::from(b'\\')))) & HIGHEST
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use regex::Regex;
    use serde_json::value::RawValue;

    use super::*;

    fn scan(text: &str) -> Result<&str, Wrong> {
        let mut scanner = Scanner::new(text);
        let value = scanner.value()?;
        scanner.end()?;
        Ok(value.text())
    }

    /// What `serde_json` takes for a value, if it can read the texts in it, too.
    fn theirs(text: &str) -> Option<&str> {
        static UNITS: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?i)\\u(d[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|d[89a-f][0-9a-f]{2})").unwrap()
        });
        let plain = text.replace(r"\\", "--");
        let has_half = UNITS.find_iter(&plain).any(|found| found.len() == 6);
        serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get).filter(|_| !has_half)
    }

    /// JSON, and with some luck something that is almost JSON.
    fn almost_json() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            prop::sample::select(vec![
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "\"",
                "\\",
                "\\u",
                "\\u00e9",
                "\\ud83d",
                "\\n",
                "0",
                "00",
                "-",
                "1",
                "12.5",
                ".",
                "e",
                "E+",
                "1e5",
                "true",
                "false",
                "null",
                "tru",
                "\"a\"",
                "\"a\":",
                "{}",
                "[]",
                " ",
                "\n",
                "\t",
                "ä",
                "\u{0}",
                "\u{7f}",
                "\"a long text with an ä in it\"",
                "\u{feff}",
            ])
            .prop_map(str::to_owned),
            "[ -~]{0,12}",
        ];
        prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            "\\PC{0,24}".prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::hash_map("\\PC{0,12}", inner, 0..6)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_json_is_what_serde_json_takes_for_it(text in almost_json()) {
            prop_assert_eq!(scan(&text).ok(), theirs(&text));
        }

        #[test]
        fn json_is_read_whole_with_any_byte_changed(value in json(), pretty: bool, at: prop::sample::Index, byte in 0_u8..128) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            prop_assert_eq!(scan(&text), Ok(text.as_str()));
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(text) = String::from_utf8(bytes) {
                prop_assert_eq!(scan(&text).ok(), theirs(&text), "{}", text);
            }
        }

        #[test]
        fn a_text_reads_as_serde_json_reads_it(text: String) {
            let json = serde_json::to_string(&text).unwrap();
            let mut scanner = Scanner::new(&json);
            let scalar = scanner.value().unwrap().scalar();
            prop_assert_eq!(scalar.as_deref().unwrap_or_default(), text.trim());
        }
    }

    #[test]
    fn a_value_is_picked_by_its_name_or_its_place() {
        let pick = |text: &'static str, name: &str| {
            let value = Scanner::new(text).value().unwrap();
            value.pick(name).map(|value| value.map(Raw::text))
        };
        assert_eq!(pick(r#"{"a":1, "b" : [2] ,"a":{"b":3}}"#, "b"), Ok(Some("[2]")));
        assert!(pick(r#"{"a":1,"\u0061":2}"#, "a").is_err(), "which of the two?");
        assert_eq!(pick("[1, [2], 3]", "1"), Ok(Some("[2]")));
        for (text, name) in [("[1]", "1"), ("[1]", "a"), ("{}", "a"), ("\"a\"", "a"), ("null", "a"), ("1", "0")] {
            assert_eq!(pick(text, name), Ok(None), "{text} {name}");
        }
    }

    #[test]
    fn what_stood_before_a_value_is_passed_where_it_stands_again_and_nowhere_else() {
        let of_length = |length: usize| format!(",\"{}\":", "n".repeat(length - 4));
        let leads = ["\"a\":".to_owned(), " ,\n \"a\" : ".to_owned()];
        let leads = leads.into_iter().chain([15, 16, 17, 31, 32, 33, 48].map(of_length));
        for lead in leads {
            let text = format!("{lead}1");
            let mut scanner = Scanner::new(&text);
            scanner.goes_on(b'}', !lead.contains(',')).unwrap();
            scanner.name().unwrap();
            let seen = scanner.lead(0).unwrap();
            assert_eq!(seen.written, lead);
            for (rest, passes) in [("", true), ("1", true), ("1,\"something\":\"longer\"", true), ("x", false)] {
                let cut = if passes { lead.len() } else { lead.len() - 1 };
                let text = format!("{}{rest}", lead.get(..cut).unwrap());
                let mut scanner = Scanner::new(&text);
                assert_eq!(scanner.passes(&seen), passes, "{text}");
                assert_eq!(scanner.place(), if passes { lead.len() } else { 0 }, "{text}");
            }
            for at in 0..lead.len() {
                // With a whole beginning behind it, and without.
                for rest in [40, 0] {
                    let mut other = format!("{lead}{}", " ".repeat(rest)).into_bytes();
                    other[at] = b'_';
                    let other = String::from_utf8(other).unwrap();
                    assert!(!Scanner::new(&other).passes(&seen), "{other}");
                }
            }
            assert!(!Scanner::new("").passes(&seen));
        }
    }

    #[test]
    fn names_are_told_apart_by_their_tags() {
        let long = "a name of more than fifteen bytes";
        assert!(Tag::of(long).is_cut() && !Tag::of("fifteen bytes..").is_cut());
        assert!(Tag::of("a") != Tag::of("a\0") && Tag::of("") != Tag::of("\0") && Tag::of("ab") != Tag::of("ba"));
        assert_eq!(Tag::of(long), Tag::of("a name of more THAN FIFTEEN BYTES"), "the rest is for who compares");
    }

    #[test]
    fn nesting_ends_somewhere() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(scan(&nested(127)).is_ok());
        assert!(scan(&nested(128)).is_err());
        assert!(scan(&"[".repeat(1_000_000)).is_err());
        assert!(scan(&"{\"a\":".repeat(1_000_000)).is_err());
    }
}
