//! What a role does not show: by no path, in no format, in no order of readers.

mod documents;
mod records;
mod regions;
mod subset;

use serde_json::{Value, json};

use super::support::{Gateway, client, company, read_json, send};

/// The roles of the tests, the most powerful first.
const ROLES: &str = r#"
[access.roles.finance]
reads = ["commercial", "delivery", "tickets", "receivables", "costs", "margins"]

[access.roles.pm]
reads = ["commercial", "delivery", "tickets", "costs"]
hidden = ["Deal.contacts"]

[access.roles.sales]
fields = ["Financials.marginPct", "ProfitabilityRow.marginPct"]

[access.roles.account]

[access.roles.support]
reads = ["delivery", "tickets"]
explore = false

[access.roles.health]
deals = { verticals = ["Healthcare"] }

[access.roles.dach]
deals = { regions = ["dach"] }

[access.regions]
dach = ["germany", "DE", "Austria", " Switzerland "]
"#;

async fn gateway() -> Gateway {
    Gateway::over(company(120), |config| config + ROLES).await
}

/// The fields that an answer says are masked.
fn masked(answer: &super::support::Answer) -> Vec<String> {
    let errors = answer.errors().iter().inspect(|error| {
        assert_eq!(error["extensions"]["code"], "FIELD_MASKED", "{error:#}");
    });
    errors.map(|error| error["extensions"]["field"].as_str().unwrap_or_default().to_owned()).collect()
}

const CARD: &str = "query Card($id: ProjectId!) { project(id: $id) { id name
    hours: resources { role hoursSpent }
    costs { kind amount { amount currency } }
    bills: invoices(direction: PAYABLE) { number }
    invoices { number total { amount } }
    ...Money } }
  fragment Money on Project { financials { contractValue { amount } invoiced { amount } spent: actualCost { amount }
    margin { amount } marginPct eac { amount } completeness { included excluded reasons } sources { system } } }";

fn card(id: &str) -> String {
    CARD.replace("query Card($id: ProjectId!)", "query Card").replace("$id", &format!("\"{id}\""))
}

#[tokio::test]
async fn a_masked_field_is_null_with_an_error_that_names_it_and_is_not_asked_for() {
    let gateway = gateway().await;
    let card = card(&gateway.project());
    let whole = gateway.ask(&card).await;
    let whole = &whole.fine()["project"];
    assert!(whole["financials"]["spent"]["amount"].is_string() && whole["costs"][0]["kind"].is_string(), "{whole:#}");

    gateway.pass(3600);
    gateway.reset().await;
    let answer = gateway.ask_as("sales", &card).await;
    let project = &answer.data()["project"];
    for gone in ["/costs", "/bills", "/financials/spent", "/financials/margin", "/financials/eac"] {
        assert_eq!(project.pointer(gone), Some(&Value::Null), "{gone}: {project:#}");
    }
    for there in ["/id", "/name", "/hours", "/invoices", "/financials/contractValue", "/financials/marginPct"] {
        assert_eq!(project.pointer(there), whole.pointer(there), "{there}");
    }
    let names = ["Financials.actualCost", "Financials.eac", "Financials.margin", "Invoice (PAYABLE)", "Project.costs"];
    let mut fields = masked(&answer);
    fields.sort();
    assert_eq!(fields, names);
    let of_margin = answer.errors().iter().find(|error| error["extensions"]["field"] == "Financials.margin").unwrap();
    assert_eq!(of_margin["path"], json!(["project", "financials", "margin"]));
    assert_eq!(of_margin["message"], "Financials.margin is not shown in the role `sales`");
    assert_eq!(of_margin["extensions"]["retryable"], false);

    // A role that is shown margin % needs the costs for it; one that sees no figure of them does not.
    gateway.pass(3600);
    gateway.reset().await;
    let without = card.replace("marginPct", "");
    gateway.ask_as("account", &without).await;
    let calls = gateway.calls("sap").await;
    let of_costs = |calls: &std::collections::BTreeMap<String, u64>| {
        calls.iter().filter(|(name, _)| name.contains("Purchase") || name.contains("journal")).count()
    };
    assert!(!calls.is_empty() && of_costs(&calls) == 0, "{calls:?}");
    gateway.ask(&without).await;
    let calls = gateway.calls("sap").await;
    assert!(of_costs(&calls) > 0, "the calls of costs have other names: {calls:?}");
}

