//! Splitting a document over the projects of its lines.
//!
//! The net of a project is the sum of its lines. What is known of the whole document only (total, paid, and the net
//! itself where a discount, freight or rounding stands between it and the lines) is allocated in proportion to the
//! lines. Shares are cut from running sums, so they add up to the document to the last cent, whoever asks; lines
//! without a project are a share of their own, which nobody gets.

use std::sync::Arc;

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Booked, Invoice, Money, ProjectId, ProjectInvoice, Share, digits};

/// The document as each of the projects of its lines sees it; one without lines is its first project's.
pub fn split_by_project(invoice: Arc<Invoice>) -> Vec<(ProjectId, ProjectInvoice)> {
    let owners = owners(&invoice);
    if let ([Some(only)], _) | ([], [only, ..]) = (owners.as_slice(), invoice.project_ids.as_slice()) {
        return vec![(only.clone(), ProjectInvoice::whole(invoice))];
    }
    let shares = shares(&invoice, &owners);
    let of_projects = owners.into_iter().zip(shares).filter_map(|(owner, share)| Some((owner?, share)));
    of_projects.map(|(project, share)| (project, ProjectInvoice::part(Arc::clone(&invoice), share))).collect()
}

/// The part of the document that is for no project: all of it if it names none, else its lines that name none.
pub fn without_project(invoice: &Arc<Invoice>) -> Option<ProjectInvoice> {
    if invoice.project_ids.is_empty() {
        return Some(ProjectInvoice::whole(Arc::clone(invoice)));
    }
    let owners = owners(invoice);
    let at = owners.iter().position(Option::is_none)?;
    let share = shares(invoice, &owners).into_iter().nth(at)?;
    Some(ProjectInvoice::part(Arc::clone(invoice), share))
}

/// What each of the owners has of the document.
fn shares(invoice: &Invoice, owners: &[Option<ProjectId>]) -> Vec<Share> {
    let split = |amount: fn(&Invoice) -> Booked| split(invoice, owners, amount);
    let (net, total, paid) = (split(Invoice::net), split(Invoice::total), split(Invoice::paid));
    let (whole, left) = (invoice.balance(), invoice.total().minus(invoice.paid()));
    let shares = net.into_iter().zip(total.into_iter().zip(paid)).zip(split(Invoice::balance));
    let share = |((net, (total, paid)), stated): ((Booked, (Booked, Booked)), Booked)| {
        let remains = total.minus(paid);
        let document = open(whole.document, left.document, remains.document, stated.document);
        let company = open(whole.company, left.company, remains.company, stated.company);
        Share { net, total, paid, balance: Booked { document, company } }
    };
    shares.map(share).collect()
}

/// What is open of a share: what its payments leave of it, so that the three agree; but not where something else than a payment
/// has settled the document or a part of it, so that its `whole` balance is not what payments have `left`.
fn open(whole: Option<Money>, left: Option<Money>, remains: Option<Money>, stated: Option<Money>) -> Option<Money> {
    if whole.is_none() || whole == left { remains } else { stated }
}

/// Who has lines in the document, in the order of the lines.
fn owners(invoice: &Invoice) -> Vec<Option<ProjectId>> {
    let mut owners: Vec<Option<ProjectId>> = Vec::new();
    for line in &invoice.lines {
        if !owners.contains(&line.project_id) {
            owners.push(line.project_id.clone());
        }
    }
    owners
}

/// Splits one amount of the document, in each of its currencies by the lines in that currency.
fn split(invoice: &Invoice, owners: &[Option<ProjectId>], amount: impl Fn(&Invoice) -> Booked) -> Vec<Booked> {
    let whole = amount(invoice);
    let document = split_money(invoice, owners, whole.document, |booked| booked.document);
    let company = split_money(invoice, owners, whole.company, |booked| booked.company);
    document.into_iter().zip(company).map(|(document, company)| Booked { document, company }).collect()
}

fn split_money(
    invoice: &Invoice,
    owners: &[Option<ProjectId>],
    whole: Option<Money>,
    side: impl Fn(Booked) -> Option<Money>,
) -> Vec<Option<Money>> {
    let parts = whole.and_then(|whole| {
        let weights: Option<Vec<Decimal>> = owners
            .iter()
            .map(|owner| {
                let mut lines = invoice.lines.iter().filter(|line| line.project_id == *owner);
                // A line in another currency says nothing of the proportions.
                let amount = |net| side(net).filter(|money| money.currency == whole.currency).map(|money| money.amount);
                lines.try_fold(Decimal::ZERO, |sum, line| sum.checked_add(amount(line.net)?))
            })
            .collect();
        let parts = allocate(whole.amount, &weights?, digits(whole.currency))?;
        Some(parts.into_iter().map(|part| Some(Money::new(part, whole.currency))).collect())
    });
    parts.unwrap_or_else(|| vec![None; owners.len()])
}

/// Splits `whole` in proportion to `weights`. The parts have `digits` places and add up to `whole`. None if a figure
/// has too many digits to be computed exactly.
fn allocate(whole: Decimal, weights: &[Decimal], digits: u32) -> Option<Vec<Decimal>> {
    let sum = weights.iter().try_fold(Decimal::ZERO, |sum, weight| sum.checked_add(*weight))?;
    if sum == whole {
        return Some(weights.to_vec());
    }
    let mut parts = Vec::with_capacity(weights.len());
    let (mut weight_so_far, mut given) = (Decimal::ZERO, Decimal::ZERO);
    for (at, weight) in weights.iter().enumerate() {
        weight_so_far = weight_so_far.checked_add(*weight)?;
        let due = if at + 1 == weights.len() {
            whole
        } else if sum.is_zero() {
            // Lines that cancel each other out say nothing of proportions: the last takes what there is.
            Decimal::ZERO
        } else {
            let exact = whole.checked_mul(weight_so_far)?.checked_div(sum)?;
            exact.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
        };
        parts.push(due.checked_sub(given)?);
        given = due;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amounts(texts: &[&str]) -> Vec<Decimal> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_cent_that_cannot_be_shared_goes_to_one_of_them() {
        let parts = allocate("100.00".parse().unwrap(), &amounts(&["1", "1", "1"]), 2).unwrap();
        assert_eq!(parts, amounts(&["33.33", "33.34", "33.33"]));
        let yen = allocate("1000".parse().unwrap(), &amounts(&["10", "20"]), 0).unwrap();
        assert_eq!(yen, amounts(&["333", "667"]));
    }

    #[test]
    fn where_the_lines_add_up_to_the_document_they_are_the_shares() {
        let lines = amounts(&["12.345", "7.655", "-3"]);
        assert_eq!(allocate("17".parse().unwrap(), &lines, 2).unwrap(), lines);
    }

    #[test]
    fn lines_that_cancel_out_leave_all_to_the_last() {
        assert_eq!(allocate("19".parse().unwrap(), &amounts(&["100", "-100"]), 2).unwrap(), amounts(&["0", "19"]));
    }

    proptest! {
        #[test]
        fn shares_always_add_up(whole in -10_000_000_000i64..10_000_000_000, weights in proptest::collection::vec(-1_000_000_000i64..1_000_000_000, 1..12)) {
            let whole = Decimal::new(whole, 2);
            let weights: Vec<Decimal> = weights.into_iter().map(|weight| Decimal::new(weight, 2)).collect();
            if let Some(parts) = allocate(whole, &weights, 2) {
                prop_assert_eq!(parts.into_iter().sum::<Decimal>(), whole);
            }
        }
    }
}
