//! `spine demo`: everything embedded. Three systems on loopback, and the graph over them, reached as real ones are.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};

use jiff::civil::Date;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::serve::on_signal;
use super::{Exit, block_on_workers, complain, complain_all, say};
use crate::app::App;
use crate::config::Config;
use crate::demo::Demo;
use crate::demo::company::grow::Seed;
use crate::demo::company::model::{Company, DocumentKind};
use crate::demo::control::Fault;
use crate::demo::erp::Erp;
use crate::demo::facts::Facts;
use crate::domain::{Clock, SystemClock};

/// Options of `spine demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Port of the graph; 0 takes a free one.
    #[arg(long, default_value_t = 4000)]
    port: u16,
    /// One line of JSON when ready, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    company: CompanyOptions,
    /// Lets a system misbehave from the start, e.g. `sap=down`, `redmine=slow`, `hubspot=429`. Can be given for each.
    #[arg(long, value_name = "SYSTEM=FAULT", value_parser = parse_fault)]
    fault: Vec<(String, Fault)>,
    /// Prints what each system holds, as JSON, and exits: the truth to compare answers with.
    #[arg(long)]
    facts: bool,
}

/// Which embedded company.
#[derive(Debug, clap::Args)]
pub(super) struct CompanyOptions {
    /// Which company: a seed and a day are one company.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// How many deals; everything else grows with them.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    deals: u32,
    /// The day on which the company's history ends; today unless told.
    #[arg(long, value_name = "DATE")]
    today: Option<Date>,
    /// Which ERP keeps the books. They are the same in each.
    #[arg(long, value_enum, default_value_t)]
    pub(super) erp: Erp,
}

impl CompanyOptions {
    pub(super) fn seed(&self, clock: &Arc<dyn Clock>) -> Seed {
        let deals = usize::try_from(self.deals).unwrap_or(usize::MAX);
        Seed { seed: self.seed, deals, today: self.today.unwrap_or_else(|| clock.today()) }
    }
}

fn parse_fault(text: &str) -> Result<(String, Fault), String> {
    let (system, mode) = text.split_once('=').ok_or("write SYSTEM=FAULT, e.g. sap=down")?;
    let fault = mode.parse().map_err(|_| format!("there is no fault `{mode}`: try down, slow, 429, 500, html"))?;
    Ok((system.to_owned(), fault))
}

pub(super) fn run(options: &Options) -> Exit {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let seed = options.company.seed(&clock);
    if options.facts {
        let company = Company::grow(&seed);
        return match serde_json::to_writer(std::io::stdout().lock(), &Facts(&company)) {
            Err(error) if error.io_error_kind() != Some(std::io::ErrorKind::BrokenPipe) => {
                complain(&format!("error: the facts could not be written: {error}"));
                Exit::Usage
            }
            _ => Exit::Ok,
        };
    }
    block_on_workers(start(options, seed, clock))
}

/// Roles to look at the demo in. Nobody signs in there, so that everybody sees everything unless they name a role.
const ROLES: &str = r#"
[access.roles.finance]
reads = ["commercial", "delivery", "tickets", "receivables", "costs", "margins"]

[access.roles.pm]
reads = ["commercial", "delivery", "tickets", "costs"]

[access.roles.sales]
fields = ["Financials.marginPct", "Financials.forecastMarginPct", "ProfitabilityRow.marginPct"]
"#;

