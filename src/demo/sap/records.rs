//! The entity sets: which there are, and how their fields are read from the company's books.
//!
//! Field names, enumerations and the mixed suffixes (`DocTotalFc`, `PaidToDateFC`) are those of the Service Layer's
//! metadata.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::index::Partner;
use super::value::Value;
use crate::demo::company::model::{
    Applied, Cancelled, Company, Document, DocumentKind, DocumentLine, JournalEntry, JournalLine, Payment,
};

/// An entity set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Set {
    Projects,
    Invoices,
    CreditNotes,
    PurchaseInvoices,
    PurchaseCreditNotes,
    PurchaseOrders,
    /// Received, not yet billed. The books hold none.
    PurchaseDeliveryNotes,
    Drafts,
    IncomingPayments,
    JournalEntries,
    BusinessPartners,
}

/// A record of an entity set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Record<'a> {
    Project(&'a (String, String)),
    Document(&'a Document),
    Draft(&'a Document),
    Payment(&'a Payment, &'a Company),
    Journal(&'a JournalEntry),
    Partner(&'a Partner),
}

/// A row of a record's collection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line<'a> {
    Document(&'a Document, &'a DocumentLine),
    Applied(usize, &'a Applied),
    Journal(&'a JournalEntry, &'a JournalLine),
}

impl Set {
    pub(super) const ALL: [Self; 11] = [
        Self::Projects,
        Self::Invoices,
        Self::CreditNotes,
        Self::PurchaseInvoices,
        Self::PurchaseCreditNotes,
        Self::PurchaseOrders,
        Self::PurchaseDeliveryNotes,
        Self::Drafts,
        Self::IncomingPayments,
        Self::JournalEntries,
        Self::BusinessPartners,
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Projects => "Projects",
            Self::Invoices => "Invoices",
            Self::CreditNotes => "CreditNotes",
            Self::PurchaseInvoices => "PurchaseInvoices",
            Self::PurchaseCreditNotes => "PurchaseCreditNotes",
            Self::PurchaseOrders => "PurchaseOrders",
            Self::PurchaseDeliveryNotes => "PurchaseDeliveryNotes",
            Self::Drafts => "Drafts",
            Self::IncomingPayments => "IncomingPayments",
            Self::JournalEntries => "JournalEntries",
            Self::BusinessPartners => "BusinessPartners",
        }
    }

    /// The key field.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Projects => "Code",
            Self::JournalEntries => "JdtNum",
            Self::BusinessPartners => "CardCode",
            _ => "DocEntry",
        }
    }

    /// The kind of document, where the set holds one.
    pub(super) fn document_kind(self) -> Option<DocumentKind> {
        match self {
            Self::Invoices => Some(DocumentKind::Invoice),
            Self::CreditNotes => Some(DocumentKind::CreditNote),
            Self::PurchaseInvoices => Some(DocumentKind::PurchaseInvoice),
            Self::PurchaseCreditNotes => Some(DocumentKind::PurchaseCreditNote),
            Self::PurchaseOrders => Some(DocumentKind::PurchaseOrder),
            _ => None,
        }
    }

    /// The fields, collections left out.
    pub(super) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Projects => &["Code", "Name", "ValidFrom", "ValidTo", "Active"],
            Self::IncomingPayments => &[
                "DocEntry",
                "DocNum",
                "DocType",
                "DocDate",
                "DueDate",
                "CardCode",
                "CardName",
                "DocCurrency",
                "DocRate",
                "CashSum",
                "TransferSum",
                "ProjectCode",
                "Cancelled",
            ],
            Self::JournalEntries => &[
                "JdtNum",
                "Number",
                "ReferenceDate",
                "DueDate",
                "TaxDate",
                "Memo",
                "ProjectCode",
                "OriginalJournal",
                "TransactionCode",
                "BaseReference",
            ],
            Self::BusinessPartners => &["CardCode", "CardName", "CardType", "Currency", "Country", "Website"],
            _ => DOCUMENT_FIELDS,
        }
    }

    /// The collection of rows within a record and its fields. It is a complex type, not a navigation property.
    pub(super) fn collection(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Self::Projects | Self::BusinessPartners => None,
            Self::IncomingPayments => Some((
                "PaymentInvoices",
                &[
                    "LineNum",
                    "DocEntry",
                    "InvoiceType",
                    "SumApplied",
                    "AppliedFC",
                    "PaidSum",
                    "DocLine",
                    "InstallmentId",
                ],
            )),
            // There is no `JdtNum` on a row: that is why rows of journal entries cannot be joined to their heads.
            Self::JournalEntries => Some((
                "JournalEntryLines",
                &[
                    "Line_ID",
                    "AccountCode",
                    "Debit",
                    "Credit",
                    "FCDebit",
                    "FCCredit",
                    "FCCurrency",
                    "DueDate",
                    "ShortName",
                    "LineMemo",
                    "ProjectCode",
                ],
            )),
            _ => Some((
                "DocumentLines",
                &[
                    "DocEntry",
                    "LineNum",
                    "ItemCode",
                    "ItemDescription",
                    "Quantity",
                    "Price",
                    "UnitPrice",
                    "Currency",
                    "Rate",
                    "LineTotal",
                    "RowTotalFC",
                    "TaxTotal",
                    "OpenAmount",
                    "OpenAmountFC",
                    "LineStatus",
                    "ProjectCode",
                ],
            )),
        }
    }
}

