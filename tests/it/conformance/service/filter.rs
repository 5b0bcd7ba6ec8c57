//! `$filter`: comparisons, `in`, `and`, `or`, `any` over a list, `toupper`. Texts are compared as most databases behind such
//! services do, without regard to case and to blanks around them.

use std::cmp::Ordering;

use serde_json::Value;

/// A filter as a tree.
pub(super) enum Filter {
    And(Vec<Self>),
    Or(Vec<Self>),
    Any { list: String, variable: String, inner: Box<Self> },
    Compare { operand: Operand, operator: String, literal: Value },
    In { operand: Operand, literals: Vec<Value> },
}

/// A property, maybe of a variable, maybe in capitals.
pub(super) struct Operand {
    path: Vec<String>,
    upper: bool,
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0 };
        let filter = parser.or()?;
        if parser.at == parser.tokens.len() { Ok(filter) } else { Err("BadFilter") }
    }

    pub(super) fn holds(&self, row: &Value) -> Result<bool, &'static str> {
        self.holds_with(row, None)
    }

    fn holds_with(&self, row: &Value, variable: Option<(&str, &Value)>) -> Result<bool, &'static str> {
        match self {
            Self::And(all) => all.iter().try_fold(true, |so_far, one| Ok(one.holds_with(row, variable)? && so_far)),
            Self::Or(all) => all.iter().try_fold(false, |so_far, one| Ok(one.holds_with(row, variable)? || so_far)),
            Self::Any { list, variable, inner } => {
                let elements = row.get(list).and_then(Value::as_array).ok_or("UnknownProperty")?;
                elements
                    .iter()
                    .try_fold(false, |so_far, element| Ok(inner.holds_with(row, Some((variable, element)))? || so_far))
            }
            Self::In { operand, literals } => {
                let value = operand.value(row, variable)?;
                Ok(literals.iter().any(|literal| equal(&value, literal)))
            }
            Self::Compare { operand, operator, literal } => {
                let value = operand.value(row, variable)?;
                let order = compare(&value, literal);
                let both = !value.is_null() && !literal.is_null();
                Ok(match operator.as_str() {
                    "eq" => equal(&value, literal),
                    "ne" => !equal(&value, literal),
                    "gt" => both && order.is_gt(),
                    "ge" => both && order.is_ge(),
                    "lt" => both && order.is_lt(),
                    _ => both && order.is_le(),
                })
            }
        }
    }
}

impl Operand {
    fn value(&self, row: &Value, variable: Option<(&str, &Value)>) -> Result<Value, &'static str> {
        let (start, path) = match (variable, self.path.split_first()) {
            (Some((name, element)), Some((first, rest))) if first == name => (element, rest),
            _ => (row, self.path.as_slice()),
        };
        let mut value = start;
        for name in path {
            value = match value {
                Value::Null => return Ok(Value::Null),
                value => value.get(name).ok_or("UnknownProperty")?,
            };
        }
        Ok(match value {
            Value::String(text) if self.upper => Value::String(text.to_uppercase()),
            value => value.clone(),
        })
    }
}

/// How texts are compared.
fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

fn equal(value: &Value, literal: &Value) -> bool {
    match (value, literal) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        _ => compare(value, literal).is_eq(),
    }
}

pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        (Value::String(a), Value::String(b)) => folded(a).cmp(&folded(b)),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (a, b) => a.to_string().cmp(&b.to_string()),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

fn tokens(text: &str) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            ' ' => {}
            '(' | ')' | ',' => tokens.push(Token::Sign(sign)),
            '\'' => {
                let mut literal = String::new();
                loop {
                    match signs.next().ok_or("OpenLiteral")? {
                        '\'' if signs.peek() == Some(&'\'') => {
                            signs.next();
                            literal.push('\'');
                        }
                        '\'' => break,
                        sign => literal.push(sign),
                    }
                }
                tokens.push(Token::Text(literal));
            }
            first => {
                let mut word = String::from(first);
                while let Some(next) = signs.peek().filter(|next| !" (),'".contains(**next)) {
                    word.push(*next);
                    signs.next();
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Result<Token, &'static str> {
        let token = self.tokens.get(self.at).cloned().ok_or("BadFilter")?;
        self.at += 1;
        Ok(token)
    }

    fn passes(&mut self, token: &Token) -> bool {
        let here = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(here);
        here
    }

    fn sign(&mut self, sign: char) -> Result<(), &'static str> {
        if self.passes(&Token::Sign(sign)) { Ok(()) } else { Err("BadFilter") }
    }

    fn or(&mut self) -> Result<Filter, &'static str> {
        let mut all = vec![self.and()?];
        while self.passes(&Token::Word("or".to_owned())) {
            all.push(self.and()?);
        }
        Ok(Filter::Or(all))
    }

    fn and(&mut self) -> Result<Filter, &'static str> {
        let mut all = vec![self.one()?];
        while self.passes(&Token::Word("and".to_owned())) {
            all.push(self.one()?);
        }
        Ok(Filter::And(all))
    }

    fn one(&mut self) -> Result<Filter, &'static str> {
        if self.passes(&Token::Sign('(')) {
            let inner = self.or()?;
            self.sign(')')?;
            return Ok(inner);
        }
        let Token::Word(word) = self.next()? else { return Err("BadFilter") };
        if let Some(list) = word.strip_suffix("/any") {
            let list = list.to_owned();
            self.sign('(')?;
            let Token::Word(start) = self.next()? else { return Err("BadFilter") };
            let (variable, first) = start.split_once(':').ok_or("BadFilter")?;
            let variable = variable.to_owned();
            if first.is_empty() {
                // What follows stands by itself.
            } else {
                self.at -= 1;
                let place = self.tokens.get_mut(self.at).ok_or("BadFilter")?;
                *place = Token::Word(first.to_owned());
            }
            let inner = Box::new(self.or()?);
            self.sign(')')?;
            return Ok(Filter::Any { list, variable, inner });
        }
        let operand = self.operand(&word)?;
        let Token::Word(operator) = self.next()? else { return Err("BadFilter") };
        if operator == "in" {
            self.sign('(')?;
            let mut literals = vec![self.literal()?];
            while self.passes(&Token::Sign(',')) {
                literals.push(self.literal()?);
            }
            self.sign(')')?;
            return Ok(Filter::In { operand, literals });
        }
        if !["eq", "ne", "gt", "ge", "lt", "le"].contains(&operator.as_str()) {
            return Err("UnknownOperator");
        }
        Ok(Filter::Compare { operand, operator, literal: self.literal()? })
    }

    fn operand(&mut self, word: &str) -> Result<Operand, &'static str> {
        let path = |word: &str| word.split('/').map(str::to_owned).collect();
        if word != "toupper" {
            return Ok(Operand { path: path(word), upper: false });
        }
        self.sign('(')?;
        let Token::Word(inner) = self.next()? else { return Err("BadFilter") };
        self.sign(')')?;
        Ok(Operand { path: path(&inner), upper: true })
    }

    fn literal(&mut self) -> Result<Value, &'static str> {
        match self.next()? {
            Token::Text(text) => Ok(Value::String(text)),
            Token::Word(word) => match word.parse::<serde_json::Number>() {
                Ok(number) => Ok(Value::Number(number)),
                Err(_) => Ok(match word.as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    "null" => Value::Null,
                    // A day or a GUID.
                    _ => Value::String(word),
                }),
            },
            Token::Sign(_) => Err("BadFilter"),
        }
    }
}
