//! The grammar of `$filter`: from a text to an [`Expression`] over the columns of a set, or a sentence that says what is
//! wrong where.
//!
//! ```text
//! any     = all *("or" all)
//! all     = one *("and" one)
//! one     = "not" one / operand [("eq" / "ne" / "gt" / "ge" / "lt" / "le") operand / "in" "(" literal *("," literal) ")"]
//! operand = "(" any ")" / literal / property / function "(" any *("," any) ")"
//! ```

use jiff::Timestamp;

use super::expression::{Expression, Function, Operator, Type};
use super::problem::Problem;
use crate::domain::parse_decimal;
use crate::reports::{Cell, Column};

/// Longest text of a filter, in bytes.
const LONGEST: usize = 16 * 1024;
/// How deep brackets, functions and `not` may stand in one another.
const DEEPEST: usize = 32;

/// Words that OData has and this feed does not.
const ARITHMETIC: [&str; 8] = ["add", "sub", "mul", "div", "divby", "mod", "has", "isof"];
const FUNCTIONS: [&str; 27] = [
    "cast",
    "ceiling",
    "concat",
    "date",
    "floor",
    "fractionalseconds",
    "geo.distance",
    "geo.intersects",
    "geo.length",
    "hassubset",
    "hassubsequence",
    "hour",
    "indexof",
    "isof",
    "matchesPattern",
    "maxdatetime",
    "mindatetime",
    "minute",
    "now",
    "round",
    "second",
    "substring",
    "time",
    "totaloffsetminutes",
    "totalseconds",
    "case",
    "substringof",
];

type Parsed<T> = Result<T, Problem>;

/// Reads a filter over columns.
pub(super) fn parse(text: &str, columns: &[Column]) -> Parsed<Expression> {
    if text.len() > LONGEST {
        return Err(Problem::bad_request(format!("`$filter` is longer than {LONGEST} bytes")));
    }
    let mut parser = Parser { rest: text, columns, depth: 0 };
    let filter = parser.any()?;
    parser.skip_space();
    if !parser.rest.is_empty() {
        return Err(wrong(&format!("`{}` is not expected there", shown(parser.rest))));
    }
    flag(&filter)?;
    Ok(filter)
}

/// Reads one literal, e.g. of a key.
pub(super) fn literal(text: &str) -> Parsed<Cell> {
    let mut parser = Parser { rest: text, columns: &[], depth: 0 };
    let value = parser.value()?;
    parser.skip_space();
    if parser.rest.is_empty() {
        Ok(value)
    } else {
        Err(wrong(&format!("`{}` is not expected there", shown(parser.rest))))
    }
}

/// The column of a name, with its place; or a sentence that names the one that was perhaps meant.
pub(super) fn column(name: &str, columns: &[Column]) -> Parsed<(usize, Column)> {
    if let Some((at, column)) = columns.iter().enumerate().find(|(_, column)| column.name == name) {
        return Ok((at, *column));
    }
    if name.contains('/') {
        return Err(Problem::not_implemented(format!("paths such as `{}` are not supported", shown(name))));
    }
    let near = columns.iter().map(|column| (strsim::jaro_winkler(column.name, name), column.name));
    let near = near.filter(|(likeness, _)| *likeness > 0.8).max_by(|left, right| left.0.total_cmp(&right.0));
    let hint = near.map_or_else(String::new, |(_, name)| format!(": did you mean `{name}`?"));
    Err(Problem::bad_request(format!("there is no property `{}`{hint}", shown(name))))
}

struct Parser<'t, 'c> {
    rest: &'t str,
    columns: &'c [Column],
    depth: usize,
}

