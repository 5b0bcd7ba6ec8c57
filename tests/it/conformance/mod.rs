//! What every connector must do, whatever system it speaks to: the same expectations for all, over real HTTP, against one
//! seeded company.
//!
//! - [`truth`]: what each port must answer, straight from the company
//! - [`ports`], [`lines`]: the ports of a connection in one form, keys and records as text
//! - [`hubspot`], [`sap_b1`], [`netsuite`], [`odoo`], [`quickbooks`], [`redmine`], [`rest`], [`odata`],
//!   [`sqlserver`]: how to stand up each system; [`custom`] is the one behind `rest`, [`service`] the one behind `odata`
//! - [`matrix`]: what goes wrong on the wire, case by case, and the page that tells of it
//!
//! A new connector adds a file that says how its system is stood up, and a line below.

mod custom;
mod faults;
mod hubspot;
mod lines;
mod matrix;
mod netsuite;
mod odata;
mod odoo;
mod ports;
mod quickbooks;
mod reads;
mod redmine;
mod rest;
mod sap_b1;
mod service;
mod sqlserver;
mod truth;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::civil::date;
use spine::config::Config;
use spine::demo::company::grow::Seed;
use spine::demo::company::model::{Company, Shared};
use spine::domain::{Clock, SharedIdRule, SystemClock};
use spine::systems::{Call, Connection, Priority, registry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use self::ports::{List, Port};
use self::truth::Truth;

/// How shared IDs are spelled in the company.
static RULE: LazyLock<SharedIdRule> = LazyLock::new(|| {
    let pattern = regex::Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap();
    SharedIdRule::new(pattern, &["trim", "nfkc", "uppercase"])
});

/// A kind of system, and what is peculiar about it.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting or a mark of its own")]
struct System {
    /// The connection's name.
    connection: &'static str,
    stand_up: fn(Company) -> BoxFuture<'static, Stood>,
    /// Whose tickets it keeps.
    tickets: Tickets,
    /// Rows of a page, at the least.
    page: usize,
    /// What costs a call per key, by the name under which the system counts it.
    call_per_key: &'static [&'static str],
    /// How documents are numbered, by the number of their kind and their own.
    invoice_id: fn(u32, u32) -> String,
    /// How payments are numbered, by their number in the books.
    payment_id: fn(u32) -> String,
    /// How costs are numbered, by the number of their document's kind, its own, and that of the line.
    cost_id: fn(u32, u32, u32) -> String,
    /// How clients and vendors are numbered, by their code in the books.
    party_id: fn(&str) -> String,
    /// Whether invoices that are not posted stand among the others. They have no number yet.
    drafts: bool,
    /// Which kinds of documents are never due, by their number.
    never_due: &'static [u32],
    /// What its books make of the company's: some systems void a document in place where others cancel it by a second one, or
    /// state fewer amounts in the company's currency.
    rebooked: fn(Company) -> Company,
    /// Whether what hangs on a project names it by the system's own number, and not by the shared ID: then nobody can say
    /// what hangs on which of two projects with one shared ID, short of both.
    children_know_their_project: bool,
    /// Whether projects are listed by their numbers, and not in the order in which they were made.
    projects_by_number: bool,
    /// Whether milestones are reached or not, and nothing else.
    milestones_are_reached_or_not: bool,
    /// What a deal is whose stage nobody knows.
    status_of_unknown_stage: Option<&'static str>,
    /// Whether a stage without a label is a word for people, and not a number.
    stages_are_words: bool,
    /// What a ticket is that nobody put into a category.
    ticket_without_category: &'static str,
}

/// A system without peculiarities, that does not stand.
const PLAIN: System = System {
    connection: "",
    stand_up: |_| panic!("says how it is stood up"),
    tickets: Tickets::Issues,
    page: 100,
    call_per_key: &[],
    invoice_id: |code, entry| format!("{code}-{entry}"),
    payment_id: |entry| format!("24-{entry}"),
    cost_id: |code, entry, line| format!("{code}-{entry}-{line}"),
    party_id: str::to_owned,
    drafts: false,
    never_due: &[],
    rebooked: |company| company,
    children_know_their_project: false,
    projects_by_number: false,
    milestones_are_reached_or_not: false,
    status_of_unknown_stage: None,
    stages_are_words: false,
    ticket_without_category: "Unknown(\"\")",
};

/// Tickets of a [`System`].
enum Tickets {
    OfTheCrm,
    Issues,
}

/// Calls of a system, since it was counted last.
type Counter = Box<dyn Fn() -> usize + Send + Sync>;

