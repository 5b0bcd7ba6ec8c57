//! Reads that reach rows: the query service with its `$crossjoin` of a set and its collection, and the stored SQL query
//! that the administrator has installed for rows of journal entries.

use serde::Deserialize;
use serde_json::json;

use super::answer::Refusal;
use super::filter::Filter;
use super::index::Index;
use super::query::{Options, in_order, write_next};
use super::records::{Line, Record, Set, sql_date};
use super::value::{Dialect, Value, write_text};
use crate::demo::company::model::{Company, JournalEntry, JournalLine};
use axum::http::StatusCode;

/// What `QueryService_PostQuery` takes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Question {
    pub(super) query_path: String,
    pub(super) query_option: String,
}

impl Question {
    /// The set and its collection, if the path is a cross join of the two.
    pub(super) fn set(&self) -> Option<Set> {
        let inner = self.query_path.trim().strip_prefix("$crossjoin(")?.strip_suffix(')')?;
        let (set, collection) = inner.split_once(',')?;
        let set = Set::named(set.trim())?;
        let (name, _) = set.collection()?;
        (collection.trim() == format!("{}/{name}", set.name())).then_some(set)
    }

    /// The body of the answer.
    pub(super) fn answer(
        &self,
        company: &Company,
        index: &Index,
        page_size: usize,
        dialect: Dialect,
    ) -> Result<String, Refusal> {
        let (Some(set), options) = (self.set(), Options::from_text(&self.query_option)?) else {
            return Err(Refusal::bad("invalid $crossjoin query"));
        };
        let Some((collection, line_fields)) = set.collection() else {
            return Err(Refusal::bad("invalid $crossjoin query"));
        };
        let header = format!("{}/", set.name());
        let rows = format!("{header}{collection}/");
        let (Some(expand), Some(filter)) = (&options.expand, &options.filter) else {
            return Err(Refusal::bad("invalid $crossjoin query"));
        };
        let known = |path: &str| match path.strip_prefix(rows.as_str()) {
            Some(name) => line_fields.contains(&name),
            None => path.strip_prefix(header.as_str()).is_some_and(|name| set.fields().contains(&name)),
        };
        let chosen = expansions(expand)?;
        let fields = chosen.iter().flat_map(|(name, fields)| fields.iter().map(move |field| format!("{name}/{field}")));
        let used =
            filter.fields().into_iter().map(str::to_owned).chain(options.order.iter().map(|(name, _)| name.clone()));
        if let Some(unknown) = fields.chain(used).find(|path| !known(path)) {
            return Err(Refusal::bad(format!("Property '{unknown}' is invalid")));
        }
        if !filter.joins(&format!("{header}{}", set.key()), &format!("{rows}{}", set.key())) {
            // The real server answers with every row beside every head. Nobody wants to see that, so it is refused here.
            return Err(Refusal::bad("invalid $crossjoin query: no condition joins the rows to their heads"));
        }
        let mut found = pairs(company, index, set, filter, &header, &rows);
        found.sort_by(|a, b| {
            in_order(&options.order, &|name| field(a, name, &rows, &header), &|name| field(b, name, &rows, &header))
        });
        let page = options.page(found.into_iter(), page_size);
        let mut out = String::from("{");
        write_text(&mut out, &dialect.annotation(if dialect == Dialect::V1 { "metadata" } else { "context" }));
        out.push_str(":\"$metadata#Collection(Edm.ComplexType)\",\"value\":[");
        for (at, pair) in page.rows.iter().enumerate() {
            out.push_str(if at == 0 { "{" } else { ",{" });
            for (at, (name, fields)) in chosen.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(&mut out, name);
                out.push_str(":{");
                for (at, chosen) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_text(&mut out, chosen);
                    out.push(':');
                    field(pair, &format!("{name}/{chosen}"), &rows, &header).write(&mut out, dialect);
                }
                out.push('}');
            }
            out.push('}');
        }
        // There is no link to the next page here: who wants more asks again with `$skip`.
        out.push_str("]}");
        Ok(out)
    }
}

/// Heads with their rows for which the condition holds, in key order.
fn pairs<'a>(
    company: &'a Company,
    index: &'a Index,
    set: Set,
    filter: &Filter,
    header: &str,
    rows: &str,
) -> Vec<(Record<'a>, Line<'a>)> {
    let line_project = format!("{rows}ProjectCode");
    index
        .candidates(company, set, Some(filter), header, Some(&line_project))
        .flat_map(|record| record.lines().into_iter().map(move |line| (record, line)))
        .filter(|pair| filter.holds(&|name| field(pair, name, rows, header)))
        .collect()
}

fn field<'a>((record, line): &(Record<'a>, Line<'a>), path: &str, rows: &str, header: &str) -> Value<'a> {
    match path.strip_prefix(rows) {
        Some(name) => line.field(name),
        None => path.strip_prefix(header).map_or(Value::Null, |name| record.field(name)),
    }
}

/// Reads `$expand=Invoices($select=DocEntry,DocNum),Invoices/DocumentLines($select=LineNum)`.
fn expansions(expand: &str) -> Result<Vec<(String, Vec<String>)>, Refusal> {
    let mut found = Vec::new();
    for part in expand.split("),") {
        let (name, select) = part
            .split_once("($select=")
            .ok_or_else(|| Refusal::bad("invalid $crossjoin query: $expand takes $select"))?;
        let fields = select.trim_end().trim_end_matches(')').split(',').map(|field| field.trim().to_owned()).collect();
        found.push((name.trim().to_owned(), fields));
    }
    Ok(found)
}

