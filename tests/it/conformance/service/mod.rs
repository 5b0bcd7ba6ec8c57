//! An OData 4 service over the whole company: entity sets of the rows that [`custom`](super::custom) shows, and the part of
//! the protocol that such services have in common. Pages are the server's own, with a link to the next; what is not
//! selected or expanded is not shown; a question that it does not understand is refused.

mod apply;
mod filter;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use spine::demo::company::model::{Company, Deal, Shared};
use spine::demo::control::Endpoint;

use self::filter::Filter;
use super::custom::{self, PAGE};
use super::truth::Side;

/// What the service wants to see in `Authorization`.
const BEARER: &str = "Bearer demo-odata-token";

/// Where it lies.
const ROOT: &str = "/odata/v4/";

/// Properties that are entities of their own: only shown where they are expanded.
const NAVIGATION: [&str; 2] = ["lines", "payments"];

type Rows = Arc<Vec<Value>>;

/// The company, and the rows that were made of it as it is.
#[derive(Clone)]
struct Service {
    company: Shared,
    made: Arc<Mutex<(u64, HashMap<String, Rows>)>>,
}

pub(super) fn router(company: Shared) -> Router {
    Router::new().fallback(answer).with_state(Service { company, made: Arc::default() })
}

/// A refusal, in the protocol's form.
fn refused(status: StatusCode, code: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": "what people may read and programs do not" } });
    (status, axum::Json(body)).into_response()
}

async fn answer(State(service): State<Service>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = respond(&service, &request, &path);
    response.extensions_mut().insert(Endpoint(format!("GET {path}").into()));
    response
}

fn respond(service: &Service, request: &Request, path: &str) -> Response {
    let headers = request.headers();
    if headers.get(header::AUTHORIZATION).is_none_or(|value| value != BEARER) {
        return refused(StatusCode::UNAUTHORIZED, "Unauthorized");
    }
    let Some(set) = path.strip_prefix(ROOT).filter(|_| request.method() == "GET") else {
        return refused(StatusCode::NOT_FOUND, "NotFound");
    };
    let Some(rows) = service.rows(set) else { return refused(StatusCode::NOT_FOUND, "UnknownEntitySet") };
    let query = request.uri().query().unwrap_or_default();
    assert!(!query.contains('+'), "a space is %20: {query}");
    let options: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    match page(&rows, &options) {
        Ok(page) => shown(headers, path, &options, page),
        Err(why) => refused(StatusCode::BAD_REQUEST, why),
    }
}

/// A page of rows, and where the next one begins.
struct Page {
    rows: Vec<Value>,
    next: Option<usize>,
    count: Option<usize>,
}

fn page(rows: &[Value], options: &BTreeMap<String, String>) -> Result<Page, &'static str> {
    let known = ["$filter", "$select", "$expand", "$orderby", "$count", "$top", "$skip", "$skiptoken", "$apply"];
    if options.keys().any(|name| !known.contains(&name.as_str())) {
        return Err("UnknownOption");
    }
    let number = |name: &str| options.get(name).map(|text| text.parse::<usize>().map_err(|_| "BadNumber")).transpose();
    if let Some(apply) = options.get("$apply") {
        let rows = apply::apply(rows, apply)?;
        return Ok(Page { count: options.get("$count").map(|_| rows.len()), rows, next: None });
    }
    let filter = options.get("$filter").map(|text| Filter::parse(text)).transpose()?;
    let mut found: Vec<&Value> = Vec::new();
    for row in rows {
        if filter.as_ref().map_or(Ok(true), |filter| filter.holds(row))? {
            found.push(row);
        }
    }
    if let Some(order) = options.get("$orderby") {
        sort(&mut found, order)?;
    }
    let count = (options.get("$count").map(String::as_str) == Some("true")).then_some(found.len());
    let start = number("$skip")?.unwrap_or(0) + number("$skiptoken")?.unwrap_or(0);
    let wanted = number("$top")?.unwrap_or(usize::MAX);
    let size = wanted.min(PAGE);
    let next = (size < wanted && start + size < found.len()).then_some(start + size);
    let shape = Shape::parse(options)?;
    let page = found.into_iter().skip(start).take(size).map(|row| shape.of(row)).collect::<Result<_, _>>()?;
    Ok(Page { rows: page, next, count })
}

