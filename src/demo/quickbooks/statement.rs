//! The query language: `SELECT * | count(*) | names FROM Entity [WHERE p op v [AND ...]] [ORDERBY p [ASC|DESC] [, ...]]
//! [STARTPOSITION n] [MAXRESULTS n]`. Operators are `= < > <= >= IN LIKE`. There is no `OR`, no `NOT`, no join and no sum.

use super::fault::Fault;
use super::value::Value;

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) entity: String,
    pub(super) counts: bool,
    /// All must hold.
    pub(super) conditions: Vec<Condition>,
    pub(super) order: Vec<(String, Descending)>,
    /// From 1.
    pub(super) start: usize,
    pub(super) limit: usize,
}

/// Greatest first.
pub(super) type Descending = bool;

/// A condition on one property.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) property: String,
    pub(super) test: Test,
}

/// What is asked of a property.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    In(Vec<String>),
    Less(String),
    AtMost(String),
    Greater(String),
    AtLeast(String),
    /// `%` stands for anything.
    Like(String),
}

/// Rows of an answer unless told, and at most.
const DEFAULT_ROWS: usize = 100;
const MOST_ROWS: usize = 1000;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

impl Statement {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0 };
        parser.keyword("select")?;
        let counts = parser.columns()?;
        parser.keyword("from")?;
        let entity = parser.word()?;
        let mut statement =
            Self { entity, counts, conditions: Vec::new(), order: Vec::new(), start: 1, limit: DEFAULT_ROWS };
        if parser.takes("where") {
            statement.conditions.push(parser.condition()?);
            while parser.takes("and") {
                statement.conditions.push(parser.condition()?);
            }
        }
        if parser.takes("orderby") || (parser.takes("order") && parser.takes("by")) {
            loop {
                let property = parser.word()?;
                let descending = parser.takes("desc");
                if !descending {
                    parser.takes("asc");
                }
                statement.order.push((property, descending));
                if !parser.takes_sign(",") {
                    break;
                }
            }
        }
        loop {
            if parser.takes("startposition") {
                statement.start = parser.number()?;
            } else if parser.takes("maxresults") {
                statement.limit = parser.number()?;
            } else {
                break;
            }
        }
        if let Some(rest) = parser.next() {
            return Err(Fault::parser(format!("QueryParserError: Encountered {rest:?}")));
        }
        if statement.start == 0 || statement.limit == 0 || statement.limit > MOST_ROWS {
            return Err(Fault::parser("QueryValidationError: value of STARTPOSITION or MAXRESULTS is out of range"));
        }
        Ok(statement)
    }

    /// The values of which a property must have one, if the statement says so.
    pub(super) fn values(&self, property: &str) -> Option<&[String]> {
        self.conditions.iter().find_map(|condition| match &condition.test {
            Test::In(values) if condition.property == property => Some(values.as_slice()),
            _ => None,
        })
    }
}

impl Test {
    /// Whether a value passes.
    pub(super) fn holds(&self, value: &Value) -> bool {
        match self {
            Self::In(values) => {
                values.iter().any(|wanted| value.compare(wanted).is_some_and(std::cmp::Ordering::is_eq))
            }
            Self::Less(bound) => value.compare(bound).is_some_and(std::cmp::Ordering::is_lt),
            Self::AtMost(bound) => value.compare(bound).is_some_and(std::cmp::Ordering::is_le),
            Self::Greater(bound) => value.compare(bound).is_some_and(std::cmp::Ordering::is_gt),
            Self::AtLeast(bound) => value.compare(bound).is_some_and(std::cmp::Ordering::is_ge),
            Self::Like(pattern) => like(&value.text().to_lowercase(), &pattern.to_lowercase()),
        }
    }
}