const DOCUMENT_FIELDS: &[&str] = &[
    "DocEntry",
    "DocNum",
    "DocType",
    "DocObjectCode",
    "DocDate",
    "DocDueDate",
    "TaxDate",
    "CardCode",
    "CardName",
    "NumAtCard",
    "DocCurrency",
    "DocRate",
    "DocTotal",
    "DocTotalFc",
    "VatSum",
    "VatSumFc",
    "PaidToDate",
    "PaidToDateFC",
    "DiscountPercent",
    "TotalDiscount",
    "TotalDiscountFC",
    "RoundingDiffAmount",
    "DocumentStatus",
    "Cancelled",
    "CancelStatus",
    "ReserveInvoice",
    "Project",
    "CreationDate",
    "UpdateDate",
];

impl<'a> Record<'a> {
    /// A field by its name; nothing for names that [`Set::fields`] does not list.
    pub(super) fn field(self, name: &str) -> Value<'a> {
        match self {
            Self::Project((code, title)) => match name {
                "Code" => Value::text(code),
                "Name" => Value::text(title),
                "Active" => Value::yes_no(true),
                _ => Value::Null,
            },
            Self::Document(document) | Self::Draft(document) => document_field(document, name),
            Self::Payment(payment, company) => payment_field(payment, company, name),
            Self::Journal(entry) => journal_field(entry, name),
            Self::Partner(partner) => match name {
                "CardCode" => Value::text(&partner.code),
                "CardName" => Value::text(&partner.name),
                "CardType" if partner.code.starts_with('V') => Value::Enum("cSupplier", "S"),
                "CardType" => Value::Enum("cCustomer", "C"),
                "Currency" => Value::text(&partner.currency),
                "Country" => Value::optional(partner.country.as_deref()),
                "Website" => Value::optional(partner.website.as_deref()),
                _ => Value::Null,
            },
        }
    }

    /// The rows of the record's collection.
    pub(super) fn lines(self) -> Vec<Line<'a>> {
        match self {
            Self::Project(_) | Self::Partner(_) => Vec::new(),
            Self::Document(document) | Self::Draft(document) => {
                document.lines.iter().map(|line| Line::Document(document, line)).collect()
            }
            Self::Payment(payment, _) => {
                payment.applied.iter().enumerate().map(|(at, applied)| Line::Applied(at, applied)).collect()
            }
            Self::Journal(entry) => entry.lines.iter().map(|line| Line::Journal(entry, line)).collect(),
        }
    }
}

fn document_field<'a>(document: &'a Document, name: &str) -> Value<'a> {
    match name {
        "DocEntry" => Value::Int(document.entry.into()),
        "DocNum" => Value::Int(document.number.into()),
        "DocType" => Value::Enum("dDocument_Service", "S"),
        "DocObjectCode" => match document.kind {
            DocumentKind::Invoice => Value::Enum("oInvoices", "13"),
            DocumentKind::CreditNote => Value::Enum("oCreditNotes", "14"),
            DocumentKind::PurchaseInvoice => Value::Enum("oPurchaseInvoices", "18"),
            DocumentKind::PurchaseCreditNote => Value::Enum("oPurchaseCreditNotes", "19"),
            DocumentKind::PurchaseOrder => Value::Enum("oPurchaseOrders", "22"),
        },
        "DocDate" | "TaxDate" | "CreationDate" => Value::Date(document.date),
        "DocDueDate" => Value::Date(document.due),
        "CardCode" => Value::text(&document.card_code),
        "CardName" => Value::text(&document.card_name),
        "DocCurrency" => Value::text(&document.currency),
        "DocRate" => Value::Decimal(document.rate),
        "DocTotal" => Value::Decimal(document.total),
        "DocTotalFc" => Value::Decimal(document.total_fc),
        "VatSum" => Value::Decimal(document.tax),
        "VatSumFc" => Value::Decimal(document.tax_fc),
        "PaidToDate" => Value::Decimal(document.paid),
        "PaidToDateFC" => Value::Decimal(document.paid_fc),
        "DiscountPercent" | "TotalDiscount" | "TotalDiscountFC" | "RoundingDiffAmount" => Value::Decimal(Decimal::ZERO),
        "DocumentStatus" => open_or_closed(document.open),
        "Cancelled" => Value::yes_no(document.cancelled == Cancelled::Yes),
        "CancelStatus" => match document.cancelled {
            Cancelled::No => Value::Enum("csNo", "N"),
            Cancelled::Yes => Value::Enum("csYes", "Y"),
            Cancelled::Cancellation => Value::Enum("csCancellation", "C"),
        },
        "ReserveInvoice" => Value::yes_no(false),
        "Project" => Value::optional(document.project.as_deref()),
        "UpdateDate" => Value::Date(document.updated),
        _ => Value::Null,
    }
}

