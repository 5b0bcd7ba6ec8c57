//! The answer of a database, written as JSON: the form from which all declared systems are read. Decimals are texts in it,
//! as the database wrote them.

use std::sync::Arc;

use super::super::upstream::{Failed, Retry};
use crate::systems::ErrorKind;

/// The rows of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// Names of the columns.
    pub(super) columns: Arc<[String]>,
    /// A list of objects.
    pub(super) body: Vec<u8>,
}

/// Writes rows, up to a cap.
#[derive(Debug)]
pub(super) struct Writer {
    columns: Arc<[String]>,
    body: Vec<u8>,
    cap: usize,
    /// Columns of the row that were written.
    written: usize,
}

impl Writer {
    pub(super) fn new(columns: Arc<[String]>, cap: usize) -> Self {
        Self { columns, body: vec![b'['], cap, written: 0 }
    }

    /// Begins a row.
    pub(super) fn row(&mut self) -> Result<(), Failed> {
        if self.body.len() > self.cap {
            return Err(Failed::new(ErrorKind::TooLarge, Retry::No, format!("more than {} bytes", self.cap)));
        }
        self.body.extend_from_slice(if self.body.len() > 1 { b",{" } else { b"{" });
        self.written = 0;
        Ok(())
    }

    /// Ends a row.
    pub(super) fn end_row(&mut self) {
        self.body.push(b'}');
    }

    /// Passes the next column: it is NULL.
    pub(super) fn null(&mut self) {
        self.written += 1;
    }

    /// The next column, as a text. Lines and payments are JSON, whatever the database calls their type.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Failed> {
        if self.columns.get(self.written).is_some_and(|name| matches!(name.as_str(), "lines" | "payments")) {
            return self.json(text);
        }
        self.name();
        self.string(text);
        Ok(())
    }

    /// The next column, as it is written: a number, `true`, `false`.
    pub(super) fn literal(&mut self, literal: &str) {
        self.name();
        self.body.extend_from_slice(literal.as_bytes());
    }

    /// The next column, which is JSON itself. A text that is none is refused.
    pub(super) fn json(&mut self, text: &str) -> Result<(), Failed> {
        let json: &serde_json::value::RawValue =
            serde_json::from_str(text).map_err(|_| self.unreadable("is no JSON"))?;
        self.name();
        self.body.extend_from_slice(json.get().as_bytes());
        Ok(())
    }

    /// The next column, a list of texts.
    pub(super) fn list<'t>(&mut self, texts: impl Iterator<Item = Option<&'t str>>) {
        self.name();
        self.body.push(b'[');
        for (i, text) in texts.flatten().enumerate() {
            if i > 0 {
                self.body.push(b',');
            }
            self.string(text);
        }
        self.body.push(b']');
    }

    /// Why the next column cannot be read.
    pub(super) fn unreadable(&self, why: &str) -> Failed {
        let column = self.columns.get(self.written).map_or("", String::as_str);
        Failed::new(ErrorKind::BadResponse, Retry::No, format!("column `{column}` {why}"))
    }

    pub(super) fn answer(mut self) -> Result<Answer, Failed> {
        self.body.push(b']');
        if self.body.len() > self.cap {
            return Err(Failed::new(ErrorKind::TooLarge, Retry::No, format!("more than {} bytes", self.cap)));
        }
        Ok(Answer { columns: self.columns, body: self.body })
    }

    fn name(&mut self) {
        let columns = Arc::clone(&self.columns);
        let name = columns.get(self.written).map_or("", String::as_str);
        if self.body.last() != Some(&b'{') {
            self.body.push(b',');
        }
        self.string(name);
        self.body.push(b':');
        self.written += 1;
    }

    fn string(&mut self, text: &str) {
        // A text is always written: a vector takes what it is given.
        drop(serde_json::to_writer(&mut self.body, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(cap: usize) -> Writer {
        Writer::new(["id", "net", "lines", "of"].map(str::to_owned).into(), cap)
    }

    #[test]
    fn rows_are_json_with_what_is_null_left_out() {
        let mut rows = writer(1000);
        rows.row().unwrap();
        rows.literal("7");
        rows.null();
        rows.json(" [ 0.10 ] ").unwrap();
        rows.list([Some("a\"b"), None, Some("c")].into_iter());
        rows.end_row();
        rows.row().unwrap();
        rows.null();
        rows.text("12.50").unwrap();
        assert!(rows.json("{").unwrap_err().detail.unwrap().contains("`lines`"));
        rows.end_row();
        let body = rows.answer().unwrap().body;
        let expected = r#"[{"id":7,"lines":[ 0.10 ],"of":["a\"b","c"]},{"net":"12.50"}]"#;
        assert_eq!(String::from_utf8(body).unwrap(), expected);
        assert_eq!(writer(2).answer().unwrap().body, b"[]");
    }

    #[test]
    fn an_answer_beyond_the_cap_is_refused() {
        let mut rows = writer(10);
        rows.row().unwrap();
        rows.text("0123456789").unwrap();
        rows.end_row();
        assert_eq!(rows.row().unwrap_err().kind, ErrorKind::TooLarge);
        assert_eq!(rows.answer().unwrap_err().kind, ErrorKind::TooLarge);
    }
}
