//! Grows a company from a seed: the same seed, number of deals and day give the same company, to the last cent.
//!
//! The order follows life: people and clients, then deals, then what was sold becomes [`Engagement`]s, which become
//! projects with hours and issues, and documents in the books. At the end the flaws that real data has are put in.

mod activity;
mod books;
mod dice;
mod documents;
mod flaws;
mod journal;
mod lists;
mod people;
mod projects;
mod purchases;
mod sales;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::amounts::LOCAL;
use super::model::{Company, Deal};
use books::Books;
use dice::{Calendar, Day, Dice};
use flaws::Flawed;

/// What a company is grown from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// Chance. 42 unless somebody wants another company.
    pub seed: u64,
    /// How many deals; everything else grows with them.
    pub deals: usize,
    /// The day on which the history ends.
    pub today: Date,
}

impl Company {
    /// Grows the company of this seed.
    pub fn grow(seed: &Seed) -> Self {
        let mut dice = Dice::new(seed.seed);
        let calendar = Calendar::new(seed.today);
        let people = people::colleagues(&mut dice);
        let clients = people::clients(&mut dice, 20 + seed.deals / 10);
        let contacts = people::contacts(&mut dice, &clients);
        let (prospects, mut engagements) = sales::plan(&mut dice, calendar, seed.deals, &clients, &people);
        let mut deals = sales::records(&mut dice, calendar, &prospects, &mut engagements, &clients, &contacts, &people);
        flaws::unknown_to_the_erp(&mut dice, &mut engagements);
        let mut work = projects::deliver(&mut dice, calendar, &engagements, &deals, &clients, &people);
        let mut books = Books::new(calendar, seed.seed);
        for (index, engagement) in engagements.iter().enumerate().filter(|(_, engagement)| engagement.in_erp) {
            documents::bill(&mut dice, &mut books, engagement, &deals, &clients);
            let neighbour = index.checked_sub(1).and_then(|before| engagements.get(before));
            purchases::buy(&mut dice, &mut books, engagement, neighbour.filter(|neighbour| neighbour.in_erp));
            journal::expenses(&mut dice, &mut books, engagement);
        }
        journal::labour(&mut books, &engagements, &work.time_entries);
        let ledger = books.close(&mut dice, &engagements);
        flaws::apply(&mut dice, Flawed { deals: &mut deals, engagements: &engagements, work: &mut work });
        Self {
            seed: seed.seed,
            today: seed.today,
            currency: LOCAL.to_owned(),
            people,
            clients,
            contacts,
            deals,
            projects: work.projects,
            issues: work.issues,
            time_entries: work.time_entries,
            ledger,
            revision: 0,
        }
    }
}

/// How large a contract is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Size {
    #[default]
    Small,
    Middle,
    Large,
}

/// What was sold and is delivered under one shared ID: a deal that was won, and the upsells that followed it.
#[derive(Debug)]
struct Engagement {
    code: String,
    name: String,
    /// Position of the client.
    client: usize,
    /// Positions of the won deals, and the days on which they closed; the first one founded it.
    deals: Vec<(usize, Day)>,
    size: Size,
    start: Day,
    /// When it was to end.
    due: Day,
    /// When it ended, or will.
    end: Day,
    /// Actual effort per thousand of the planned one, at the end.
    overrun: i64,
    /// Planned cost in cents, local currency.
    planned: i64,
    /// Person number of the project manager.
    manager: u32,
    /// Whether the ERP was told of it.
    in_erp: bool,
}

impl Engagement {
    /// How far it is, per thousand, by the calendar.
    fn progress(&self) -> i64 {
        (-self.start * 1000 / (self.end - self.start).max(1)).clamp(0, 1000)
    }

    fn finished(&self) -> bool {
        self.end < 0
    }

    /// The last day of its work that is not in the future.
    fn last_day(&self) -> Day {
        self.end.min(0)
    }

    /// Actual cost so far in cents, of what was planned for a purpose (per thousand of all).
    fn spent(&self, permille: i64) -> i64 {
        let planned = dice::share(self.planned, permille);
        dice::share(dice::share(planned, self.overrun), self.progress())
    }
}

/// The amount of a deal in cents; 0 without one.
fn amount_cents(deal: &Deal) -> i64 {
    deal.amount.map_or(0, |amount| i64::try_from((amount * Decimal::ONE_HUNDRED).trunc().mantissa()).unwrap_or(0))
}
