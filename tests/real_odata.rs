//! The OData connector against a real OData 4 service (CAP, installed from npm by `tests/tools.sh`), which holds the books
//! of the demo's company: the same question has the same answer there as in the embedded SAP Business One.
//!
//! ```sh
//! tests/tools.sh && cargo test --test real_odata
//! ```

#[cfg(test)]
#[path = "odata/books.rs"]
mod books;
#[cfg(test)]
#[path = "odata/service.rs"]
mod service;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::civil::date;
    use spine::config::Config;
    use spine::demo::Demo;
    use spine::demo::company::grow::Seed;
    use spine::demo::company::model::Company;
    use spine::demo::erp::Erp;
    use spine::domain::{
        Booked, Clock, Cost, CostSum, Invoice, InvoiceId, InvoiceKind, InvoiceQuery, Money, ProjectId, ProjectInvoice,
        SystemClock,
    };
    use spine::systems::{Call, Connection, InvoiceSource, Priority, registry};
    use tokio::time::Instant;

    use crate::books;
    use crate::service::Service;

    fn call() -> Call {
        Call::new(Instant::now() + Duration::from_mins(1), Priority::Interactive)
    }

    fn connect(text: &str, name: &str) -> (Connection, Config) {
        let config = Config::parse("spine.toml", text).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let connections = registry::connect(&config, &clock).unwrap();
        (connections.into_iter().find(|one| one.name.as_str() == name).unwrap(), config)
    }

    /// The same books twice: in the embedded SAP, and in the service.
    struct Books {
        sap: Connection,
        service: Connection,
        projects: Vec<ProjectId>,
        invoices: Vec<Invoice>,
        _running: (Demo, Service),
    }

    /// All documents of one direction.
    async fn all(source: &Arc<dyn InvoiceSource>) -> Vec<Invoice> {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = source.invoice_page(&call(), &InvoiceQuery::default(), after.as_deref(), 500).await.unwrap();
            ids.extend(page.items.iter().map(|invoice| invoice.id.clone()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut found = BTreeMap::new();
        for ids in ids.chunks(source.batch_limit()) {
            let batch = source.invoices(&call(), ids).await.unwrap();
            assert!(batch.failed.is_empty());
            found.extend(batch.found.into_iter().map(|(id, invoice)| (id.to_string(), invoice)));
        }
        found.into_values().collect()
    }

    async fn stand_up(name: &str, dialect: &str) -> Books {
        let company = Company::grow(&Seed { seed: 42, deals: 90, today: date(2026, 11, 25) });
        let demo = Demo::of(company.clone(), Erp::Sap).await.unwrap();
        let (sap, config) = connect(&demo.gateway_config(), "sap");
        let codes = company.ledger.projects.iter().map(|(code, _)| code);
        let projects: Vec<ProjectId> = codes.filter_map(|code| config.shared_id.parse(code).ok()).collect();
        let (invoices, bills) =
            (all(sap.receivables.as_ref().unwrap()).await, all(sap.payables.as_ref().unwrap()).await);
        let costs = costs_of(&sap, &projects).await;
        let (heads, lines, payments) =
            books::documents(["Books-Invoices.csv", "Books-InvoiceLines.csv"], "Invoice_ID", &invoices);
        let (bill_heads, bill_lines, _) =
            books::documents(["Books-Bills.csv", "Books-BillLines.csv"], "Bill_ID", &bills);
        let tables = [heads, lines, payments, bill_heads, bill_lines, books::costs(&costs)];
        let service = Service::start(name, &tables);
        let general =
            "[shared_id]\npattern = '^PRJ-\\d{4}-\\d{3,6}$'\n[owners]\nreceivables = \"books\"\ncosts = \"books\"\n";
        let connection =
            include_str!("odata/connection.toml").replace("{url}", &service.url).replace("{dialect}", dialect);
        let (connection, _) = connect(&format!("{general}{connection}"), "books");
        Books { sap, service: connection, projects, invoices, _running: (demo, service) }
    }

    async fn costs_of(connection: &Connection, projects: &[ProjectId]) -> Vec<(ProjectId, Vec<Cost>)> {
        let source = connection.costs.as_ref().unwrap();
        let mut all = Vec::new();
        for ids in projects.chunks(source.batch_limit()) {
            let batch = source.costs_by_project(&call(), ids).await.unwrap();
            assert!(batch.failed.is_empty(), "{:?}", batch.failed);
            all.extend(batch.found);
        }
        all.sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
        all
    }

    fn money(money: Option<Money>) -> String {
        money.map_or_else(
            || "none".to_owned(),
            |money| format!("{} {}", money.amount.normalize(), money.currency.code()),
        )
    }

    fn booked(booked: Booked) -> String {
        format!("{} ({})", money(booked.document), money(booked.company))
    }

    /// All that is told of a document, whichever system tells it.
    fn told(invoice: &Invoice) -> String {
        let lines: Vec<String> = invoice
            .lines
            .iter()
            .map(|line| format!("{:?} {} {:?}", line.description, booked(line.net), line.project_id))
            .collect();
        let mut payments: Vec<String> = invoice
            .payments
            .iter()
            .flatten()
            .map(|payment| format!("{} {:?} {}", payment.id, payment.date, booked(payment.amount)))
            .collect();
        payments.sort();
        format!(
            "{} {:?} {:?} {:?} {:?} {:?} {:?} net {} tax {} total {} paid {} balance {} lines {lines:?} payments {payments:?}",
            invoice.id,
            invoice.number,
            invoice.kind,
            invoice.state,
            invoice.party,
            invoice.issue_date,
            invoice.due_date,
            booked(invoice.net()),
            booked(invoice.tax()),
            booked(invoice.total()),
            booked(invoice.paid()),
            booked(invoice.balance()),
        )
    }

    fn told_part(part: &ProjectInvoice) -> String {
        let amounts = [part.net(), part.total(), part.paid(), part.balance()].map(booked);
        format!("{} {amounts:?} {}", part.invoice.id, part.allocated())
    }

    async fn parts(source: &Arc<dyn InvoiceSource>, projects: &[ProjectId]) -> BTreeMap<String, Vec<String>> {
        let mut told = BTreeMap::new();
        for ids in projects.chunks(source.batch_limit()) {
            let batch = source.invoices_by_project(&call(), ids).await.unwrap();
            assert!(batch.failed.is_empty(), "{:?}", batch.failed);
            for (id, parts) in batch.found {
                let mut parts: Vec<String> = parts.iter().map(told_part).collect();
                parts.sort();
                told.insert(id.to_string(), parts);
            }
        }
        told
    }

    fn same<T: PartialEq + std::fmt::Debug>(found: &BTreeMap<String, T>, expected: &BTreeMap<String, T>) {
        assert_eq!(found.len(), expected.len());
        for (key, expected) in expected {
            assert_eq!(found.get(key), Some(expected), "{key}");
        }
    }

    /// Both ways to compare keys: the service knows them all.
    async fn the_books_are_the_same(name: &str, dialect: &str) {
        let books = stand_up(name, dialect).await;
        let (projects, invoices) = (books.projects.len(), books.invoices.len());
        assert!(
            projects > 20 && invoices > 80,
            "too little to show anything: {projects} projects, {invoices} invoices"
        );
        for (sap, service) in
            [(&books.sap.receivables, &books.service.receivables), (&books.sap.payables, &books.service.payables)]
        {
            let (sap, service) = (sap.as_ref().unwrap(), service.as_ref().unwrap());
            same(&parts(service, &books.projects).await, &parts(sap, &books.projects).await);
            let by_id = |invoices: Vec<Invoice>| -> BTreeMap<String, String> {
                invoices.iter().map(|invoice| (invoice.id.to_string(), told(invoice))).collect()
            };
            same(&by_id(all(service).await), &by_id(all(sap).await));
        }
        let costs = |all: Vec<(ProjectId, Vec<Cost>)>| -> BTreeMap<String, Vec<String>> {
            let told = |cost: &Cost| {
                format!(
                    "{} {:?} {:?} {:?} {} {:?} {:?}",
                    cost.id,
                    cost.kind,
                    cost.state,
                    cost.date,
                    booked(cost.amount),
                    cost.description,
                    cost.document
                )
            };
            let sorted = |costs: &[Cost]| {
                let mut told: Vec<String> = costs.iter().map(told).collect();
                told.sort();
                told
            };
            all.iter().map(|(id, costs)| (id.to_string(), sorted(costs))).collect()
        };
        let sap = costs(costs_of(&books.sap, &books.projects).await);
        assert!(sap.values().any(|costs| costs.len() > 5));
        same(&costs(costs_of(&books.service, &books.projects).await), &sap);
    }

    #[tokio::test]
    async fn the_books_are_the_same_by_in() {
        the_books_are_the_same("in", "in_operator = true").await;
    }

    #[tokio::test]
    async fn the_books_are_the_same_by_or_in_capitals() {
        the_books_are_the_same("or", "in_operator = false\nupper_case = true").await;
    }

    /// What a cost adds to: by kind, state and the currency of its document.
    fn added(costs: &[Cost]) -> BTreeMap<String, (String, usize)> {
        let mut sums: BTreeMap<String, (Option<Money>, Option<Money>, usize)> = BTreeMap::new();
        let plus = |sum: Option<Money>, amount: Option<Money>| {
            let (sum, amount) = (sum?, amount?);
            Some(Money::new(sum.amount + amount.amount, sum.currency))
        };
        for cost in costs {
            let Booked { document, company } = cost.amount;
            let key = format!("{:?} {:?} {:?}", cost.kind, cost.state, document.map(|money| money.currency));
            let start = |money: Option<Money>| money.map(|money| Money::new(0.into(), money.currency));
            let sum = sums.entry(key).or_insert_with(|| (start(document), start(company), 0));
            *sum = (plus(sum.0, document), plus(sum.1, company), sum.2 + 1);
        }
        let told = |(document, company, records)| (booked(Booked { document, company }), records);
        sums.into_iter().map(|(key, sum)| (key, told(sum))).collect()
    }

    #[tokio::test]
    async fn the_service_adds_up_what_adding_up_the_rows_gives() {
        let books = stand_up("sums", "in_operator = true").await;
        let rows: BTreeMap<String, _> = costs_of(&books.sap, &books.projects)
            .await
            .iter()
            .map(|(id, costs)| (id.to_string(), added(costs)))
            .collect();
        let source = books.service.cost_sums.as_ref().unwrap();
        let mut sums = BTreeMap::new();
        for ids in books.projects.chunks(source.batch_limit()) {
            let batch = source.cost_sums_by_project(&call(), ids).await.unwrap();
            assert!(batch.failed.is_empty(), "{:?}", batch.failed);
            let told = |sum: &CostSum| {
                let currency = sum.sum.amount.document.map(|money| money.currency);
                (format!("{:?} {:?} {currency:?}", sum.kind, sum.state), (booked(sum.sum.amount), sum.sum.records))
            };
            for (id, all) in batch.found {
                let told: BTreeMap<String, (String, usize)> = all.iter().map(told).collect();
                assert_eq!(told.len(), all.len(), "a sum comes twice for {id}");
                sums.insert(id.to_string(), told);
            }
        }
        same(&sums, &rows);
        assert!(rows.values().any(|sums| sums.len() > 2));
    }

    #[tokio::test]
    async fn filters_and_odd_keys_are_understood() {
        let books = stand_up("filters", "in_operator = true").await;
        let port = books.service.receivables.as_ref().unwrap();
        let from = date(2026, 1, 1);
        let query =
            InvoiceQuery { issued_from: Some(from), kind: Some(InvoiceKind::CreditNote), ..InvoiceQuery::default() };
        let wanted =
            |one: &&Invoice| one.kind == InvoiceKind::CreditNote && one.issue_date.is_some_and(|day| day >= from);
        let mut expected: Vec<String> = books.invoices.iter().filter(wanted).map(|one| one.id.to_string()).collect();
        expected.sort();
        assert!(!expected.is_empty());
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = port.invoice_page(&call(), &query, after.as_deref(), 7).await.unwrap();
            assert_eq!(page.total, u64::try_from(expected.len()).ok());
            found.extend(page.items.iter().map(|one| one.id.to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        found.sort();
        assert_eq!(found, expected);

        let odd = ["", "O'Neil", "' or '1' eq '1", "a,b", "100%", "x&$top=1", "ä+ö", "13-1#"].map(InvoiceId::new);
        let batch = port.invoices(&call(), &odd).await.unwrap();
        assert_eq!((batch.found.len(), batch.failed.len()), (0, 0), "{:?}", batch.failed);
    }

    #[tokio::test]
    async fn a_wrong_password_is_told_apart() {
        let service = Service::start("password", &[]);
        let general = "[shared_id]\npattern = '^PRJ-\\d{4}-\\d{3,6}$'\n[owners]\nreceivables = \"books\"\n";
        let text = include_str!("odata/connection.toml").replace("{url}", &service.url).replace("{dialect}", "");
        let (connection, _) =
            connect(&format!("{general}{}", text.replace("demo-odata-password", "demo-wrong")), "books");
        let port = connection.receivables.unwrap();
        let error = port.invoice_page(&call(), &InvoiceQuery::default(), None, 5).await.unwrap_err();
        assert_eq!(error.kind, spine::systems::ErrorKind::Unauthorized);
    }
}
