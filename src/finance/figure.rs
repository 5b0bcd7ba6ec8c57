//! A sum of booked amounts. It never adds across currencies and never leaves anything out: it is known in a currency
//! only if every part of it was booked in that currency.

use iso_currency::Currency;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::domain::{self, Booked, Money};

/// A sum of booked amounts, in every currency in which all of them were booked.
///
/// An invoice in dollars in the books of a company that keeps euros was booked in both. A sum of such invoices is known
/// in euros; it is known in dollars too if all of them are in dollars. Which is shown is decided last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figure {
    /// Parts, with those that have no readable amount.
    parts: usize,
    sums: Vec<Sum>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sum {
    currency: Currency,
    /// None after an overflow: no sum is better than a wrong one.
    amount: Option<Decimal>,
    /// How many parts are booked in this currency.
    parts: usize,
    /// Whether it is the currency of a document, rather than only that of the books.
    document: bool,
}

impl Figure {
    /// The sum of what an owner added up.
    pub fn of_sums(sums: &[domain::Sum]) -> Self {
        let mut figure = Self::default();
        for sum in sums.iter().filter(|sum| sum.records > 0) {
            figure.add_parts(sum.amount, sum.records);
        }
        figure
    }

    /// Adds an amount. One that is not known makes the sum unknown.
    pub fn add(&mut self, booked: Booked) {
        self.add_parts(booked, 1);
    }

    /// Adds the sum of so many amounts.
    pub(super) fn add_parts(&mut self, booked: Booked, parts: usize) {
        self.parts += parts;
        let company =
            booked.company.filter(|company| booked.document.is_none_or(|doc| doc.currency != company.currency));
        for (money, document) in
            booked.document.map(|money| (money, true)).into_iter().chain(company.map(|m| (m, false)))
        {
            if let Some(sum) = self.sums.iter_mut().find(|sum| sum.currency == money.currency) {
                sum.amount = sum.amount.and_then(|amount| amount.checked_add(money.amount));
                sum.parts += parts;
                sum.document |= document;
            } else {
                let Money { amount, currency } = money;
                self.sums.push(Sum { currency, amount: Some(amount), parts, document });
            }
        }
    }

    /// Subtracts an amount.
    pub fn subtract(&mut self, booked: Booked) {
        self.add(booked.negated());
    }

    /// Whether it is the sum of nothing, which is zero in any currency.
    pub fn is_empty(&self) -> bool {
        self.parts == 0
    }

    /// The sum in one currency, if it is known in it.
    pub fn in_currency(&self, currency: Currency) -> Option<Money> {
        if self.is_empty() {
            return Some(Money::new(Decimal::ZERO, currency));
        }
        let sum = self.sums.iter().find(|sum| sum.currency == currency && sum.parts == self.parts)?;
        Some(Money::new(sum.amount?, currency))
    }

    /// The sum in the currency people expect: that of the documents if it is one, else that of the books. None if the
    /// parts share no currency, if a part is unknown, or if there are no parts and so no currency.
    pub fn money(&self) -> Option<Money> {
        let mut known = self.known();
        let first = known.next()?;
        let documents = std::iter::once(first).chain(known).find(|sum| sum.document).unwrap_or(first);
        Some(Money::new(documents.amount?, documents.currency))
    }

    /// `self - other`, in a currency in which both are known: the one `self` is shown in, if that is one.
    pub fn minus(&self, other: &Self) -> Option<Money> {
        let shown = self.money().or_else(|| other.money().filter(|_| self.is_empty()));
        let currencies = shown.map(|money| money.currency).into_iter().chain(self.known().map(|sum| sum.currency));
        for currency in currencies {
            if let (Some(left), Some(right)) = (self.in_currency(currency), other.in_currency(currency)) {
                return Some(Money::new(left.amount.checked_sub(right.amount)?, currency));
            }
        }
        None
    }

    /// `self` as a percentage of `whole`, in a currency in which both are known; none if the whole is not positive.
    pub fn percent_of(&self, whole: &Self) -> Option<Decimal> {
        let whole_shown = whole.money()?;
        let currencies = std::iter::once(whole_shown.currency).chain(whole.known().map(|sum| sum.currency));
        for currency in currencies {
            if let (Some(part), Some(whole)) = (self.in_currency(currency), whole.in_currency(currency)) {
                return percent(part.amount, whole.amount);
            }
        }
        None
    }

    fn known(&self) -> impl Iterator<Item = &Sum> {
        self.sums.iter().filter(|sum| sum.parts == self.parts && sum.amount.is_some())
    }
}

