//! What a query of the configuration must be: one statement that begins with SELECT or WITH and takes the parameters it is
//! given. The guard is the session, which reads only; this tells an operator at start what would fail later.

use super::config::Engine;
use super::tsql::{self, Variable};

/// A query as it is sent, to the letter.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    /// For errors, logs and counters, e.g. `deals.by_id`.
    pub(super) operation: &'static str,
    /// The text of the configuration.
    pub(super) text: String,
}

impl Statement {
    /// Takes a query that is given this many parameters, each of which it must use. The error says what is wrong and how to
    /// put it right.
    pub(super) fn new(engine: Engine, operation: &'static str, text: &str, parameters: usize) -> Result<Self, String> {
        let text = text.trim();
        let found = Found::of(engine, text)?;
        let first = found.words.first().map(String::as_str).unwrap_or_default();
        if !matches!(first, "SELECT" | "WITH") {
            return Err("must be a query: begin it with SELECT or WITH".to_owned());
        }
        if found.words.iter().any(|word| word == "INTO") {
            return Err("writes by INTO: Spine only reads".to_owned());
        }
        let locks = found.words.iter().zip(found.words.iter().skip(1));
        if locks
            .into_iter()
            .any(|(word, next)| word == "FOR" && matches!(next.as_str(), "UPDATE" | "SHARE" | "NO" | "KEY"))
        {
            return Err("locks rows: take FOR UPDATE or FOR SHARE away".to_owned());
        }
        if engine == Engine::Sqlserver {
            tsql::reads(&found.words)?;
        }
        found.check(engine, parameters)?;
        Ok(Self { operation, text: text.to_owned() })
    }
}

/// What stands in a query outside of texts and comments.
#[derive(Debug, Default)]
struct Found {
    /// Words, in upper case.
    words: Vec<String>,
    /// Parameters: their numbers on `PostgreSQL` and SQL Server, 0 each on `MySQL`.
    parameters: Vec<usize>,
}

impl Found {
    fn of(engine: Engine, text: &str) -> Result<Self, String> {
        let mut found = Self::default();
        let mut rest = text;
        while let Some(sign) = rest.chars().next() {
            rest = match passed(engine, rest)? {
                Some(after) => after,
                None if sign == ';' => return Err("must be one statement: take the `;` away".to_owned()),
                None if sign == '@' && engine == Engine::Sqlserver => match tsql::variable(rest)? {
                    Variable::Parameter(number, after) => {
                        found.parameters.push(number);
                        after
                    }
                    Variable::Server(after) => after,
                },
                None if is_word(sign) && engine == Engine::Sqlserver => {
                    let (word, after) = tsql::word(rest);
                    found.words.push(word.to_ascii_uppercase());
                    after
                }
                None if is_word(sign) => {
                    let end = rest.find(|sign| !is_word(sign)).unwrap_or(rest.len());
                    let (word, after) = rest.split_at(end);
                    found.words.push(word.to_ascii_uppercase());
                    after
                }
                None if sign == '?' && engine == Engine::Mysql => {
                    found.parameters.push(0);
                    after_first(rest)
                }
                None if sign == '$' && engine == Engine::Postgresql => {
                    let after = after_first(rest);
                    let end = after.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(after.len());
                    let (number, after) = after.split_at(end);
                    found.parameters.push(number.parse().map_err(|_| "a `$` without a number".to_owned())?);
                    after
                }
                None => after_first(rest),
            };
        }
        Ok(found)
    }