#[tokio::test]
async fn no_order_of_readers_shows_one_what_is_anothers() {
    let gateway = gateway().await;
    let card = card(&gateway.project()).replace("bills: invoices(direction: PAYABLE) { number }", "");
    for _ in 0..2 {
        let sales = gateway.ask_as("sales", &card).await;
        let whole = gateway.ask(&card).await;
        let finance = gateway.ask_as("finance", &card).await;
        let again = gateway.ask_as("sales", &card).await;
        assert!(whole.data()["project"]["costs"].is_array());
        assert_eq!(whole.data(), finance.data());
        assert!(sales.data()["project"]["costs"].is_null());
        assert_eq!(sales.data(), again.data());
        assert_ne!(sales.headers["etag"], whole.headers["etag"]);
        let vary: Vec<_> = sales.headers.get_all("vary").iter().collect();
        assert!(vary.iter().any(|name| *name == "x-spine-role"), "{vary:?}");
    }
}

#[tokio::test]
async fn who_may_not_see_a_field_may_not_sort_filter_or_group_by_it() {
    let roles = "[access.roles.some]\nhidden = [\"Deal.amount\", \"Deal.vertical\", \"Deal.client\", \"Project.health\", \
                 \"Invoice.dueDate\", \"Project.status\", \"Deal.name\", \"ProfitabilityRow.contractValue\"]";
    let gateway = Gateway::over(company(40), |config| config + roles).await;
    for (query, field) in [
        ("{ deals(orderBy: { field: AMOUNT }) { nodes { id } } }", "Deal.amount"),
        ("{ deals(filter: { vertical: \"Healthcare\" }) { nodes { id } } }", "Deal.vertical"),
        ("{ deals(filter: { text: \"a\" }) { nodes { id } } }", "Deal.name"),
        ("{ invoices(filter: { dueBefore: \"2026-01-01\" }) { nodes { id } } }", "Invoice.dueDate"),
        ("{ projects(filter: { status: ACTIVE }) { nodes { id } } }", "Project.status"),
        ("{ invoices(filter: { direction: PAYABLE }) { nodes { id } } }", "Invoice (PAYABLE)"),
        ("{ profitability(groupBy: [VERTICAL]) { rows { dealCount } } }", "Deal.vertical"),
        ("{ profitability(groupBy: [CLIENT]) { rows { dealCount } } }", "Deal.client"),
        ("{ profitability(groupBy: [CURRENCY]) { rows { dealCount } } }", "Deal.amount"),
        ("{ profitability(groupBy: [HEALTH]) { rows { dealCount } } }", "Project.health"),
        ("{ profitability(groupBy: [DEAL_SIZE]) { rows { dealCount } } }", "ProfitabilityRow.contractValue"),
        ("{ profitability(groupBy: [], filter: { vertical: \"a\" }) { rows { dealCount } } }", "Deal.vertical"),
    ] {
        let answer = gateway.ask_as("some", query).await;
        assert_eq!(masked(&answer), [field], "{query}");
        let root = answer.data().as_object().unwrap().values().next().unwrap();
        assert!(root.is_null(), "{query}: {root}");
        gateway.ask(query).await.fine();
    }
}

#[tokio::test]
async fn records_are_not_found_by_their_ids_in_a_role_that_does_not_show_them() {
    let gateway = gateway().await;
    let deal = gateway.ask("{ deals(first: 1) { nodes { id } } }").await.fine()["deals"]["nodes"][0]["id"].clone();
    let bills = gateway.ask("{ invoices(filter: { direction: PAYABLE }, first: 1) { nodes { id } } }").await;
    let bill = bills.fine()["invoices"]["nodes"][0]["id"].clone();
    let invoices = gateway.ask("{ invoices(first: 1) { nodes { id } } }").await;
    let invoice = invoices.fine()["invoices"]["nodes"][0]["id"].clone();
    for (role, id) in [("support", &deal), ("support", &invoice), ("support", &bill), ("sales", &bill)] {
        for query in [
            format!("{{ node(id: {id}) {{ id __typename }} }}"),
            format!("{{ _entities(representations: [{{ __typename: \"{}\", id: {id} }}]) {{ __typename }} }}", {
                if *id == deal { "Deal" } else { "Invoice" }
            }),
        ] {
            let answer = gateway.ask_as(role, &query).await;
            assert_eq!(masked(&answer).len(), 1, "{role} {query}: {:#}", answer.body);
            let data = answer.data().to_string();
            assert!(
                data == r#"{"node":null}"# || data == r#"{"_entities":[null]}"# || data == r#"{"_entities":null}"#,
                "{data}"
            );
        }
    }
}

