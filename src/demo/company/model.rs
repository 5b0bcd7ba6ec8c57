//! The seeded company: what is true, before any system has told it in its own words.
//!
//! One [`Company`] is shared by the embedded systems. Each of them shows its own part of it over its own vendor
//! protocol: the CRM shows deals, the project tool shows projects and issues, the ERP shows documents. The
//! structs are plain on purpose, so that an oracle can read them without the product's own arithmetic.

use std::sync::{Arc, RwLock};

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

/// The company as all embedded systems see it; corrections write to it.
pub type Shared = Arc<RwLock<Company>>;

/// Everything the embedded systems know.
#[derive(Debug, Clone, Serialize)]
pub struct Company {
    /// The seed it was grown from.
    pub seed: u64,
    /// The day on which the seeded history ends. Dates lie around it, so that something is always overdue.
    pub today: Date,
    /// The company's own (local) currency: the ERP's books and the CRM's home currency.
    pub currency: String,
    /// Colleagues: deal owners in the CRM, users in the project tool.
    pub people: Vec<Person>,
    /// Customers.
    pub clients: Vec<Client>,
    /// People at the customers.
    pub contacts: Vec<Contact>,
    /// Deals, as the CRM holds them.
    pub deals: Vec<Deal>,
    /// Projects, as the project tool holds them.
    pub projects: Vec<Project>,
    /// Work items of the project tool.
    pub issues: Vec<Issue>,
    /// Hours booked in the project tool.
    pub time_entries: Vec<TimeEntry>,
    /// The ERP's books.
    pub ledger: Ledger,
    /// How many corrections were made. What the embedded systems have indexed holds for one revision.
    pub revision: u64,
}

/// A colleague.
#[derive(Debug, Clone, Serialize)]
pub struct Person {
    /// Number within the company, from 1. The CRM's owner ID is `70000 + id`, the project tool's user ID `10 + id`.
    pub id: u32,
    /// Given name.
    pub first: String,
    /// Family name.
    pub last: String,
    /// Work address.
    pub email: String,
    /// Team: `Sales`, `Delivery`.
    pub team: String,
}

/// A customer.
#[derive(Debug, Clone, Serialize)]
pub struct Client {
    /// Number within the company, from 1. CRM company ID is `50000 + id`, ERP card code `C00001`.
    pub id: u32,
    /// Name.
    pub name: String,
    /// Web domain.
    pub domain: String,
    /// Vertical.
    pub vertical: String,
    /// Country, in English.
    pub country: String,
    /// Currency in which the client is quoted and invoiced.
    pub currency: String,
}

/// A person at a customer.
#[derive(Debug, Clone, Serialize)]
pub struct Contact {
    /// Number, from 1. CRM contact ID is `60000 + id`.
    pub id: u32,
    /// [`Client::id`].
    pub client: u32,
    /// Given name.
    pub first: String,
    /// Family name.
    pub last: String,
    /// Address.
    pub email: String,
    /// Telephone.
    pub phone: String,
    /// Role at the customer.
    pub job_title: String,
}

/// A deal in the CRM.
#[derive(Debug, Clone, Serialize)]
pub struct Deal {
    /// CRM record ID, from 900001.
    pub id: u64,
    /// Name.
    pub name: String,
    /// [`Client::id`]; none for the few that lost their company.
    pub client: Option<u32>,
    /// [`Person::id`].
    pub owner: Option<u32>,
    /// Pipeline ID: `default` (sales) or `services` (upsells on running projects).
    pub pipeline: String,
    /// Stage ID within the pipeline, e.g. `closedwon`, `88210007`.
    pub stage: String,
    /// Amount, in `currency`.
    pub amount: Option<Decimal>,
    /// Currency; none is the currency gap that real CRMs have.
    pub currency: Option<String>,
    /// Amount in the company's currency, by the CRM's own rate.
    pub amount_home: Option<Decimal>,
    /// What sales expected the work to cost, in `currency`.
    pub estimated_cost: Option<Decimal>,
    /// Close date, expected or real.
    pub close_date: Option<Date>,
    /// When the record was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// Vertical, as typed on the deal.
    pub vertical: Option<String>,
    /// `newbusiness` or `existingbusiness`.
    pub deal_type: Option<String>,
    /// Scope, as sold.
    pub scope: Option<String>,
    /// The shared ID **as typed in the CRM**: may be missing, in lower case, padded, or mistyped.
    pub shared_id: Option<String>,
    /// [`Contact::id`]s.
    pub contacts: Vec<u32>,
    /// What is sold.
    pub line_items: Vec<LineItem>,
    /// Quotes sent; the signed one has status `APPROVED`.
    pub quotes: Vec<Quote>,
    /// Notes, calls, mails, meetings.
    pub communications: Vec<Communication>,
    /// Tickets the CRM holds beside the deal (pre-sales).
    pub tickets: Vec<CrmTicket>,
}

/// A line item of a deal.
#[derive(Debug, Clone, Serialize)]
pub struct LineItem {
    /// CRM record ID.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Article number.
    pub sku: String,
    /// Quantity.
    pub quantity: Decimal,
    /// Unit price, in the deal's currency.
    pub price: Decimal,
    /// `quantity * price`.
    pub amount: Decimal,
}

