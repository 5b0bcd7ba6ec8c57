//! `$filter`, as the Service Layer takes it: `and or not eq ne gt ge lt le`, parentheses, `startswith endswith contains
//! substringof`. There is no `in`, no lambda and no arithmetic.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use rust_decimal::Decimal;

use super::value::Value;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare(Operand, Comparison, Operand),
    Text(Match, String, String),
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Field(String),
    Literal(Value<'static>),
}

/// How it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// How a text is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Starts,
    Ends,
    Contains,
}

impl Filter {
    /// Reads a condition, or says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
        let filter = parser.any()?;
        match parser.next() {
            None => Ok(filter),
            Some(Token::Word(word)) if word == "in" => Err("the operator 'in' is not supported".to_owned()),
            Some(token) => Err(format!("unexpected {token:?}")),
        }
    }

    /// Whether the condition holds for a row.
    pub(super) fn holds<'a>(&self, field: &dyn Fn(&str) -> Value<'a>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.holds(field)),
            Self::Or(any) => any.iter().any(|one| one.holds(field)),
            Self::Not(one) => !one.holds(field),
            Self::Compare(left, comparison, right) => comparison.holds(&left.value(field), &right.value(field)),
            Self::Text(how, name, part) => match field(name) {
                Value::Text(text) => match how {
                    Match::Starts => text.starts_with(part.as_str()),
                    Match::Ends => text.ends_with(part.as_str()),
                    Match::Contains => text.contains(part.as_str()),
                },
                _ => false,
            },
        }
    }

    /// All fields the condition names.
    pub(super) fn fields(&self) -> Vec<&str> {
        match self {
            Self::And(many) | Self::Or(many) => many.iter().flat_map(Self::fields).collect(),
            Self::Not(one) => one.fields(),
            Self::Compare(left, _, right) => [left, right]
                .into_iter()
                .filter_map(|operand| match operand {
                    Operand::Field(name) => Some(name.as_str()),
                    Operand::Literal(_) => None,
                })
                .collect(),
            Self::Text(_, name, _) => vec![name],
        }
    }

    /// The values of which one of `fields` must have one, if the condition says so: what an index can be asked for.
    pub(super) fn values(&self, fields: &[&str]) -> Option<HashSet<&Value<'static>>> {
        match self {
            Self::And(all) => all.iter().filter_map(|one| one.values(fields)).min_by_key(HashSet::len),
            Self::Or(any) => any.iter().try_fold(HashSet::new(), |mut found, one| {
                found.extend(one.values(fields)?);
                Some(found)
            }),
            Self::Compare(Operand::Field(name), Comparison::Eq, Operand::Literal(value))
                if fields.contains(&name.as_str()) && *value != Value::Null =>
            {
                Some(HashSet::from([value]))
            }
            _ => None,
        }
    }

    /// The number that `field` must be greater than, if the condition says so: where a scan in key order can start.
    pub(super) fn greater_than(&self, field: &str) -> Option<i64> {
        match self {
            Self::And(all) => all.iter().find_map(|one| one.greater_than(field)),
            Self::Compare(Operand::Field(name), Comparison::Gt, Operand::Literal(Value::Int(number)))
                if name == field =>
            {
                Some(*number)
            }
            _ => None,
        }
    }

    /// Whether two fields must be equal: the condition of a join.
    pub(super) fn joins(&self, left: &str, right: &str) -> bool {
        match self {
            Self::And(all) => all.iter().any(|one| one.joins(left, right)),
            Self::Compare(Operand::Field(a), Comparison::Eq, Operand::Field(b)) => {
                (a == left && b == right) || (a == right && b == left)
            }
            _ => false,
        }
    }
}

impl Operand {
    fn value<'a>(&self, field: &dyn Fn(&str) -> Value<'a>) -> Value<'a> {
        match self {
            Self::Field(name) => field(name),
            Self::Literal(value) => value.clone(),
        }
    }
}

