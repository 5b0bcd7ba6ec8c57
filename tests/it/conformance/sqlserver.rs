//! The embedded SQL Server. What is peculiar to databases is tested in [`crate::sql`].

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use spine::demo::company::model::{Company, Shared};

use super::{PLAIN, Stood, Subject, System, conforms};
use crate::sqlserver::{Embedded, Setup, document_id, queries};

#[path = "../../sql/sums.rs"]
mod sums;

static SYSTEM: System = System {
    connection: "company",
    stand_up: |company| Box::pin(stand_up(company)),
    page: 10_000,
    invoice_id: |code, entry| document_id(code, entry).to_string(),
    stages_are_words: true,
    ticket_without_category: "Task",
    ..PLAIN
};

async fn stand_up(company: Company) -> Stood {
    let queries = queries(&company);
    let company: Shared = Arc::new(RwLock::new(company));
    let embedded = Arc::new(Embedded::start(Arc::clone(&company), Setup::default()).await);
    let config = crate::sql::config(embedded.port, "", &queries);
    let (running, before) = (Arc::clone(&embedded), AtomicUsize::new(0));
    let calls = move || {
        let asked = embedded.asked();
        asked - before.swap(asked, Ordering::Relaxed)
    };
    Stood { url: String::new(), config, company, calls: Some(Box::new(calls)), _running: Box::new(running) }
}

conforms! { SYSTEM;
    reads::keys_are_answered_as_the_company_has_it,
    reads::lists_hold_every_row_once_in_a_stable_order,
    reads::a_key_that_nobody_knows_is_absent_and_no_error,
    reads::an_id_in_another_spelling_is_the_same_id,
    reads::two_projects_with_one_id_are_a_conflict_of_that_id_alone,
    reads::calls_are_as_many_as_batches_and_pages,
    reads::words_that_nobody_mapped_are_kept_and_no_failure,
}

#[tokio::test]
async fn sums_are_what_adding_up_the_records_gives() {
    let subject = Subject::stand_up(&SYSTEM).await;
    sums::are_what_adding_up_the_records_gives(&subject.connect(""), &subject.company()).await;
}
