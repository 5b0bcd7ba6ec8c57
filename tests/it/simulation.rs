//! Random faults, corrections, pauses and readers over the real stack, and auditors that look at every answer: what is shown was
//! true when it was read, what is missing is said to be, nothing waits too long, no secret is told (nor logged, nor counted), and all is well again once
//! the systems are.
//!
//! A seed is one history. A failure names it; `SPINE_SEEDS=A..B` runs others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{FutureExt, StreamExt, stream};
use serde_json::{Value, json};
use spine::demo::company::model::{Document, DocumentKind};

use super::support::{Answer, Gateway, client, company, send};

/// Histories that are run unless told otherwise.
const SEEDS: std::ops::Range<u64> = 0..300;
/// Histories that one pair of gateways goes through.
const PER_PAIR: usize = 25;
/// Pairs at once: of more, some would answer too late for want of a processor.
const AT_ONCE: usize = 4;
/// What happens in one history.
const EVENTS: usize = 8;
/// Deals of the company.
const DEALS: usize = 20;
/// Seconds for which a value is shown, by the demo's configuration.
const TTL: u64 = 30;
/// The longest an answer may take: `server.request_timeout`, and a little.
const LATEST: Duration = Duration::from_millis(10_250);

/// Ways to misbehave. Times are short: who waits for them does so for real.
const FAULTS: [&str; 10] = ["down", "slow", "429", "401", "403", "500", "503", "html", "truncated", "empty"];
const SYSTEMS: [&str; 3] = ["hubspot", "sap", "redmine"];
/// What stands in the demo's configuration and nowhere else.
const SECRETS: [&str; 4] =
    ["demo-hubspot-token", "demo-redmine-key", "demo-webhook-secret", "demo-hubspot-client-secret"];

const CARD: &str = "query($id: ProjectId!) { project(id: $id) { code name health deals { name amount { amount currency } }
    tickets { subject status } invoices { number total { amount currency } status } costs { kind amount { amount currency } }
    financials { contractValue { amount currency } invoiced { amount currency } outstanding { amount currency }
        actualCost { amount currency } margin { amount currency } marginPct } } }";
const LIST: &str = "{ deals(first: 10) { edges { node { id name status amount { amount currency } project { code name }
    financials { invoiced { amount currency } margin { amount currency } } } } } }";
const INVOICES: &str =
    "{ invoices(first: 10) { edges { node { id number total { amount currency } balance { amount } } } } }";
const PORTFOLIO: &str = "{ profitability(groupBy: [VERTICAL]) { totals { currency invoiced { amount } marginPct } rows { members { value }
    currency dealCount invoiced { amount } actualCost { amount } margin { amount } marginPct completeness { excluded } } } }";

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Card(String),
    List,
    Invoices,
    Portfolio,
}

impl Question {
    async fn ask(&self, gateway: &Gateway, cache_control: Option<&str>) -> Answer {
        let (query, variables) = match self {
            Self::Card(id) => (CARD, json!({ "id": id })),
            Self::List => (LIST, json!({})),
            Self::Invoices => (INVOICES, json!({})),
            Self::Portfolio => (PORTFOLIO, json!({})),
        };
        gateway.ask_with(query, variables, cache_control).await
    }
}

/// A gateway whose systems misbehave, and one over the same company whose systems do not and that keeps nothing.
struct World {
    watched: Gateway,
    oracle: Gateway,
    questions: Vec<Question>,
    /// What was true, and until which second: none is now.
    truths: BTreeMap<Question, Vec<(Option<u64>, Value)>>,
    now: u64,
}

impl World {
    async fn new() -> Self {
        // The breaker's pauses are real time; it has a model of its own.
        let patient = |config: String| format!("{config}\n[http]\nbreaker_failures = 1000000\n");
        let watched = Gateway::over(company(DEALS), patient).await;
        let oracle = Gateway::over(company(DEALS), patient).await;
        let projects: Vec<String> = {
            let company = watched.demo.company.read().unwrap();
            let open = company.ledger.documents.iter().filter(|document| is_open(document));
            let booked = open.filter_map(|document| document.project.clone());
            let booked: std::collections::BTreeSet<String> = booked.collect();
            // Those that the project tool knows: while it is away, nobody says of the others that there are none.
            let known = |id: &String| {
                company.projects.iter().filter(|project| project.shared_id.as_ref() == Some(id)).count() == 1
            };
            booked.into_iter().filter(known).take(3).collect()
        };
        let mut questions: Vec<Question> = projects.into_iter().map(Question::Card).collect();
        questions.extend([Question::List, Question::Invoices, Question::Portfolio]);
        let mut world = Self { watched, oracle, questions, truths: BTreeMap::new(), now: 0 };
        world.learn().await;
        world
    }

