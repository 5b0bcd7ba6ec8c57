//! The records of an invented company. The same every time, so that every server can be held to the same answer.

/// JSON texts of all records. Deal `dN` leads to project `pN`, which has everything else.
pub(crate) struct Records {
    /// One object per deal.
    pub(crate) deals: Vec<String>,
    /// One object per project.
    pub(crate) projects: Vec<String>,
    /// The invoices of each project, with commas between them; so are costs and tickets.
    pub(crate) invoices: Vec<String>,
    pub(crate) costs: Vec<String>,
    pub(crate) tickets: Vec<String>,
}

const PEOPLE: [&str; 6] = ["Ana Ruiz", "Ben Otto", "Chen Li", "Dora Valk", "Emre Kaya", "Fay Stone"];

impl Records {
    /// A company with so many deals.
    pub(crate) fn of(deals: u64) -> Self {
        Self {
            deals: (0..deals).map(deal).collect(),
            projects: (0..deals).map(project).collect(),
            invoices: (0..deals).map(|n| several(5 + seed(n, 1) % 7, |at| invoice(n, at))).collect(),
            costs: (0..deals).map(|n| several(2 + seed(n, 1) % 5, |at| cost(n, at))).collect(),
            tickets: (0..deals).map(|n| several(3 + seed(n, 1) % 5, |at| ticket(n, at))).collect(),
        }
    }

    /// The number in an ID such as `d17`, if there is such a record.
    pub(crate) fn number(&self, id: &str, prefix: char) -> Option<usize> {
        let number: usize = id.strip_prefix(prefix)?.parse().ok()?;
        (number < self.deals.len()).then_some(number)
    }
}

fn deal(n: u64) -> String {
    let seed = seed(n, 1);
    format!(
        r#"{{"id":"d{n}","name":"Deal {n} rollout","stage":"{}","amount":{},"currency":"EUR","company":"Company {}","owner":"{}","closeDate":"{}","createdAt":"2026-01-0{}T08:00:00Z","probability":0.{},"projectId":"p{n}"}}"#,
        pick(&["qualified", "proposal", "won", "lost"], seed),
        money(seed, 90_000),
        seed % 700,
        pick(&PEOPLE, seed >> 7),
        day(seed >> 3),
        n % 9 + 1,
        seed % 9 + 1,
    )
}

fn project(n: u64) -> String {
    let seed = seed(n, 1);
    format!(
        r#"{{"id":"p{n}","dealId":"d{n}","name":"Project {n}","status":"{}","manager":"{}","startDate":"{}","endDate":"{}","budgetHours":{},"spentHours":{}}}"#,
        pick(&["planned", "active", "paused", "done"], seed >> 5),
        pick(&PEOPLE, seed >> 11),
        day(seed >> 4),
        day(seed >> 9),
        seed % 900 + 40,
        seed % 700,
    )
}

fn invoice(project: u64, at: u64) -> String {
    let seed = seed(project, 100 + at);
    format!(
        r#"{{"id":"i{project}-{at}","projectId":"p{project}","number":"INV-{:06}","status":"{}","amount":{},"tax":{},"currency":"EUR","issuedOn":"{}","dueOn":"{}"}}"#,
        project * 16 + at,
        pick(&["draft", "sent", "paid", "overdue"], seed),
        money(seed, 9_000),
        money(seed >> 3, 900),
        day(seed >> 2),
        day(seed >> 6),
    )
}

fn cost(project: u64, at: u64) -> String {
    let seed = seed(project, 200 + at);
    format!(
        r#"{{"id":"c{project}-{at}","projectId":"p{project}","kind":"{}","amount":{},"currency":"EUR","bookedOn":"{}"}}"#,
        pick(&["labour", "material", "travel"], seed),
        money(seed, 5_000),
        day(seed >> 6),
    )
}

fn ticket(project: u64, at: u64) -> String {
    let seed = seed(project, 300 + at);
    format!(
        r#"{{"id":"t{project}-{at}","projectId":"p{project}","title":"Ticket {at} of project {project}","status":"{}","priority":"{}","assignee":"{}","createdAt":"{}","estimateHours":{}}}"#,
        pick(&["open", "doing", "review", "closed"], seed),
        pick(&["low", "normal", "high"], seed >> 4),
        pick(&PEOPLE, seed >> 9),
        day(seed >> 5),
        seed % 40,
    )
}

/// A number that looks like chance and depends on nothing but the record and what is asked of it.
fn seed(record: u64, what: u64) -> u64 {
    let mut x = record.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ what.wrapping_mul(0xD1B5_4A32_D192_ED03);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^ (x >> 32)
}

fn several(count: u64, of: impl Fn(u64) -> String) -> String {
    (0..count).map(of).collect::<Vec<_>>().join(",")
}

fn pick<'a>(words: &[&'a str], seed: u64) -> &'a str {
    let count = words.len() as u64;
    usize::try_from(seed % count).ok().and_then(|at| words.get(at)).copied().unwrap_or_default()
}

/// An amount with two decimals, the last of which is never 0: so that a server that reads it as a floating-point number
/// prints it as one that reads it as text does.
fn money(seed: u64, below: u64) -> String {
    format!("{}.{}{}", seed % below, (seed >> 20) % 10, (seed >> 30) % 9 + 1)
}

fn day(seed: u64) -> String {
    format!("2026-{:02}-{:02}", seed % 12 + 1, (seed >> 8) % 28 + 1)
}
