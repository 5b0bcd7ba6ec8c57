//! One answer, whichever way it is made: written at once or resolved the long way, read from the owners or from memory, made
//! anew or given again.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::{FieldDefinition, TypeKind};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::{Value, json};
use spine::config::Config;
use spine::demo::erp::Erp;
use spine::domain::Clock;
use spine::graph::{Graph, Json, LongWay, Selections, roots_alone, wrote_itself};
use spine::reads::{ReadOptions, Reads};
use spine::reports::Reports;
use spine::systems::registry;

use super::support::{Gateway, company};

/// What says how a value was read, and so may differ.
const OF_THE_MOMENT: [&str; 5] = ["source", "sources", "asOf", "ageMs", "systems"];

/// The objects of the graph: name, fields.
struct Schema(Vec<(String, Vec<FieldDefinition>)>);

impl Schema {
    fn read() -> Self {
        let document = async_graphql::parser::parse_schema(spine::graph::sdl()).unwrap();
        let objects = document.definitions.into_iter().filter_map(|definition| match definition {
            async_graphql::parser::types::TypeSystemDefinition::Type(kind) => match kind.node.kind {
                TypeKind::Object(object) => {
                    let fields = object.fields.into_iter().map(|field| field.node).collect();
                    Some((kind.node.name.node.to_string(), fields))
                }
                _ => None,
            },
            _ => None,
        });
        Self(objects.collect())
    }

    fn fields(&self, object: &str) -> Option<&[FieldDefinition]> {
        self.0.iter().find(|(name, _)| name == object).map(|(_, fields)| fields.as_slice())
    }

    /// A selection on an object, as the choices have it.
    fn selection(&self, object: &str, depth: usize, choices: &mut dyn FnMut(usize) -> usize) -> String {
        let fields = self.fields(object).unwrap();
        let mut parts = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            let name = field.name.node.as_str();
            let required = field.arguments.iter().any(|argument| !argument.node.ty.node.nullable);
            if OF_THE_MOMENT.contains(&name) || required || name.starts_with('_') || choices(4) > 1 {
                continue;
            }
            let inner = base(&field.ty.node.base);
            let text = match self.fields(&inner) {
                Some(_) if depth == 0 => continue,
                Some(_) if name == "deals" && field.arguments.len() > 1 => {
                    format!("{name}(first: 3) {}", self.selection(&inner, depth - 1, choices))
                }
                Some(_) => format!("{name} {}", self.selection(&inner, depth - 1, choices)),
                None => name.to_owned(),
            };
            parts.push(match choices(8) {
                0 => format!("a{at}: {text}"),
                1 => format!("... on {object} {{ {text} }}"),
                2 => format!("... {{ {text} __typename }}"),
                _ => text,
            });
        }
        if parts.is_empty() { "{ __typename }".to_owned() } else { format!("{{ {} }}", parts.join(" ")) }
    }
}

fn base(kind: &async_graphql::parser::types::BaseType) -> String {
    use async_graphql::parser::types::BaseType;
    match kind {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(inner) => base(&inner.base),
    }
}

/// An operation on one of the roots, made of a random tape.
fn operation(schema: &Schema, project: &str, tape: &[u8]) -> String {
    let mut at = 0;
    let mut choices = |of: usize| {
        at += 1;
        usize::from(tape.get(at % tape.len().max(1)).copied().unwrap_or(0)).wrapping_add(at / tape.len().max(1)) % of
    };
    let roots = [
        ("Deal", format!("deal(by: {{ projectId: \"{project}\" }})")),
        ("Project", format!("project(id: \"{project}\")")),
        ("DealConnection", "deals(first: 7)".to_owned()),
        ("ProjectConnection", "projects(first: 5)".to_owned()),
        ("InvoiceConnection", "invoices(first: 9)".to_owned()),
    ];
    let (object, field) = &roots[choices(roots.len())];
    format!("{{ {field} {} }}", schema.selection(object, 3, &mut choices))
}

/// Random operations on the demo's company. The seed is fixed: what fails here fails again.
fn operations(schema: &Schema, project: &str, count: u32) -> Vec<String> {
    let config = Cases { cases: count, ..Cases::default() };
    let mut runner = TestRunner::new_with_rng(
        config.clone(),
        proptest::test_runner::TestRng::deterministic_rng(config.rng_algorithm),
    );
    let tapes = proptest::collection::vec(any::<u8>(), 60..400);
    (0..count).map(|_| operation(schema, project, &tapes.new_tree(&mut runner).unwrap().current())).collect()
}