#[tokio::test]
async fn no_lookup_is_a_way_around_a_mask() {
    let gateway = gateway().await;
    let listed = gateway.ask("{ deals(first: 40) { nodes { id projectId expectedMargin { amount } } } }").await;
    let deals = listed.data()["deals"]["nodes"].as_array().unwrap();
    let known = |deal: &&Value| deal["projectId"].is_string() && deal["expectedMargin"].is_object();
    let deal = deals.iter().find(known).expect("a deal with an expected margin");
    let (id, project) = (&deal["id"], &deal["projectId"]);
    let of_deal = "expectedMargin { amount } hidden: expectedMargin { currency } project { costs { kind } }";
    for query in [
        format!("{{ node(id: {id}) {{ ... on Deal {{ {of_deal} }} }} }}"),
        format!("{{ node(id: {id}) {{ ... on Node {{ ... on Deal {{ {of_deal} }} }} }} }}"),
        format!(
            "{{ _entities(representations: [{{ __typename: \"Deal\", id: {id} }}]) {{ ... on Deal {{ {of_deal} }} }} }}"
        ),
        format!(
            "query {{ _entities(representations: [{{ __typename: \"Deal\", id: {id} }}]) {{ ...D }} }} fragment D on Deal {{ {of_deal} }}"
        ),
        format!("{{ deal(by: {{ id: {id} }}) {{ {of_deal} }} }}"),
        format!("{{ project(id: {project}) {{ deals {{ {of_deal} }} }} }}"),
        format!("{{ project(id: {project}) {{ deal {{ client {{ deals {{ nodes {{ {of_deal} }} }} }} }} }} }}"),
        format!(
            "{{ project(id: {project}) {{ deal {{ client {{ deals {{ edges {{ node {{ {of_deal} }} }} }} }} }} }} }}"
        ),
    ] {
        let whole = gateway.ask(&query).await.data().to_string();
        assert!(whole.contains("\"expectedMargin\":{\"amount\":"), "{whole}");
        let answer = gateway.ask_as("sales", &query).await;
        let mut fields = masked(&answer);
        fields.sort();
        assert_eq!(fields, ["Deal.expectedMargin", "Project.costs"], "{query}");
        let text = answer.data().to_string();
        assert!(text.contains("\"expectedMargin\":null"), "{text}");
        assert!(!text.contains("\"amount\"") && !text.contains("\"currency\"") && !text.contains("\"kind\""), "{text}");
    }
}

#[tokio::test]
async fn a_role_without_it_does_not_look_at_the_schema() {
    let gateway = gateway().await;
    for query in ["{ __schema { types { name } } }", "{ __type(name: \"Deal\") { name } }", "{ _service { sdl } }"] {
        let answer = gateway.ask_as("support", query).await;
        assert_eq!(masked(&answer).len(), 1, "{query}");
        assert!(!answer.data().to_string().contains("Deal"), "{}", answer.data());
        gateway.ask_as("sales", query).await.fine();
    }
}