    fn check(&self, engine: Engine, wanted: usize) -> Result<(), String> {
        let fits = match engine {
            Engine::Postgresql | Engine::Sqlserver => {
                (1..=wanted).all(|number| self.parameters.contains(&number))
                    && self.parameters.iter().all(|number| (1..=wanted).contains(number))
            }
            Engine::Mysql => self.parameters.len() == wanted,
        };
        if fits {
            return Ok(());
        }
        Err(match (engine, wanted) {
            (Engine::Postgresql, 1) => "takes the keys as its one parameter: write e.g. `WHERE project = ANY($1)`",
            (Engine::Postgresql, _) => {
                "takes two parameters: write `WHERE id > $1 ORDER BY id LIMIT $2`, or `LIMIT $1 OFFSET $2` with paging = \"offset\""
            }
            (Engine::Sqlserver, 1) => {
                "takes the keys as its one parameter, a JSON list: write e.g. `WHERE project IN (SELECT value FROM OPENJSON(@P1))`"
            }
            (Engine::Sqlserver, _) => {
                "takes two parameters: write `SELECT TOP (@P2) ... WHERE id > @P1 ORDER BY id`, or `ORDER BY id OFFSET @P1 ROWS \
                 FETCH NEXT @P2 ROWS ONLY` with paging = \"offset\""
            }
            (Engine::Mysql, 1) => {
                "takes the keys as its one parameter, a JSON list: write e.g. `WHERE project IN (SELECT k FROM \
                 JSON_TABLE(?, '$[*]' COLUMNS (k VARCHAR(200) PATH '$')) AS wanted)`"
            }
            (Engine::Mysql, _) => {
                "takes two parameters: write `WHERE id > ? ORDER BY id LIMIT ?`, or `LIMIT ? OFFSET ?` with paging = \"offset\""
            }
        }
        .to_owned())
    }
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

fn after_first(text: &str) -> &str {
    let mut signs = text.chars();
    signs.next();
    signs.as_str()
}

/// What follows the text or comment that begins here; none if none does.
fn passed(engine: Engine, text: &str) -> Result<Option<&str>, String> {
    let mysql = engine == Engine::Mysql;
    if text.starts_with("/*") {
        if mysql && (text.starts_with("/*!") || text.starts_with("/*M!")) {
            return Err("holds a comment that is executed (`/*!`): take it away".to_owned());
        }
        return block_comment(text, !mysql).map(Some);
    }
    let dashes = text.strip_prefix("--");
    let to_line_end = match dashes {
        // MySQL takes two dashes for a comment only before white space.
        Some(after) if mysql => after.chars().next().is_none_or(|sign| sign.is_whitespace() || sign.is_control()),
        Some(_) => true,
        None => mysql && text.starts_with('#'),
    };
    if to_line_end {
        // Whether SQL Server takes a carriage return for the end of a line is not told: what follows one is looked at.
        let ends: &[char] = if engine == Engine::Sqlserver { &['\n', '\r'] } else { &['\n'] };
        return Ok(Some(text.find(ends).and_then(|end| text.get(end..)).unwrap_or_default()));
    }
    if engine == Engine::Sqlserver {
        return match text.chars().next() {
            Some(quote @ ('\'' | '"')) => quoted(text, quote, false).map(Some),
            Some('[') => tsql::bracketed(text).map(Some),
            _ => Ok(None),
        };
    }
    if let Some(after) = text.strip_prefix(['e', 'E']).filter(|after| !mysql && after.starts_with('\'')) {
        return quoted(after, '\'', true).map(Some);
    }
    match text.chars().next() {
        Some(quote @ ('\'' | '"')) => quoted(text, quote, mysql).map(Some),
        Some('`') if mysql => quoted(text, '`', false).map(Some),
        Some('$') if !mysql => dollar_quoted(text),
        // A word is passed as a whole, so that an `e` at its end is no beginning of a text.
        _ => Ok(None),
    }
}

fn block_comment(text: &str, nests: bool) -> Result<&str, String> {
    let (mut rest, mut depth) = (text, 0_usize);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("/*").filter(|_| nests || depth == 0) {
            (rest, depth) = (after, depth + 1);
        } else if let Some(after) = rest.strip_prefix("*/") {
            (rest, depth) = (after, depth - 1);
            if depth == 0 {
                return Ok(rest);
            }
        } else {
            rest = after_first(rest);
        }
    }
    Err("a comment that does not end".to_owned())
}

/// Passes a text in quotes; a quote is written twice in it, or behind a backslash where those count.
fn quoted(text: &str, quote: char, backslashes: bool) -> Result<&str, String> {
    let mut rest = after_first(text);
    while let Some(sign) = rest.chars().next() {
        rest = after_first(rest);
        if sign == '\\' && backslashes {
            rest = after_first(rest);
        } else if sign == quote {
            match rest.strip_prefix(quote) {
                Some(after) => rest = after,
                None => return Ok(rest),
            }
        }
    }
    Err(format!("a text that does not end: a {quote} is missing"))
}

