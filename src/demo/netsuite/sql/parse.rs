//! From words to a statement.

use rust_decimal::Decimal;

use super::token::{Token, tokens};
use super::{MAX_IN, Refused};

/// `SELECT ... FROM ... WHERE ... GROUP BY ... HAVING ... ORDER BY ...`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) distinct: bool,
    pub(super) items: Vec<Item>,
    pub(super) from: Vec<Source>,
    pub(super) condition: Option<Expr>,
    pub(super) groups: Vec<Expr>,
    pub(super) having: Option<Expr>,
    /// What to sort by, and whether downwards.
    pub(super) order: Vec<(Expr, bool)>,
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// All columns, of one table if it is named.
    All(Option<String>),
    Expr(Expr, Option<String>),
}

/// A table that is read, and how it is joined to those before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    pub(super) table: String,
    pub(super) alias: String,
    pub(super) join: Join,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Join {
    First,
    Inner(Expr),
    Left(Expr),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Column(Option<String>, String),
    Text(String),
    Number(Decimal),
    Null,
    Binary(Box<Self>, &'static str, Box<Self>),
    Not(Box<Self>),
    Negative(Box<Self>),
    IsNull(Box<Self>, bool),
    In(Box<Self>, Vec<Self>, bool),
    Like(Box<Self>, Box<Self>, bool),
    Between(Box<Self>, Box<Self>, Box<Self>, bool),
    Call(String, Vec<Self>),
    /// `SUM(x)`, `COUNT(DISTINCT x)`; `COUNT(*)` is one of nothing.
    Aggregate(String, Option<Box<Self>>, bool),
}

pub(super) const AGGREGATES: [&str; 5] = ["sum", "count", "min", "max", "avg"];

/// Words that cannot be the name of a column or table.
const RESERVED: [&str; 28] = [
    "select", "distinct", "from", "where", "group", "having", "order", "by", "inner", "left", "right", "full", "outer",
    "join", "on", "and", "or", "not", "in", "is", "null", "like", "between", "as", "asc", "desc", "union", "case",
];

/// How deep expressions may be nested.
const MAX_DEPTH: usize = 60;

/// Reads a statement.
pub(super) fn statement(text: &str) -> Result<Statement, Refused> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let statement = parser.statement()?;
    match parser.peek() {
        None => Ok(statement),
        Some(token) => Err(unexpected(token)),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

fn unexpected(token: &Token) -> Refused {
    let what = match token {
        Token::Word(word) => match word.as_str() {
            "union" | "minus" | "intersect" | "limit" | "fetch" | "offset" | "top" | "case" | "select" => {
                return Refused::new(format!("'{}' is not supported by this embedded system", word.to_uppercase()));
            }
            word => word.to_uppercase(),
        },
        Token::Text(text) => format!("'{text}'"),
        Token::Number(number) => number.to_string(),
        Token::Sign(sign) => (*sign).to_owned(),
    };
    Refused::new(format!("Unexpected token: {what}"))
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(next)) if next == word)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn missing(&self, what: &str) -> Refused {
        self.peek().map_or_else(|| Refused::new(format!("The statement ends where {what} is expected")), unexpected)
    }

    fn need_word(&mut self, word: &str) -> Result<(), Refused> {
        if self.word(word) { Ok(()) } else { Err(self.missing(&word.to_uppercase())) }
    }

    fn need(&mut self, sign: &str) -> Result<(), Refused> {
        if self.sign(sign) { Ok(()) } else { Err(self.missing(sign)) }
    }

    /// A name: a word that is no keyword.
    fn name(&mut self) -> Option<String> {
        let Some(Token::Word(word)) = self.peek() else { return None };
        if RESERVED.contains(&word.as_str()) {
            return None;
        }
        let name = word.clone();
        self.at += 1;
        Some(name)
    }

    fn need_name(&mut self) -> Result<String, Refused> {
        self.name().ok_or_else(|| self.missing("a name"))
    }

    fn statement(&mut self) -> Result<Statement, Refused> {
        if !self.word("select") {
            return Err(match self.peek() {
                Some(Token::Word(word)) if word == "with" => Refused::new("WITH is not supported"),
                Some(Token::Word(word)) => {
                    Refused::new(format!("Only SELECT is supported, not {}", word.to_uppercase()))
                }
                _ => Refused::new("Only SELECT is supported"),
            });
        }
        let distinct = self.word("distinct");
        let items = self.list(Self::item)?;
        self.need_word("from")?;
        let from = self.sources()?;
        let condition = if self.word("where") { Some(self.expr()?) } else { None };
        let groups = if self.word("group") {
            self.need_word("by")?;
            self.list(Self::expr)?
        } else {
            Vec::new()
        };
        let having = if self.word("having") { Some(self.expr()?) } else { None };
        let order = if self.word("order") {
            self.need_word("by")?;
            self.list(|parser| {
                let expr = parser.expr()?;
                let down = parser.word("desc");
                if !down {
                    parser.word("asc");
                }
                Ok((expr, down))
            })?
        } else {
            Vec::new()
        };
        Ok(Statement { distinct, items, from, condition, groups, having, order })
    }

    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Result<T, Refused>) -> Result<Vec<T>, Refused> {
        let mut all = vec![one(self)?];
        while self.sign(",") {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn item(&mut self) -> Result<Item, Refused> {
        if self.sign("*") {
            return Ok(Item::All(None));
        }
        if let (Some(Token::Word(table)), Some(Token::Sign(".")), Some(Token::Sign("*"))) =
            (self.peek(), self.tokens.get(self.at + 1), self.tokens.get(self.at + 2))
        {
            let table = table.clone();
            self.at += 3;
            return Ok(Item::All(Some(table)));
        }
        let expr = self.expr()?;
        let alias = if self.word("as") { Some(self.need_name()?) } else { self.name() };
        Ok(Item::Expr(expr, alias))
    }

    fn sources(&mut self) -> Result<Vec<Source>, Refused> {
        let mut sources = vec![self.source(Join::First)?];
        loop {
            if matches!(self.peek(), Some(Token::Sign(","))) {
                return Err(Refused::new(
                    "Joins by comma are not supported by this embedded system: write JOIN ... ON",
                ));
            }
            let left = if self.word("left") {
                self.word("outer");
                self.need_word("join")?;
                true
            } else if self.word("inner") {
                self.need_word("join")?;
                false
            } else if self.word("join") {
                false
            } else if self.is_word("right") || self.is_word("full") || self.is_word("cross") {
                return Err(Refused::new("This kind of join is not supported by this embedded system"));
            } else {
                return Ok(sources);
            };
            let mut source = self.source(Join::First)?;
            self.need_word("on")?;
            let on = self.expr()?;
            source.join = if left { Join::Left(on) } else { Join::Inner(on) };
            sources.push(source);
        }
    }

    fn source(&mut self, join: Join) -> Result<Source, Refused> {
        if matches!(self.peek(), Some(Token::Sign("("))) {
            return Err(Refused::new("Subqueries are not supported by this embedded system"));
        }
        let table = self.need_name()?;
        self.word("as");
        let alias = match self.peek() {
            Some(Token::Word(word)) if word == "cross" => table.clone(),
            _ => self.name().unwrap_or_else(|| table.clone()),
        };
        Ok(Source { table, alias, join })
    }

    fn expr(&mut self) -> Result<Expr, Refused> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refused::new("The statement is nested too deeply"));
        }
        let mut left = self.and()?;
        while self.word("or") {
            left = Expr::Binary(Box::new(left), "or", Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, Refused> {
        let mut left = self.not()?;
        while self.word("and") {
            left = Expr::Binary(Box::new(left), "and", Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, Refused> {
        let mut turns = 0;
        while self.word("not") {
            turns += 1;
        }
        let mut expr = self.comparison()?;
        for _ in 0..turns % 2 {
            expr = Expr::Not(Box::new(expr));
        }
        Ok(expr)
    }

    fn comparison(&mut self) -> Result<Expr, Refused> {
        let left = self.sum()?;
        if self.word("is") {
            let not = self.word("not");
            self.need_word("null")?;
            return Ok(Expr::IsNull(Box::new(left), not));
        }
        let not = self.word("not");
        if self.word("in") {
            self.need("(")?;
            let values = self.list(Self::sum)?;
            self.need(")")?;
            if values.len() > MAX_IN {
                return Err(Refused::new(format!("The maximum number of arguments of IN is {MAX_IN}")));
            }
            return Ok(Expr::In(Box::new(left), values, not));
        }
        if self.word("like") {
            return Ok(Expr::Like(Box::new(left), Box::new(self.sum()?), not));
        }
        if self.word("between") {
            let low = self.sum()?;
            self.need_word("and")?;
            return Ok(Expr::Between(Box::new(left), Box::new(low), Box::new(self.sum()?), not));
        }
        if not {
            return Err(self.missing("IN, LIKE or BETWEEN"));
        }
        for sign in ["=", "<>", "<=", ">=", "<", ">"] {
            if self.sign(sign) {
                return Ok(Expr::Binary(Box::new(left), sign, Box::new(self.sum()?)));
            }
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expr, Refused> {
        let mut left = self.product()?;
        loop {
            let Some(sign) = ["+", "-", "||"].into_iter().find(|sign| self.sign(sign)) else { return Ok(left) };
            left = Expr::Binary(Box::new(left), sign, Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expr, Refused> {
        let mut left = self.unary()?;
        loop {
            let Some(sign) = ["*", "/"].into_iter().find(|sign| self.sign(sign)) else { return Ok(left) };
            left = Expr::Binary(Box::new(left), sign, Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Result<Expr, Refused> {
        let mut minus = false;
        loop {
            if self.sign("-") {
                minus = !minus;
            } else if !self.sign("+") {
                break;
            }
        }
        let expr = self.primary()?;
        Ok(if minus { Expr::Negative(Box::new(expr)) } else { expr })
    }

    fn primary(&mut self) -> Result<Expr, Refused> {
        match self.peek().cloned() {
            Some(Token::Text(text)) => {
                self.at += 1;
                Ok(Expr::Text(text))
            }
            Some(Token::Number(number)) => {
                self.at += 1;
                Ok(Expr::Number(number))
            }
            Some(Token::Sign("(")) => {
                self.at += 1;
                let expr = self.expr()?;
                self.need(")")?;
                Ok(expr)
            }
            Some(Token::Word(word)) if word == "null" => {
                self.at += 1;
                Ok(Expr::Null)
            }
            Some(Token::Word(word))
                if word == "date" && matches!(self.tokens.get(self.at + 1), Some(Token::Text(_))) =>
            {
                Err(Refused::new("Date literals are not supported: use TO_DATE"))
            }
            Some(Token::Word(word)) if !RESERVED.contains(&word.as_str()) => {
                self.at += 1;
                self.named(word)
            }
            Some(token) => Err(unexpected(&token)),
            None => Err(Refused::new("The statement ends too early")),
        }
    }

    /// A column, `table.column`, or the call of a function.
    fn named(&mut self, word: String) -> Result<Expr, Refused> {
        if self.sign(".") {
            let name = match self.peek() {
                // After a point, any word is the name of a column.
                Some(Token::Word(name)) => name.clone(),
                _ => return Err(self.missing("a column")),
            };
            self.at += 1;
            if word == "builtin" {
                return Err(Refused::new(format!(
                    "BUILTIN.{} is not supported by this embedded system",
                    name.to_uppercase()
                )));
            }
            return Ok(Expr::Column(Some(word), name));
        }
        if !self.sign("(") {
            return Ok(Expr::Column(None, word));
        }
        if AGGREGATES.contains(&word.as_str()) {
            let distinct = self.word("distinct");
            let argument = if word == "count" && self.sign("*") { None } else { Some(Box::new(self.expr()?)) };
            self.need(")")?;
            return Ok(Expr::Aggregate(word, argument, distinct));
        }
        let arguments = self.list(Self::expr)?;
        self.need(")")?;
        Ok(Expr::Call(word, arguments))
    }
}