/// The first place in which two values differ.
fn difference(left: &Value, right: &Value, place: &str) -> Option<String> {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, value)| difference(value, &b[key], &format!("{place}.{key}")))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(at, (a, b))| difference(a, b, &format!("{place}.{at}")))
        }
        _ => (left != right).then(|| format!("{place}: {left} is not {right}")),
    }
}

/// An answer whose object fields are in the order in which they are selected either way: compared as values.
fn compared(response: &async_graphql::Response) -> Value {
    let mut json = Json::default();
    json.value(&response.data);
    let data: Value = serde_json::from_slice(&json.into_bytes()).unwrap();
    let mut errors: Vec<String> =
        response.errors.iter().map(|error| format!("{:?} {}", error.path, error.message)).collect();
    errors.sort();
    json!({ "data": data, "errors": errors })
}

#[tokio::test]
async fn what_is_written_at_once_is_what_the_resolvers_say() {
    // SAP gives records, NetSuite also sums.
    for erp in [Erp::Sap, Erp::NetSuite] {
        both_ways(&Gateway::with_books_in(erp, company(60), |config| config).await).await;
    }
}

async fn both_ways(gateway: &Gateway) {
    let config = Config::parse("spine.toml", &gateway.demo.gateway_config()).unwrap();
    let clock = Arc::clone(&gateway.clock) as Arc<dyn Clock>;
    let connections = registry::connect(&config, &clock).unwrap();
    let reads = Arc::new(Reads::new(&config.owners, &config.cache, &connections, &clock, Duration::from_mins(1)));
    let (shared_id, settings) = (config.shared_id.clone(), config.reports.clone());
    let reports = Reports { reads, connections, shared_id, clock: Arc::clone(&clock), settings };
    let graph = Graph::new(Arc::new(reports));
    let options = || ReadOptions::new(clock.monotonic(), tokio::time::Instant::now() + Duration::from_mins(1));
    let (schema, project) = (Schema::read(), gateway.project());
    let (mut binary, mut alone) = (0, 0);
    for query in operations(&schema, &project, 120) {
        let request = || async_graphql::Request::new(&query);
        // So that both find the same in memory.
        graph.checking.execute(request().data(options())).await;
        let at_once = graph.checking.execute(request().data(options())).await;
        let long = graph.checking.execute(request().data(options()).data(LongWay)).await;
        let document = Arc::new(async_graphql::parser::parse_query(&query).unwrap());
        let (name, operation) = document.operations.iter().next().unwrap();
        let known = Arc::new(Selections::of(&document, &operation.node));
        let looked_at_before = graph.checking.execute(request().data(options()).data(Arc::clone(&known))).await;
        assert_eq!(compared(&looked_at_before), compared(&at_once), "{query}");
        let roots = async_graphql::Request::new("").data(options()).data(Arc::clone(&known));
        let mut roots = roots.data(Arc::clone(&document));
        roots.set_parsed_query(roots_alone(&document, (name, operation), &known).unwrap());
        let by_roots = graph.trusting.execute(roots).await;
        if wrote_itself(&by_roots) {
            alone += 1;
            assert_eq!(compared(&by_roots), compared(&at_once), "{query}");
        }
        binary += usize::from(format!("{:?}", at_once.data).contains("Binary"));
        let difference = difference(&compared(&at_once), &compared(&long), "");
        assert!(difference.is_none(), "{}\n{query}", difference.unwrap());
    }
    assert!(binary > 60, "most of it is written at once, not only {binary} of 120");
    assert!(alone > 60, "some of it by its roots alone, not only {alone} of 120");
}

#[tokio::test]
async fn what_a_known_document_selects_hangs_on_the_variables_of_each_request() {
    let gateway = Gateway::start(60).await;
    let query = "query($id: ProjectId!, $on: Boolean!, $off: Boolean!) { project(id: $id) { id ...Rest } }
        fragment Rest on Project { name @include(if: $on) status @skip(if: $off) invoices @include(if: $on) { id } }";
    for (on, off, expected) in [
        (true, false, vec!["id", "name", "status", "invoices"]),
        (false, false, vec!["id", "status"]),
        (true, true, vec!["id", "name", "invoices"]),
        (false, true, vec!["id"]),
        (true, false, vec!["id", "name", "status", "invoices"]),
    ] {
        let variables = json!({ "id": gateway.project(), "on": on, "off": off });
        for _ in 0..2 {
            let answer = gateway.ask_with(query, variables.clone(), Some("no-cache")).await;
            let mut keys: Vec<_> = answer.fine()["project"].as_object().unwrap().keys().map(String::as_str).collect();
            keys.sort_by_key(|key| expected.iter().position(|name| name == key));
            assert_eq!(keys, expected, "{on} {off}");
        }
    }
}

