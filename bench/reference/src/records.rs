//! What the three answers are made of. A field that is only printed again stays the text it came as.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A text that is looked at; borrowed from the system's answer unless it holds an escape.
pub(crate) type Text<'a> = Cow<'a, str>;

/// A record of a system with the fields that an answer shows, and the ID of the project that it belongs to where it must
/// be matched to others.
macro_rules! record {
    ($name:ident { $($shown:ident),* } $(of $project:ident)?) => {
        #[derive(Deserialize, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name<'a> {
            $(#[serde(rename(deserialize = "projectId"), borrow, skip_serializing)] pub(crate) $project: Text<'a>,)?
            $(#[serde(borrow)] pub(crate) $shown: &'a RawValue,)*
        }
    };
}

record!(CardDeal { id, name, stage, amount, currency, company } of project);
record!(CardProject { id, name, status, manager });
record!(CardInvoice { id, number, status, amount, due_on });
record!(CardTicket { id, title, status, priority, assignee });

record!(ListDeal { id, name, stage, amount } of project);
record!(ListProject { id, name, status });
record!(ListInvoice { id, number, status, amount } of project);

record!(MarginDeal { id, amount } of project);
record!(MarginInvoice { status, amount } of project);
record!(MarginCost { amount } of project);

/// Q1: one deal with everything around it.
#[derive(Serialize)]
pub(crate) struct Card<'a> {
    #[serde(flatten)]
    pub(crate) deal: CardDeal<'a>,
    pub(crate) project: Option<CardProject<'a>>,
    pub(crate) invoices: Vec<CardInvoice<'a>>,
    pub(crate) tickets: Vec<CardTicket<'a>>,
}

/// Q2: a row of the list of deals.
#[derive(Serialize)]
pub(crate) struct ListRow<'a> {
    #[serde(flatten)]
    pub(crate) deal: ListDeal<'a>,
    pub(crate) project: Option<ListProject<'a>>,
    pub(crate) invoices: Vec<ListInvoice<'a>>,
}

/// Q3: a row of the margin report.
#[derive(Serialize)]
pub(crate) struct MarginRow<'a> {
    #[serde(flatten)]
    pub(crate) deal: MarginDeal<'a>,
    pub(crate) invoices: Vec<MarginInvoice<'a>>,
    pub(crate) costs: Vec<MarginCost<'a>>,
}

/// A page of the CRM's list.
#[derive(Deserialize)]
pub(crate) struct Page<Deal> {
    pub(crate) results: Vec<Deal>,
}

/// A GraphQL request, of which the document is not looked at.
#[derive(Deserialize)]
pub(crate) struct Question<'a> {
    #[serde(rename = "operationName", borrow)]
    pub(crate) operation: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) variables: Variables<'a>,
}

#[derive(Deserialize, Default)]
pub(crate) struct Variables<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Text<'a>>,
    pub(crate) first: Option<u32>,
    #[serde(borrow)]
    pub(crate) after: Option<Text<'a>>,
}
