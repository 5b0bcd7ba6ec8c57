//! `docs/faults.md`, written from the tables.

use std::fmt::Write;

use crate::support::in_step;

use super::cases::{CASES, Case, Expected, How};
use super::rows::{self, NOT_APPLICABLE, NOT_IN_THE_MATRIX, Row};
use super::{WAYS, of_the_way, serving};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const BEGINNING: &str = "# Faults\n\n\
What may go wrong between Spine and the systems, what a reader then gets, and which test holds it. A figure is right, or it is \
null with an error that names its system, and what it is a part of says that it is not complete; a report is there whole or not \
at all.\n\nGenerated from the tables of `tests/it/conformance/matrix`, which are the tests: a kind of system that does not pass \
them cannot be registered.\n\n\
## On the wire, case by case\n\n\
Each case is injected into the real answers of each embedded system, and asked through the graph and through a report. Beside \
what the table says, in each of them: nothing wrong is shown, each thing that is missing has an error, no call goes to another \
host, there are no more calls than usual with one retry and one lost connection each, no place is kept, the answer comes in time, and afterwards all is \
right again.\n\n";

/// The rows that tests of their own hold.
fn rows() -> impl Iterator<Item = &'static Row> {
    rows::ROWS.iter().chain(serving::ROWS)
}

/// What a reader gets, in words.
fn gets(case: &Case) -> String {
    let codes = |codes: &[&str]| codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(" or ");
    match case.expected {
        Expected::Right => "all of it, as ever".to_owned(),
        Expected::Missing(told) => format!("nothing of this system: {}", codes(told)),
        Expected::RightOrMissing(told) => format!("each thing as ever, or missing: {}", codes(told)),
    }
}

/// The cell of a case and a way to read a system: a cross, or the number of the reason why it is not run.
fn cell(case: &Case, way: &str, is_whole: bool, reasons: &mut Vec<String>) -> String {
    let why = match case.except.iter().find(|(except, _)| *except == way) {
        Some((_, why)) => *why,
        None if is_whole || of_the_way(case) => return "x".to_owned(),
        None => "run with the other way to read this system",
    };
    let at = reasons.iter().position(|known| known == why).unwrap_or_else(|| {
        reasons.push(why.to_owned());
        reasons.len() - 1
    });
    format!("{}", at + 1)
}

fn page() -> String {
    let mut page = String::from(BEGINNING);
    let ways: Vec<&str> = WAYS.iter().map(|(way, _)| *way).collect();
    writeln!(page, "| row | injected | a reader gets | {} |", ways.join(" | ")).unwrap();
    writeln!(page, "|---|---|---|{}", "---|".repeat(ways.len())).unwrap();
    let mut reasons = Vec::new();
    for case in CASES {
        let cells: Vec<String> = WAYS.iter().map(|(way, is_whole)| cell(case, way, *is_whole, &mut reasons)).collect();
        let how = match case.how {
            How::Hasty(_) => ", under short timeouts",
            How::Alone(_) if case.id != "H7" => ", and the next reader no call",
            How::Alone(_) | How::Answers(_) | How::Elsewhere(_) => "",
        };
        writeln!(page, "| {} | {} | {}{how} | {} |", case.id, case.injected, gets(case), cells.join(" | ")).unwrap();
    }
    page.push_str("\nNot run, because:\n\n");
    for (number, reason) in (1..).zip(&reasons) {
        writeln!(page, "{number}. {reason}").unwrap();
    }
    page.push_str("\nKinds of system that these cases are not run against:\n\n");
    for (kind, why) in NOT_IN_THE_MATRIX {
        writeln!(page, "- `{kind}`: {why}").unwrap();
    }
    page.push_str(
        "\n## Held by tests of their own\n\nT: the wire, H: HTTP, D: data, C: cache and concurrency, Q: clients and \
         questions, L: start, stop and change. A row may be held in part; what is open stands in its last column.\n\n\
         | row | what goes wrong | tests | not yet |\n|---|---|---|---|\n",
    );
    for row in rows() {
        let tests = row.tests.iter().map(|(file, names)| {
            format!("`{file}`: {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        });
        let tests = tests.collect::<Vec<_>>().join("; ");
        writeln!(page, "| {} | {} | {tests} | {} |", row.id, row.wrong, row.open.unwrap_or_default()).unwrap();
    }
    page.push_str("\n## Does not apply\n\n| row | what goes wrong | why not |\n|---|---|---|\n");
    for (id, wrong, why) in NOT_APPLICABLE {
        writeln!(page, "| {id} | {wrong} | {why} |").unwrap();
    }
    page
}

#[test]
fn the_page_of_faults_is_in_step() {
    in_step(&format!("{ROOT}/docs/faults.md"), &page());
}

#[test]
fn each_test_that_the_page_names_exists() {
    for (file, names) in rows().flat_map(|row| row.tests) {
        let text = std::fs::read_to_string(format!("{ROOT}/{file}")).unwrap_or_else(|_| panic!("there is no {file}"));
        assert!(
            text.contains("#[test]") || text.contains("#[tokio::test") || text.contains("pub(super) async fn"),
            "{file}"
        );
        for name in *names {
            assert!(text.contains(&format!("fn {name}(")), "{file} has no test `{name}`");
        }
    }
}

#[test]
fn each_row_is_held_or_says_what_is_open() {
    for id in rows::all() {
        let is_told = CASES.iter().any(|case| case.id == id) || rows().any(|row| row.id == id);
        assert!(is_told != NOT_APPLICABLE.iter().any(|(row, ..)| *row == id), "nothing is said of {id}, or two things");
    }
    for row in rows() {
        assert!(!row.tests.is_empty() || row.open.is_some(), "{} is held by nothing", row.id);
        assert!(rows::all().any(|id| id == row.id), "there is no row {}", row.id);
    }
}
