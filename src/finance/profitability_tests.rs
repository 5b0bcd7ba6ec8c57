//! What holds of every portfolio, whatever is in it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::metrics::{CATALOGUE, EAC, FORECAST_MARGIN, INVOICED, MARGIN, OVERDUE};
use super::*;
use crate::domain::{Booked, Currency, Money, Rates};

const DIMENSIONS: [Dimension; 13] = [
    Dimension::Vertical,
    Dimension::Client,
    Dimension::DealSize,
    Dimension::DealType,
    Dimension::DealOwner,
    Dimension::ProjectManager,
    Dimension::CloseMonth,
    Dimension::CloseQuarter,
    Dimension::CloseYear,
    Dimension::Stage,
    Dimension::Country,
    Dimension::Currency,
    Dimension::Health,
];

type Sample = (Engagement, Attributes);

fn figure(cents: i32, currency: Currency) -> Figure {
    let mut figure = Figure::default();
    let amount = Decimal::new(cents.into(), 2);
    let books = Money::new(amount, Currency::EUR);
    figure.add(Booked { document: Some(Money::new(amount, currency)), company: Some(books) });
    figure
}

/// Known, unknown or nothing.
fn part<T>(state: u8, value: T) -> Part<T> {
    match state {
        0 => Part::Unknown(Exclusion::NotInCosts),
        1 => Part::Nothing,
        _ => Part::Known(value),
    }
}

fn engagement(cents: [i32; 5], states: [u8; 7], progress: u8, currency: Currency) -> Engagement {
    let [value, margin, invoiced, open, spent] = cents;
    let [sold, estimated, billed, paid, costs, done, helped] = states;
    let mut value = figure(value, currency);
    if sold == 7 {
        // An amount that cannot be read.
        value.add(Booked::default());
    }
    let contract = Contract {
        value,
        estimated_margin: figure(margin, currency),
        estimated: estimated > 1,
        completeness: Completeness::default(),
    };
    let receivables = Receivables {
        invoiced: figure(invoiced, currency),
        collected: figure(invoiced, currency),
        outstanding: figure(open, currency),
        overdue: figure(open, currency),
        completeness: Completeness::default(),
    };
    let spending = Spending {
        actual: figure(spent, Currency::EUR),
        committed: Figure::default(),
        completeness: Completeness::default(),
    };
    Engagement {
        deals: usize::from(sold),
        is_project: costs > 1,
        contract: part(sold, contract),
        invoiced: part(billed, receivables.invoiced.clone()),
        receivables: part(paid, receivables),
        credit_sales: part(helped, figure(open, currency)),
        spending: part(costs, spending),
        progress: part(done, progress.into()),
        is_cancelled: progress == 7,
        hours_budgeted: part(done, Decimal::from(progress)),
        hours_spent: part(done, Decimal::from(progress)),
        support: part(helped, Support { tickets: Some(1), hours: Some(Decimal::new(progress.into(), 1)) }),
    }
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let figures = (prop::array::uniform5(-2_000_000..30_000_000), prop::array::uniform7(0..8u8), 0..=100u8);
    let one = (figures, 0..3usize, (0..4u8, 0..3u8, 1..13i8)).prop_map(|((cents, states, progress), currency, of)| {
        let currency = [Currency::EUR, Currency::USD, Currency::JPY].into_iter().nth(currency).unwrap();
        let named = |name: u8| (name > 0).then(|| format!("{name}").into());
        let (vertical, client, month) = of;
        let attributes = Attributes {
            vertical: named(vertical),
            client: named(client),
            country: named(client),
            deal_type: named(vertical),
            deal_owner: named(client),
            stage: named(vertical),
            manager: named(client),
            health: named(vertical),
            close_date: (client > 0).then(|| jiff::civil::date(2026, month, 1)),
            currency: (client > 0).then_some(currency),
            client_name: None,
        };
        (engagement(cents, states, progress, currency), attributes)
    });
    prop::collection::vec(one, 0..12)
}

fn terms(dimensions: &[Dimension], currency: Option<Currency>) -> Terms {
    let per_base = [(Currency::USD, Decimal::new(108, 2)), (Currency::JPY, Decimal::from(160))].into();
    let date = jiff::civil::date(2026, 10, 31);
    Terms {
        dimensions: dimensions.to_vec(),
        measures: CATALOGUE.iter().flat_map(|metric| metric.measures).copied().collect(),
        currency,
        rates: Some(Rates { base: Currency::EUR, date, source: "test".to_owned(), per_base }),
        bands: [25_000, 100_000].map(Decimal::from).to_vec(),
        hour_cost: Some(Money::new(Decimal::from(65), Currency::EUR)),
        support_in_costs: false,
        keep_deals: false,
    }
}