#[tokio::test]
async fn a_wrong_question_is_refused_in_the_same_words_in_every_role() {
    let gateway = gateway().await;
    let ask = async |role: &str, query: &str| {
        let body = json!({ "query": query });
        let request = client().post(format!("{}/graphql", gateway.url)).header("content-type", "application/json");
        let request = request.header("accept", "application/graphql-response+json").header("x-spine-role", role);
        let response = send(request.body(body.to_string())).await;
        let status = response.status().as_u16();
        let mut body = read_json(response).await;
        for error in body["errors"].as_array_mut().unwrap() {
            error["extensions"].as_object_mut().unwrap().remove("requestId");
        }
        (status, body)
    };
    for wrong in
        ["{ project(id: \"PRJ-2026-001\") { costs { amout { amount } } } }", "{ deals(frist: 1) { nodes { id } } }"]
    {
        let (status, whole) = ask("finance", wrong).await;
        assert_eq!(status, 400);
        assert_eq!(ask("sales", wrong).await, (status, whole), "{wrong}");
    }
}

#[tokio::test]
async fn nobody_is_answered_in_a_role_that_there_is_not() {
    let gateway = gateway().await;
    for path in ["/graphql", "/reports", "/odata/", "/reports/margin-by-vertical"] {
        let request = client().get(format!("{}{path}", gateway.url)).header("x-spine-role", "boss");
        let response = send(request).await;
        assert_eq!(response.status(), 403, "{path}");
        let body = read_json(response).await;
        let code = if path == "/odata/" { &body["error"]["code"] } else { &body["errors"][0]["extensions"]["code"] };
        assert_eq!(code, "NO_ROLE", "{path}");
    }
}

