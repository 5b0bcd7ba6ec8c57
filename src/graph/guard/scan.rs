//! The query text, byte by byte: tokens and brackets in one another, as the GraphQL grammar sees them. Brackets inside
//! texts and comments are not brackets.

use async_graphql::Pos;

use super::Refusal;

/// What the text has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// Names, numbers, texts, punctuation marks.
    pub(super) tokens: usize,
    /// The largest number of brackets open at once.
    pub(super) nesting: usize,
}

/// Measures the text. A text without an end is refused here: the parser would try other readings of it.
pub(super) fn scan(query: &[u8]) -> Result<Text, Refusal> {
    let mut text = Text::default();
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(&byte) = query.get(at) {
        let rest = query.get(at..).unwrap_or_default();
        let length = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at += rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
                continue;
            }
            b'(' | b'[' | b'{' => {
                open += 1;
                text.nesting = text.nesting.max(open);
                1
            }
            b')' | b']' | b'}' => {
                open = open.saturating_sub(1);
                1
            }
            b'"' => string(rest).ok_or_else(|| unterminated(query, at))?,
            b'.' if rest.starts_with(b"...") => 3,
            byte if is_word(byte) => rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len()),
            _ => 1,
        };
        text.tokens += 1;
        at += length;
    }
    Ok(text)
}

/// Letters, digits, `_`: names and numbers. `-`, `+` and `.` of a number count as tokens of their own, which only makes
/// the count larger.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The length of the text that starts here, with its quotes; None if it has no end.
fn string(rest: &[u8]) -> Option<usize> {
    let block = rest.starts_with(br#"""""#);
    let mut at = if block { 3 } else { 1 };
    loop {
        let here = rest.get(at..)?;
        at += match *here.first()? {
            b'"' if !block => return Some(at + 1),
            b'"' if here.starts_with(br#"""""#) => return Some(at + 3),
            b'\\' if !block => 2,
            b'\\' if here.starts_with(br#"\""""#) => 4,
            b'\n' | b'\r' if !block => return None,
            _ => 1,
        };
    }
}

fn unterminated(query: &[u8], at: usize) -> Refusal {
    let before = String::from_utf8_lossy(query.get(..at).unwrap_or_default());
    let line = before.split('\n').count();
    let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
    Refusal::Syntax { message: "Syntax error: a text without an end".to_owned(), locations: vec![Pos { line, column }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(query: &str) -> (usize, usize) {
        let text = scan(query.as_bytes()).unwrap();
        (text.tokens, text.nesting)
    }

    #[test]
    fn tokens_are_counted_as_the_grammar_sees_them() {
        assert_eq!(measured(""), (0, 0));
        assert_eq!(measured(" ,\t\r\n# only a comment {{{"), (0, 0));
        assert_eq!(measured("{ a(id: 1) ...F }"), (10, 2));
        assert_eq!(measured("query($a: [Int!]) { b @c }"), (15, 2));
    }

    #[test]
    fn brackets_in_texts_and_comments_are_not_brackets() {
        assert_eq!(measured(r#"{ a(x: "[[[{{{(((") }"#), (8, 2));
        assert_eq!(measured(r#"{ a(x: "\"[[[") }"#), (8, 2));
        assert_eq!(measured(r#"{ a(x: "\\") b }"#), (9, 2));
        assert_eq!(measured(r#"{ a(x: """ [[[ \""" [[[ " "" """) }"#), (8, 2));
        assert_eq!(measured("{ a(x: \"\"\"\n[[[\n\"\"\") }"), (8, 2));
        assert_eq!(measured("{ # [[[ \" \n a }"), (3, 1));
        assert_eq!(measured("{ # [[[ \" \r a }"), (3, 1));
    }

    #[test]
    fn empty_texts_have_an_end() {
        assert_eq!(measured(r#"{ a(x: "", y: """""") }"#), (11, 2));
    }

    #[test]
    fn a_text_without_an_end_is_refused_where_it_starts() {
        for query in
            ["{ é(x: \"[[[", "{ é(x: \"a\n\") }", "{ é(x: \"\"\"a\") }", "{ é(x: \"\\", "{ é(x: \"\"\"\\\"\"\""]
        {
            let Err(Refusal::Syntax { locations, .. }) = scan(query.as_bytes()) else { panic!("{query}") };
            assert_eq!(locations, vec![Pos { line: 1, column: 8 }], "{query}");
        }
    }
}