fn sort(rows: &mut [&Value], order: &str) -> Result<(), &'static str> {
    let mut keys = Vec::new();
    for key in order.split(',') {
        let (name, descending) = match key.split_once(' ') {
            Some((name, direction)) => (name, direction == "desc"),
            None => (key, false),
        };
        if rows.first().is_some_and(|row| row.get(name).is_none()) {
            return Err("UnknownProperty");
        }
        keys.push((name, descending));
    }
    rows.sort_by(|a, b| {
        let compared = keys.iter().map(|(name, descending)| {
            let (a, b) = if *descending { (b, a) } else { (a, b) };
            filter::compare(&a[*name], &b[*name])
        });
        compared.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    Ok(())
}

/// What is shown of an entity.
#[derive(Default)]
struct Shape {
    select: Option<Vec<String>>,
    expand: BTreeMap<String, Self>,
}

impl Shape {
    fn parse(options: &BTreeMap<String, String>) -> Result<Self, &'static str> {
        let mut shape = Self::default();
        if let Some(select) = options.get("$select") {
            shape.select(select)?;
        }
        for part in parts(options.get("$expand").map_or("", String::as_str), ',') {
            let (name, inner) = match part.split_once('(') {
                Some((name, inner)) => (name, inner.strip_suffix(')').ok_or("BadExpand")?),
                None => (part, ""),
            };
            let mut below = Self::default();
            for option in parts(inner, ';') {
                below.select(option.strip_prefix("$select=").ok_or("BadExpand")?)?;
            }
            if !NAVIGATION.contains(&name) {
                return Err("NoNavigationProperty");
            }
            shape.expand.insert(name.to_owned(), below);
        }
        Ok(shape)
    }

    fn select(&mut self, names: &str) -> Result<(), &'static str> {
        if names.split(',').any(|name| NAVIGATION.contains(&name)) {
            return Err("NavigationPropertySelected");
        }
        self.select = Some(names.split(',').map(str::to_owned).collect());
        Ok(())
    }

    fn of(&self, row: &Value) -> Result<Value, &'static str> {
        let row = row.as_object().ok_or("NoEntity")?;
        let mut shown = Map::new();
        if self.select.iter().flatten().any(|name| !row.contains_key(name)) {
            return Err("UnknownProperty");
        }
        for (name, value) in row.iter().filter(|(name, _)| !NAVIGATION.contains(&name.as_str())) {
            if self.select.as_ref().is_none_or(|select| select.contains(name)) {
                shown.insert(name.clone(), value.clone());
            }
        }
        for (name, inner) in &self.expand {
            let list = row.get(name).and_then(Value::as_array).ok_or("NoNavigationProperty")?;
            let list: Result<Vec<Value>, _> = list.iter().map(|one| inner.of(one)).collect();
            shown.insert(name.clone(), list?.into());
        }
        Ok(shown.into())
    }
}

/// The parts of a text, cut outside of brackets.
fn parts(text: &str, sign: char) -> Vec<&str> {
    let mut depth = 0_i32;
    let split = text.split(|next| {
        depth += i32::from(next == '(') - i32::from(next == ')');
        next == sign && depth == 0
    });
    split.filter(|part| !part.is_empty()).collect()
}

fn shown(headers: &HeaderMap, path: &str, options: &BTreeMap<String, String>, page: Page) -> Response {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut body = json!({ "@odata.context": format!("$metadata#{}", path.trim_start_matches(ROOT)) });
    if let Some(count) = page.count {
        body["@odata.count"] = json!(count);
    }
    let mut rows = Value::Array(page.rows);
    if said("accept").contains("IEEE754Compatible=true") {
        decimals_as_texts(&mut rows);
    }
    body["value"] = rows;
    if let Some(next) = page.next {
        let kept = options.iter().filter(|(name, _)| !matches!(name.as_str(), "$skip" | "$skiptoken" | "$top"));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept).append_pair("$skiptoken", &next.to_string());
        let query = query.finish().replace('+', "%20");
        body["@odata.nextLink"] = json!(format!("http://{}{path}?{query}", said("host")));
    }
    ([("odata-version", "4.0")], axum::Json(body)).into_response()
}