async fn get(gateway: &Gateway, role: &str, path: &str) -> (u16, String) {
    let request = client().get(format!("{}{path}", gateway.url)).header("x-spine-role", role);
    let response = send(request).await;
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_report_has_the_columns_and_the_order_that_a_role_may_see() {
    let gateway = gateway().await;
    let header = |csv: &str| csv.lines().next().unwrap().to_owned();
    let (status, whole) = get(&gateway, "finance", "/reports/margin-by-vertical.csv").await;
    assert_eq!(status, 200);
    let (_, sales) = get(&gateway, "sales", "/reports/margin-by-vertical.csv").await;
    let columns = "vertical,currency,deal_count,project_count,contract_value,invoiced,margin_base,margin_pct,\
                   estimated_margin_base,included,excluded,reasons";
    assert_eq!(header(&sales), columns);
    assert!(header(&whole).contains(",actual_cost,margin,"));
    // The order by margin would tell who earns more.
    let verticals: Vec<&str> = sales.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let verticals: Vec<&str> = verticals.into_iter().filter(|vertical| *vertical != "(unassigned)").collect();
    assert!(verticals.is_sorted() && verticals.len() > 3, "{verticals:?}");

    let (status, refused) = get(&gateway, "sales", "/reports/margin-slippage-ranking").await;
    assert_eq!(status, 403);
    assert!(refused.contains("FIELD_MASKED") && refused.contains("ProfitabilityRow.marginSlippage"), "{refused}");
    let (status, _) = get(&gateway, "support", "/reports/margin-by-vertical").await;
    assert_eq!(status, 403);
    let (_, listed) = get(&gateway, "sales", "/reports").await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let names: Vec<_> = listed["reports"].as_array().unwrap().iter().map(|report| &report["name"]).collect();
    assert!(names.contains(&&json!("margin-by-vertical")) && !names.contains(&&json!("margin-slippage-ranking")));
    assert!(!listed["reports"].to_string().contains("\"actual_cost\""));
    assert_eq!(listed["reports"][0]["chart"], Value::Null, "the bars would be of what is not shown");
}

#[tokio::test]
async fn signs_of_risk_that_a_role_may_not_see_put_no_project_on_the_list() {
    let gateway = gateway().await;
    let signs = async |role: &str| {
        let (status, rows) = get(&gateway, role, "/reports/projects-at-risk.json").await;
        assert_eq!(status, 200, "{rows}");
        let rows: Value = serde_json::from_str(&rows).unwrap();
        let rows = rows["rows"].as_array().or(rows.as_array()).unwrap().clone();
        rows.iter().map(|row| row["signs"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let all = signs("finance").await;
    assert!(all.contains("OVER_BUDGET") && all.contains("MARGIN_SLIPPED") && all.contains("OVERDUE_INVOICES"), "{all}");
    let sales = signs("sales").await;
    assert!(!sales.contains("OVER_BUDGET") && !sales.contains("MARGIN_SLIPPED"), "{sales}");
    assert!(sales.contains("OVERDUE_INVOICES") && sales.contains("LATE"), "{sales}");
    let pm = signs("pm").await;
    assert!(pm.contains("OVER_BUDGET") && !pm.contains("MARGIN_SLIPPED") && !pm.contains("OVERDUE_INVOICES"), "{pm}");
}

#[tokio::test]
async fn the_odata_feed_has_no_property_that_a_role_may_not_see() {
    let gateway = gateway().await;
    let (_, whole) = get(&gateway, "finance", "/odata/$metadata").await;
    let (_, sales) = get(&gateway, "sales", "/odata/$metadata").await;
    for name in ["actual_cost", "margin", "expected_margin", "eac_currency", "support_cost"] {
        let property = format!("<Property Name=\"{name}\"");
        assert!(whole.contains(&property), "{name}");
        assert!(!sales.contains(&property), "{name}");
    }
    assert!(sales.contains("<Property Name=\"margin_pct\""));
    assert!(whole.contains("EntitySet Name=\"DataQuality\"") && !sales.contains("EntitySet Name=\"DataQuality\""));
    let (_, support) = get(&gateway, "support", "/odata/").await;
    assert!(support.contains("Tickets") && !support.contains("Deals") && !support.contains("Invoices"), "{support}");

    let (status, rows) = get(&gateway, "sales", "/odata/Projects?$top=200").await;
    assert_eq!(status, 200);
    let rows: Value = serde_json::from_str(&rows).unwrap();
    let row = rows["value"].as_array().unwrap().iter().find(|row| row["margin_pct"].is_number()).expect("a margin");
    assert!(row.get("actual_cost").is_none() && row["invoiced"].is_number(), "{row:#}");
    let (_, same) = get(&gateway, "finance", &format!("/odata/Projects('{}')", row["id"].as_str().unwrap())).await;
    let same: Value = serde_json::from_str(&same).unwrap();
    for (name, value) in row.as_object().unwrap().iter().filter(|(name, _)| *name != "as_of") {
        assert_eq!(&same[name], value, "{name}");
    }
    for query in ["$filter=actual_cost%20gt%201", "$orderby=margin", "$select=eac", "$filter=margin%20ne%20null"] {
        let (status, body) = get(&gateway, "sales", &format!("/odata/Projects?{query}")).await;
        assert_eq!(status, 400, "{query}: {body}");
    }
    let (_, invoices) = get(&gateway, "sales", "/odata/Invoices?$filter=direction%20eq%20'PAYABLE'").await;
    let invoices: Value = serde_json::from_str(&invoices).unwrap();
    assert_eq!(invoices["value"], json!([]));
    let (_, bills) = get(&gateway, "finance", "/odata/Invoices?$filter=direction%20eq%20'PAYABLE'&$top=1").await;
    assert!(bills.contains("PAYABLE"));
}

#[tokio::test]
async fn ownership_says_what_a_role_must_be_given() {
    let gateway = gateway().await;
    let answer = gateway.ask("{ ownership { field needs sensitivity } }").await;
    let all = answer.fine()["ownership"].as_array().unwrap();
    let of = |field: &str| {
        let entry = all.iter().find(|entry| entry["field"] == field).unwrap_or_else(|| panic!("{field}"));
        (entry["needs"].clone(), entry["sensitivity"].as_str().unwrap().to_owned())
    };
    assert_eq!(of("Financials.margin"), (json!(["MARGINS"]), "MARGIN".to_owned()));
    assert_eq!(of("Deal.expectedMargin"), (json!(["MARGINS"]), "MARGIN".to_owned()));
    assert_eq!(of("Cost.amount"), (json!(["COSTS"]), "MARGIN".to_owned()));
    assert_eq!(of("Financials.leftToInvoice"), (json!(["COMMERCIAL", "RECEIVABLES"]), "FINANCIAL".to_owned()));
    assert_eq!(of("Deal.name"), (json!(["COMMERCIAL"]), "INTERNAL".to_owned()));
    assert_eq!(of("Deal.id"), (json!([]), "INTERNAL".to_owned()));
}