async fn start(options: &Options, seed: Seed, clock: Arc<dyn Clock>) -> Exit {
    let systems = ["hubspot", options.company.erp.name(), "redmine"];
    if let Some((name, _)) = options.fault.iter().find(|(name, _)| !systems.contains(&name.as_str())) {
        complain(&format!("error: there is no system `{name}` to break: there are {}", systems.join(", ")));
        return Exit::Usage;
    }
    // The port first: growing a large company takes a while, and a port that is taken should be told at once.
    let listener = match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port))).await {
        Ok(listener) => listener,
        Err(error) => {
            let hint = "try --port 0, which takes a free one";
            complain(&format!("error: port {} cannot be listened on: {error}\n  {hint}", options.port));
            return Exit::Usage;
        }
    };
    let port = listener.local_addr().map_or(options.port, |address| address.port());
    let demo = match Demo::start(seed, options.company.erp).await {
        Ok(demo) => demo,
        Err(error) => {
            complain(&format!("error: the embedded systems cannot listen on loopback: {error}"));
            return Exit::Usage;
        }
    };
    for (name, fault) in &options.fault {
        let systems = [&demo.hubspot, &demo.erp, &demo.redmine];
        systems.into_iter().filter(|system| system.name == name).for_each(|system| system.set_fault(fault.clone()));
    }
    let config = Config::parse("the demo's spine.toml", &(demo.gateway_config() + ROLES));
    let app = match config.and_then(|config| App::build(&config, clock)) {
        Ok(app) => app,
        Err(errors) => {
            complain_all(&errors);
            return Exit::Usage;
        }
    };
    let stop = CancellationToken::new();
    on_signal(stop.clone());
    say(&welcome(options, &demo, port));
    app.serve(listener, stop).await;
    Exit::Ok
}

fn welcome(options: &Options, demo: &Demo, port: u16) -> String {
    let graph = format!("http://127.0.0.1:{port}");
    let (hubspot, erp, redmine) = (&demo.hubspot.url, &demo.erp.url, &demo.redmine.url);
    if options.json {
        return json!({
            "graphql": format!("{graph}/graphql"),
            "graphiql": format!("{graph}/graphiql"),
            "reports": format!("{graph}/reports"),
            "systems": { "hubspot": hubspot, options.company.erp.name(): erp, "redmine": redmine },
        })
        .to_string();
    }
    let (deal, project, invoice) = example(demo);
    let books = format!("{} (money)", options.company.erp.title());
    format!(
        r#"Spine is up, over three systems of one company that exist on this machine only:

  HubSpot (deals)                 {hubspot}
  {books:<30}  {erp}
  Redmine (projects, tickets)     {redmine}

Explore the graph in a browser:   {graph}/graphiql
The money questions, drawn:       {graph}/reports
The deal card of any CRM:         {graph}/card/{deal}

A deal card, read live from all three:

  curl -s {graph}/graphql -H 'content-type: application/json' -d '{{"query":"{{ deal(by: {{ projectId: \"{project}\" }}) {{ name stage project {{ name health openCriticalIncidents }} financials {{ contractValue {{ amount currency }} invoiced {{ amount currency }} outstanding {{ amount currency }} margin {{ amount currency }} marginPct source {{ status ageMs }} }} }} }}"}}'

Then try one of these, and run the curl again:

  # finance corrects an invoice: the card follows, at most 30 seconds later; at once with  -H 'cache-control: no-cache'
  curl -s -X POST {erp}/_demo/correct -d '{{"invoice": {invoice}, "net": "12345.00"}}'

  # a salesperson looks: no costs, margin in percent only, and the answer says so
  add  -H 'x-spine-role: sales'  to the curl

  # the ERP goes away: the card still shows the deal and the project, and says what is missing
  curl -s -X POST {erp}/_demo/fault -d '{{"mode": "down"}}'

  # and comes back
  curl -s -X POST {erp}/_demo/fault -d '{{"mode": "off"}}'

Stop with Ctrl-C."#
    )
}

/// A project to begin with, a deal of it, and an invoice of it that can be corrected: open, with nothing paid.
fn example(demo: &Demo) -> (String, String, u32) {
    let company = demo.company.read().unwrap_or_else(PoisonError::into_inner);
    let mut invoices = company.ledger.documents.iter().filter(|document| document.kind == DocumentKind::Invoice);
    let open = invoices.find(|invoice| invoice.open && invoice.paid.is_zero() && invoice.project.is_some());
    let found = open.and_then(|invoice| Some((invoice.project.clone()?, invoice.number)));
    let (project, invoice) = found.unwrap_or_else(|| ("PRJ-2025-001".to_owned(), 1));
    let deal = company.deals.iter().find(|deal| deal.shared_id.as_ref() == Some(&project));
    (deal.map_or_else(String::new, |deal| deal.id.to_string()), project, invoice)
}
