//! The fault matrix: each case of [`cases`] against each connector, asked through the graph and through a report. What is true
//! is what the same gateway says while nothing is wrong.
//!
//! Nothing wrong is ever shown: a figure is as ever, or it is null, with an error of its system, and what it is a part of says
//! that it is not complete; a report is there whole or not at all. No call too many is made, none goes to another host, no
//! place is kept, and afterwards all is right again.
//!
//! - [`proxy`], [`acts`], [`alter`]: what is injected, and how
//! - [`places`]: what may be there instead of a system
//! - [`canaries`]: that nothing is told of secrets, whatever a system says
//! - [`stack`]: what is asked, and what the answer is held against
//! - [`rows`], [`serving`]: the rows of the matrix that tests of their own hold
//! - [`page`] writes `docs/faults.md`

mod acts;
mod alter;
mod canaries;
mod cases;
mod page;
mod places;
mod proxy;
mod rows;
mod serving;
mod stack;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use spine::systems::registry;

use self::cases::{CASES, Case, Expected, How, PAUSES};
use self::places::Places;
use self::stack::{Gateway, Site, Told, Truth, accounted, missing};

/// The longest that an answer may take: that of a request, and what a loaded machine adds.
const PATIENCE: Duration = Duration::from_secs(35);

/// A case that is looked at.
struct Look<'a> {
    case: &'a Case,
    site: &'a Site,
    truth: &'a Truth,
}

