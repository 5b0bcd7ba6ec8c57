//! The embedded NetSuite, with each of its two ways to sign in.

use std::sync::Arc;

use futures_util::FutureExt;
use spine::demo::Demo;
use spine::demo::company::model::{Company, DocumentKind};
use spine::demo::erp::Erp;
use spine::demo::netsuite::{CERTIFICATE_ID, CLIENT_ID, document_id, journal_id, payment_id};

use super::{PLAIN, Stood, System, conforms};

/// Each call is signed.
pub(super) static SIGNED: System =
    System { stand_up: |company| stand_up(company, |config| config).boxed(), ..NETSUITE };

/// A signed assertion is exchanged for a token.
pub(super) static OAUTH2: System = System { stand_up: |company| stand_up(company, with_oauth2).boxed(), ..NETSUITE };

const NETSUITE: System = System {
    connection: "netsuite",
    // Pages have 1,000 rows, and a document has a row for each of its lines, one for its total and one for its tax.
    page: 200,
    invoice_id: |code, entry| document(code, entry).to_string(),
    payment_id: |entry| payment_id(entry).to_string(),
    cost_id: |code, entry, line| match code {
        30 => format!("{}-{line}", journal_id(entry)),
        // The first line of a document is its total.
        _ => format!("{}-{}", document(code, entry), line + 1),
    },
    ..PLAIN
};

/// The internal ID of a document, by the number of its kind in the books.
fn document(code: u32, entry: u32) -> i64 {
    let kind = match code {
        13 => DocumentKind::Invoice,
        14 => DocumentKind::CreditNote,
        18 => DocumentKind::PurchaseInvoice,
        19 => DocumentKind::PurchaseCreditNote,
        _ => DocumentKind::PurchaseOrder,
    };
    document_id(kind, entry)
}

/// The demo's connection, signed in by OAuth 2.0 instead.
#[expect(clippy::needless_pass_by_value, reason = "callers hand over what they just made")]
fn with_oauth2(config: String) -> String {
    let (before, _) = config.split_once("[connections.netsuite.token]").unwrap();
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/netsuite/demo-key.pem");
    format!(
        "{before}[connections.netsuite.oauth2]\nclient_id = \"{CLIENT_ID}\"\ncertificate_id = \"{CERTIFICATE_ID}\"\n\
         private_key = {{ file = \"{key}\" }}\n"
    )
}

async fn stand_up(company: Company, edit: fn(String) -> String) -> Stood {
    let demo = Demo::of(company, Erp::NetSuite).await.unwrap();
    Stood {
        url: demo.erp.url.clone(),
        config: edit(demo.gateway_config()),
        company: Arc::clone(&demo.company),
        calls: None,
        _running: Box::new(demo),
    }
}

conforms!(SIGNED);

mod oauth2 {
    use super::{OAUTH2, conforms};

    conforms! { OAUTH2;
        reads::keys_are_answered_as_the_company_has_it,
        faults::each_failure_is_told_apart_and_none_stays,
        faults::a_connection_that_begins_with_a_failure_tells_it_apart_and_recovers,
        faults::what_fails_once_in_passing_is_asked_again,
    }
}
