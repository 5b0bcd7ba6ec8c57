//! The embedded systems: real HTTP on loopback, the vendors' own protocols, one seeded company.
//!
//! This is the other side of the wire: it uses nothing of the gateway, and the gateway reaches it only over HTTP.
//!
//! - [`company`]: what is true, grown from a seed, and how it is corrected
//! - [`hubspot`], [`redmine`], [`sap`]: the same company in each vendor's words
//! - [`server`], [`control`]: one port per system, with faults, counters and corrections below `/_demo`
//! - [`facts`]: what each system holds, as plain JSON

pub mod company;
pub mod control;
pub mod facts;
pub mod hubspot;
pub mod redmine;
pub mod sap;
pub mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, RwLock};

use company::grow::Seed;
use company::model::{Company, Shared};
use server::Embedded;

/// The three embedded systems of one company. Dropping it stops them.
#[derive(Debug)]
pub struct Demo {
    /// The CRM.
    pub hubspot: Embedded,
    /// The ERP.
    pub sap: Embedded,
    /// The project tool.
    pub redmine: Embedded,
    /// What all three show.
    pub company: Shared,
}

impl Demo {
    /// Grows the company and serves it on three free loopback ports.
    pub async fn start(seed: Seed) -> std::io::Result<Self> {
        Self::of(Company::grow(&seed)).await
    }

    /// Serves a company on three free loopback ports.
    pub async fn of(company: Company) -> std::io::Result<Self> {
        let company: Shared = Arc::new(RwLock::new(company));
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let shared = || Arc::clone(&company);
        Ok(Self {
            hubspot: server::serve("hubspot", hubspot::router(shared()), shared(), free).await?,
            sap: server::serve("sap", sap::router(shared()), shared(), free).await?,
            redmine: server::serve("redmine", redmine::router(shared()), shared(), free).await?,
            company,
        })
    }
}