/// The code of the stored query that the administrator has installed.
pub(super) const JOURNAL_QUERY: &str = "spine_journal";

/// How many projects the stored query takes: `:p1` to `:p40`.
const JOURNAL_SLOTS: usize = 40;

/// The text of the stored query.
fn journal_sql() -> String {
    let slots: Vec<String> = (1..=JOURNAL_SLOTS).map(|slot| format!(":p{slot}")).collect();
    format!(
        "SELECT T0.\"TransId\", T0.\"RefDate\", T0.\"Memo\", T1.\"Line_ID\", T1.\"Account\", T1.\"Debit\", \
         T1.\"Credit\", T1.\"FCDebit\", T1.\"FCCredit\", T1.\"FCCurrency\", T1.\"Project\", T1.\"LineMemo\" \
         FROM OJDT T0 INNER JOIN JDT1 T1 ON T0.\"TransId\" = T1.\"TransId\" \
         WHERE T0.\"TransType\" = 30 AND T1.\"Project\" IN ({}) ORDER BY T0.\"TransId\", T1.\"Line_ID\"",
        slots.join(",")
    )
}

/// `GET /SQLQueries('spine_journal')`: the stored query itself.
pub(super) fn stored_query(dialect: Dialect) -> String {
    let parameters: Vec<String> = (1..=JOURNAL_SLOTS).map(|slot| format!("p{slot}")).collect();
    json!({
        dialect.annotation("etag"): "W/\"356A192B7913B04C54574D18C28D46E6395428AB\"",
        "SqlCode": JOURNAL_QUERY,
        "SqlName": "Rows of journal entries posted by hand, by project",
        "SqlText": journal_sql(),
        "ParamList": parameters.join(","),
    })
    .to_string()
}

/// What running a stored query by POST takes: `{"ParamList": "p1='A'&p2='B'"}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Parameters {
    pub(super) param_list: String,
}

/// `GET` or `POST /SQLQueries('spine_journal')/List?p1='A'&...`: rows of journal entries posted by hand, by project.
pub(super) fn journal_query(
    company: &Company,
    index: &Index,
    options: &Options,
    page_size: usize,
    (dialect, host): (Dialect, &str),
) -> Result<String, Refusal> {
    let mut positions = Vec::new();
    let mut projects: Vec<String> = Vec::new();
    for slot in 1..=JOURNAL_SLOTS {
        let given = options.parameter(&format!("p{slot}"));
        let literal = given.and_then(|value| value.strip_prefix('\'')?.strip_suffix('\''));
        let Some(literal) = literal else {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                704,
                format!("Parameter 'p{slot}' is missing or invalid"),
            ));
        };
        projects.push(literal.replace("''", "'"));
    }
    for project in &projects {
        positions.extend_from_slice(index.journal(project));
    }
    positions.sort_unstable();
    positions.dedup();
    let rows = positions
        .into_iter()
        .filter_map(|at| company.ledger.journal.get(at))
        .filter(|entry| entry.manual)
        .flat_map(|entry| entry.lines.iter().map(move |line| (entry, line)))
        .filter(|(_, line)| line.project.as_ref().is_some_and(|project| projects.contains(project)));
    let page = options.page(rows, page_size);
    let mut out = String::from("{");
    write_text(&mut out, &dialect.annotation(if dialect == Dialect::V1 { "metadata" } else { "context" }));
    out.push(':');
    write_text(&mut out, &format!("http://{host}{}/$metadata#SAPB1.SQLQueryResult", dialect.root()));
    out.push_str(",\"SqlText\":");
    write_text(&mut out, &journal_sql());
    out.push_str(",\"value\":[");
    for (at, (entry, line)) in page.rows.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_journal_row(&mut out, entry, line, dialect);
    }
    out.push(']');
    write_next(&mut out, dialect, &format!("SQLQueries('{JOURNAL_QUERY}')/List"), options, page.next);
    out.push('}');
    Ok(out)
}

/// Stored queries name columns as the database does, and write dates as eight digits.
fn write_journal_row(out: &mut String, entry: &JournalEntry, line: &JournalLine, dialect: Dialect) {
    let row = Line::Journal(entry, line);
    let columns = [
        ("TransId", Value::Int(entry.number.into())),
        ("RefDate", Value::Text(sql_date(entry.date).into())),
        ("Memo", Value::text(&entry.memo)),
        ("Line_ID", row.field("Line_ID")),
        ("Account", row.field("AccountCode")),
        ("Debit", row.field("Debit")),
        ("Credit", row.field("Credit")),
        ("FCDebit", row.field("FCDebit")),
        ("FCCredit", row.field("FCCredit")),
        ("FCCurrency", row.field("FCCurrency")),
        ("Project", row.field("ProjectCode")),
        ("LineMemo", row.field("LineMemo")),
    ];
    for (at, (name, value)) in columns.into_iter().enumerate() {
        out.push_str(if at == 0 { "{" } else { "," });
        write_text(out, name);
        out.push(':');
        value.write(out, dialect);
    }
    out.push('}');
}
