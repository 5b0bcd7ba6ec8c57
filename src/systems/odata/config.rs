//! `[connections.NAME]` of kind `odata`: where the service is, how Spine signs in, and which entity set is which of ours.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::sets::{
    ClientSet, CommunicationSet, ContactSet, CostSet, DealSet, EffortSet, InvoiceSet, LineItemSet, MilestoneSet,
    PreSalesTicketSet, ProjectSet, ProposalSet, TicketSet,
};
use crate::systems::declared::auth::Auth;
use crate::systems::declared::expression::Literal;
use crate::systems::declared::path::Path;

/// A service that speaks OData 4, declared set by set. A table that is not there is something the service does not own.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting or a mark of its own")]
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Odata")]
pub struct Config {
    /// Root of the service; all sets are below it, e.g. `https://erp.example.com/odata/v4/finance`.
    pub url: String,
    /// How Spine signs in.
    #[serde(default)]
    pub auth: Auth,
    /// Headers of every call that are no secrets, e.g. `{ sap-client = "100" }`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Time zone of dates and times that name none, e.g. `Europe/Berlin`; UTC by default.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Keys per call, at the most. A call is also cut where its URL would pass 6,000 bytes. Many services stop at 100 parts
    /// of a filter.
    #[serde(default = "batch")]
    pub batch: usize,
    /// Rows per page: what the service is asked for, which may give fewer.
    #[serde(default = "page_size")]
    pub page_size: u64,
    /// Whether the service knows the operator `in` (OData 4.01): `Project in ('A','B')`. Else keys are asked for one by
    /// one: `Project eq 'A' or Project eq 'B'`.
    #[serde(default)]
    pub in_operator: bool,
    /// Whether shared IDs are compared in capitals, `toupper(Project) eq 'A'`, for a service that tells `prj-1` from
    /// `PRJ-1` and people who do not.
    #[serde(default)]
    pub upper_case: bool,
    /// Whether the service counts (`$count=true`). A read that ends with fewer rows than it counted is refused.
    #[serde(default = "yes")]
    pub count: bool,
    /// Whether the service is asked for decimals as texts (`IEEE754Compatible`), so that nothing on the way rounds them.
    #[serde(default = "yes")]
    pub exact_decimals: bool,
    /// Deals.
    pub deals: Option<DealSet>,
    /// Clients.
    pub clients: Option<ClientSet>,
    /// Contacts of a deal.
    pub contacts: Option<ContactSet>,
    /// Line items of a deal.
    pub line_items: Option<LineItemSet>,
    /// Proposals of a deal.
    pub proposals: Option<ProposalSet>,
    /// Notes, calls, mails and meetings of a deal.
    pub communications: Option<CommunicationSet>,
    /// Tickets that are kept beside a deal.
    pub pre_sales_tickets: Option<PreSalesTicketSet>,
    /// Projects.
    pub projects: Option<ProjectSet>,
    /// Milestones of a project.
    pub milestones: Option<MilestoneSet>,
    /// Hours booked on a project.
    pub effort: Option<EffortSet>,
    /// Tickets.
    pub tickets: Option<TicketSet>,
    /// Invoices to clients.
    pub invoices: Option<InvoiceSet>,
    /// Bills of vendors.
    pub payables: Option<InvoiceSet>,
    /// Costs of a project.
    pub costs: Option<CostSet>,
}

fn batch() -> usize {
    20
}

fn page_size() -> u64 {
    500
}

fn yes() -> bool {
    true
}

/// An entity set, and what is asked of it: its name alone, or a table.
#[derive(Debug, Clone)]
pub struct From(pub Set);

/// An entity set, and what is asked of it.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Its path below `url`, e.g. `Invoices` or `Company('CRONUS')/Jobs`.
    pub set: String,
    /// What holds for all its rows, in OData's words: `DocumentType eq 'Invoice'`.
    pub filter: Option<String>,
    /// Navigation properties that are expanded, e.g. `["Customer"]`: paths that begin with them lead there. By default those
    /// in `each`, `lines.rows` and `payments.rows`; an empty list if these are lists within the entity itself.
    pub expand: Option<Vec<String>>,
    /// A list of rows inside an entity, e.g. `Lines`: each of those is a row then, and the entity's own properties are reached
    /// by `^`, e.g. `^.Currency`.
    pub each: Option<Path>,
    /// The property by which rows are asked for, where `fields` does not map it.
    pub key: Option<Path>,
    /// How record IDs are written in filters.
    #[serde(default)]
    pub ids: Literal,
    /// Order of the rows, in OData's words; by default that of their IDs. It must be one that does not change.
    pub order: Option<String>,
    /// Our filters of lists in OData's words, with `{value}` for the value: `{ issued_from = "PostingDate ge {value}" }`, for
    /// a text within quotes: `{ stage = "Stage eq '{value}'" }`. Others are applied by Spine while it reads the pages.
    #[serde(default)]
    pub filters: BTreeMap<String, String>,
    /// Orders of deals that a list can be asked for (`close_date`, `amount`, `name`, `created_at`) and their properties.
    #[serde(default)]
    pub orders: BTreeMap<String, String>,
}

impl Set {
    /// A set by its name alone.
    fn named(set: String) -> Self {
        Self {
            set,
            filter: None,
            expand: None,
            each: None,
            key: None,
            ids: Literal::default(),
            order: None,
            filters: BTreeMap::new(),
            orders: BTreeMap::new(),
        }
    }
}

impl<'de> Deserialize<'de> for From {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SetVisitor;

        impl<'de> Visitor<'de> for SetVisitor {
            type Value = From;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an entity set, or a table such as { set = \"Invoices\", filter = \"...\" }")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<From, E> {
                Ok(From(Set::named(text.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<From, A::Error> {
                Set::deserialize(MapAccessDeserializer::new(map)).map(From)
            }
        }

        deserializer.deserialize_any(SetVisitor)
    }
}

impl schemars::JsonSchema for From {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "From".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let table = generator.subschema_for::<Set>();
        schemars::json_schema!({
            "anyOf": [{ "type": "string" }, table],
            "examples": ["Invoices"]
        })
    }
}