impl Comparison {
    fn holds(self, left: &Value<'_>, right: &Value<'_>) -> bool {
        let order = left.compare(right);
        match self {
            Self::Eq => order == Some(Ordering::Equal),
            // As in SQL, nothing is neither equal nor unequal to something; but `ne null` asks for something.
            Self::Ne if *right == Value::Null => *left != Value::Null,
            Self::Ne => *left != Value::Null && order != Some(Ordering::Equal),
            Self::Gt => order == Some(Ordering::Greater),
            Self::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Self::Lt => order == Some(Ordering::Less),
            Self::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(Decimal),
    Open,
    Close,
    Comma,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(out) };
        match first {
            '(' | ')' | ',' => {
                out.push(match first {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    _ => Token::Comma,
                });
                rest = rest.get(1..).unwrap_or("");
            }
            '\'' => {
                let (literal, after) = quoted(rest)?;
                // `datetime'2026-04-23'` is the same as `'2026-04-23'`.
                if out.last() == Some(&Token::Word("datetime".to_owned())) {
                    out.pop();
                }
                out.push(Token::Text(literal));
                rest = after;
            }
            '-' | '0'..='9' => {
                let end = rest.find(|c: char| !matches!(c, '-' | '.' | '0'..='9')).unwrap_or(rest.len());
                let (number, after) = rest.split_at(end);
                out.push(Token::Number(number.parse().map_err(|_| format!("'{number}' is not a number"))?));
                rest = after;
            }
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let end =
                    rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '/'))).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                out.push(Token::Word(word.to_owned()));
                rest = after;
            }
            _ => return Err(format!("unexpected character '{first}'")),
        }
    }
}

/// Reads a quoted text from the start; a quote in it is doubled.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut literal = String::new();
    let mut rest = text.strip_prefix('\'').unwrap_or(text);
    loop {
        let Some((before, after)) = rest.split_once('\'') else { return Err("a text is not closed".to_owned()) };
        literal.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                literal.push('\'');
                rest = more;
            }
            None => return Ok((literal, after)),
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.at += 1;
        }
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(format!("expected {token:?}, found {:?}", self.peek())) }
    }

    fn any(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Filter::Or))
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.one()?];
        while self.word("and") {
            parts.push(self.one()?);
        }
        Ok(one_or(parts, Filter::And))
    }

    fn one(&mut self) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > 60 {
            return Err("the condition is nested too deeply".to_owned());
        }
        let filter = if self.word("not") {
            Filter::Not(Box::new(self.one()?))
        } else if self.take(&Token::Open) {
            let inner = self.any()?;
            self.expect(&Token::Close)?;
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self) -> Result<Filter, String> {
        let function = match self.peek() {
            Some(Token::Word(name)) => match name.as_str() {
                "startswith" => Some((Match::Starts, false)),
                "endswith" => Some((Match::Ends, false)),
                "contains" => Some((Match::Contains, false)),
                "substringof" => Some((Match::Contains, true)),
                _ => None,
            },
            _ => None,
        };
        if let Some((how, text_first)) = function {
            self.at += 1;
            self.expect(&Token::Open)?;
            let first = self.next();
            self.expect(&Token::Comma)?;
            let second = self.next();
            self.expect(&Token::Close)?;
            let (field, text) = if text_first { (second, first) } else { (first, second) };
            return match (field, text) {
                (Some(Token::Word(field)), Some(Token::Text(text))) => Ok(Filter::Text(how, field, text)),
                _ => Err("a text function takes a field and a text".to_owned()),
            };
        }
        let left = self.operand()?;
        let comparison = match self.next() {
            Some(Token::Word(word)) => match word.as_str() {
                "eq" => Comparison::Eq,
                "ne" => Comparison::Ne,
                "gt" => Comparison::Gt,
                "ge" => Comparison::Ge,
                "lt" => Comparison::Lt,
                "le" => Comparison::Le,
                other => return Err(format!("the operator '{other}' is not supported")),
            },
            other => return Err(format!("expected an operator, found {other:?}")),
        };
        Ok(Filter::Compare(left, comparison, self.operand()?))
    }

    fn operand(&mut self) -> Result<Operand, String> {
        match self.next() {
            Some(Token::Word(word)) if word == "null" => Ok(Operand::Literal(Value::Null)),
            Some(Token::Word(word)) if self.peek() == Some(&Token::Open) => {
                Err(format!("the function '{word}' is not supported"))
            }
            Some(Token::Word(word)) => Ok(Operand::Field(word)),
            Some(Token::Text(text)) => Ok(Operand::Literal(Value::Text(Cow::Owned(text)))),
            Some(Token::Number(number)) => {
                Ok(Operand::Literal(number.to_string().parse().map_or(Value::Decimal(number), Value::Int)))
            }
            other => Err(format!("expected a field or a value, found {other:?}")),
        }
    }
}

fn one_or(mut parts: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}