fn like(text: &str, pattern: &str) -> bool {
    match pattern.split_once('%') {
        None => text == pattern,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            rest.is_empty() || text.char_indices().any(|(at, _)| text.get(at..).is_some_and(|text| like(text, rest)))
        }),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&char) = chars.peek() {
        if char.is_whitespace() {
            chars.next();
        } else if char == '\'' {
            chars.next();
            let mut quoted = String::new();
            loop {
                match chars.next() {
                    Some('\\') => quoted.extend(chars.next()),
                    Some('\'') => break,
                    Some(char) => quoted.push(char),
                    None => return Err(Fault::parser("QueryParserError: a text has no end")),
                }
            }
            tokens.push(Token::Text(quoted));
        } else if matches!(char, '<' | '>' | '=' | '!') {
            let mut sign = String::new();
            while let Some(char) = chars.next_if(|char| matches!(char, '<' | '>' | '=' | '!')) {
                sign.push(char);
            }
            tokens.push(Token::Sign(sign));
        } else if matches!(char, '(' | ')' | ',' | '*') {
            chars.next();
            tokens.push(Token::Sign(char.to_string()));
        } else {
            let mut word = String::new();
            while let Some(char) =
                chars.next_if(|char| char.is_alphanumeric() || matches!(char, '.' | '_' | '-' | ':' | '+'))
            {
                word.push(char);
            }
            if word.is_empty() {
                return Err(Fault::parser(format!("QueryParserError: Invalid character {char:?}")));
            }
            tokens.push(Token::Word(word));
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    /// Takes a keyword if it comes next, in any case.
    fn takes(&mut self, keyword: &str) -> bool {
        let is_it = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(is_it);
        is_it
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let is_it = matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if found == sign);
        self.at += usize::from(is_it);
        is_it
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), Fault> {
        if self.takes(keyword) { Ok(()) } else { Err(self.unexpected(keyword)) }
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        let found = self.tokens.get(self.at);
        Fault::parser(format!("QueryParserError: Encountered {found:?}, was expecting {wanted}"))
    }

    fn word(&mut self) -> Result<String, Fault> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            _ => Err(self.unexpected("a name")),
        }
    }

    fn number(&mut self) -> Result<usize, Fault> {
        self.word()?.parse().map_err(|_| self.unexpected("a number"))
    }

    /// What is selected: whether it is a count. Names of columns are taken, and all properties returned.
    fn columns(&mut self) -> Result<bool, Fault> {
        if self.takes("count") {
            let whole = self.takes_sign("(") && self.takes_sign("*") && self.takes_sign(")");
            return if whole { Ok(true) } else { Err(self.unexpected("count(*)")) };
        }
        loop {
            if !self.takes_sign("*") {
                self.word()?;
            }
            if !self.takes_sign(",") {
                return Ok(false);
            }
        }
    }

    fn condition(&mut self) -> Result<Condition, Fault> {
        let property = self.word()?;
        if property.eq_ignore_ascii_case("not") {
            return Err(self.unexpected("a property"));
        }
        let test = if self.takes("in") {
            let mut values = Vec::new();
            if !self.takes_sign("(") {
                return Err(self.unexpected("("));
            }
            loop {
                values.push(self.value()?);
                if self.takes_sign(")") {
                    break;
                }
                if !self.takes_sign(",") {
                    return Err(self.unexpected(")"));
                }
            }
            Test::In(values)
        } else if self.takes("like") {
            Test::Like(self.value()?)
        } else {
            let make: fn(String) -> Test = match self.next() {
                Some(Token::Sign(sign)) => match sign.as_str() {
                    "=" => |value| Test::In(vec![value]),
                    "<" => Test::Less,
                    "<=" => Test::AtMost,
                    ">" => Test::Greater,
                    ">=" => Test::AtLeast,
                    _ => return Err(self.unexpected("an operator")),
                },
                _ => return Err(self.unexpected("an operator")),
            };
            make(self.value()?)
        };
        Ok(Condition { property, test })
    }

    fn value(&mut self) -> Result<String, Fault> {
        match self.next() {
            Some(Token::Text(text) | Token::Word(text)) => Ok(text),
            _ => Err(self.unexpected("a value")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_within_the_grammar_are_read() {
        let read = |text| Statement::parse(text).unwrap();
        let statement = read(
            "select * from Invoice where CustomerRef in ('1', 'O\\'Neil') and TxnDate >= '2026-01-01' orderby Id desc \
             startposition 11 maxresults 10",
        );
        assert_eq!((statement.entity.as_str(), statement.start, statement.limit), ("Invoice", 11, 10));
        assert_eq!(statement.values("CustomerRef"), Some(&["1".to_owned(), "O'Neil".to_owned()][..]));
        assert_eq!(statement.order, [("Id".to_owned(), true)]);
        assert!(read("SELECT COUNT(*) FROM Bill").counts);
        assert_eq!(read("SELECT *, Sku FROM Item ORDER BY Name ASC MAXRESULTS 5").limit, 5);
        assert_eq!(read("select Id from Customer where Active = true").limit, 100);
    }

    #[test]
    fn statements_outside_the_grammar_are_refused() {
        for text in [
            "",
            "delete from Invoice",
            "select * from Invoice where Id = '1' or Id = '2'",
            "select * from Invoice where not Id = '1'",
            "select * from Invoice where Id != '1'",
            "select * from Invoice where Id <> '1'",
            "select sum(TotalAmt) from Invoice",
            "select * from Invoice, Customer",
            "select * from Invoice group by CustomerRef",
            "select * from Invoice maxresults 1001",
            "select * from Invoice startposition 0",
            "select * from Invoice where DocNumber = 'no end",
            "select * from Invoice; select * from Bill",
        ] {
            assert!(Statement::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn like_knows_the_percent_sign_alone() {
        for (text, pattern, holds) in [
            ("prj-1 roof", "prj-1 %", true),
            ("prj-1", "%-1", true),
            ("prj-1", "%rj%", true),
            ("prj-1", "prj", false),
            ("prj_1", "prj-1", false),
            ("prj-1", "prj__", false),
        ] {
            assert_eq!(like(text, pattern), holds, "{text} {pattern}");
        }
    }
}
