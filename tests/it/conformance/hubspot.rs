//! The embedded HubSpot.

use std::sync::Arc;

use spine::demo::Demo;
use spine::demo::company::model::Company;
use spine::demo::erp::Erp;

use super::{PLAIN, Stood, System, Tickets, conforms};

pub(super) static SYSTEM: System = System {
    connection: "hubspot",
    stand_up: |company| Box::pin(stand_up(company)),
    tickets: Tickets::OfTheCrm,
    // Whether a deal is closed HubSpot says by itself, beside its stage.
    status_of_unknown_stage: Some("Open"),
    ..PLAIN
};

async fn stand_up(company: Company) -> Stood {
    let demo = Demo::of(company, Erp::Sap).await.unwrap();
    Stood {
        url: demo.hubspot.url.clone(),
        config: demo.gateway_config(),
        company: Arc::clone(&demo.company),
        calls: None,
        _running: Box::new(demo),
    }
}

conforms!(SYSTEM);