    /// Takes note of what is true now.
    async fn learn(&mut self) {
        // What was read in the same second would do, otherwise.
        self.oracle.pass(1);
        for question in self.questions.clone() {
            let answer = question.ask(&self.oracle, Some("no-cache")).await;
            assert!(answer.codes().iter().all(|(_, code)| is_flaw(code)), "{:#}", answer.body["errors"]);
            let truth = answer.data().clone();
            let known = self.truths.entry(question).or_default();
            if let Some((until, before)) = known.last_mut() {
                if *before == truth {
                    continue;
                }
                *until = Some(self.now);
            }
            known.push((None, truth));
        }
    }

    /// A person changes an invoice in the ERP: one that the questions are about.
    async fn correct(&mut self, dice: &mut fastrand::Rng) {
        let numbers: Vec<u32> = {
            let company = self.watched.demo.company.read().unwrap();
            let documents = company.ledger.documents.iter();
            documents
                .filter(|document| is_open(document))
                .filter(|document| document.project.as_ref().is_some_and(|id| self.is_asked_for(id)))
                .map(|document| document.number)
                .collect()
        };
        let number = dice.choice(&numbers).expect("each project that is asked for has one");
        let correction =
            json!({ "invoice": number, "net": format!("{}.{:02}", dice.u32(100..90_000), dice.u32(..100)) });
        for gateway in [&self.watched, &self.oracle] {
            gateway.control("sap", "correct", correction.clone()).await;
        }
        self.learn().await;
    }

    fn is_asked_for(&self, project: &str) -> bool {
        self.questions.iter().any(|question| matches!(question, Question::Card(id) if id == project))
    }

    /// Time passes, for both.
    fn pass(&mut self, seconds: u64) {
        self.watched.pass(seconds);
        self.oracle.pass(seconds);
        self.now += seconds;
    }

    /// What may be shown: what is true, and unless it is read for this request what was true a moment ago.
    fn allowed(&self, question: &Question, live: bool) -> Vec<&Value> {
        let since = self.now.saturating_sub(TTL + TTL / 10);
        let fits = |until: &Option<u64>| until.is_none_or(|until| !live && until >= since);
        self.truths[question].iter().filter(|(until, _)| fits(until)).map(|(_, truth)| truth).collect()
    }

    async fn ask(&mut self, dice: &mut fastrand::Rng) {
        let question = dice.choice(&self.questions).expect("there are some").clone();
        // A portfolio is made of many values of many ages: as a whole it is true only if all were read now.
        let live = dice.bool() || question == Question::Portfolio;
        // What is read for a request is read after it has come.
        self.pass(u64::from(live));
        let began = Instant::now();
        let answer = question.ask(&self.watched, live.then_some("no-cache")).await;
        let took = began.elapsed();
        assert!(took < LATEST, "{question:?} took {took:?}");
        let told = answer.body.to_string();
        for secret in SECRETS {
            assert!(!told.contains(secret), "{question:?} tells a secret: {told}");
        }
        audit(&question, &answer, &self.allowed(&question, live));
    }

    /// The systems behave again: so does the gateway.
    async fn recover(&mut self) {
        for system in SYSTEMS {
            self.watched.control(system, "fault", json!({ "mode": "off" })).await;
        }
        self.pass(2 * TTL);
        for question in &self.questions {
            let answer = question.ask(&self.watched, None).await;
            assert!(answer.codes().iter().all(|(_, code)| is_flaw(code)), "{:#}", answer.body["errors"]);
            assert_eq!(answer.data(), self.allowed(question, true)[0], "{question:?}");
        }
        let metrics = send(client().get(format!("{}/metrics", self.watched.served.admin))).await.text().await.unwrap();
        assert!(metrics.contains("spine_system_calls_total"), "{metrics}");
        assert!(!SECRETS.iter().any(|secret| metrics.contains(secret)), "the figures tell a secret: {metrics}");
    }

    async fn live_through(&mut self, seed: u64) {
        let mut dice = fastrand::Rng::with_seed(seed);
        for _ in 0..EVENTS {
            match dice.u32(..12) {
                0 | 1 => {
                    let fault =
                        json!({ "mode": dice.choice(FAULTS), "ms": 20, "times": dice.bool().then(|| dice.u32(1..4)) });
                    let fault =
                        if fault["times"].is_null() { json!({ "mode": fault["mode"], "ms": 20 }) } else { fault };
                    self.watched.control(dice.choice(SYSTEMS).expect("three"), "fault", fault).await;
                }
                2 | 3 => self.correct(&mut dice).await,
                4 | 5 => self.pass(dice.u64(1..TTL / 2)),
                6 => {
                    let system = dice.choice(SYSTEMS).expect("three");
                    self.watched.control(system, "fault", json!({ "mode": "off" })).await;
                }
                _ => self.ask(&mut dice).await,
            }
        }
        self.recover().await;
    }
}

/// Whether it is an invoice of which nothing is paid: one that may be changed to any amount.
fn is_open(document: &Document) -> bool {
    document.kind == DocumentKind::Invoice && document.open && document.paid.is_zero()
}