#[tokio::test]
async fn what_is_asked_for_in_several_places_is_answered_with_all_that_is_asked_there() {
    let gateway = Gateway::start(60).await;
    let variables = json!({ "id": gateway.project(), "on": true });
    let whole = "query($id: ProjectId!) { project(id: $id) { id name invoices { id number } } }";
    let whole = gateway.ask_with(whole, variables.clone(), Some("no-cache")).await.fine().clone();
    let node = json!({ "node": whole["project"] });
    let parts = "fragment A on Query { project(id: $id) { id invoices { id } } }
        fragment B on Query { project(id: $id) { name invoices { number } } }";
    for (query, expected) in [
        (format!("query($id: ProjectId!) {{ ...A ...B }} {parts}"), &whole),
        (format!("query($id: ProjectId!, $on: Boolean!) {{ ...A ...B @include(if: $on) }} {parts}"), &whole),
        (
            "query($id: ID!) { node(id: $id) { ... on Project { id } ... on Project { name invoices { id } } }
                node(id: $id) { ... on Project { invoices { number } } } }"
                .to_owned(),
            &node,
        ),
    ] {
        for _ in 0..2 {
            let answer = gateway.ask_with(&query, variables.clone(), Some("no-cache")).await;
            assert_eq!(answer.fine(), expected, "{query}");
        }
    }
}

/// Once by the whole document, then by its roots alone, which have no fragments, then as that went.
#[tokio::test]
async fn what_a_named_fragment_selects_is_there_each_time() {
    let gateway = Gateway::start(60).await;
    let fields = [
        (
            "Project",
            "code name handover { complete missing preSalesTickets } milestones { name } costs { date amount { amount } }",
        ),
        ("Financials", "margin { amount } completeness { included excluded reasons } budgetVariance { amount }"),
        ("Invoice", "number lines { quantity } party { name } total { amount }"),
    ];
    let project = |of: &dyn Fn(&str) -> String| {
        let [all, money, bills] = ["Project", "Financials", "Invoice"].map(of);
        format!("{all} financials {{ {money} }} invoices(direction: PAYABLE) {{ {bills} }}")
    };
    let text = |object: &str| fields.iter().find(|(name, _)| *name == object).unwrap().1.to_owned();
    let fragments = fields.map(|(object, fields)| format!("fragment Of{object} on {object} {{ {fields} }} ")).concat();
    let (spread, in_place) = (project(&|object| format!("...Of{object}")), project(&text));
    let variables = json!({ "id": gateway.project() });
    for (root, end) in [("project(id: $id)", ""), ("deal(by: { projectId: $id }) { name project", "}")] {
        let plain = format!("query($id: ProjectId!) {{ {root} {{ {in_place} }} {end} }}");
        let plain = gateway.ask_with(&plain, variables.clone(), Some("no-cache")).await.fine().clone();
        let query = format!("query($id: ProjectId!) {{ {root} {{ {spread} }} {end} }} {fragments}");
        for _ in 0..3 {
            assert_eq!(gateway.ask_with(&query, variables.clone(), Some("no-cache")).await.fine(), &plain, "{query}");
        }
    }
}

#[tokio::test]
async fn an_answer_from_memory_says_what_the_owners_say() {
    let gateway = Gateway::start(60).await;
    let (schema, project) = (Schema::read(), gateway.project());
    for query in operations(&schema, &project, 60) {
        let live = gateway.ask_live(&query).await;
        let cached = gateway.ask(&query).await;
        let again = gateway.ask(&query).await;
        let shown = |answer: &super::support::Answer| {
            let mut body = answer.body.clone();
            // Which of several like errors comes first is a matter of who was faster.
            if let Some(errors) = body["errors"].as_array_mut() {
                let told = |error: &Value| json!([error["message"], error["extensions"]["code"]]);
                let mut all: Vec<Value> = errors.iter().map(told).collect();
                all.sort_by_key(ToString::to_string);
                *errors = all;
            }
            body
        };
        for (way, answer) in [("from memory", &cached), ("given again", &again)] {
            let difference = difference(&shown(answer), &shown(&live), "");
            assert!(difference.is_none(), "{way}, {}\n{query}", difference.unwrap());
        }
    }
}