/// A quote.
#[derive(Debug, Clone, Serialize)]
pub struct Quote {
    /// CRM record ID.
    pub id: u64,
    /// Title.
    pub title: String,
    /// Number with its version, e.g. `Q-900001-2`.
    pub number: String,
    /// `DRAFT`, `PENDING_APPROVAL`, `APPROVED`, `REJECTED`.
    pub status: String,
    /// Amount, in the deal's currency.
    pub amount: Decimal,
    /// Expiration day.
    pub expires: Date,
    /// When the record was made.
    pub created: Timestamp,
}

/// Kind of a [`Communication`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CommunicationKind {
    /// A note.
    Note,
    /// A call.
    Call,
    /// An e-mail.
    Email,
    /// A meeting.
    Meeting,
}

/// A note, call, mail or meeting on a deal.
#[derive(Debug, Clone, Serialize)]
pub struct Communication {
    /// CRM record ID, unique over all kinds.
    pub id: u64,
    /// Kind.
    pub kind: CommunicationKind,
    /// Title or subject; notes have none.
    pub title: Option<String>,
    /// Body (HTML in notes).
    pub body: String,
    /// When it happened.
    pub at: Timestamp,
    /// [`Person::id`].
    pub owner: u32,
}

/// A ticket in the CRM.
#[derive(Debug, Clone, Serialize)]
pub struct CrmTicket {
    /// CRM record ID.
    pub id: u64,
    /// Subject.
    pub subject: String,
    /// Pipeline ID: `0` (support).
    pub pipeline: String,
    /// Stage ID: `1` new, `2` waiting on contact, `3` waiting on us, `4` closed.
    pub stage: String,
    /// `LOW`, `MEDIUM`, `HIGH`, `URGENT`.
    pub priority: String,
    /// `PRODUCT_ISSUE`, `FEATURE_REQUEST`, `GENERAL_INQUIRY`, ...
    pub category: Option<String>,
    /// [`Person::id`].
    pub owner: Option<u32>,
    /// When it was opened.
    pub created: Timestamp,
    /// When it was closed.
    pub closed: Option<Timestamp>,
}

/// A project in the project tool.
#[derive(Debug, Clone, Serialize)]
pub struct Project {
    /// Number in the project tool, from 1.
    pub id: u32,
    /// Identifier (the tool's own slug), e.g. `prj-2025-014`.
    pub identifier: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// `1` active, `5` closed, `9` archived.
    pub status: u8,
    /// The shared ID **as typed in the project tool**; none or empty for a few.
    pub shared_id: Option<String>,
    /// Health as the delivery team set it: `Green`, `Amber`, `Red`, or something nobody expected.
    pub health: Option<String>,
    /// Why.
    pub health_reason: Option<String>,
    /// [`Person::id`] of the project manager.
    pub manager: Option<u32>,
    /// Start.
    pub start: Option<Date>,
    /// Due.
    pub due: Option<Date>,
    /// Hours budgeted.
    pub budget_hours: Option<Decimal>,
    /// Milestones.
    pub versions: Vec<Version>,
    /// Members with their role: `Manager`, `Developer`, `Reporter`.
    pub members: Vec<(u32, String)>,
    /// When the record was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// A milestone.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    /// Number in the project tool.
    pub id: u32,
    /// Name.
    pub name: String,
    /// `open`, `locked`, `closed`.
    pub status: String,
    /// Due day.
    pub due: Option<Date>,
}

/// A work item.
#[derive(Debug, Clone, Serialize)]
pub struct Issue {
    /// Number in the project tool.
    pub id: u32,
    /// [`Project::id`].
    pub project: u32,
    /// Tracker: `Task`, `Incident`, `Change request`, `Support`.
    pub tracker: String,
    /// Status: `New`, `In Progress`, `Resolved`, `Feedback`, `Closed`, `Rejected`.
    pub status: String,
    /// Whether the status counts as closed.
    pub closed: bool,
    /// Priority: `Low`, `Normal`, `High`, `Urgent`, `Immediate`.
    pub priority: String,
    /// Subject.
    pub subject: String,
    /// [`Person::id`].
    pub assignee: Option<u32>,
    /// [`Version::id`].
    pub version: Option<u32>,
    /// 0 to 100.
    pub done_ratio: u8,
    /// Estimate, in hours.
    pub estimated_hours: Option<Decimal>,
    /// Parent issue.
    pub parent: Option<u32>,
    /// Start.
    pub start: Option<Date>,
    /// Due.
    pub due: Option<Date>,
    /// When it was opened.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// When it was closed.
    pub closed_on: Option<Timestamp>,
}

/// Hours booked on a project.
#[derive(Debug, Clone, Serialize)]
pub struct TimeEntry {
    /// Number in the project tool.
    pub id: u32,
    /// [`Project::id`].
    pub project: u32,
    /// [`Issue::id`], if booked on one.
    pub issue: Option<u32>,
    /// [`Person::id`].
    pub person: u32,
    /// Activity: `Design`, `Development`, `Support`.
    pub activity: String,
    /// Hours.
    pub hours: Decimal,
    /// Day of the work.
    pub spent_on: Date,
}

