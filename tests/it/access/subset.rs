//! Whatever is asked, in whatever role and order: a masked answer says nothing that the whole one does not.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};
use serde_json::Value;

use super::super::support::Gateway;
use super::records::{all, is_in_dach, texts};
use super::{ROLES, company};

/// The fields of the schema's objects: name, the type below, whether it takes arguments that must be given.
type Schema = BTreeMap<String, Vec<(String, String)>>;

/// What is said of figures as a whole is made of those that are shown, and is another where these are.
const OF_THE_WHOLE: [&str; 6] = ["completeness", "source", "sources", "metrics", "ownership", "systems"];

fn named(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named(inner),
    }
}

fn schema() -> Schema {
    let mut all = Schema::new();
    for definition in async_graphql::parser::parse_schema(spine::graph::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::Object(object) = definition.node.kind else { continue };
        let fields = object.fields.iter().map(|field| &field.node).filter(|field| {
            let must_be_given = field
                .arguments
                .iter()
                .any(|argument| !argument.node.ty.node.nullable && argument.node.default_value.is_none());
            !must_be_given && !OF_THE_WHOLE.contains(&field.name.node.as_str())
        });
        let fields = fields.map(|field| (field.name.node.to_string(), named(&field.ty.node).to_owned())).collect();
        all.insert(definition.node.name.node.to_string(), fields);
    }
    all
}

/// A selection of some fields of a type, some of them under other names, some in fragments.
fn selection(schema: &Schema, of: &str, depth: usize, dice: &mut fastrand::Rng) -> String {
    let mut text = String::from("{ __typename");
    if schema.get(of).into_iter().flatten().any(|(name, _)| name == "id") {
        text += " id";
    }
    for (name, below) in schema.get(of).into_iter().flatten() {
        let chance = if depth == 0 { 40 } else { 30 };
        if dice.usize(..100) >= chance {
            continue;
        }
        let is_object = schema.contains_key(below);
        if is_object && depth == 0 {
            continue;
        }
        let mut field = match dice.usize(..5) {
            0 => format!("a{}_{name}: {name}", dice.usize(..3)),
            _ => name.clone(),
        };
        if name == "invoices" && of == "Project" && dice.bool() {
            field = format!("bills{}: invoices(direction: PAYABLE)", dice.usize(..9));
        }
        if is_object {
            field += &selection(schema, below, depth - 1, dice);
        }
        let (before, after) =
            if dice.usize(..6) == 0 { (format!(" ... on {of} {{ "), " }") } else { (" ".to_owned(), "") };
        text.extend([before.as_str(), field.as_str(), after]);
    }
    text + " }"
}

fn is_part(part: &Value, whole: &Value, at: &str) {
    match (part, whole) {
        (Value::Null, _) => {}
        (Value::Object(part), Value::Object(whole)) => {
            assert_eq!(part.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>(), "{at}");
            part.iter().for_each(|(key, value)| is_part(value, &whole[key], &format!("{at}.{key}")));
        }
        (Value::Array(part), Value::Array(whole)) => {
            assert_eq!(part.len(), whole.len(), "{at}");
            part.iter()
                .zip(whole)
                .enumerate()
                .for_each(|(n, (part, whole))| is_part(part, whole, &format!("{at}[{n}]")));
        }
        (part, whole) => assert_eq!(part, whole, "{at}"),
    }
}

