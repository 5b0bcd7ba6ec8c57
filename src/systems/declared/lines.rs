//! What stands inside a document: its lines, its payments, and the sign of its amounts.

use serde::Deserialize;

use super::dates::Day;
use super::path::{Field, Path};
use super::value::{Amount, Number, Text};

/// How the owner writes amounts of credit notes. In Spine they are positive, and the kind gives the sign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreditNotes {
    /// With positive amounts.
    #[default]
    Positive,
    /// With negative amounts.
    Negative,
    /// As invoices with negative amounts: the sign of the document makes it a credit note.
    BySign,
}

/// Lines inside a document.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// Where they are in the document.
    pub rows: Path,
    /// Text.
    pub description: Option<Field<Text>>,
    /// Quantity.
    pub quantity: Option<Field<Number>>,
    /// Without tax.
    pub net: Option<Field<Amount>>,
    /// Without tax, in the company's currency.
    pub company_net: Option<Field<Amount>>,
    /// The shared ID of the line; by default the document's.
    pub project_id: Option<Field<Text>>,
}

/// Payments inside a document.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Payments {
    /// Where they are in the document.
    pub rows: Path,
    /// Record ID.
    pub id: Field<Text>,
    /// When.
    pub date: Option<Field<Day>>,
    /// How much of it went to this document.
    pub amount: Field<Amount>,
    /// The same in the company's currency.
    pub company_amount: Option<Field<Amount>>,
}