/// A system that stands.
struct Stood {
    /// Where its control surface is.
    url: String,
    /// The configuration of a gateway over it, without `[http]`.
    config: String,
    company: Shared,
    /// The calls so far, of a system that has no control surface to say so.
    calls: Option<Counter>,
    /// What has to be kept for it to stand.
    _running: Box<dyn Any + Send>,
}

/// A system that is looked at.
struct Subject {
    system: &'static System,
    stood: Stood,
}

/// The company of all expectations.
static COMPANY: LazyLock<Company> = LazyLock::new(|| {
    let mut company = Company::grow(&Seed { seed: 42, deals: 150, today: date(2026, 11, 25) });
    // Somebody typed an ID in lower case in the project tool, too.
    let mut typed = company.projects.iter_mut().filter_map(|project| project.shared_id.as_mut());
    let typed = typed.find(|typed| typed.starts_with("PRJ")).unwrap();
    *typed = typed.to_lowercase();
    company
});

impl Subject {
    async fn stand_up(system: &'static System) -> Self {
        Self { system, stood: (system.stand_up)(COMPANY.clone()).await }
    }

    /// A connection as an operator would configure it, with these lines in `[http]`.
    fn connect(&self, http: &str) -> Connection {
        let text = format!("{}\n[http]\n{http}\n", self.stood.config);
        let config = Config::parse("spine.toml", &text).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let connections = registry::connect(&config, &clock).unwrap();
        connections.into_iter().find(|one| one.name.as_str() == self.system.connection).unwrap()
    }

    /// The company as it is now.
    fn company(&self) -> Company {
        self.stood.company.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the company behind the system.
    fn change(&self, change: impl FnOnce(&mut Company)) {
        let mut company = self.stood.company.write().unwrap();
        change(&mut company);
        company.revision += 1;
    }

    /// What can be asked of a connection, and what must be answered.
    fn looked_at(&self, connection: &Connection) -> (Vec<Port>, Vec<List>) {
        let company = (self.system.rebooked)(self.company());
        let truth = Truth { company: &company, system: self.system };
        (ports::ports(connection, &truth), ports::lists(connection, &truth))
    }

    /// Breaks the system from now on; `{"mode": "off"}` mends it.
    async fn fault(&self, fault: &str) {
        let answer = control(&self.stood.url, "POST", "/_demo/fault", fault).await;
        assert!(answer.contains("mode"), "{answer}");
    }

    /// The calls that came since the last time, by the system's own count.
    async fn calls(&self) -> BTreeMap<String, usize> {
        if let Some(count) = &self.stood.calls {
            return Some(count())
                .filter(|calls| *calls > 0)
                .map(|calls| ("queries".to_owned(), calls))
                .into_iter()
                .collect();
        }
        let stats = control(&self.stood.url, "GET", "/_demo/stats", "").await;
        let fault = control(&self.stood.url, "GET", "/_demo/fault", "").await;
        control(&self.stood.url, "POST", "/_demo/reset", "").await;
        self.fault(&fault).await;
        let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
        serde_json::from_value(stats["calls"].clone()).unwrap()
    }
}

/// A call to the control surface, which goes on working while its system does not.
async fn control(url: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    body.to_owned()
}

/// Somebody waits in front of a screen, for as long as a loaded machine may take.
fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(30), Priority::Interactive)
}

/// One test per expectation, so that a failure names system and expectation.
macro_rules! conforms {
    ($system:expr; $($group:ident::$expectation:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $expectation() {
            let subject = $crate::conformance::Subject::stand_up(&$system).await;
            $crate::conformance::$group::$expectation(&subject).await;
        }
    )+};
    ($system:expr) => {
        $crate::conformance::conforms! { $system;
            reads::keys_are_answered_as_the_company_has_it,
            reads::lists_hold_every_row_once_in_a_stable_order,
            reads::a_key_that_nobody_knows_is_absent_and_no_error,
            reads::an_id_in_another_spelling_is_the_same_id,
            reads::two_projects_with_one_id_are_a_conflict_of_that_id_alone,
            reads::calls_are_as_many_as_batches_and_pages,
            reads::numbers_that_come_as_strings_change_nothing,
            reads::words_that_nobody_mapped_are_kept_and_no_failure,
            faults::each_failure_is_told_apart_and_none_stays,
            faults::a_connection_that_begins_with_a_failure_tells_it_apart_and_recovers,
            faults::what_fails_once_in_passing_is_asked_again,
            faults::an_answer_that_comes_too_late_is_a_timeout,
            faults::a_rate_limit_is_waited_for_where_the_wait_fits,
            faults::a_rate_limit_that_does_not_fit_is_said_at_once,
            faults::a_system_that_goes_on_failing_is_left_alone,
        }
    };
}
use conforms;
