//! A service that speaks OData 4.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, RwLock};

use spine::demo::company::model::{Company, Shared};
use spine::demo::server::serve;
use spine::domain::{Booked, Money, ProjectId};

use super::{PLAIN, RULE, Stood, Subject, System, call, conforms, custom, service};

pub(super) static SYSTEM: System = System {
    connection: "service",
    stand_up: |company| Box::pin(stand_up(company)),
    page: custom::PAGE,
    invoice_id: custom::invoice_id,
    stages_are_words: true,
    // As the connector's page says: a task by default.
    ticket_without_category: "Task",
    ..PLAIN
};

async fn stand_up(company: Company) -> Stood {
    let company: Shared = Arc::new(RwLock::new(company));
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let embedded = serve("odata", service::router(Arc::clone(&company)), Arc::clone(&company), free).await.unwrap();
    let config = include_str!("odata.toml").replace("{url}", &embedded.url);
    Stood { url: embedded.url.clone(), config, company, calls: None, _running: Box::new(embedded) }
}

conforms!(SYSTEM);

/// Amounts that are added up, in both currencies.
fn plus(sum: Option<Money>, amount: Option<Money>) -> Option<Money> {
    let (sum, amount) = (sum?, amount?);
    Some(Money::new((sum.amount + amount.amount).normalize(), sum.currency))
}

#[tokio::test]
async fn the_service_adds_up_what_adding_up_the_rows_gives() {
    let subject = Subject::stand_up(&SYSTEM).await;
    let connection = subject.connect("");
    let company = subject.company();
    let ids: Vec<ProjectId> = company.ledger.projects.iter().filter_map(|(code, _)| RULE.parse(code).ok()).collect();
    let (sums, rows) = (connection.cost_sums.unwrap(), connection.costs.unwrap());
    let (sums, rows) =
        (sums.cost_sums_by_project(&call(), &ids).await.unwrap(), rows.costs_by_project(&call(), &ids).await.unwrap());
    assert!(sums.failed.is_empty() && rows.failed.is_empty(), "{:?}", sums.failed);
    let mut seen = 0;
    for id in &ids {
        let mut added: BTreeMap<String, (Booked, usize)> = BTreeMap::new();
        for cost in &rows.found[id] {
            let key =
                format!("{:?} {:?} {:?}", cost.kind, cost.state, cost.amount.document.map(|money| money.currency));
            let zero = |money: Option<Money>| money.map(|money| Money::new(0.into(), money.currency));
            let nothing = Booked { document: zero(cost.amount.document), company: zero(cost.amount.company) };
            let (sum, records) = added.entry(key).or_insert((nothing, 0));
            sum.document = plus(sum.document, cost.amount.document);
            sum.company = plus(sum.company, cost.amount.company);
            *records += 1;
        }
        let told = sums.found[id].iter().map(|costs| {
            let currency = costs.sum.amount.document.map(|money| money.currency);
            (format!("{:?} {:?} {currency:?}", costs.kind, costs.state), (costs.sum.amount, costs.sum.records))
        });
        assert_eq!(told.collect::<BTreeMap<_, _>>(), added, "{id}");
        seen += added.len();
    }
    assert!(seen > 100, "too little to show anything");
}
