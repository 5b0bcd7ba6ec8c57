//! The conformance suite's expectations, of databases: what each port must answer comes straight from the company.

#[path = "../it/conformance/lines.rs"]
mod lines;
#[path = "../it/conformance/ports.rs"]
mod ports;
#[path = "../it/conformance/reads.rs"]
#[expect(dead_code, reason = "what needs the control surface of an embedded system is not asked of a database")]
mod reads;
#[path = "../it/conformance/truth.rs"]
#[expect(unused_imports, reason = "what only an embedded system asks of the truth")]
mod truth;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use jiff::civil::date;
use spine::config::Config;
use spine::demo::company::grow::Seed;
use spine::demo::company::model::Company;
use spine::domain::{Clock, SharedIdRule, SystemClock};
use spine::systems::{Call, Connection, Priority, registry};
use tokio::time::Instant;

use self::ports::{List, Port};
use self::truth::Truth;
use crate::sql::company::document_id;
use crate::sql::{Database, Engine, Reached, queries};

/// How shared IDs are spelled in the company.
pub(crate) static RULE: LazyLock<SharedIdRule> = LazyLock::new(|| {
    let pattern = regex::Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap();
    SharedIdRule::new(pattern, &["trim", "nfkc", "uppercase"])
});

/// The company of all expectations.
pub(crate) static COMPANY: LazyLock<Company> = LazyLock::new(|| {
    let mut company = Company::grow(&Seed { seed: 42, deals: 150, today: date(2026, 11, 25) });
    // Somebody typed an ID in lower case in the project tool, too.
    let mut typed = company.projects.iter_mut().filter_map(|project| project.shared_id.as_mut());
    let typed = typed.find(|typed| typed.starts_with("PRJ")).unwrap();
    *typed = typed.to_lowercase();
    company
});

/// What is peculiar about a system.
#[expect(clippy::struct_excessive_bools, reason = "each is a peculiarity of its own")]
pub(crate) struct System {
    tickets: Tickets,
    page: usize,
    call_per_key: &'static [&'static str],
    invoice_id: fn(u32, u32) -> String,
    payment_id: fn(u32) -> String,
    cost_id: fn(u32, u32, u32) -> String,
    party_id: fn(&str) -> String,
    drafts: bool,
    never_due: &'static [u32],
    children_know_their_project: bool,
    projects_by_number: bool,
    milestones_are_reached_or_not: bool,
    status_of_unknown_stage: Option<&'static str>,
    stages_are_words: bool,
    ticket_without_category: &'static str,
}

/// Tickets of a [`System`].
#[expect(dead_code, reason = "the truth knows both")]
enum Tickets {
    OfTheCrm,
    Issues,
}

static SYSTEM: System = System {
    tickets: Tickets::Issues,
    page: 10_000,
    call_per_key: &[],
    invoice_id: |code, entry| document_id(code, entry).to_string(),
    payment_id: |entry| format!("24-{entry}"),
    cost_id: |code, entry, line| format!("{code}-{entry}-{line}"),
    party_id: str::to_owned,
    drafts: false,
    never_due: &[],
    children_know_their_project: false,
    projects_by_number: false,
    milestones_are_reached_or_not: false,
    status_of_unknown_stage: None,
    stages_are_words: true,
    ticket_without_category: "Task",
};

/// A database that is looked at.
pub(crate) struct Subject {
    system: &'static System,
    database: Database,
    company: Mutex<Company>,
    /// The connection whose calls are counted, and how many there were when they were counted last.
    counted: Mutex<Option<(Connection, u64)>>,
}

impl Subject {
    pub(crate) async fn stand_up(engine: Engine) -> Self {
        let database = Database::of(engine, &COMPANY).await;
        Self { system: &SYSTEM, database, company: Mutex::new(COMPANY.clone()), counted: Mutex::default() }
    }

    fn connect(&self, http: &str) -> Connection {
        let reached = Reached::well();
        let http = format!("{}\n{http}", reached.http);
        let queries = queries(self.database.engine);
        let connection = connect(&self.database.config(&Reached { http, ..reached }, &queries));
        *self.counted.lock().unwrap() = Some((connection.clone(), 0));
        connection
    }

    fn company(&self) -> Company {
        self.company.lock().unwrap().clone()
    }

    /// Changes the company, and fills the database anew.
    fn change(&self, change: impl FnOnce(&mut Company)) {
        change(&mut self.company.lock().unwrap());
        let company = self.company();
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                self.database.clear().await;
                self.database.fill(&company).await;
            });
        });
    }

    fn looked_at(&self, connection: &Connection) -> (Vec<Port>, Vec<List>) {
        let truth = Truth { company: &self.company(), system: self.system };
        (ports::ports(connection, &truth), ports::lists(connection, &truth))
    }

    #[expect(clippy::unused_async, reason = "called as that of an embedded system is")]
    async fn fault(&self, fault: &str) {
        panic!("a database has no control surface for {fault}")
    }

    /// The calls since the last time, by Spine's own count.
    #[expect(clippy::unused_async, reason = "called as that of an embedded system is")]
    async fn calls(&self) -> BTreeMap<String, usize> {
        let mut counted = self.counted.lock().unwrap();
        let (connection, before) = counted.as_mut().unwrap();
        let now = connection.upstreams[0].health().calls;
        let calls = usize::try_from(now - std::mem::replace(before, now)).unwrap();
        if calls == 0 { BTreeMap::new() } else { [("queries".to_owned(), calls)].into() }
    }
}

/// The connection of a configuration.
pub(crate) fn connect(config: &str) -> Connection {
    let config = Config::parse("spine.toml", config).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    registry::connect(&config, &clock).unwrap().remove(0)
}

/// Somebody waits in front of a screen, for as long as a loaded machine may take.
pub(crate) fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(30), Priority::Interactive)
}

/// One test per engine and expectation, so that a failure names both.
macro_rules! conforms {
    ($engine:ident: $($expectation:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $expectation() {
            let subject = super::Subject::stand_up(super::Engine::$engine).await;
            super::reads::$expectation(&subject).await;
        }
    )+};
    ($engine:ident) => {
        super::conforms! { $engine:
            keys_are_answered_as_the_company_has_it,
            lists_hold_every_row_once_in_a_stable_order,
            a_key_that_nobody_knows_is_absent_and_no_error,
            an_id_in_another_spelling_is_the_same_id,
            two_projects_with_one_id_are_a_conflict_of_that_id_alone,
            calls_are_as_many_as_batches_and_pages,
            words_that_nobody_mapped_are_kept_and_no_failure,
        }
    };
}
use conforms;

mod postgres {
    super::conforms!(Postgres);
}

mod mariadb {
    super::conforms!(Mariadb);
}