/// Passes `$tag$ ... $tag$`. A parameter is none.
fn dollar_quoted(text: &str) -> Result<Option<&str>, String> {
    let tag_end = after_first(text).find(|sign| !is_word(sign)).unwrap_or_default() + 1;
    let Some(tag) = text.get(..=tag_end).filter(|tag| tag.ends_with('$')) else { return Ok(None) };
    let after = text.get(tag.len()..).unwrap_or_default();
    let end = after.find(tag).ok_or_else(|| format!("a text that does not end: {tag} is missing"))?;
    Ok(after.get(end + tag.len()..))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pg(text: &str, parameters: usize) -> Result<(), String> {
        Statement::new(Engine::Postgresql, "test", text, parameters).map(drop)
    }

    fn my(text: &str, parameters: usize) -> Result<(), String> {
        Statement::new(Engine::Mysql, "test", text, parameters).map(drop)
    }

    #[test]
    fn queries_with_their_parameters_are_taken_as_they_are() {
        let text = "\n  SELECT * FROM t WHERE p = ANY($1) \n";
        assert_eq!(Statement::new(Engine::Postgresql, "test", text, 1).unwrap().text, text.trim());
        for text in [
            "with t as (select 1) select * from t where p = any($1) or q = any($1::text[])",
            "-- what for; $9\nSELECT ';' || '$7' || $tag$ ; $8 $tag$ || $$;$$ FROM t /* ; /* nested $6 */ */ WHERE p = ANY($1)",
            r#"SELECT E'\';' AS ";$5", 'it''s' FROM t WHERE p = ANY($1)"#,
            "SELECT a ? 'b' FROM t WHERE p=ANY($1)",
        ] {
            assert_eq!(pg(text, 1), Ok(()), "{text}");
        }
        assert_eq!(pg("SELECT * FROM t WHERE id > $1 ORDER BY id LIMIT $2", 2), Ok(()));
        for text in [
            "SELECT * FROM t JOIN JSON_TABLE(?, '$[*]' COLUMNS (k VARCHAR(200) PATH '$')) j ON j.k = t.p",
            "# what for? ;\nSELECT `a?;`, \"?\\\";\", 'it''s;', 3--1 FROM t /* ? ; */ WHERE p = ? -- ; ?",
        ] {
            assert_eq!(my(text, 1), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for text in ["", "DELETE FROM t WHERE p = ANY($1)", "/* SELECT */ UPDATE t SET a = $1", "CALL p($1)"] {
            assert!(pg(text, 1).unwrap_err().contains("SELECT or WITH"), "{text}");
        }
        assert!(pg("SELECT $1; DROP TABLE t", 1).unwrap_err().contains("one statement"));
        assert!(my("SELECT ?;", 1).unwrap_err().contains("one statement"));
        assert!(pg("SELECT * INTO copy FROM t WHERE p = ANY($1)", 1).unwrap_err().contains("INTO"));
        assert!(my("SELECT ? INTO OUTFILE '/tmp/x'", 1).unwrap_err().contains("INTO"));
        assert!(pg("SELECT * FROM t WHERE p = ANY($1) FOR UPDATE", 1).unwrap_err().contains("locks"));
        assert!(my("SELECT 1 /*!50000 INTO OUTFILE '/x' */ WHERE ?", 1).unwrap_err().contains("executed"));
        for text in ["SELECT 'a", "SELECT $x$ a $1", "SELECT /* a", "SELECT \"a"] {
            assert!(pg(text, 0).unwrap_err().contains("does not end"), "{text}");
        }
    }

    #[test]
    fn parameters_must_fit() {
        for text in ["SELECT 1", "SELECT $2", "SELECT $1, $2", "SELECT '$1'", "SELECT 1 -- $1"] {
            assert!(pg(text, 1).unwrap_err().contains("ANY($1)"), "{text}");
        }
        assert!(pg("SELECT $1", 2).unwrap_err().contains("LIMIT $2"));
        for text in ["SELECT 1", "SELECT ?, ?", "SELECT '?'", "SELECT 1 # ?"] {
            assert!(my(text, 1).unwrap_err().contains("JSON_TABLE"), "{text}");
        }
        assert!(my("SELECT ?", 2).unwrap_err().contains("LIMIT ?"));
    }
}
