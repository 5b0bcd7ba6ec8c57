//! The embedded systems: real HTTP on loopback, the vendors' own protocols, one seeded company.
//!
//! This is the other side of the wire: it uses nothing of the gateway, and the gateway reaches it only over HTTP.
//!
//! - [`company`]: what is true, grown from a seed, and how it is corrected
//! - [`hubspot`], [`redmine`], [`sap`], [`netsuite`], [`odoo`], [`quickbooks`]: the same company in each vendor's words
//! - [`erp`]: which ERP keeps the books
//! - [`server`], [`control`]: one port per system, with faults, counters and corrections below `/_demo`
//! - [`facts`]: what each system holds, as plain JSON

pub mod company;
pub mod control;
pub mod erp;
pub mod facts;
pub mod hubspot;
pub mod netsuite;
pub mod odoo;
pub mod quickbooks;
pub mod redmine;
pub mod sap;
pub mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, RwLock};

use company::grow::Seed;
use company::model::{Company, Shared};
use erp::Erp;
use server::Embedded;

/// The three embedded systems of one company. Dropping it stops them.
#[derive(Debug)]
pub struct Demo {
    /// The CRM.
    pub hubspot: Embedded,
    /// The ERP.
    pub erp: Embedded,
    /// The project tool.
    pub redmine: Embedded,
    /// What all three show.
    pub company: Shared,
    /// Which ERP it is.
    kind: Erp,
}

impl Demo {
    /// Grows the company and serves it on three free loopback ports.
    pub async fn start(seed: Seed, erp: Erp) -> std::io::Result<Self> {
        Self::of(Company::grow(&seed), erp).await
    }

    /// The `spine.toml` of a gateway over these systems.
    pub fn gateway_config(&self) -> String {
        let general = include_str!("spine.toml")
            .replace("{hubspot}", &self.hubspot.url)
            .replace("{redmine}", &self.redmine.url)
            .replace("{erp_name}", self.kind.name());
        format!("{general}\n{}", self.erp_connection())
    }

    /// The ERP's connection in that `spine.toml`.
    pub fn erp_connection(&self) -> String {
        self.kind.connection().replace("{erp}", &self.erp.url)
    }

    /// Serves a company on three free loopback ports.
    pub async fn of(company: Company, erp: Erp) -> std::io::Result<Self> {
        let company: Shared = Arc::new(RwLock::new(company));
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let shared = || Arc::clone(&company);
        Ok(Self {
            hubspot: server::serve("hubspot", hubspot::router(shared()), shared(), free).await?,
            erp: server::serve(erp.name(), erp.router(shared()), shared(), free).await?,
            redmine: server::serve("redmine", redmine::router(shared()), shared(), free).await?,
            company,
            kind: erp,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn post(embedded: &Embedded, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(embedded.url.strip_prefix("http://").unwrap()).await.unwrap();
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn the_three_systems_run_side_by_side_and_a_correction_at_one_reaches_all() {
        let demo = Demo::start(Seed { seed: 42, deals: 40, today: date(2026, 11, 25) }, Erp::Sap).await.unwrap();
        for embedded in [&demo.hubspot, &demo.erp, &demo.redmine] {
            let answer = post(embedded, "/_demo/reset", "").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        let answer = post(&demo.erp, "/_demo/correct", r#"{"deal": "900001", "amount": "12.50"}"#).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("12.50"), "{answer}");
        let amount = demo.company.read().unwrap().deals[0].amount.unwrap();
        assert_eq!(amount.to_string(), "12.50");
        let answer = post(&demo.redmine, "/_demo/correct", r#"{"invoice": 1, "net": "1"}"#).await;
        assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("invoice 1"), "{answer}");
        let answer = post(&demo.redmine, "/_demo/correct", r#"{"invoice": 1, "net": }"#).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
}
