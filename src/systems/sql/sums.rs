//! The ports of an owner that adds up: what was invoiced, and what was spent and ordered.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;

use super::read::{Query, Source};
use super::tables::{CURRENCIES, Entity};
use crate::domain::{Booked, CostKind, CostState, CostSum, ProjectId, Sum};
use crate::systems::declared::fields::Mapped;
use crate::systems::declared::map::{Reader, Setting};
use crate::systems::declared::path::Field;
use crate::systems::declared::row::{Reject, Row};
use crate::systems::declared::value::{Amount, Number, Text};
use crate::systems::{Batch, BatchResult, Call, CostSumSource, ErrorKind, InvoiceSumSource};

/// What was invoiced.
#[derive(Debug)]
pub(super) struct InvoiceSumPort {
    pub(super) source: Arc<Source>,
    pub(super) sums: Query,
}

/// Costs.
#[derive(Debug)]
pub(super) struct CostSumPort {
    pub(super) source: Arc<Source>,
    pub(super) sums: Query,
}

/// Columns of a query for what was invoiced.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invoiced {
    currency: Option<Field<Text>>,
    company_currency: Option<Field<Text>>,
    fields: InvoicedFields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InvoicedFields {
    /// Without tax, credit notes subtracted.
    net: Field<Amount>,
    company_net: Option<Field<Amount>>,
    /// How many documents: `COUNT(*)`.
    records: Field<Number>,
    /// How many rows lack the amount, `COUNT(*) - COUNT(net)`: SQL's SUM passes over NULL.
    missing: Field<Number>,
    company_missing: Option<Field<Number>>,
}

/// Columns of a query for sums of costs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spent {
    currency: Option<Field<Text>>,
    company_currency: Option<Field<Text>>,
    fields: SpentFields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpentFields {
    kind: Mapped<CostKind>,
    state: Option<Mapped<CostState>>,
    amount: Field<Amount>,
    company_amount: Option<Field<Amount>>,
    /// How many costs: `COUNT(*)`.
    records: Field<Number>,
    /// How many rows lack the amount: `COUNT(*) - COUNT(amount)`.
    missing: Field<Number>,
    company_missing: Option<Field<Number>>,
}

impl Entity for Invoiced {
    const FIELDS: &'static [&'static str] = &["net", "company_net", "records", "missing", "company_missing"];
    const EXTRA: &'static [&'static str] = CURRENCIES;
    const WAY: Option<&'static str> = None;
}

impl Entity for Spent {
    const FIELDS: &'static [&'static str] =
        &["kind", "state", "amount", "company_amount", "records", "missing", "company_missing"];
    const EXTRA: &'static [&'static str] = CURRENCIES;
    const WAY: Option<&'static str> = None;
}

/// An amount, and how many rows lack it.
type Added<'f> = (&'f Field<Amount>, Option<&'f Field<Number>>);

/// A sum, and the currency that its group names. A sum that cannot be read, or to which rows add nothing because they have
/// no amount, is not known.
fn sum(
    row: &Row<'_>,
    setting: Setting<'_>,
    (own, company): (Added<'_>, Option<Added<'_>>),
    (currency, company_currency): (Option<&Field<Text>>, Option<&Field<Text>>),
    records: &Field<Number>,
) -> Result<(Option<String>, Sum), Reject> {
    let mut r = Reader::new(row, setting);
    let named = currency.and_then(|Field(text)| text.read(row)).map(Cow::into_owned);
    let (currency, company_currency) = (r.currency(currency), r.currency(company_currency));
    let company_amount = company.map(|(amount, _)| amount);
    let mut amount: Booked =
        r.booked((Some(own.0), "amount", currency), (company_amount, "company_amount", company_currency));
    if !r.flaws.is_empty() {
        amount = Booked::default();
    }
    let records = count(&mut r, Some(records), "records")?;
    if count(&mut r, own.1, "missing")? > 0 {
        amount.document = None;
    }
    if let Some((_, missing)) = company
        && count(&mut r, missing, "company_missing")? > 0
    {
        amount.company = None;
    }
    Ok((named, Sum { amount, records }))
}

fn count(r: &mut Reader<'_>, field: Option<&Field<Number>>, name: &'static str) -> Result<usize, Reject> {
    let number = r.number(field, name).and_then(|number| number.to_usize());
    number.ok_or_else(|| {
        Reject::new(format!("a sum without a whole number in `{name}`, e.g. `COUNT(*) - COUNT(net) AS missing`"))
    })
}

#[async_trait]
impl InvoiceSumSource for InvoiceSumPort {
    fn batch_limit(&self) -> usize {
        self.source.batch
    }

    async fn invoiced_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Sum>> {
        let read = |table: &Invoiced, row: &Row<'_>, _: &ProjectId| {
            let f = &table.fields;
            let currencies = (table.currency.as_ref(), table.company_currency.as_ref());
            let company = f.company_net.as_ref().map(|net| (net, f.company_missing.as_ref()));
            let amounts = ((&f.net, Some(&f.missing)), company);
            sum(row, self.source.setting(), amounts, currencies, &f.records).map(Some)
        };
        let found = self.source.records(call, &self.sums, ids, read).await?;
        Ok(grouped(&self.source, &self.sums, ids, found, |(currency, sum)| (currency, sum)))
    }
}

#[async_trait]
impl CostSumSource for CostSumPort {
    fn batch_limit(&self) -> usize {
        self.source.batch
    }

    async fn cost_sums_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<CostSum>> {
        let setting = self.source.setting();
        let read = |table: &Spent, row: &Row<'_>, _: &ProjectId| {
            let (r, f) = (Reader::new(row, setting), &table.fields);
            let currencies = (table.currency.as_ref(), table.company_currency.as_ref());
            let company = f.company_amount.as_ref().map(|amount| (amount, f.company_missing.as_ref()));
            let amounts = ((&f.amount, Some(&f.missing)), company);
            let (currency, sum) = sum(row, setting, amounts, currencies, &f.records)?;
            let kind = r.word(Some(&f.kind), None).ok_or_else(|| Reject::new("a row without `kind`"))?;
            let state = r.strict_word(f.state.as_ref(), Some(CostState::Actual), "state")?;
            Ok(Some((currency, CostSum { kind, state, sum })))
        };
        let found = self.source.records(call, &self.sums, ids, read).await?;
        let group = |(currency, sum): (Option<String>, CostSum)| ((currency, sum.kind.clone(), sum.state), sum);
        Ok(grouped(&self.source, &self.sums, ids, found, group))
    }
}

/// Each key with its sums. Two sums of one group are an error of that key: the query groups by more, or by less.
fn grouped<R, G: PartialEq, T>(
    source: &Source,
    query: &Query,
    ids: &[ProjectId],
    found: Vec<Vec<R>>,
    group: impl Fn(R) -> (G, T),
) -> Batch<ProjectId, Vec<T>> {
    let mut batch = Batch::default();
    for (id, rows) in ids.iter().zip(found) {
        let (groups, sums): (Vec<G>, Vec<T>) = rows.into_iter().map(&group).unzip();
        if groups.iter().enumerate().any(|(at, one)| groups.iter().take(at).any(|other| other == one)) {
            let why = "two sums of one group: group by project, currency, and kind and state if there are";
            batch.failed.insert(id.clone(), source.error(query.statement.operation, ErrorKind::BadResponse, why));
        } else {
            batch.found.insert(id.clone(), sums);
        }
    }
    batch
}
