//! From text to words.

use rust_decimal::Decimal;

use super::Refused;

/// A word of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword, in lower case: SuiteQL does not tell the cases apart.
    Word(String),
    Text(String),
    Number(Decimal),
    /// `( ) , . + - * / = <> < <= > >= ||`.
    Sign(&'static str),
}

/// Longer signs first.
const SIGNS: [&str; 16] = ["||", "<>", "!=", "<=", ">=", "(", ")", ",", ".", "+", "-", "*", "/", "=", "<", ">"];

/// Cuts a statement into words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Refused> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '\'' {
            let (text, length) = literal(rest)?;
            tokens.push(Token::Text(text));
            length
        } else if first.is_ascii_digit() {
            let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, after) = rest.split_at(length);
            if after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                return Err(Refused::new(format!("Invalid number near '{number}'")));
            }
            tokens.push(Token::Number(number.parse().map_err(|_| Refused::new("Invalid number"))?));
            length
        } else if first.is_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(Token::Word(rest.split_at(length).0.to_lowercase()));
            length
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(if sign == "!=" { "<>" } else { sign }));
            sign.len()
        } else {
            return Err(Refused::new(match first {
                '[' | ']' => "Square brackets are not supported".to_owned(),
                '?' => "Bind parameters are not supported".to_owned(),
                other => format!("Unexpected character '{other}'"),
            }));
        };
        rest = rest.split_at(length).1.trim_start();
    }
    Ok(tokens)
}

/// A text in quotes, with its quotes doubled within, and how long it is as written.
fn literal(quoted: &str) -> Result<(String, usize), Refused> {
    let (mut text, mut at) = (String::new(), 1);
    loop {
        let after = quoted.get(at..).unwrap_or_default();
        let Some(end) = after.find('\'') else { return Err(Refused::new("A text has no end")) };
        let (part, from_quote) = after.split_at(end);
        text.push_str(part);
        at += end + 1;
        if !from_quote.starts_with("''") {
            return Ok((text, at));
        }
        text.push('\'');
        at += 1;
    }
}