/// `part` as a percentage of `whole`, to two decimals, halves away from zero; none if the whole is not positive.
pub fn percent(part: Decimal, whole: Decimal) -> Option<Decimal> {
    if whole <= Decimal::ZERO {
        return None;
    }
    let ratio = part.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(whole)?;
    Some(ratio.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn eur(amount: &str) -> Money {
        Money::new(amount.parse().unwrap(), Currency::EUR)
    }

    fn usd(amount: &str) -> Money {
        Money::new(amount.parse().unwrap(), Currency::USD)
    }

    fn booked(document: Money, company: Money) -> Booked {
        Booked { document: Some(document), company: Some(company) }
    }

    fn figure(parts: &[Booked]) -> Figure {
        let mut figure = Figure::default();
        for part in parts {
            figure.add(*part);
        }
        figure
    }

    #[test]
    fn a_sum_is_shown_in_the_documents_currency() {
        let sum = figure(&[booked(usd("10"), eur("9")), booked(usd("20.50"), eur("19"))]);
        assert_eq!(sum.money(), Some(usd("30.50")));
        assert_eq!(sum.in_currency(Currency::EUR), Some(eur("28")));
    }

    #[test]
    fn a_sum_over_two_currencies_is_known_in_the_books_currency_alone() {
        let sum = figure(&[booked(usd("10"), eur("9")), booked(eur("5"), eur("5"))]);
        assert_eq!(sum.money(), Some(eur("14")));
        assert_eq!(sum.in_currency(Currency::USD), None);
    }

    #[test]
    fn a_sum_without_a_common_currency_is_unknown() {
        assert_eq!(figure(&[Booked::document(usd("10")), Booked::document(eur("5"))]).money(), None);
        assert_eq!(figure(&[Booked::document(usd("10")), Booked::default()]).money(), None);
    }

    #[test]
    fn the_sum_of_nothing_is_zero_in_any_currency_but_in_none_by_itself() {
        assert_eq!(Figure::default().money(), None);
        assert_eq!(Figure::default().in_currency(Currency::CHF).unwrap().amount, Decimal::ZERO);
        let sum = figure(&[Booked::document(eur("5"))]);
        assert_eq!(sum.minus(&Figure::default()), Some(eur("5")));
        assert_eq!(Figure::default().minus(&sum), Some(eur("-5")));
        assert_eq!(Figure::default().minus(&Figure::default()), None);
    }

    #[test]
    fn a_difference_is_taken_in_a_currency_both_sides_were_booked_in() {
        let invoiced = figure(&[booked(usd("1000"), eur("920"))]);
        let cost = figure(&[booked(eur("500"), eur("500"))]);
        assert_eq!(invoiced.minus(&cost), Some(eur("420")));
        assert_eq!(invoiced.minus(&figure(&[Booked::document(usd("1"))])), Some(usd("999")));
        assert_eq!(invoiced.minus(&figure(&[Booked::document(Money::new(Decimal::ONE, Currency::CHF))])), None);
    }

    #[test]
    fn a_percentage_of_nothing_is_unknown() {
        assert_eq!(percent(Decimal::ONE, Decimal::ZERO), None);
        assert_eq!(percent(Decimal::ONE, Decimal::NEGATIVE_ONE), None);
        assert_eq!(percent(Decimal::ONE, Decimal::from(3)).unwrap().to_string(), "33.33");
    }

    #[test]
    fn an_overflow_is_unknown_rather_than_wrong() {
        let most = Booked::document(Money::new(Decimal::MAX, Currency::EUR));
        assert_eq!(figure(&[most, most]).money(), None);
    }

    proptest! {
        #[test]
        fn the_order_of_parts_changes_nothing(parts in prop::collection::vec((any::<i32>(), any::<bool>()), 0..12)) {
            let mut booked: Vec<Booked> = parts
                .iter()
                .map(|(cents, dollars)| {
                    let amount = Decimal::new(i64::from(*cents), 2);
                    let currency = if *dollars { Currency::USD } else { Currency::EUR };
                    Booked { document: Some(Money::new(amount, currency)), company: Some(Money::new(amount, Currency::EUR)) }
                })
                .collect();
            let forward = figure(&booked);
            booked.reverse();
            let backward = figure(&booked);
            prop_assert_eq!(forward.in_currency(Currency::EUR), backward.in_currency(Currency::EUR));
            prop_assert_eq!(forward.in_currency(Currency::USD), backward.in_currency(Currency::USD));
        }

        #[test]
        fn what_the_owner_added_up_is_what_adding_up_gives(parts in prop::collection::vec((any::<i32>(), 0..3u8), 0..12)) {
            let mut one_by_one = Figure::default();
            let mut sums: Vec<domain::Sum> = Vec::new();
            for (cents, currency) in parts {
                let amount = Decimal::new(i64::from(cents), 2);
                let currency = [Currency::USD, Currency::EUR, Currency::CHF].into_iter().nth(usize::from(currency)).unwrap();
                let booked = booked(Money::new(amount, currency), Money::new(amount + amount, Currency::EUR));
                one_by_one.add(booked);
                match sums.iter_mut().find(|sum| sum.amount.document.unwrap().currency == currency) {
                    Some(sum) => {
                        let plus = |one: Option<Money>, two: Option<Money>| {
                            one.zip(two).map(|(one, two)| Money::new(one.amount + two.amount, one.currency))
                        };
                        sum.amount.document = plus(sum.amount.document, booked.document);
                        sum.amount.company = plus(sum.amount.company, booked.company);
                        sum.records += 1;
                    }
                    None => sums.push(domain::Sum { amount: booked, records: 1 }),
                }
            }
            let added = Figure::of_sums(&sums);
            for currency in [Currency::USD, Currency::EUR, Currency::CHF] {
                prop_assert_eq!(added.in_currency(currency), one_by_one.in_currency(currency));
            }
            prop_assert_eq!((added.money(), added.is_empty()), (one_by_one.money(), one_by_one.is_empty()));
        }

        #[test]
        fn adding_and_subtracting_leaves_nothing(cents in prop::collection::vec(any::<i64>(), 1..12)) {
            let mut sum = Figure::default();
            for cents in &cents {
                sum.add(Booked::document(Money::new(Decimal::new(*cents, 2), Currency::EUR)));
                sum.subtract(Booked::document(Money::new(Decimal::new(*cents, 2), Currency::EUR)));
            }
            prop_assert_eq!(sum.money().unwrap().amount, Decimal::ZERO);
        }
    }
}
