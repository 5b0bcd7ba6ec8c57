//! The embedded Service Layer of SAP Business One.

use std::sync::Arc;

use spine::demo::Demo;
use spine::demo::company::model::Company;
use spine::demo::erp::Erp;

use super::{PLAIN, Stood, System, conforms};

pub(super) static SYSTEM: System =
    System { connection: "sap", stand_up: |company| Box::pin(stand_up(company)), page: 500, ..PLAIN };

async fn stand_up(company: Company) -> Stood {
    let demo = Demo::of(company, Erp::Sap).await.unwrap();
    Stood {
        url: demo.erp.url.clone(),
        config: demo.gateway_config(),
        company: Arc::clone(&demo.company),
        calls: None,
        _running: Box::new(demo),
    }
}

conforms!(SYSTEM);