#[tokio::test]
async fn a_masked_answer_is_part_of_the_whole_one() {
    let gateway = Gateway::over(company(60), |config| config + ROLES).await;
    let mut schema = schema();
    // A union: everything is below a fragment.
    schema.insert("_Entity".to_owned(), Vec::new());
    let project = gateway.project();
    let roots = [
        format!("deal(by: {{ projectId: \"{project}\" }})|Deal"),
        format!("project(id: \"{project}\")|Project"),
        format!("_entities(representations: [{{ __typename: \"Project\", id: \"{project}\" }}])|_Entity"),
        "deals(first: 5)|DealConnection".to_owned(),
        "projects(first: 5)|ProjectConnection".to_owned(),
        "invoices(first: 5)|InvoiceConnection".to_owned(),
        "profitability(groupBy: [VERTICAL])|ProfitabilityReport".to_owned(),
        "profitability(groupBy: [])|ProfitabilityReport".to_owned(),
    ];
    let (mut masked, mut asked) = (0, 0);
    for seed in 0..120 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let (root, of) = roots[dice.usize(..roots.len())].split_once('|').unwrap();
        let below = match of {
            "_Entity" => format!("{{ ... on Project {} }}", selection(&schema, "Project", 3, &mut dice)),
            of => selection(&schema, of, 3, &mut dice),
        };
        let query = format!("{{ {root} {below} }}");
        let role = ["finance", "pm", "sales", "support"][dice.usize(..4)];
        if dice.bool() {
            gateway.pass(3600);
        }
        let (part, whole) = if dice.bool() {
            let part = gateway.ask_as(role, &query).await;
            (part, gateway.ask(&query).await)
        } else {
            let whole = gateway.ask(&query).await;
            (gateway.ask_as(role, &query).await, whole)
        };
        is_part(part.data(), whole.data(), &format!("seed {seed}, {role}: {query}\n"));
        let hidden = part.errors().iter().filter(|error| error["extensions"]["code"] == "FIELD_MASKED").count();
        assert!(role != "finance" || hidden == 0, "seed {seed}: {query}");
        // Each field that is null in the part alone has an error that says so.
        assert!(part.data() == whole.data() || hidden > 0, "seed {seed}, {role}: {query}");
        masked += hidden;
        asked += 1;
    }
    assert!(asked == 120 && masked > 60, "{masked} fields masked in {asked} answers");
}

/// The IDs of all objects of a type in an answer.
fn ids_of(answer: &Value, of: &str, found: &mut BTreeSet<String>) {
    match answer {
        Value::Object(members) => {
            if members.get("__typename").is_some_and(|name| name == of) {
                found.extend(members.get("id").and_then(Value::as_str).map(str::to_owned));
            }
            members.values().for_each(|value| ids_of(value, of, found));
        }
        Value::Array(items) => items.iter().for_each(|item| ids_of(item, of, found)),
        _ => {}
    }
}

#[tokio::test]
async fn whatever_is_asked_nothing_is_shown_of_what_is_outside_of_the_region() {
    let gateway = Gateway::over(company(60), |config| config + ROLES).await;
    let schema = schema();
    let deals = all(&gateway, None, "deals", "id projectId client { id country }").await;
    let (own, others): (Vec<Value>, Vec<Value>) = deals.into_iter().partition(is_in_dach);
    let (their_deals, their_projects) = (texts(&others, "/id"), texts(&others, "/projectId"));
    let projects: BTreeSet<String> = texts(&own, "/projectId");
    let mut shown = BTreeMap::from([("Deal", 0), ("Project", 0), ("Client", 0)]);
    for seed in 0..120 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let deal = &others[dice.usize(..others.len())];
        let mut roots = vec![
            (format!("deal(by: {{ id: {} }})", deal["id"]), "Deal"),
            ("deals(first: 20)".to_owned(), "DealConnection"),
            ("projects(first: 20)".to_owned(), "ProjectConnection"),
            ("invoices(first: 20)".to_owned(), "InvoiceConnection"),
            ("profitability(groupBy: [COUNTRY])".to_owned(), "ProfitabilityReport"),
        ];
        if deal["projectId"].is_string() {
            roots.push((format!("project(id: {})", deal["projectId"]), "Project"));
            roots.push((format!("deal(by: {{ projectId: {} }})", deal["projectId"]), "Deal"));
        }
        let (root, of) = &roots[dice.usize(..roots.len())];
        let query = format!("{{ {root} {} }}", selection(&schema, of, 4, &mut dice));
        // In both orders, so that what was kept for one is there when the other asks the same.
        if dice.bool() {
            gateway.ask(&query).await;
        }
        let answer = gateway.ask_as("dach", &query).await;
        let at = format!("seed {seed}: {query}\n{:#}", answer.body);
        for (of, allowed) in
            [("Deal", texts(&own, "/id")), ("Project", projects.clone()), ("Client", texts(&own, "/client/id"))]
        {
            let mut found = BTreeSet::new();
            ids_of(answer.data(), of, &mut found);
            assert!(found.is_subset(&allowed), "{of} {:?} in {at}", found.difference(&allowed));
            *shown.entry(of).or_default() += found.len();
        }
        let text = answer.data().to_string();
        let strangers = their_deals.iter().chain(their_projects.difference(&projects));
        for id in strangers {
            assert!(!text.contains(&format!("\"{id}\"")), "{id} in {at}");
        }
    }
    assert!(shown.values().all(|count| *count > 50), "{shown:?}");
}
