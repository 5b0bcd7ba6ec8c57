//! Which ERP keeps the books of the embedded company. All keep the same books.

use axum::Router;

use super::company::model::Shared;
use super::{netsuite, odoo, quickbooks, sap};

/// An embedded ERP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Erp {
    /// SAP Business One.
    #[default]
    Sap,
    /// Oracle NetSuite.
    #[value(name = "netsuite")]
    NetSuite,
    /// QuickBooks Online.
    #[value(name = "quickbooks")]
    QuickBooks,
    /// Odoo.
    Odoo,
}

impl Erp {
    /// Its name: of its connection, and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sap => "sap",
            Self::NetSuite => "netsuite",
            Self::QuickBooks => "quickbooks",
            Self::Odoo => "odoo",
        }
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sap => "SAP Business One",
            Self::NetSuite => "NetSuite",
            Self::QuickBooks => "QuickBooks Online",
            Self::Odoo => "Odoo",
        }
    }

    /// The vendor's own paths, over these books.
    pub(super) fn router(self, company: Shared) -> Router {
        match self {
            Self::Sap => sap::router(company),
            Self::NetSuite => netsuite::router(company),
            Self::QuickBooks => quickbooks::router(company),
            Self::Odoo => odoo::router(company),
        }
    }

    /// Its connection in a gateway's `spine.toml`; `{erp}` stands for its URL.
    pub(super) fn connection(self) -> &'static str {
        match self {
            Self::Sap => include_str!("sap/connection.toml"),
            Self::NetSuite => include_str!("netsuite/connection.toml"),
            Self::QuickBooks => include_str!("quickbooks/connection.toml"),
            Self::Odoo => include_str!("odoo/connection.toml"),
        }
    }
}