fn decimals_as_texts(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => *value = Value::String(number.to_string()),
        Value::Array(values) => values.iter_mut().for_each(decimals_as_texts),
        Value::Object(fields) => fields.values_mut().for_each(decimals_as_texts),
        _ => {}
    }
}

impl Service {
    fn rows(&self, set: &str) -> Option<Rows> {
        let company = self.company.read().unwrap_or_else(PoisonError::into_inner);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.0 != company.revision {
            *made = (company.revision, HashMap::new());
        }
        if let Some(rows) = made.1.get(set) {
            return Some(Arc::clone(rows));
        }
        let rows = Arc::new(entities(&company, set)?);
        made.1.insert(set.to_owned(), Arc::clone(&rows));
        Some(rows)
    }
}

/// All entities of a set; none if there is no such set.
fn entities(company: &Company, set: &str) -> Option<Vec<Value>> {
    let side = |side| {
        let documents = custom::of_side(company, side).into_iter();
        documents.map(|(code, one)| custom::document(company, code, one)).collect()
    };
    let projects = || company.projects.iter().filter(|project| project.status != 9);
    let of_projects =
        |of: &dyn Fn(&spine::demo::company::model::Project) -> Vec<Value>| projects().flat_map(of).collect();
    Some(match set {
        "Deals" => company.deals.iter().map(|deal| custom::deal(company, deal)).collect(),
        "Clients" => company.clients.iter().map(custom::client).collect(),
        "Contacts" => hanging(company, |deal| {
            let contacts = company.contacts.iter().filter(|contact| deal.contacts.contains(&contact.id));
            contacts.map(custom::contact).collect()
        }),
        "Positions" => {
            hanging(company, |deal| deal.line_items.iter().map(|one| custom::line_item(deal, one)).collect())
        }
        "Offers" => hanging(company, |deal| {
            let mut quotes: Vec<_> = deal.quotes.iter().collect();
            quotes.sort_by_key(|quote| (quote.created, quote.id));
            let rows = quotes.into_iter().enumerate();
            rows.map(|(at, one)| with(custom::quote(deal, one), "version", json!(at + 1))).collect()
        }),
        "Talks" => {
            hanging(company, |deal| deal.communications.iter().map(|one| custom::communication(company, one)).collect())
        }
        "Requests" => {
            hanging(company, |deal| deal.tickets.iter().map(|ticket| custom::crm_ticket(company, ticket)).collect())
        }
        "Projects" => projects().map(|one| custom::project(company, one)).collect(),
        "Milestones" => {
            of_projects(&|one| one.versions.iter().map(|version| custom::milestone(one, version)).collect())
        }
        "Hours" => {
            let by_number: HashMap<u32, _> = projects().map(|project| (project.id, project)).collect();
            let of = |entry: &_| Some(custom::booking(company, by_number.get(&project_of(entry))?, entry));
            company.time_entries.iter().filter_map(of).collect()
        }
        "Tickets" => {
            let by_number: HashMap<u32, _> = projects().map(|project| (project.id, project)).collect();
            let issues = company.issues.iter();
            issues.filter_map(|one| Some(custom::issue(company, by_number.get(&one.project)?, one))).collect()
        }
        "Invoices" => side(Side::Receivable),
        "Bills" => side(Side::Payable),
        "Costs" => custom::costs(company, |_| true),
        _ => return None,
    })
}

fn project_of(entry: &spine::demo::company::model::TimeEntry) -> u32 {
    entry.project
}

fn with(mut row: Value, name: &str, value: Value) -> Value {
    row[name] = value;
    row
}

/// What hangs on deals; each row names its deal.
fn hanging(company: &Company, of: impl Fn(&Deal) -> Vec<Value>) -> Vec<Value> {
    let rows =
        company.deals.iter().flat_map(|deal| of(deal).into_iter().map(move |row| with(row, "deal", json!(deal.id))));
    rows.collect()
}
