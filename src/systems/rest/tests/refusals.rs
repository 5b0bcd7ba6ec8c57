//! Configurations that do not start, and what they are told.

use super::*;

const COSTS: &str = r#"[costs]
currency = "cur"
by_project = { path = "/c?p={ids}" }
fields = { id = "id", project_id = "p", kind = { const = "OTHER" }, amount = "sum" }"#;

const DEALS: &str = r#"[deals]
currency = "cur"
list = { path = "/d" }
fields = { id = "id" }"#;

/// What connecting says of a configuration that reads well.
fn problem(text: &str) -> String {
    try_connection("http://127.0.0.1:1", text).unwrap_err().to_string()
}

/// What reading a section says.
fn unreadable(text: &str) -> String {
    toml::from_str::<Config>(&format!("url = \"http://127.0.0.1:1\"\n{text}")).unwrap_err().message().to_owned()
}

#[test]
fn the_configurations_these_start_from_are_good() {
    for text in [COSTS, DEALS] {
        try_connection("http://127.0.0.1:1", text).unwrap();
    }
}

#[test]
fn unknown_names_words_and_forms_are_refused_by_name() {
    let costs = |from: &str, to: &str| unreadable(&COSTS.replace(from, to));
    let messages = [
        costs("amount =", "amout ="),
        costs("currency =", "curency ="),
        costs("[costs]", "[cost]"),
        costs(r#"const = "OTHER""#, r#"const = "MATERIAL""#),
        costs(r#"kind = { const = "OTHER" }"#, r#"kind = { path = "k", map = { m = "MATERIAL" } }"#),
        costs(r#"kind = { const = "OTHER" }"#, "kind = {}"),
        costs(r#"id = "id", "#, ""),
        costs(r#"amount = "sum""#, r#"amount = { path = "sum", divide = 60 }"#),
        costs(r#"amount = "sum""#, r#"amount = { path = "sum", decimal = ",", group = "," }"#),
        costs(r#"amount = "sum""#, r#"amount = "a..b""#),
        costs(r#"amount = "sum""#, r#"amount = "sum", date = { path = "d", format = "dd.mm" }"#),
        costs(r#"amount = "sum""#, r#"amount = "sum", document = { path = "d", const = "x" }"#),
        costs("/c?p={ids}", "c?p={ids}"),
        costs("/c?p={ids}", "/c?p={project}"),
        costs("/c?p={ids}", "/c?p=x{ids}"),
        costs("/c?p={ids}", "/c?{ids}=1"),
        costs("/c?p={ids}", "/c?p={ids}&q={ids}"),
        costs("/c?p={ids}", "/../c?p={ids}"),
        costs("/c?p={ids}", "/%2E%2e/c?p={ids}"),
        costs("/c?p={ids}", "/c*?p={ids}"),
        costs("/c?p={ids}", "/c d?p={ids}"),
        costs("/c?p={ids}", "/c?p={ids}#x"),
        costs("/c?p={ids}", "/c?p=ids}"),
        unreadable(&format!("auth = {{ kind = \"oauth\" }}\n{COSTS}")),
        unreadable(&format!("auth = {{ kind = \"bearer\", token = \"abc\" }}\n{COSTS}")),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn what_contradicts_itself_is_refused_with_key_and_remedy() {
    let costs = |from: &str, to: &str| problem(&COSTS.replace(from, to));
    let way = |more: &str| costs(r#"path = "/c?p={ids}""#, more);
    let deals = |more: &str| problem(&DEALS.replace(r#"path = "/d""#, more));
    let messages = [
        problem(""),
        costs("currency = \"cur\"\n", ""),
        costs(r#"project_id = "p", "#, ""),
        way(r#"path = "/c""#),
        way(r#"path = "/c/{ids}", body = { ids = "{ids}" }"#),
        way(r#"path = "/c", body = { ids = ["{ids}"], q = "x {ids}" }"#),
        way(r#"path = "/c", body = { "{ids}" = 1 }"#),
        way(r#"path = "/c/{id}", batch = 5"#),
        way(r#"path = "/c?p={ids}", batch = 0"#),
        way(r#"path = "/c", body = { ids = "{ids}" }, separator = ";""#),
        way(r#"path = "/c/{ids}", repeat = true"#),
        way(r#"path = "/c/{ids}", separator = "x""#),
        way(r#"path = "/c?p={ids}", single = true"#),
        way(r#"path = "/c?p={ids}", not_found = [404, 500]"#),
        way(r#"path = "/c?p={ids}", key = """#),
        way(r#"path = "/c", body = { ids = "{ids}" }, paging = { kind = "next_link", next = "n" }"#),
        way(r#"path = "/c?p={ids}", paging = { kind = "page", param = "p", size = 0 }"#),
        deals(r#"path = "/d/{id}""#),
        deals(r#"path = "/d", filters = { stag = "s" }"#),
        deals(r#"path = "/d", order = { param = "o", fields = { closed = "c" } }"#),
        deals(r#"path = "/d", order = { param = "o", fields = {}, descending = "desc" }"#),
        problem(&DEALS.replace("list = { path = \"/d\" }\n", "")),
        problem(&DEALS.replace("currency = \"cur\"", "url = \"https://crm.example.com\"")),
        problem(&DEALS.replace("currency = \"cur\"", "").replace("id = \"id\"", "id = \"id\", amount = \"a\"")),
        problem(
            "[milestones]\nby_project = { path = \"/m?p={ids}\", key = \"p\" }\nfields = { id = \"id\", status = \"s\" }",
        ),
        problem(&format!("time_zone = \"Europe/Berlon\"\n{COSTS}")),
        problem(&format!("headers = {{ Authorization = \"x\" }}\n{COSTS}")),
        problem(&format!("headers = {{ \"a b\" = \"x\" }}\n{COSTS}")),
        problem(&format!("auth = {{ kind = \"bearer\", token = {{ file = \"/nowhere/token\" }} }}\n{COSTS}")),
        problem(&format!("auth = {{ kind = \"header\", name = \"x y\", value = {{ file = \"/nowhere\" }} }}\n{COSTS}")),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn a_base_url_is_an_address_and_nothing_else() {
    let messages = ["finance", "ftp://x/y", "https://u:p@x", "https://x/y?z=1", "https://x/#y"]
        .map(|url| try_connection(url, COSTS).unwrap_err().to_string());
    insta::assert_snapshot!(messages.join("\n"));
}
