//! What T-SQL makes of a query, where it is not what the other databases make of it. A statement needs no `;` to end in T-SQL,
//! so that words have to be looked at: those that begin another statement are reserved, and stand in a query only as names in
//! brackets.

/// Reserved words that begin a statement of their own, or belong to one that changes something.
const STATEMENTS: &[&str] = &[
    "ALTER",
    "BACKUP",
    "BEGIN",
    "BULK",
    "CHECKPOINT",
    "CLOSE",
    "COMMIT",
    "CONVERSATION",
    "CREATE",
    "DBCC",
    "DEALLOCATE",
    "DECLARE",
    "DELETE",
    "DENY",
    "DROP",
    "DUMP",
    "EXEC",
    "EXECUTE",
    "GOTO",
    "GRANT",
    "IF",
    "INSERT",
    "KILL",
    "LOAD",
    "MERGE",
    "OPEN",
    "PRINT",
    "RAISERROR",
    "READTEXT",
    "RECEIVE",
    "RECONFIGURE",
    "RESTORE",
    "RETURN",
    "REVERT",
    "REVOKE",
    "ROLLBACK",
    "SAVE",
    "SET",
    "SETUSER",
    "SHUTDOWN",
    "TRIGGER",
    "TRUNCATE",
    "UPDATE",
    "UPDATETEXT",
    "USE",
    "WAITFOR",
    "WHILE",
    "WRITETEXT",
];

/// What reads by way of another server, with rights that nobody looks at.
const ELSEWHERE: &[&str] = &["OPENDATASOURCE", "OPENQUERY", "OPENROWSET"];

/// Hints by which a query locks rows of others out.
const LOCKS: &[&str] =
    &["UPDLOCK", "XLOCK", "TABLOCKX", "TABLOCK", "PAGLOCK", "HOLDLOCK", "SERIALIZABLE", "REPEATABLEREAD"];

/// Hints by which a query takes what was never committed, or leaves out what is locked.
const DIRTY: &[&str] = &["NOLOCK", "READUNCOMMITTED", "READPAST"];

/// Whether the words of a query, in upper case, are those of a single query that reads.
pub(super) fn reads(words: &[String]) -> Result<(), String> {
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).map(String::as_str).unwrap_or_default();
        match word.as_str() {
            // A way to join, not a statement.
            "MERGE" if matches!(next, "JOIN" | "UNION") => {}
            word if STATEMENTS.contains(&word) => {
                return Err(format!("holds {word}, which begins another statement: if it is a name, write [{word}]"));
            }
            word if ELSEWHERE.contains(&word) => {
                return Err(format!("asks another server by {word}: Spine reads the database that it signs in to"));
            }
            word if LOCKS.contains(&word) => return Err(format!("locks rows: take {word} away")),
            word if DIRTY.contains(&word) => {
                return Err(format!(
                    "reads rows that may never be committed, or leaves some out: take {word} away, and let the database \
                     have READ_COMMITTED_SNAPSHOT"
                ));
            }
            "NEXT" if next == "VALUE" => return Err("writes by NEXT VALUE FOR: Spine only reads".to_owned()),
            _ => {}
        }
    }
    Ok(())
}

/// What begins with an `@`, and what follows it.
pub(super) enum Variable<'t> {
    /// A parameter's number.
    Parameter(usize, &'t str),
    /// One of the server's own, e.g. `@@SERVERNAME`.
    Server(&'t str),
}

/// Reads what begins with an `@`.
pub(super) fn variable(text: &str) -> Result<Variable<'_>, String> {
    let name = text.strip_prefix('@').unwrap_or(text);
    let (own, name) = name.strip_prefix('@').map_or((false, name), |name| (true, name));
    let (name, after) = name.split_at(name.find(|sign| !is_word(sign)).unwrap_or(name.len()));
    if own {
        return Ok(Variable::Server(after));
    }
    let number =
        name.strip_prefix('P').filter(|number| !number.starts_with('0')).and_then(|number| number.parse().ok());
    let number = number.ok_or_else(|| format!("holds `@{name}`, which nobody gives it: parameters are @P1 and @P2"))?;
    Ok(Variable::Parameter(number, after))
}

/// Splits a word off. A number ends where its digits do, and a word may follow at once: `1DELETE` is two.
pub(super) fn word(text: &str) -> (&str, &str) {
    if !text.starts_with(|sign: char| sign.is_ascii_digit()) {
        return text.split_at(text.find(|sign| !is_word(sign)).unwrap_or(text.len()));
    }
    let digits = |text: &str, hex: bool| {
        let is_digit = |sign: char| if hex { sign.is_ascii_hexdigit() } else { sign.is_ascii_digit() };
        text.find(|sign| !is_digit(sign)).unwrap_or(text.len())
    };
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return text.split_at(2 + digits(hex, true));
    }
    let mut end = digits(text, false);
    let exponent = text.get(end..).and_then(|rest| rest.strip_prefix(['e', 'E']));
    if let Some(exponent) = exponent {
        let signed = exponent.strip_prefix(['+', '-']);
        end += 1 + usize::from(signed.is_some()) + digits(signed.unwrap_or(exponent), false);
    }
    text.split_at(end)
}

