//! Entities, and which of their properties can be asked about: what Intuit's schema calls filterable, and what is known by use.
//! Nothing inside lines is, nor are custom fields, notes and project references.

use crate::demo::company::model::DocumentKind;

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Entity {
    Account,
    Bill,
    CompanyInfo,
    CreditMemo,
    Customer,
    Employee,
    Estimate,
    Invoice,
    Item,
    JournalEntry,
    Payment,
    Preferences,
    Purchase,
    PurchaseOrder,
    RefundReceipt,
    SalesReceipt,
    TimeActivity,
    Vendor,
    VendorCredit,
}

impl Entity {
    const ALL: [Self; 19] = [
        Self::Account,
        Self::Bill,
        Self::CompanyInfo,
        Self::CreditMemo,
        Self::Customer,
        Self::Employee,
        Self::Estimate,
        Self::Invoice,
        Self::Item,
        Self::JournalEntry,
        Self::Payment,
        Self::Preferences,
        Self::Purchase,
        Self::PurchaseOrder,
        Self::RefundReceipt,
        Self::SalesReceipt,
        Self::TimeActivity,
        Self::Vendor,
        Self::VendorCredit,
    ];

    /// By its name in a statement, where letters count, or in a path, where they do not.
    pub(super) fn named(name: &str, in_path: bool) -> Option<Self> {
        let same = |entity: &Self| {
            if in_path { entity.name().eq_ignore_ascii_case(name) } else { entity.name() == name }
        };
        Self::ALL.into_iter().find(same)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::Bill => "Bill",
            Self::CompanyInfo => "CompanyInfo",
            Self::CreditMemo => "CreditMemo",
            Self::Customer => "Customer",
            Self::Employee => "Employee",
            Self::Estimate => "Estimate",
            Self::Invoice => "Invoice",
            Self::Item => "Item",
            Self::JournalEntry => "JournalEntry",
            Self::Payment => "Payment",
            Self::Preferences => "Preferences",
            Self::Purchase => "Purchase",
            Self::PurchaseOrder => "PurchaseOrder",
            Self::RefundReceipt => "RefundReceipt",
            Self::SalesReceipt => "SalesReceipt",
            Self::TimeActivity => "TimeActivity",
            Self::Vendor => "Vendor",
            Self::VendorCredit => "VendorCredit",
        }
    }

    /// What a document of the books is here.
    pub(super) fn of(kind: DocumentKind) -> Self {
        match kind {
            DocumentKind::Invoice => Self::Invoice,
            DocumentKind::CreditNote => Self::CreditMemo,
            DocumentKind::PurchaseInvoice => Self::Bill,
            DocumentKind::PurchaseCreditNote => Self::VendorCredit,
            DocumentKind::PurchaseOrder => Self::PurchaseOrder,
        }
    }

    /// Whether it comes from a vendor, or goes to one.
    pub(super) fn is_purchase(self) -> bool {
        matches!(self, Self::Bill | Self::VendorCredit | Self::PurchaseOrder | Self::Purchase)
    }

    /// Whether it is a list of names, of which those not in use are left out unless asked for.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::Account | Self::Customer | Self::Employee | Self::Item | Self::Vendor)
    }

    /// Whether a property can stand in a condition or an order.
    pub(super) fn queryable(self, property: &str) -> bool {
        let own: &[&str] = match self {
            Self::Account => &["Name", "Active", "Classification", "AccountType", "AccountSubType"],
            Self::Customer => &["DisplayName", "CompanyName", "Active", "Balance", "Job", "IsProject", "ParentRef"],
            Self::Vendor | Self::Employee => &["DisplayName", "Active"],
            Self::Item => &["Name", "Active", "Type"],
            Self::Invoice => &["DocNumber", "TxnDate", "DueDate", "TotalAmt", "Balance", "CustomerRef"],
            Self::CreditMemo | Self::SalesReceipt | Self::RefundReceipt | Self::Estimate => {
                &["DocNumber", "TxnDate", "TotalAmt", "CustomerRef"]
            }
            Self::Payment => &["TxnDate", "TotalAmt", "CustomerRef"],
            Self::Bill => &["DocNumber", "TxnDate", "TotalAmt", "Balance", "VendorRef"],
            Self::VendorCredit | Self::PurchaseOrder => &["DocNumber", "TxnDate", "TotalAmt", "VendorRef"],
            Self::Purchase => &["DocNumber", "TxnDate", "TotalAmt", "PaymentType"],
            Self::JournalEntry => &["DocNumber", "TxnDate"],
            Self::TimeActivity => &["TxnDate"],
            Self::Preferences | Self::CompanyInfo => &[],
        };
        let common = ["Id", "MetaData.CreateTime", "MetaData.LastUpdatedTime"];
        common.contains(&property) || own.contains(&property)
    }
}