/// The ERP's books. Amounts are positive, also on credit notes: the kind gives the sign.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Ledger {
    /// Financial projects the ERP knows: code and name.
    pub projects: Vec<(String, String)>,
    /// Invoices, credit notes, purchase invoices, purchase credit notes and purchase orders.
    pub documents: Vec<Document>,
    /// Incoming payments.
    pub payments: Vec<Payment>,
    /// Journal entries.
    pub journal: Vec<JournalEntry>,
    /// Unposted invoice drafts: never part of a figure.
    pub drafts: Vec<Document>,
}

/// Kind of a [`Document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// A/R invoice.
    Invoice,
    /// A/R credit note.
    CreditNote,
    /// A/P invoice.
    PurchaseInvoice,
    /// A/P credit note.
    PurchaseCreditNote,
    /// Purchase order: committed, not yet invoiced.
    PurchaseOrder,
}

/// Whether a document was cancelled, in the ERP's manner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancelled {
    /// A normal document.
    No,
    /// It was cancelled by another document.
    Yes,
    /// It is the document that cancels another.
    Cancellation,
}

/// A posted document.
#[derive(Debug, Clone, Serialize)]
pub struct Document {
    /// Internal key, unique within its kind.
    pub entry: u32,
    /// Number on paper.
    pub number: u32,
    /// Kind.
    pub kind: DocumentKind,
    /// Business partner: `C00001` customer, `V00001` vendor.
    pub card_code: String,
    /// Name of the business partner.
    pub card_name: String,
    /// Posting date.
    pub date: Date,
    /// Due date.
    pub due: Date,
    /// Document currency.
    pub currency: String,
    /// Local units per document unit, as recorded on the document; 1 in local currency.
    pub rate: Decimal,
    /// The shared ID on the header, as typed in the ERP.
    pub project: Option<String>,
    /// Lines.
    pub lines: Vec<DocumentLine>,
    /// Total with tax, local currency.
    pub total: Decimal,
    /// Total with tax, document currency (0 when that is the local one).
    pub total_fc: Decimal,
    /// Tax, local currency.
    pub tax: Decimal,
    /// Tax, document currency (0 when that is the local one).
    pub tax_fc: Decimal,
    /// Paid or credited so far, local currency.
    pub paid: Decimal,
    /// Paid or credited so far, document currency (0 when that is the local one).
    pub paid_fc: Decimal,
    /// Whether it is open (`bost_Open`) or closed.
    pub open: bool,
    /// Whether it was cancelled.
    pub cancelled: Cancelled,
    /// Day of the last change.
    pub updated: Date,
}

/// A line of a document.
#[derive(Debug, Clone, Serialize)]
pub struct DocumentLine {
    /// From 0.
    pub number: u32,
    /// Text.
    pub description: String,
    /// The shared ID on the line; equals the header's unless the document is split over projects.
    pub project: Option<String>,
    /// Net, local currency.
    pub net: Decimal,
    /// Net, document currency (0 when that is the local one).
    pub net_fc: Decimal,
    /// Tax, local currency.
    pub tax: Decimal,
    /// Net still open (orders), local currency.
    pub open_net: Decimal,
    /// Net still open (orders), document currency (0 when that is the local one).
    pub open_net_fc: Decimal,
    /// Whether the line is open.
    pub open: bool,
}

/// An incoming payment.
#[derive(Debug, Clone, Serialize)]
pub struct Payment {
    /// Internal key.
    pub entry: u32,
    /// Payer.
    pub card_code: String,
    /// Day.
    pub date: Date,
    /// Currency.
    pub currency: String,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// What it pays.
    pub applied: Vec<Applied>,
}

/// A part of a payment, applied to an invoice.
#[derive(Debug, Clone, Serialize)]
pub struct Applied {
    /// [`Document::entry`] of the invoice.
    pub entry: u32,
    /// Amount, local currency.
    pub amount: Decimal,
    /// Amount, document currency (0 when that is the local one).
    pub amount_fc: Decimal,
}

/// A journal entry.
#[derive(Debug, Clone, Serialize)]
pub struct JournalEntry {
    /// Transaction number.
    pub number: u32,
    /// Day.
    pub date: Date,
    /// Text.
    pub memo: String,
    /// Posted by hand or by the payroll run, i.e. not the shadow of a document. Only these carry cost of their own.
    pub manual: bool,
    /// Lines; debits and credits balance.
    pub lines: Vec<JournalLine>,
}

/// A line of a journal entry, in local currency.
#[derive(Debug, Clone, Serialize)]
pub struct JournalLine {
    /// From 0.
    pub number: u32,
    /// Account; `5...` and `6...` are cost accounts (profit and loss), others are balance sheet.
    pub account: String,
    /// Debit.
    pub debit: Decimal,
    /// Credit.
    pub credit: Decimal,
    /// The shared ID, on cost lines.
    pub project: Option<String>,
}
