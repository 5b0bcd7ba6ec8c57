//! The tables of the entities: how each is asked, and which field of a row is which of ours.

use serde::Deserialize;

use super::dates::{Day, Moment};
use super::lines::{CreditNotes, Lines, Payments};
use super::path::{Field, Path};
use super::uses::{Used, Uses};
use super::value::{Amount, Condition, Number, Text, Word};
use super::ways::{Listing, Lookup};
use super::words::Ours;
use crate::domain::{
    CommunicationKind, CostKind, CostState, DealStatus, Health, InvoiceKind, InvoiceState, MilestoneStatus, Priority,
    ProjectStatus, TicketCategory, TicketStatus,
};

/// A field whose words are mapped to ours.
pub(in crate::systems) type Mapped<E> = Field<Word<Ours<E>>>;

/// The table of an entity, and the table of its fields.
macro_rules! tables {
    ($(
        $(#[$doc:meta])*
        $table:ident {
            $($(#[$way_doc:meta])* $way:ident: $kind:ty,)*
        }
        $(#[$fields_doc:meta])*
        $fields:ident {
            $($(#[$field_doc:meta])* $field:ident: $value:ty,)*
        }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $table {
            $($(#[$way_doc])* pub $way: $kind,)*
            /// Rows that are left out: those where a test holds.
            pub skip: Option<Field<Condition>>,
            /// Which field of a row is which of ours.
            pub fields: $fields,
        }

        impl Uses for $table {
            fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
                $(self.$way.uses(&format!(concat!("{}.", stringify!($way)), key), known);)*
                self.skip.uses(&format!("{key}.skip"), known);
                self.fields.uses(&format!("{key}.fields"), known);
            }
        }

        $(#[$fields_doc])*
        #[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $fields {
            $($(#[$field_doc])* pub $field: $value,)*
        }

        impl $fields {
            /// Their names.
            pub(in crate::systems) const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];
        }

        impl Uses for $fields {
            fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
                $(self.$field.uses(&format!(concat!("{}.", stringify!($field)), key), known);)*
            }
        }
    )+};
}

tables! {
    /// Deals.
    Deals {
        /// By record ID.
        by_id: Option<Lookup>,
        /// By shared ID.
        by_project: Option<Lookup>,
        /// All of them.
        list: Option<Listing>,
        /// Currency of amounts that name none of their own.
        currency: Option<Field<Text>>,
        /// Where a person opens a deal, with `{id}` for its ID.
        url: Option<String>,
    }
    /// Fields of a deal.
    DealFields {
        /// Record ID.
        id: Field<Text>,
        /// The shared ID, as it is typed.
        project_id: Option<Field<Text>>,
        /// Name.
        name: Option<Field<Text>>,
        /// Pipeline.
        pipeline: Option<Field<Text>>,
        /// Stage.
        stage: Option<Field<Text>>,
        /// Whether it is open, won or lost.
        status: Option<Mapped<DealStatus>>,
        /// What the client pays, without tax.
        amount: Option<Field<Amount>>,
        /// What sales expects to remain of it.
        expected_margin: Option<Field<Amount>>,
        /// Close date.
        close_date: Option<Field<Day>>,
        /// Name of who owns the deal.
        owner: Option<Field<Text>>,
        /// Address of who owns the deal.
        owner_email: Option<Field<Text>>,
        /// Vertical.
        vertical: Option<Field<Text>>,
        /// Deal type.
        deal_type: Option<Field<Text>>,
        /// What was sold, in words.
        scope: Option<Field<Text>>,
        /// Record ID of the client.
        client_id: Option<Field<Text>>,
        /// When the record was made.
        created_at: Option<Field<Moment>>,
        /// When the record last changed.
        updated_at: Option<Field<Moment>>,
        /// Where a person opens it.
        url: Option<Field<Text>>,
    }

    /// Clients.
    Clients {
        /// By record ID.
        by_id: Lookup,
        /// Where a person opens a client, with `{id}` for its ID.
        url: Option<String>,
    }
    /// Fields of a client.
    ClientFields {
        /// Record ID.
        id: Field<Text>,
        /// Name.
        name: Option<Field<Text>>,
        /// Web domain.
        domain: Option<Field<Text>>,
        /// Industry.
        industry: Option<Field<Text>>,
        /// Country.
        country: Option<Field<Text>>,
        /// Where a person opens it.
        url: Option<Field<Text>>,
    }

    /// Contacts of a deal.
    Contacts {
        /// By record ID of the deal.
        by_deal: Lookup,
    }
    /// Fields of a contact.
    ContactFields {
        /// Record ID.
        id: Field<Text>,
        /// Record ID of the deal.
        deal_id: Option<Field<Text>>,
        /// Full name.
        name: Option<Field<Text>>,
        /// Address.
        email: Option<Field<Text>>,
        /// Telephone.
        phone: Option<Field<Text>>,
        /// Role at the client.
        role: Option<Field<Text>>,
    }

    /// Line items of a deal.
    LineItems {
        /// By record ID of the deal.
        by_deal: Lookup,
        /// Currency of amounts that name none of their own.
        currency: Option<Field<Text>>,
    }
    /// Fields of a line item.
    LineItemFields {
        /// Record ID.
        id: Field<Text>,
        /// Record ID of the deal.
        deal_id: Option<Field<Text>>,
        /// Name.
        name: Option<Field<Text>>,
        /// Article number.
        sku: Option<Field<Text>>,
        /// Quantity.
        quantity: Option<Field<Number>>,
        /// Price of one, without tax.
        unit_price: Option<Field<Amount>>,
        /// Price of the line, without tax.
        amount: Option<Field<Amount>>,
    }

    /// Proposals of a deal. Of several, the signed one counts, else the one with the highest version, else the last.
    Proposals {
        /// By record ID of the deal.
        by_deal: Lookup,
        /// Currency of amounts that name none of their own.
        currency: Option<Field<Text>>,
        /// Where a person opens a proposal, with `{id}` for its ID.
        url: Option<String>,
    }
    /// Fields of a proposal.
    ProposalFields {
        /// Record ID.
        id: Field<Text>,
        /// Record ID of the deal.
        deal_id: Option<Field<Text>>,
        /// Title.
        title: Option<Field<Text>>,
        /// Number.
        number: Option<Field<Text>>,
        /// Which proposal of the deal it is, from 1; by default the number of rows.
        version: Option<Field<Number>>,
        /// Whether it is signed or approved.
        signed: Option<Field<Condition>>,
        /// Status, in the owner's words.
        status: Option<Field<Text>>,
        /// Amount, without tax.
        amount: Option<Field<Amount>>,
        /// Last day on which it can be accepted.
        expires_on: Option<Field<Day>>,
        /// Where a person opens it.
        url: Option<Field<Text>>,
    }

    /// Notes, calls, mails and meetings of a deal.
    Communications {
        /// By record ID of the deal.
        by_deal: Lookup,
    }
    /// Fields of a communication.
    CommunicationFields {
        /// Record ID.
        id: Field<Text>,
        /// Record ID of the deal.
        deal_id: Option<Field<Text>>,
        /// What it was. A word that is not mapped is refused.
        kind: Mapped<CommunicationKind>,
        /// When it happened.
        at: Option<Field<Moment>>,
        /// Title or subject.
        subject: Option<Field<Text>>,
        /// Text.
        body: Option<Field<Text>>,
        /// Name of who wrote it.
        author: Option<Field<Text>>,
        /// Address of who wrote it.
        author_email: Option<Field<Text>>,
    }

    /// Tickets that are kept beside a deal.
    PreSalesTickets {
        /// By record ID of the deal.
        by_deal: Lookup,
        /// Where a person opens a ticket, with `{id}` for its ID.
        url: Option<String>,
    }
    /// Fields of a ticket.
    TicketFields {
        /// Record ID.
        id: Field<Text>,
        /// The shared ID.
        project_id: Option<Field<Text>>,
        /// Subject.
        subject: Option<Field<Text>>,
        /// How it stands.
        status: Mapped<TicketStatus>,
        /// The owner's own word for that; by default the one that `status` reads.
        status_label: Option<Field<Text>>,
        /// Pipeline or tracker.
        pipeline: Option<Field<Text>>,
        /// How urgent it is.
        priority: Option<Mapped<Priority>>,
        /// What it is; a task by default.
        category: Option<Mapped<TicketCategory>>,
        /// The team that has it.
        team: Option<Field<Text>>,
        /// Name of who has it.
        owner: Option<Field<Text>>,
        /// Address of who has it.
        owner_email: Option<Field<Text>>,
        /// When it was opened.
        opened_at: Option<Field<Moment>>,
        /// When it was closed.
        closed_at: Option<Field<Moment>>,
        /// Hours booked on it.
        hours: Option<Field<Number>>,
        /// Hours estimated.
        hours_estimated: Option<Field<Number>>,
        /// 0 to 100.
        progress: Option<Field<Number>>,
        /// Where a person opens it.
        url: Option<Field<Text>>,
    }

    /// Projects.
    Projects {
        /// By shared ID.
        by_id: Option<Lookup>,
        /// All of them.
        list: Option<Listing>,
        /// Where a person opens a project, with `{id}` for its record ID.
        url: Option<String>,
    }
    /// Fields of a project.
    ProjectFields {
        /// The shared ID.
        id: Field<Text>,
        /// Record ID; by default the shared ID as it is written.
        record_id: Option<Field<Text>>,
        /// Name.
        name: Option<Field<Text>>,
        /// Whether it runs.
        status: Mapped<ProjectStatus>,
        /// Health, as the delivery team set it.
        health: Option<Mapped<Health>>,
        /// Why it is so.
        health_reason: Option<Field<Text>>,
        /// Name of the project manager.
        manager: Option<Field<Text>>,
        /// Address of the project manager.
        manager_email: Option<Field<Text>>,
        /// Start.
        start_date: Option<Field<Day>>,
        /// Due.
        due_date: Option<Field<Day>>,
        /// 0 to 100.
        percent_complete: Option<Field<Number>>,
        /// Hours budgeted.
        hours_budgeted: Option<Field<Number>>,
        /// Where a person opens it.
        url: Option<Field<Text>>,
    }

    /// Milestones of a project.
    Milestones {
        /// By shared ID.
        by_project: Lookup,
        /// Where a person opens a milestone, with `{id}` for its ID.
        url: Option<String>,
    }
    /// Fields of a milestone.
    MilestoneFields {
        /// Record ID.
        id: Field<Text>,
        /// The shared ID.
        project_id: Option<Field<Text>>,
        /// Name.
        name: Option<Field<Text>>,
        /// Whether it is reached.
        status: Mapped<MilestoneStatus>,
        /// Due.
        due_date: Option<Field<Day>>,
        /// Where a person opens it.
        url: Option<Field<Text>>,
    }

    /// Hours booked on a project: rows are added up, in all and by person.
    EffortTable {
        /// By shared ID.
        by_project: Lookup,
    }
    /// Fields of booked hours.
    EffortFields {
        /// Record ID of the booking. With it, a booking that comes twice is noticed.
        id: Option<Field<Text>>,
        /// The shared ID.
        project_id: Option<Field<Text>>,
        /// Hours.
        hours: Field<Number>,
        /// Name of who worked.
        person: Option<Field<Text>>,
        /// Address of who worked.
        person_email: Option<Field<Text>>,
        /// In which role.
        role: Option<Field<Text>>,
        /// Hours allocated to the person: the same on all of the person's rows.
        hours_allocated: Option<Field<Number>>,
    }

    /// Invoices to clients, or bills of vendors.
    Invoices {
        /// By record ID.
        by_id: Option<Lookup>,
        /// By shared ID.
        by_project: Option<Lookup>,
        /// All of them.
        list: Option<Listing>,
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
    }
    /// Fields of an invoice. What is not mapped is unknown, not zero; of `net`, `tax` and `total`, and of `total`, `paid` and
    /// `balance`, the one that is not mapped is worked out from the other two.
    InvoiceFields {
        /// Record ID.
        id: Field<Text>,
        /// The shared ID, or a list of them.
        project_id: Option<Path>,
        /// Number on paper.
        number: Option<Field<Text>>,
        /// What it is; an invoice if this is not mapped. A word that is not mapped is refused: it would have no sign.
        kind: Option<Mapped<InvoiceKind>>,
        /// How the owner keeps it.
        state: Mapped<InvoiceState>,
        /// The owner's code of who owes, or is owed.
        party_id: Option<Field<Text>>,
        /// Name of who owes, or is owed.
        party: Option<Field<Text>>,
        /// Issued.
        issue_date: Option<Field<Day>>,
        /// Due.
        due_date: Option<Field<Day>>,
        /// Without tax.
        net: Option<Field<Amount>>,
        /// Tax.
        tax: Option<Field<Amount>>,
        /// With tax.
        total: Option<Field<Amount>>,
        /// Paid so far, of the total.
        paid: Option<Field<Amount>>,
        /// Still open, of the total.
        balance: Option<Field<Amount>>,
        /// Without tax, in the company's currency.
        company_net: Option<Field<Amount>>,
        /// Tax, in the company's currency.
        company_tax: Option<Field<Amount>>,
        /// With tax, in the company's currency.
        company_total: Option<Field<Amount>>,
        /// Paid, in the company's currency.
        company_paid: Option<Field<Amount>>,
        /// Open, in the company's currency.
        company_balance: Option<Field<Amount>>,
        /// Where a person opens it.
        url: Option<Field<Text>>,
    }

    /// Costs of a project. Rows of void documents and drafts are to be left out by `skip`.
    Costs {
        /// By shared ID.
        by_project: Lookup,
        /// Currency of amounts that name none of their own.
        currency: Option<Field<Text>>,
        /// Currency of the company's own amounts (`company_amount`).
        company_currency: Option<Field<Text>>,
        /// Where a person opens a cost, with `{id}` for its ID.
        url: Option<String>,
    }
    /// Fields of a cost. What a credit takes back is a negative amount: see `negate`.
    CostFields {
        /// Record ID, with its line where that makes it unique (`join`).
        id: Field<Text>,
        /// The shared ID.
        project_id: Option<Field<Text>>,
        /// What it was spent on.
        kind: Mapped<CostKind>,
        /// Spent or ordered; spent if this is not mapped. A word that is not mapped is refused.
        state: Option<Mapped<CostState>>,
        /// When.
        date: Option<Field<Day>>,
        /// How much, without tax.
        amount: Field<Amount>,
        /// How much, in the company's currency.
        company_amount: Option<Field<Amount>>,
        /// Text.
        description: Option<Field<Text>>,
        /// The owner's code of who is paid.
        party_id: Option<Field<Text>>,
        /// Name of who is paid.
        party: Option<Field<Text>>,
        /// Number of the document it stands on.
        document: Option<Field<Text>>,
        /// Where a person opens it.
        url: Option<Field<Text>>,
    }
}

/// Tickets.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tickets {
    /// By record ID.
    pub by_id: Option<Lookup>,
    /// By shared ID.
    pub by_project: Option<Lookup>,
    /// Where a person opens a ticket, with `{id}` for its ID.
    pub url: Option<String>,
    /// Rows that are left out: those where a test holds.
    pub skip: Option<Field<Condition>>,
    /// Which field of a row is which of ours.
    pub fields: TicketFields,
}

impl Uses for Tickets {
    fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
        self.by_id.uses(&format!("{key}.by_id"), known);
        self.by_project.uses(&format!("{key}.by_project"), known);
        self.skip.uses(&format!("{key}.skip"), known);
        self.fields.uses(&format!("{key}.fields"), known);
    }
}
