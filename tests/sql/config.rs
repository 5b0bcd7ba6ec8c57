//! The configuration of a gateway over a database.

/// One whose connection `company` is reached by these lines, asks these queries, and owns what they are about.
pub(crate) fn config(connection: &str, http: &str, queries: &str) -> String {
    let owned = [
        ("deals", "commercial"),
        ("projects", "delivery"),
        ("tickets", "tickets"),
        ("invoices", "receivables"),
        ("costs", "costs"),
    ];
    let owned = owned.iter().filter(|(table, _)| queries.contains(&format!("[connections.company.{table}]")));
    let owners: String = owned.map(|(_, domain)| [domain, " = \"company\"\n"].concat()).collect();
    format!(
        r#"
[shared_id]
pattern   = '^PRJ-\d{{4}}-\d{{3,6}}$'
normalize = ["trim", "nfkc", "uppercase"]

[owners]
{owners}

[connections.company]
kind = "sql"
{connection}

[connections.company.http]
{http}
{queries}
"#
    )
}