impl Look<'_> {
    fn fails(&self, where_: &str, told: &Told, why: &str) -> ! {
        panic!(
            "{} {} ({where_} over {}): {why}\n{} {:#}",
            self.case.id, self.case.injected, self.site.connection, told.status, told.body
        )
    }

    /// Codes that errors may have, and whether there must be errors.
    fn codes(&self) -> (&'static [&'static str], bool) {
        match self.case.expected {
            Expected::Right => (&[], false),
            Expected::Missing(codes) => (codes, true),
            Expected::RightOrMissing(codes) => (codes, false),
        }
    }

    /// An answer of the graph under the fault.
    fn graph(&self, told: &Told) {
        let (codes, must_fail) = self.codes();
        let fails = |why: &str| self.fails("graph", told, why);
        if told.status != 200 {
            fails("the status is another one");
        }
        let missing = missing(&self.truth.graph.body["data"], &told.body["data"]).unwrap_or_else(|wrong| fails(&wrong));
        if must_fail == missing.is_empty() && (must_fail || codes.is_empty()) {
            fails(&format!("missing are {missing:?}"));
        }
        if let Some(silent) = missing.iter().find(|field| !accounted(field, told)) {
            fails(&format!("{silent} is missing without an error"));
        }
        let usual = self.truth.graph.errors();
        for error in told.errors() {
            let of_the_case = error.0 == self.site.connection && codes.contains(&error.1);
            if !of_the_case && !usual.contains(&error) {
                fails(&format!("{error:?} is not among {codes:?}"));
            }
        }
        self.says_nothing_of_the_upstream("graph", told);
        self.pause_is_told("graph", told);
    }

    /// A report under the fault: whole, or not at all.
    fn report(&self, told: &Told) {
        let (codes, must_fail) = self.codes();
        let fails = |why: &str| self.fails("report", told, why);
        if told.status == 200 {
            if must_fail || told.body != self.truth.report.body {
                fails("a report that cannot be right");
            }
            return;
        }
        let errors = told.errors();
        if !matches!(told.status, 502..=504) || errors.is_empty() || told.body.get("data").is_some() {
            fails("neither a report nor a refusal");
        }
        if errors.iter().any(|(connection, code)| *connection != self.site.connection || !codes.contains(code)) {
            fails(&format!("an error that is not among {codes:?}"));
        }
        if told.headers.get("cache-control").is_none_or(|value| value != "no-store") {
            fails("a refusal that may be kept");
        }
        let retryable = told.listed().all(|error| error["extensions"]["retryable"] == true);
        let seconds = told.headers.get("retry-after").map(|value| value.to_str().unwrap().parse::<u64>());
        if retryable != matches!(seconds, Some(Ok(_))) {
            fails("`Retry-After` in seconds says when to come back, if that makes sense");
        }
        self.says_nothing_of_the_upstream("report", told);
        self.pause_is_told("report", told);
    }

    fn says_nothing_of_the_upstream(&self, where_: &str, told: &Told) {
        let errors = told.body["errors"].to_string();
        if let Some(word) = ["canary", "<html", "127.0.0.1", "sign in"].iter().find(|word| errors.contains(**word)) {
            self.fails(where_, told, &format!("the errors tell {word}"));
        }
    }

    fn pause_is_told(&self, where_: &str, told: &Told) {
        let Some((_, pause)) = PAUSES.iter().find(|(injected, _)| *injected == self.case.injected) else { return };
        for error in told.listed().filter(|error| error["extensions"]["code"] == "UPSTREAM_RATE_LIMITED") {
            let said = error["extensions"]["retryAfterMs"].as_u64().unwrap_or_default();
            // What is left of it by now.
            if said > *pause || said < 30_000 {
                self.fails(where_, told, "the pause is not told");
            }
        }
    }

    /// Calls since the act began are no more than usual, with one retry each, and another call where a connection that was
    /// kept turns out to be closed.
    fn calls_are_few(&self, where_: &str, told: &Told, usual: usize) {
        let (asked, signed_in) = self.site.proxy.requests();
        // Who is not let in asks for nothing.
        if asked + signed_in > 3 * usual + 2 || (asked > 0 && signed_in > 2) {
            self.fails(where_, told, &format!("{asked} calls where {usual} are usual, {signed_in} sign-ins"));
        }
        if self.site.proxy.trapped() > 0 {
            self.fails(where_, told, "another host was asked");
        }
    }

    /// Both doors under the fault, in a gateway.
    async fn both(&self, gateway: &Gateway<'_>, usual: (usize, usize)) {
        let started = Instant::now();
        let told = gateway.graph().await;
        self.graph(&told);
        self.calls_are_few("graph", &told, usual.0);
        if started.elapsed() > PATIENCE {
            self.fails("graph", &told, "it took too long");
        }
        let told = gateway.report().await;
        self.report(&told);
        self.calls_are_few("report", &told, usual.0 + usual.1);
        let load = gateway.load().await;
        if load.values().any(|calls| *calls > 0) {
            self.fails("report", &told, &format!("places are kept: {load:?}"));
        }
    }

    /// Nothing of it stays. That the graph is right again is looked at after each row, and the reports after the last.
    async fn recovers(&self, gateway: &Gateway<'_>, with_reports: bool) {
        self.site.proxy.act(None);
        let told = gateway.graph().await;
        if told.body["data"] != self.truth.graph.body["data"] || told.errors() != self.truth.graph.errors() {
            self.fails("graph", &told, "it does not recover");
        }
        if with_reports {
            let told = gateway.report().await;
            if told.body != self.truth.report.body {
                self.fails("report", &told, "it does not recover");
            }
        }
    }

    /// Looks at the case in the usual gateway, or in one of its own.
    async fn run(&self, usual: &Gateway<'_>, places: &Places) {
        let (proxy, calls) = (&self.site.proxy, self.truth.calls);
        match self.case.how {
            How::Answers(act) => {
                proxy.act(Some(act));
                self.both(usual, calls).await;
                if self.case.id == "H6" {
                    assert_eq!(
                        proxy.requests().1,
                        1,
                        "many calls end with one session, and one of them signs in again"
                    );
                }
                assert!(proxy.flooded() < 32 * stack::CAP, "{} bytes of a flood were taken", proxy.flooded());
            }
            How::Alone(act) => {
                let gateway = self.site.usual("").await;
                gateway.graph().await;
                proxy.act(Some(act));
                self.both(&gateway, calls).await;
                // What was said holds for the next one, too: nobody is asked in vain.
                let before = proxy.requests();
                self.graph(&gateway.graph().await);
                let after = proxy.requests();
                assert!(after.1 - before.1 <= 1, "{} {}: sign-ins go on", self.case.id, self.case.injected);
                if self.case.id != "H7" {
                    assert_eq!(after, before, "{} {}: calls go on", self.case.id, self.case.injected);
                }
                proxy.act(None);
            }
            How::Hasty(act) => {
                let gateway = self.site.usual("attempt_timeout = \"150ms\"\nidle_timeout = \"100ms\"").await;
                proxy.act(Some(act));
                self.both(&gateway, calls).await;
            }
            How::Elsewhere(place) => {
                let (url, http) = places.of(place);
                let gateway = self.site.gateway(&url, &http).await;
                proxy.act(None);
                self.both(&gateway, calls).await;
                assert_eq!(proxy.requests(), (0, 0));
            }
        }
    }
}