fn payment_field<'a>(payment: &'a Payment, company: &'a Company, name: &str) -> Value<'a> {
    match name {
        "DocEntry" | "DocNum" => Value::Int(payment.entry.into()),
        "DocType" => Value::Enum("rCustomer", "C"),
        "DocDate" | "DueDate" => Value::Date(payment.date),
        "CardCode" => Value::text(&payment.card_code),
        "CardName" => {
            // Customers are numbered from 1, in their order.
            let number: Option<usize> = payment.card_code.get(1..).and_then(|digits| digits.parse().ok());
            let client = number.and_then(|number| company.clients.get(number.checked_sub(1)?));
            Value::optional(client.map(|client| client.name.as_str()))
        }
        "DocCurrency" => Value::text(&payment.currency),
        "DocRate" | "CashSum" => Value::Decimal(Decimal::ZERO),
        "TransferSum" => Value::Decimal(payment.applied.iter().map(|applied| applied.amount).sum()),
        "Cancelled" => Value::yes_no(payment.cancelled),
        _ => Value::Null,
    }
}

fn journal_field<'a>(entry: &'a JournalEntry, name: &str) -> Value<'a> {
    match name {
        "JdtNum" | "Number" => Value::Int(entry.number.into()),
        "ReferenceDate" | "DueDate" | "TaxDate" => Value::Date(entry.date),
        "Memo" => Value::text(&entry.memo),
        "OriginalJournal" if entry.manual => Value::Enum("ttJournalEntry", "30"),
        "OriginalJournal" => Value::Enum("ttARInvoice", "13"),
        _ => Value::Null,
    }
}

impl<'a> Line<'a> {
    /// A field by its name.
    pub(super) fn field(self, name: &str) -> Value<'a> {
        match self {
            Self::Document(document, line) => document_line_field(document, line, name),
            Self::Applied(at, applied) => match name {
                "LineNum" => Value::Int(i64::try_from(at).unwrap_or_default()),
                "DocEntry" => Value::Int(applied.entry.into()),
                "InvoiceType" => Value::Enum("it_Invoice", "13"),
                "SumApplied" | "PaidSum" => Value::Decimal(applied.amount),
                "AppliedFC" => Value::Decimal(applied.amount_fc),
                "DocLine" => Value::Int(0),
                "InstallmentId" => Value::Int(1),
                _ => Value::Null,
            },
            Self::Journal(entry, line) => match name {
                "Line_ID" => Value::Int(line.number.into()),
                "AccountCode" | "ShortName" => Value::text(&line.account),
                "Debit" => Value::Decimal(line.debit),
                "Credit" => Value::Decimal(line.credit),
                "FCDebit" | "FCCredit" => Value::Decimal(Decimal::ZERO),
                "DueDate" => Value::Date(entry.date),
                "LineMemo" => Value::text(&entry.memo),
                "ProjectCode" => Value::optional(line.project.as_deref()),
                _ => Value::Null,
            },
        }
    }
}

fn document_line_field<'a>(document: &'a Document, line: &'a DocumentLine, name: &str) -> Value<'a> {
    match name {
        "DocEntry" => Value::Int(document.entry.into()),
        "LineNum" => Value::Int(line.number.into()),
        "ItemDescription" => Value::text(&line.description),
        "Quantity" => Value::Decimal(Decimal::ONE),
        "Price" | "UnitPrice" => Value::Decimal(if line.net_fc.is_zero() { line.net } else { line.net_fc }),
        "Currency" => Value::text(&document.currency),
        "Rate" => Value::Decimal(document.rate),
        "LineTotal" => Value::Decimal(line.net),
        "RowTotalFC" => Value::Decimal(line.net_fc),
        "TaxTotal" => Value::Decimal(line.tax),
        "OpenAmount" => Value::Decimal(line.open_net),
        "OpenAmountFC" => Value::Decimal(line.open_net_fc),
        "LineStatus" => open_or_closed(line.open),
        "ProjectCode" => Value::optional(line.project.as_deref()),
        _ => Value::Null,
    }
}

fn open_or_closed(open: bool) -> Value<'static> {
    if open { Value::Enum("bost_Open", "O") } else { Value::Enum("bost_Close", "C") }
}

/// A date as SQL queries return it.
pub(super) fn sql_date(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}