fn told<'a>(terms: &Terms, samples: impl IntoIterator<Item = &'a Sample>) -> (Vec<Group>, Vec<Group>) {
    let mut profitability = Profitability::new(terms.clone());
    for (engagement, attributes) in samples {
        profitability.add(engagement, attributes, &[]);
    }
    profitability.finish()
}

/// All that a row says, by what it has in common and its currency.
fn rows(groups: &[Group]) -> BTreeMap<String, (Vec<Option<Decimal>>, usize, usize)> {
    let row = |group: &Group| {
        let completeness = &group.sums.completeness;
        let metrics = CATALOGUE.iter().map(|metric| metric.of(&group.sums)).collect();
        let key = format!("{:?} {:?}", group.members, group.currency);
        (key, (metrics, completeness.included, completeness.excluded))
    };
    groups.iter().map(row).collect()
}

/// Groupings by each dimension, and by some pairs.
fn groupings() -> Vec<Vec<Dimension>> {
    let pairs = DIMENSIONS.windows(2).map(<[Dimension]>::to_vec);
    DIMENSIONS.iter().map(|dimension| vec![*dimension]).chain(pairs).collect()
}

fn whole(cents: i32) -> Sample {
    let attributes = Attributes { vertical: Some("one".into()), ..Attributes::default() };
    (engagement([cents; 5], [2; 7], 50, Currency::EUR), attributes)
}

proptest! {
    #[test]
    fn both_sides_of_a_ratio_are_of_the_same_engagements(samples in samples()) {
        let basis = Basis {
            currency: Some(Currency::EUR),
            rates: None,
            hour_cost: Some(Money::new(Decimal::from(65), Currency::EUR)),
            support_in_costs: false,
            measures: &[],
        };
        for (engagement, _) in &samples {
            let told = engagement.statement(&basis);
            for metric in CATALOGUE.iter().filter(|metric| metric.denominator.is_some()) {
                let known: Vec<bool> = metric.measures.iter().map(|side| told.of(*side).known().is_some()).collect();
                prop_assert!(known == [false; 2] || known == [true; 2], "{}: {:?}", metric.name, known);
            }
        }
    }

    #[test]
    fn the_rows_of_any_grouping_add_up_to_the_total_to_the_last_digit(samples in samples(), split in any::<bool>()) {
        for dimensions in groupings() {
            let (groups, totals) = told(&terms(&dimensions, (!split).then_some(Currency::EUR)), &samples);
            for total in &totals {
                let of_it: Vec<_> = groups.iter().filter(|group| group.currency == total.currency).collect();
                for metric in CATALOGUE.iter().filter(|metric| metric.additive) {
                    let parts: Vec<Decimal> = of_it.iter().filter_map(|group| metric.of(&group.sums)).collect();
                    let sum = (!parts.is_empty()).then(|| parts.iter().sum::<Decimal>());
                    prop_assert_eq!(sum, metric.of(&total.sums), "{} by {:?}", metric.name, dimensions);
                }
                let count = |of: fn(&Completeness) -> usize| of_it.iter().map(|one| of(&one.sums.completeness)).sum::<usize>();
                prop_assert_eq!(count(|all| all.included), total.sums.completeness.included);
                prop_assert_eq!(count(|all| all.excluded), total.sums.completeness.excluded);
            }
            let counted = totals.iter().map(|total| &total.sums.completeness).map(|all| all.included + all.excluded);
            prop_assert_eq!(counted.sum::<usize>(), samples.len());
        }
    }

    #[test]
    fn the_order_of_engagements_changes_nothing(samples in samples(), split in any::<bool>()) {
        for dimensions in groupings() {
            let terms = terms(&dimensions, (!split).then_some(Currency::EUR));
            let (forward, backward) = (told(&terms, &samples), told(&terms, samples.iter().rev()));
            prop_assert_eq!(rows(&forward.0), rows(&backward.0));
            prop_assert_eq!(rows(&forward.1), rows(&backward.1));
        }
    }

    #[test]
    fn an_engagement_changes_no_row_that_it_is_not_in(samples in samples(), split in any::<bool>()) {
        let terms = terms(&[Dimension::Vertical], (!split).then_some(Currency::EUR));
        let before = rows(&told(&terms, &samples).0);
        let after = rows(&told(&terms, samples.iter().chain([&whole(100_000)])).0);
        prop_assert_eq!(after.len(), before.len() + 1);
        for (key, row) in before {
            prop_assert_eq!(after.get(&key), Some(&row));
        }
    }

    #[test]
    fn what_an_owner_could_not_be_asked_is_null_and_never_a_smaller_number(samples in samples()) {
        let terms = terms(&[], Some(Currency::EUR));
        let (mut one, attributes) = whole(100_000);
        one.invoiced = Part::Unavailable(Exclusion::ReceivablesUnavailable);
        let (groups, _) = told(&terms, samples.iter().chain([&(one, attributes)]));
        let sums = &groups[0].sums;
        for metric in CATALOGUE.iter().filter(|metric| metric.name.starts_with("margin") || metric.name == "invoiced") {
            prop_assert!(metric.name == "margin_slippage" || metric.of(sums).is_none(), "{}", metric.name);
        }
        prop_assert!(sums.completeness.reasons.contains(&Exclusion::ReceivablesUnavailable));
    }
}

