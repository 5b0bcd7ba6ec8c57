//! The tables of the entities: from which set each comes, and which property is which field of ours. The fields are those
//! of every declared system.

use serde::Deserialize;

use super::config::From;
use crate::systems::declared::fields::{
    ClientFields, CommunicationFields, ContactFields, CostFields, DealFields, EffortFields, InvoiceFields,
    LineItemFields, MilestoneFields, ProjectFields, ProposalFields, TicketFields,
};
use crate::systems::declared::lines::{CreditNotes, Lines, Payments};
use crate::systems::declared::path::Field;
use crate::systems::declared::uses::{Used, Uses};
use crate::systems::declared::value::{Condition, Text};

/// The table of an entity.
macro_rules! sets {
    ($(
        $(#[$doc:meta])*
        $table:ident of $fields:ident {
            $($(#[$option_doc:meta])* $option:ident: $kind:ty,)*
        }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $table {
            /// The entity set, or a table that says more about it.
            pub from: From,
            $($(#[$option_doc])* pub $option: $kind,)*
            /// Rows that are left out: those where a test holds.
            pub skip: Option<Field<Condition>>,
            /// Which property of a row is which field of ours.
            pub fields: $fields,
        }

        impl Uses for $table {
            fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
                self.from.0.key.uses(&format!("{key}.from.key"), known);
                $(self.$option.uses(&format!(concat!("{}.", stringify!($option)), key), known);)*
                self.skip.uses(&format!("{key}.skip"), known);
                self.fields.uses(&format!("{key}.fields"), known);
            }
        }
    )+};
}

sets! {
    /// Deals.
    DealSet of DealFields {
        /// Currency of amounts that name none of their own.
        currency: Option<Field<Text>>,
        /// Where a person opens a deal, with `{id}` for its ID.
        url: Option<String>,
    }

    /// Clients.
    ClientSet of ClientFields {
        /// Where a person opens a client, with `{id}` for its ID.
        url: Option<String>,
    }

    /// Contacts of a deal.
    ContactSet of ContactFields {}

    /// Line items of a deal.
    LineItemSet of LineItemFields {
        /// Currency of amounts that name none of their own.
        currency: Option<Field<Text>>,
    }

    /// Proposals of a deal. Of several, the signed one counts, else the one with the highest version, else the last.
    ProposalSet of ProposalFields {
        /// Currency of amounts that name none of their own.
        currency: Option<Field<Text>>,
        /// Where a person opens a proposal, with `{id}` for its ID.
        url: Option<String>,
    }

    /// Notes, calls, mails and meetings of a deal.
    CommunicationSet of CommunicationFields {}

    /// Tickets that are kept beside a deal. `from.key` names the property that holds the deal's ID.
    PreSalesTicketSet of TicketFields {
        /// Where a person opens a ticket, with `{id}` for its ID.
        url: Option<String>,
    }

    /// Projects.
    ProjectSet of ProjectFields {
        /// Where a person opens a project, with `{id}` for its record ID.
        url: Option<String>,
    }

    /// Milestones of a project.
    MilestoneSet of MilestoneFields {
        /// Where a person opens a milestone, with `{id}` for its ID.
        url: Option<String>,
    }

    /// Hours booked on a project: rows are added up, in all and by person.
    EffortSet of EffortFields {}

    /// Tickets.
    TicketSet of TicketFields {
        /// Where a person opens a ticket, with `{id}` for its ID.
        url: Option<String>,
    }

    /// Invoices to clients, or bills of vendors.
    InvoiceSet of InvoiceFields {
        /// Currency of amounts that name none of their own.
        currency: Option<Field<Text>>,
        /// Currency of the company's own amounts (`company_net`, ...).
        company_currency: Option<Field<Text>>,
        /// How the owner writes amounts of credit notes.
        #[serde(default)]
        credit_notes: CreditNotes,
        /// Where a person opens a document, with `{id}` for its ID.
        url: Option<String>,
        /// Lines inside a row.
        lines: Option<Lines>,
        /// Payments inside a row.
        payments: Option<Payments>,
        /// Whether the service adds up what was invoiced (`$apply`). It must add up decimals exactly.
        #[serde(default)]
        sums: bool,
    }

    /// Costs of a project. Rows of void documents and drafts are to be left out by `skip` or by a filter.
    CostSet of CostFields {
        /// Currency of amounts that name none of their own.
        currency: Option<Field<Text>>,
        /// Currency of the company's own amounts (`company_amount`).
        company_currency: Option<Field<Text>>,
        /// Where a person opens a cost, with `{id}` for its ID.
        url: Option<String>,
        /// Whether the service adds up costs (`$apply`). It must add up decimals exactly.
        #[serde(default)]
        sums: bool,
    }
}