/// Runs the cases against a kind of system, or a way of speaking to it.
async fn run(kind: &'static str, system: &'static super::System, chosen: fn(&Case) -> bool) {
    let (site, places) = (Site::of(system).await, Places::open().await);
    let gateway = site.usual("attempt_timeout = \"20s\"").await;
    let truth = gateway.truth().await;
    let mut failed = Vec::new();
    let applies = |case: &&Case| chosen(case) && case.except.iter().all(|(except, _)| *except != kind);
    let cases: Vec<&Case> = CASES.iter().filter(applies).collect();
    let mut rows = cases.chunk_by(|left, right| left.id == right.id).peekable();
    while let Some(row) = rows.next() {
        for case in row {
            let look = Look { case, site: &site, truth: &truth };
            // One that fails does not hide the others: each has said what it is by itself.
            if AssertUnwindSafe(look.run(&gateway, &places)).catch_unwind().await.is_err() {
                failed.push(format!("{} {}", case.id, case.injected));
            }
        }
        if let Some(case) = row.last() {
            Look { case, site: &site, truth: &truth }.recovers(&gateway, rows.peek().is_none()).await;
        }
    }
    assert!(failed.is_empty(), "{kind} does not pass {failed:#?}");
}

fn all(_: &Case) -> bool {
    true
}

/// Another way to sign in, or another form of the same answers: the rest of it is run already.
fn of_the_way(case: &Case) -> bool {
    ["T4", "T16", "H5", "H6", "H7", "H12", "D11"].contains(&case.id)
}

/// The connectors that pass, each with a test of its own.
macro_rules! connectors {
    ($($way:literal $name:ident $system:path, $chosen:ident;)+) => {
        /// The ways in which systems are read, and whether all cases are run: a kind as the registry has it, and what is
        /// peculiar to the way.
        const WAYS: &[(&str, bool)] = &[$(($way, connectors!(@ $chosen))),+];

        /// The same, with the systems themselves.
        static SYSTEMS: &[(&str, &super::System)] = &[$(($way, &$system)),+];

        $(#[tokio::test]
        async fn $name() {
            run($way, &$system, $chosen).await;
        })+
    };
    (@ all) => { true };
    (@ of_the_way) => { false };
}

connectors! {
    "hubspot" a_faulty_hubspot_is_told_from_a_right_one super::hubspot::SYSTEM, all;
    "netsuite" a_faulty_netsuite_is_told_from_a_right_one super::netsuite::SIGNED, all;
    "netsuite by OAuth 2.0" a_faulty_netsuite_with_tokens_is_told_from_a_right_one super::netsuite::OAUTH2, of_the_way;
    "odata" a_faulty_odata_service_is_told_from_a_right_one super::odata::SYSTEM, all;
    "odoo" a_faulty_odoo_is_told_from_a_right_one super::odoo::json2::SYSTEM, all;
    "odoo by JSON-RPC" a_faulty_odoo_by_json_rpc_is_told_from_a_right_one super::odoo::json_rpc::SYSTEM, of_the_way;
    "quickbooks" a_faulty_quickbooks_is_told_from_a_right_one super::quickbooks::SYSTEM, all;
    "redmine" a_faulty_redmine_is_told_from_a_right_one super::redmine::SYSTEM, all;
    "rest" a_faulty_system_of_ones_own_is_told_from_a_right_one super::rest::SYSTEM, all;
    "sap_b1" a_faulty_sap_is_told_from_a_right_one super::sap_b1::SYSTEM, all;
}

#[test]
fn every_kind_of_system_passes_or_says_why_not() {
    for kind in registry::KINDS {
        let passes = WAYS.contains(&(kind, true));
        let excused = rows::NOT_IN_THE_MATRIX.iter().any(|(excused, _)| *excused == kind);
        assert!(passes != excused, "{kind}: stand it behind the proxy, so that it passes the cases");
    }
    for (except, _) in CASES.iter().flat_map(|case| case.except) {
        assert!(WAYS.iter().any(|(way, _)| way == except), "there is no {except} to except");
    }
}
