//! A system of the company's own, declared in the configuration alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, RwLock};

use spine::demo::company::model::{Company, Shared};
use spine::demo::server::serve;

use super::{PLAIN, Stood, System, conforms, custom};

pub(super) static SYSTEM: System = System {
    connection: "company",
    stand_up: |company| Box::pin(stand_up(company)),
    page: custom::PAGE,
    invoice_id: custom::invoice_id,
    stages_are_words: true,
    // As the connector's page says: a task by default.
    ticket_without_category: "Task",
    ..PLAIN
};

async fn stand_up(company: Company) -> Stood {
    let company: Shared = Arc::new(RwLock::new(company));
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let embedded = serve("custom", custom::router(Arc::clone(&company)), Arc::clone(&company), free).await.unwrap();
    let config = include_str!("rest.toml").replace("{url}", &embedded.url);
    Stood { url: embedded.url.clone(), config, company, calls: None, _running: Box::new(embedded) }
}

conforms!(SYSTEM);