#[test]
fn what_is_unknown_of_any_figure_that_is_asked_is_counted_as_excluded() {
    let (mut one, attributes) = whole(100_000);
    let receivables = one.receivables.as_ref().known().unwrap();
    let mut overdue = Figure::default();
    overdue.add(Booked::default());
    let completeness = Completeness { reasons: vec![Exclusion::MissingDueDate], ..Completeness::default() };
    one.receivables = Part::Known(Receivables { overdue, completeness, ..receivables.clone() });
    for (asked, excluded) in [(&OVERDUE, 1), (&INVOICED, 0)] {
        let terms = Terms { measures: asked.measures.to_vec(), ..terms(&[], Some(Currency::EUR)) };
        let (_, totals) = told(&terms, [&whole(5_000), &(one.clone(), attributes.clone())]);
        let completeness = &totals[0].sums.completeness;
        assert_eq!((completeness.included, completeness.excluded), (2 - excluded, excluded), "{}", asked.name);
        assert_eq!(completeness.reasons.contains(&Exclusion::MissingDueDate), excluded == 1, "{}", asked.name);
    }
}

#[test]
fn what_is_not_sold_has_no_size() {
    let (mut open, attributes) = whole(100_000);
    open.contract = Part::Known(Contract::default());
    let (groups, _) = told(&terms(&[Dimension::DealSize], Some(Currency::EUR)), [&(open, attributes), &whole(100_000)]);
    let bands: Vec<_> = groups.iter().map(|group| group.members[0].value.as_deref()).collect();
    assert_eq!(bands, [Some("1: below 25000"), None]);
}

#[test]
fn what_cost_nothing_so_far_is_not_forecast_to_cost_nothing() {
    let (mut one, attributes) = whole(100_000);
    one.spending = Part::Known(Spending::default());
    let (_, totals) = told(&terms(&[], Some(Currency::EUR)), [&(one, attributes)]);
    let sums = &totals[0].sums;
    assert_eq!((EAC.of(sums), FORECAST_MARGIN.of(sums)), (None, None));
    assert_eq!(MARGIN.of(sums), Some(Decimal::from(1_000)), "it is what was invoiced so far");
}

#[test]
fn without_a_currency_rows_are_split_by_it_and_nothing_is_converted() {
    let (dollars, attributes) = whole(0);
    let dollars = Engagement { spending: Part::Nothing, ..dollars };
    let contract = |currency| Contract { value: figure(700, currency), ..Contract::default() };
    let one = Engagement { contract: Part::Known(contract(Currency::USD)), invoiced: Part::Nothing, ..dollars.clone() };
    let other = Engagement { contract: Part::Known(contract(Currency::JPY)), invoiced: Part::Nothing, ..dollars };
    let (groups, totals) =
        told(&terms(&[Dimension::Vertical], None), [&(one, attributes.clone()), &(other, attributes)]);
    for rows in [groups, totals] {
        let told: Vec<_> =
            rows.iter().map(|row| (row.currency.unwrap(), metrics::CONTRACT_VALUE.of(&row.sums))).collect();
        assert_eq!(told, [(Currency::JPY, Some(Decimal::new(700, 2))), (Currency::USD, Some(Decimal::new(700, 2)))]);
    }
}
