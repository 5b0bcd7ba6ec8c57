//! `[connections.NAME]` of kind `sql`: where the database is, how Spine signs in, and the queries it asks.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::SecretRef;

/// A database that is read by queries of the configuration: a read replica, or views made for Spine. A table that is not
/// there is something the database does not own.
///
/// A query gives its columns the names of our fields (`SELECT total_net AS net`), so there is no mapping beside it: SQL
/// renames, joins, casts and leaves out better than a configuration can.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sql")]
pub struct Config {
    /// Which database it is.
    pub engine: Engine,
    /// Where it listens.
    pub host: String,
    /// Its port; by default the one that the engine is known for: 5432, 3306 or 1433.
    pub port: Option<u16>,
    /// Name of the database.
    pub database: String,
    /// A user of its own for Spine, with the right to read what the queries read and nothing else.
    pub user: String,
    /// The user's password.
    pub password: SecretRef,
    /// How the connection is encrypted. CA certificates beside the public ones: `http.ca_file`.
    #[serde(default)]
    pub tls: Tls,
    /// Time zone of dates and times that name none, e.g. `Europe/Berlin`; UTC by default.
    pub time_zone: Option<String>,
    /// Keys that one query is asked for, at most.
    #[serde(default = "batch")]
    pub batch: usize,
    /// Deals.
    pub deals: Option<Listed>,
    /// Clients.
    pub clients: Option<ById>,
    /// Contacts of a deal.
    pub contacts: Option<ByDeal>,
    /// Line items of a deal.
    pub line_items: Option<ByDeal>,
    /// Proposals of a deal.
    pub proposals: Option<ByDeal>,
    /// Notes, calls, mails and meetings of a deal.
    pub communications: Option<ByDeal>,
    /// Tickets that are kept beside a deal.
    pub pre_sales_tickets: Option<ByDeal>,
    /// Projects.
    pub projects: Option<Projects>,
    /// Milestones of a project.
    pub milestones: Option<ByProject>,
    /// Hours booked on a project.
    pub effort: Option<ByProject>,
    /// Tickets.
    pub tickets: Option<Tickets>,
    /// Invoices to clients.
    pub invoices: Option<Invoices>,
    /// Bills of vendors.
    pub payables: Option<Listed>,
    /// Costs of a project.
    pub costs: Option<Costs>,
}

fn batch() -> usize {
    200
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// `PostgreSQL` 13 or later. Keys are one parameter, an array: `WHERE project = ANY($1)`.
    Postgresql,
    /// `MySQL` 8 or later, or `MariaDB` 10.6 or later. Keys are one parameter, a JSON list, which `JSON_TABLE` makes rows of.
    Mysql,
    /// Microsoft SQL Server 2016 or later, or Azure SQL Database. Keys are one parameter, a JSON list, which `OPENJSON` makes
    /// rows of: `WHERE project IN (SELECT value FROM OPENJSON(@P1))`.
    Sqlserver,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// It is, and the server's certificate must be one for `host` by a trusted CA.
    #[default]
    VerifyFull,
    /// It is, to whoever answers: against those who listen, not against those who stand in between.
    Required,
    /// It is not. Only for a server on this machine: `localhost`, `127.0.0.1`, `::1`.
    Plain,
}

/// The owner's words and ours, by column: `{ state = { sent = "OPEN", paid = "CLOSED" } }`. A column without a table here must
/// use ours, in any case.
pub(super) type Words = BTreeMap<String, BTreeMap<String, String>>;

/// How a list goes on after a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Paging {
    /// After the last `id`. The query takes it and the number of rows, in this order:
    /// `WHERE id > $1 ORDER BY id LIMIT $2`, or `WHERE id > ? ORDER BY id LIMIT ?`, or
    /// `SELECT TOP (@P2) ... WHERE id > @P1 ORDER BY id`.
    #[default]
    Keyset,
    /// After as many rows. The query takes the number of rows and how many to pass over, in this order:
    /// `ORDER BY id LIMIT $1 OFFSET $2`, or `ORDER BY id LIMIT ? OFFSET ?`. SQL Server has it the other way round:
    /// `ORDER BY id OFFSET @P1 ROWS FETCH NEXT @P2 ROWS ONLY`. While rows come and go, pages shift.
    Offset,
}

macro_rules! tables {
    ($($(#[$attribute:meta])* $table:ident { $($(#[$way_doc:meta])* $way:ident,)* } $($(#[$doc:meta])* $extra:ident: $kind:ty)?;)+) => {$(
        #[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$attribute])*
        pub struct $table {
            $($(#[$way_doc])* pub $way: Option<String>,)*
            $($(#[$doc])* #[serde(default)] pub $extra: $kind,)?
            /// The owner's words and ours, by column: `{ state = { sent = "OPEN", paid = "CLOSED" } }`. A column without a table
            /// here must use ours, in any case.
            #[serde(default)]
            pub words: Words,
        }
    )+};
}

tables! {
    /// Queries for records that are found by ID and by project, and listed.
    #[schemars(rename = "SqlListed")]
    Listed {
        /// By record ID. The keys are its one parameter.
        by_id,
        /// By shared ID. The keys are its one parameter.
        by_project,
        /// All of them, page by page.
        list,
    }
    /// How `list` goes on after a page.
    paging: Paging;

    /// Queries for invoices to clients.
    #[schemars(rename = "SqlInvoices")]
    Invoices {
        /// By record ID. The keys are its one parameter.
        by_id,
        /// By shared ID. The keys are its one parameter.
        by_project,
        /// All of them, page by page.
        list,
        /// What was invoiced, by shared ID and currency of the document: the sums of what `by_project` lists, credit notes
        /// subtracted, drafts and void documents left out. The keys are its one parameter.
        sums,
    }
    /// How `list` goes on after a page.
    paging: Paging;

    /// Queries for costs.
    #[schemars(rename = "SqlCosts")]
    Costs {
        /// By shared ID. The keys are its one parameter.
        by_project,
        /// What was spent and ordered, by shared ID, kind, state and currency: the sums of what `by_project` lists. The keys are
        /// its one parameter.
        sums,
    };

    /// Queries for projects.
    #[schemars(rename = "SqlProjects")]
    Projects {
        /// By shared ID. The keys are its one parameter.
        by_id,
        /// All of them, page by page.
        list,
    }
    /// How `list` goes on after a page.
    paging: Paging;

    /// Queries for tickets.
    #[schemars(rename = "SqlTickets")]
    Tickets {
        /// By record ID. The keys are its one parameter.
        by_id,
        /// By shared ID. The keys are its one parameter.
        by_project,
    };

    /// A query by record ID.
    #[schemars(rename = "SqlById")]
    ById {
        /// By record ID. The keys are its one parameter.
        by_id,
    };

    /// A query by record ID of the deal.
    #[schemars(rename = "SqlByDeal")]
    ByDeal {
        /// By record ID of the deal. The keys are its one parameter.
        by_deal,
    };

    /// A query by shared ID.
    #[schemars(rename = "SqlByProject")]
    ByProject {
        /// By shared ID. The keys are its one parameter.
        by_project,
    };
}