impl<'t> Parser<'t, '_> {
    fn any(&mut self) -> Parsed<Expression> {
        self.chain("or", Self::all, Expression::Any)
    }

    fn all(&mut self) -> Parsed<Expression> {
        self.chain("and", Self::one, Expression::All)
    }

    fn chain(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Parsed<Expression>,
        join: fn(Vec<Expression>) -> Expression,
    ) -> Parsed<Expression> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.keyword(word) {
            parts.push(part(self)?);
        }
        if parts.len() == 1 {
            return parts.pop().ok_or_else(Problem::internal);
        }
        parts.iter().try_for_each(flag)?;
        Ok(join(parts))
    }

    fn one(&mut self) -> Parsed<Expression> {
        if self.keyword("not") {
            let inner = self.deeper(Self::one)?;
            flag(&inner)?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        let left = self.operand()?;
        if self.keyword("in") {
            return self.list(left);
        }
        for (operator, word) in Operator::ALL {
            if self.keyword(word) {
                let right = self.operand()?;
                comparable(operator, &left, &right)?;
                return Ok(Expression::Compare(operator, Box::new(left), Box::new(right)));
            }
        }
        self.skip_space();
        let next = self.rest.split(|sign: char| !sign.is_ascii_alphanumeric()).next().unwrap_or_default();
        if ARITHMETIC.contains(&next) {
            return Err(Problem::not_implemented(format!("`{next}` in `$filter` is not supported")));
        }
        Ok(left)
    }

    fn list(&mut self, left: Expression) -> Parsed<Expression> {
        self.expect('(')?;
        let mut list = Vec::new();
        loop {
            let value = self.value()?;
            comparable(Operator::Equal, &left, &Expression::Value(value.clone()))?;
            list.push(value);
            if !self.sign(',') {
                break;
            }
        }
        self.expect(')')?;
        Ok(Expression::In(Box::new(left), list))
    }

    fn operand(&mut self) -> Parsed<Expression> {
        if self.sign('(') {
            let inner = self.deeper(Self::any)?;
            self.expect(')')?;
            return Ok(inner);
        }
        self.skip_space();
        let name = self.rest.split(['(', ')', ',', '\'', ' ', '\t']).next().unwrap_or_default();
        let is_name = name.starts_with(|sign: char| sign.is_ascii_alphabetic() || matches!(sign, '_' | '$' | '@'));
        let after = self.rest.get(name.len()..).unwrap_or_default();
        if !is_name || matches!(name, "true" | "false" | "null") || after.starts_with('\'') {
            return self.value().map(Expression::Value);
        }
        if name.starts_with('@') {
            return Err(Problem::not_implemented("parameter aliases such as `@p` are not supported"));
        }
        if after.starts_with('(') {
            return self.call(name);
        }
        let (at, column) = column(name, self.columns)?;
        self.rest = after;
        Ok(Expression::Column(at, column))
    }

    fn call(&mut self, name: &'t str) -> Parsed<Expression> {
        let known = Function::ALL.iter().find(|(_, known, ..)| *known == name);
        let Some((function, _, takes, _)) = known else {
            let lambda = name.ends_with("/any") || name.ends_with("/all");
            return Err(if lambda || FUNCTIONS.contains(&name) {
                Problem::not_implemented(format!("`{}` in `$filter` is not supported", shown(name)))
            } else {
                wrong(&format!("there is no function `{}`", shown(name)))
            });
        };
        self.rest = self.rest.get(name.len()..).unwrap_or_default();
        self.expect('(')?;
        let mut arguments = Vec::new();
        loop {
            arguments.push(self.deeper(Self::any)?);
            if !self.sign(',') {
                break;
            }
        }
        self.expect(')')?;
        let fits = |(argument, taken): (&Expression, &Type)| argument.gives().goes_with(*taken);
        if arguments.len() != takes.len() || !arguments.iter().zip(*takes).all(fits) {
            let takes: Vec<&str> = takes.iter().map(|taken| taken.name()).collect();
            return Err(wrong(&format!("`{name}` takes {}", takes.join(" and "))));
        }
        Ok(Expression::Call(*function, arguments))
    }

    /// A literal.
    fn value(&mut self) -> Parsed<Cell> {
        self.skip_space();
        if self.rest.starts_with('\'') {
            return self.text();
        }
        let word = self.rest.split(['(', ')', ',', ' ', '\t']).next().unwrap_or_default();
        let cell = match word {
            "null" => Some(Cell::Empty),
            "true" => Some(Cell::Flag(true)),
            "false" => Some(Cell::Flag(false)),
            _ if word.as_bytes().get(10).is_some_and(|sign| matches!(sign, b'T' | b't')) => {
                word.parse::<Timestamp>().ok().map(Cell::Moment)
            }
            _ if word.as_bytes().get(4) == Some(&b'-') && word.as_bytes().get(7) == Some(&b'-') => {
                word.parse().ok().map(Cell::Date).filter(|_| word.len() == 10)
            }
            _ if word.starts_with(|sign: char| sign.is_ascii_digit() || matches!(sign, '-' | '+')) => {
                parse_decimal(word).ok().map(Cell::Decimal)
            }
            _ => None,
        };
        let Some(cell) = cell else {
            let found = if word.is_empty() { shown(self.rest) } else { shown(word) };
            if found.is_empty() {
                return Err(wrong("a value is missing at its end"));
            }
            let forms = "write texts in single quotes, dates as 2026-06-30, moments as 2026-06-30T00:00:00Z";
            return Err(wrong(&format!("`{found}` is no value: {forms}")));
        };
        self.rest = self.rest.get(word.len()..).unwrap_or_default();
        Ok(cell)
    }

    /// A text in single quotes; two of them stand for one.
    fn text(&mut self) -> Parsed<Cell> {
        let mut text = String::new();
        let mut rest = self.rest.strip_prefix('\'').unwrap_or_default();
        loop {
            let Some((part, after)) = rest.split_once('\'') else {
                return Err(wrong("a text has no quote at its end"));
            };
            text.push_str(part);
            let Some(more) = after.strip_prefix('\'') else {
                self.rest = after;
                return Ok(Cell::Text(text));
            };
            text.push('\'');
            rest = more;
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEEPEST {
            return Err(wrong(&format!("it is nested deeper than {DEEPEST}")));
        }
        self.depth += 1;
        let found = inner(self);
        self.depth -= 1;
        found
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Takes a word, if it is the next.
    fn keyword(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t']);
        let Some(after) = rest.strip_prefix(word) else { return false };
        let ends = !after.starts_with(|sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '/' | '.'));
        if ends {
            self.rest = after;
        }
        ends
    }

    /// Takes a sign, if it is the next.
    fn sign(&mut self, sign: char) -> bool {
        self.skip_space();
        let after = self.rest.strip_prefix(sign);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn expect(&mut self, sign: char) -> Parsed<()> {
        if self.sign(sign) {
            return Ok(());
        }
        let found = if self.rest.is_empty() { "its end".to_owned() } else { format!("`{}`", shown(self.rest)) };
        Err(wrong(&format!("`{sign}` is expected before {found}")))
    }
}

fn comparable(operator: Operator, left: &Expression, right: &Expression) -> Parsed<()> {
    let (one, other) = (left.gives(), right.gives());
    if !one.goes_with(other) {
        let named = match (left, right) {
            (Expression::Column(_, column), _) => {
                format!("`{}` is compared with {}, not with {}", column.name, one.name(), other.name())
            }
            (_, Expression::Column(_, column)) => {
                format!("`{}` is compared with {}, not with {}", column.name, other.name(), one.name())
            }
            _ => format!("{} cannot be compared with {}", one.name(), other.name()),
        };
        return Err(wrong(&named));
    }
    let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
    if !equality && (one == Type::Flag || other == Type::Flag) {
        return Err(wrong("true and false are compared with `eq` or `ne`"));
    }
    Ok(())
}

/// It must be something that holds or does not.
fn flag(expression: &Expression) -> Parsed<()> {
    if expression.gives().goes_with(Type::Flag) {
        return Ok(());
    }
    Err(wrong(&format!("`{}` is no condition: compare it with something", shown(&expression.to_string()))))
}

fn wrong(message: &str) -> Problem {
    Problem::bad_request(format!("`$filter` cannot be read: {message}"))
}

/// The beginning of a text of the one who asks.
fn shown(text: &str) -> String {
    text.chars().take(40).map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}