/// Passes a name in brackets, in which a closing one is written twice.
pub(super) fn bracketed(text: &str) -> Result<&str, String> {
    let mut rest = text.strip_prefix('[').unwrap_or(text);
    while let Some((_, after)) = rest.split_once(']') {
        match after.strip_prefix(']') {
            Some(after) => rest = after,
            None => return Ok(after),
        }
    }
    Err("a name that does not end: a ] is missing".to_owned())
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || matches!(sign, '_' | '@' | '#' | '$')
}

#[cfg(test)]
mod tests {
    use super::super::config::Engine;
    use super::super::statement::Statement;

    fn ms(text: &str, parameters: usize) -> Result<(), String> {
        Statement::new(Engine::Sqlserver, "test", text, parameters).map(drop)
    }

    #[test]
    fn queries_with_their_parameters_are_taken_as_they_are() {
        for text in [
            "SELECT * FROM t WHERE p IN (SELECT value FROM OPENJSON(@P1))",
            "with t as (select 1 as a) select * from t where p in (select value from openjson(@P1)) or q = @P1",
            "SELECT [a;b], [x]]; DELETE], N'it''s; @P9', \"DROP\", 'DELETE' FROM t -- ; UPDATE @P7\nWHERE p = @P1",
            "SELECT 1 /* ; /* nested DELETE @P8 */ @P7 */ AS a, @@SERVERNAME AS b FROM t INNER MERGE JOIN u ON 1 = 1 WHERE p = @P1",
            "SELECT v.[set], CASE WHEN 1e-5 < 0x1F THEN 1.5e END AS c, IIF(1 = 1, 2, 3) AS d FROM #t v WHERE p = @P1",
            "SELECT (SELECT l.net FROM l ORDER BY l.no FOR JSON PATH) AS lines FROM t WHERE p = @P1 OPTION (RECOMPILE)",
        ] {
            assert_eq!(ms(text, 1), Ok(()), "{text}");
        }
        assert_eq!(ms("SELECT TOP (@P2) * FROM t WHERE id > @P1 ORDER BY id", 2), Ok(()));
        assert_eq!(ms("SELECT * FROM t ORDER BY id OFFSET @P1 ROWS FETCH NEXT @P2 ROWS ONLY", 2), Ok(()));
    }

    #[test]
    fn a_second_statement_is_found_without_a_semicolon() {
        for (text, expected) in [
            ("SELECT 1 WHERE 1 = @P1; SELECT 2", "one statement"),
            ("SELECT 1 WHERE 1 = @P1 DELETE FROM t", "[DELETE]"),
            ("SELECT 1 WHERE @P1 = 1DELETE FROM t", "[DELETE]"),
            ("SELECT 1 WHERE @P1 = 0x1UPDATE t SET a = 1", "[UPDATE]"),
            ("SELECT 1 WHERE @P1 = 1eEXEC p", "[EXEC]"),
            ("SELECT 1 WHERE @P1 = 'a'drop table t", "[DROP]"),
            ("SELECT 1 -- \r WHERE @P1 = 1 exec p", "[EXEC]"),
            ("WITH a AS (SELECT @P1 AS b) MERGE t USING a ON 1 = 1", "[MERGE]"),
            ("SELECT @P1 AS a /* */ WAITFOR DELAY '1'", "[WAITFOR]"),
            ("SELECT @P1 AS a use master", "[USE]"),
        ] {
            let error = ms(text, 1).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn what_does_more_than_read_is_refused() {
        for (text, expected) in [
            ("EXEC p @P1", "SELECT or WITH"),
            ("SELECT * INTO copy FROM t WHERE p = @P1", "INTO"),
            ("SELECT NEXT VALUE FOR s WHERE 1 = @P1", "NEXT VALUE FOR"),
            ("SELECT * FROM OPENQUERY(other, 'DELETE t') WHERE 1 = @P1", "OPENQUERY"),
            ("SELECT * FROM OPENROWSET(BULK 'x', SINGLE_CLOB) AS t WHERE 1 = @P1", "OPENROWSET"),
            ("SELECT * FROM t WITH (UPDLOCK) WHERE p = @P1", "take UPDLOCK away"),
            ("SELECT * FROM t WITH (nolock) WHERE p = @P1", "READ_COMMITTED_SNAPSHOT"),
            ("SELECT @x WHERE p = @P1", "@P1 and @P2"),
            ("SELECT @P1DELETE", "@P1 and @P2"),
            ("SELECT @p1", "@P1 and @P2"),
            ("SELECT [a FROM t", "a ] is missing"),
            ("SELECT 'a", "does not end"),
            ("SELECT /* /* */ a", "does not end"),
        ] {
            let error = ms(text, 1).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn parameters_must_fit() {
        for text in ["SELECT 1", "SELECT @P2", "SELECT @P1, @P2", "SELECT '@P1'", "SELECT [@P1]", "SELECT 1 -- @P1"] {
            assert!(ms(text, 1).unwrap_err().contains("OPENJSON(@P1)"), "{text}");
        }
        assert!(ms("SELECT @P1", 2).unwrap_err().contains("TOP (@P2)"));
    }
}