/// The company's own records have flaws: amounts without a currency, two projects with one ID.
fn is_flaw(code: &str) -> bool {
    matches!(code, "DATA_INVALID" | "DATA_CONFLICT")
}

/// Looks at an answer: every value was true, and everything that is missing is said to be.
fn audit(question: &Question, answer: &Answer, allowed: &[&Value]) {
    let missing: Vec<String> = answer.errors().iter().flat_map(places).collect();
    let data = answer.data();
    if data.is_null() {
        assert!(!answer.errors().is_empty(), "{question:?}: nothing, and no error");
        return;
    }
    let marked = *question == Question::Portfolio && !answer.errors().is_empty();
    compare(data, allowed, &mut String::new(), &mut |place, why| {
        // A figure of a portfolio is over the projects of which it is known; that some are not is an error.
        let said = missing.iter().any(|missing| place == missing || place.starts_with(&format!("{missing}.")));
        assert!(said || marked, "{question:?}: {place} {why}\n{:#}\nallowed: {allowed:#?}", answer.body);
        assert!(why == "is missing" || marked, "{question:?}: {place} {why}\n{:#}", answer.body);
    });
}

/// Where an error says that something is missing, without the numbers of rows: of many that are alike one stands for all.
fn places(error: &Value) -> Vec<String> {
    let named = |path: &Value| {
        let words = path.as_array().into_iter().flatten().filter_map(Value::as_str);
        words.collect::<Vec<_>>().join(".")
    };
    let more = error["extensions"]["paths"].as_array().into_iter().flatten();
    std::iter::once(&error["path"]).chain(more).map(named).collect()
}

/// Tells of every place where none of the truths says the same.
fn compare(shown: &Value, allowed: &[&Value], place: &mut String, differs: &mut impl FnMut(&str, &str)) {
    if allowed.contains(&shown) {
        return;
    }
    match shown {
        Value::Null => differs(place, "is missing"),
        Value::Object(fields) => {
            for (name, value) in fields {
                let below: Vec<&Value> = allowed.iter().filter_map(|truth| truth.get(name)).collect();
                let length = place.len();
                if length > 0 {
                    place.push('.');
                }
                place.push_str(name);
                compare(value, &below, place, differs);
                place.truncate(length);
            }
        }
        Value::Array(rows) => {
            let alike: Vec<&Vec<Value>> =
                allowed.iter().filter_map(|truth| truth.as_array()).filter(|truth| truth.len() == rows.len()).collect();
            if alike.is_empty() {
                return differs(place, "has another number of rows");
            }
            for (at, row) in rows.iter().enumerate() {
                let below: Vec<&Value> = alike.iter().map(|truth| &truth[at]).collect();
                compare(row, &below, place, differs);
            }
        }
        _ => differs(place, "is not true"),
    }
}

fn seeds() -> std::ops::Range<u64> {
    let Some(told) = std::env::var_os("SPINE_SEEDS") else { return SEEDS };
    let told = told.into_string().expect("SPINE_SEEDS is A..B");
    let (from, to) = told.split_once("..").expect("SPINE_SEEDS is A..B");
    from.parse().expect("a number")..to.parse().expect("a number")
}

/// A log in which nobody reads but whoever looks for secrets.
#[derive(Clone, Default)]
struct Watched(Arc<Mutex<(usize, Option<String>)>>);

impl std::io::Write for Watched {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        state.0 += 1;
        let text = String::from_utf8_lossy(line);
        if SECRETS.iter().any(|secret| text.contains(secret)) {
            state.1.get_or_insert(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn whatever_happens_answers_are_true_and_say_what_is_missing() {
    let watched = Watched::default();
    let log = watched.clone();
    // What each thread of the servers logs, at the finest level that Spine has of its own.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().on_thread_start(move || {
        let log = log.clone();
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(move || log.clone());
        // For as long as the thread lives.
        std::mem::forget(tracing::subscriber::set_default(log.finish()));
    });
    // On its threads, and not on the test's own.
    runtime.build().unwrap().block_on(async { tokio::spawn(live()).await }).unwrap();
    let (lines, told) = &*watched.0.lock().unwrap();
    assert!(*lines > 100, "{lines} lines: nothing is looked at");
    assert_eq!(told, &None, "the log tells a secret");
}

async fn live() {
    let all: Vec<u64> = seeds().collect();
    let all: Vec<Vec<u64>> = all.chunks(PER_PAIR).map(<[u64]>::to_vec).collect();
    let pairs = all.into_iter().map(|seeds| async move {
        let pair = async move {
            let mut world = World::new().await;
            for seed in seeds {
                let history = std::panic::AssertUnwindSafe(world.live_through(seed));
                let lived = history.catch_unwind().await;
                assert!(lived.is_ok(), "it was seed {seed}: SPINE_SEEDS={seed}..{}", seed + 1);
            }
        };
        tokio::spawn(pair).await.unwrap();
    });
    stream::iter(pairs).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
}
