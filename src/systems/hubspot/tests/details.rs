//! What hangs on deals, and tickets.

use std::collections::BTreeSet;

use axum::Json;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::domain::{
    CommunicationKind, DealId, Money, Priority as Urgency, TicketCategory, TicketId, TicketStatus, parse_currency,
};

fn ids(company: &Company) -> Vec<DealId> {
    company.deals.iter().map(|deal| DealId::new(deal.id.to_string())).collect()
}

#[tokio::test]
async fn contacts_and_line_items_are_those_of_the_deal_also_over_many_pages_of_associations() {
    for association_page in [500, 1] {
        let account = Account::with("", Options { association_page, ..Options::default() }).await;
        let company = account.truth();
        assert!(company.deals.iter().any(|deal| deal.line_items.len() > 1));
        let details = account.connection.deal_details.as_ref().unwrap();
        let contacts = details.contacts(&call(), &ids(&company)).await.unwrap();
        let items = details.line_items(&call(), &ids(&company)).await.unwrap();
        assert!(contacts.failed.is_empty() && items.failed.is_empty());
        for truth in &company.deals {
            let id = DealId::new(truth.id.to_string());
            let expected: BTreeSet<String> =
                truth.contacts.iter().map(|contact| (60_000 + contact).to_string()).collect();
            let found: BTreeSet<String> = contacts.found[&id].iter().map(|contact| contact.id.to_string()).collect();
            assert_eq!(found, expected);
            assert_eq!(items.found[&id].len(), truth.line_items.len());
            let currency = truth.currency.as_deref().map(|code| parse_currency(code).unwrap());
            for (item, truth) in items.found[&id].iter().zip(&truth.line_items) {
                assert_eq!(item.name.as_deref(), Some(truth.name.as_str()));
                assert_eq!(item.quantity, Some(truth.quantity));
                assert_eq!(item.amount, currency.map(|currency| Money::new(truth.amount, currency)));
                assert_eq!(item.unit_price, currency.map(|currency| Money::new(truth.price, currency)));
            }
        }
        let contact = contacts.found.values().flatten().next().unwrap();
        let truth =
            company.contacts.iter().find(|truth| contact.id.as_str() == (60_000 + truth.id).to_string()).unwrap();
        assert_eq!(contact.name, Some(format!("{} {}", truth.first, truth.last)));
        assert_eq!(contact.role.as_deref(), Some(truth.job_title.as_str()));
    }
}

#[tokio::test]
async fn a_hop_costs_one_call_for_the_links_and_one_per_hundred_records() {
    let account = Account::new().await;
    let company = account.truth();
    account.connection.deal_details.as_ref().unwrap().line_items(&call(), &ids(&company)).await.unwrap();
    let items: usize = company.deals.iter().map(|deal| deal.line_items.len()).sum();
    let calls = account.calls().await;
    assert_eq!(calls["deals.associations.line_items"], 1);
    assert_eq!(calls["line_items.batch_read"], items.div_ceil(100) as u64);
}

#[tokio::test]
async fn the_proposal_is_the_signed_quote_else_the_latest_and_counts_them_all() {
    let account = Account::new().await;
    let company = account.truth();
    let batch = account.connection.deal_details.as_ref().unwrap().proposals(&call(), &ids(&company)).await.unwrap();
    let (mut signed, mut none) = (0, 0);
    for truth in &company.deals {
        let proposal = batch.found.get(&DealId::new(truth.id.to_string()));
        let expected = truth
            .quotes
            .iter()
            .filter(|quote| quote.status == "APPROVED")
            .max_by_key(|quote| (quote.created, quote.id))
            .or_else(|| truth.quotes.iter().max_by_key(|quote| (quote.created, quote.id)));
        assert_eq!(proposal.map(|p| p.id.to_string()), expected.map(|quote| quote.id.to_string()));
        if let (Some(proposal), Some(expected)) = (proposal, expected) {
            assert_eq!(proposal.version as usize, truth.quotes.len());
            assert_eq!(proposal.signed, expected.status == "APPROVED");
            assert_eq!(proposal.number.as_deref(), Some(expected.number.as_str()));
            assert_eq!(proposal.expires_on, Some(expected.expires));
            signed += usize::from(proposal.signed);
        } else {
            none += 1;
        }
    }
    assert!(signed > 0 && none > 0, "{signed} {none}");
}

#[tokio::test]
async fn communications_of_all_four_kinds_come_latest_first_with_their_authors() {
    let account = Account::new().await;
    let company = account.truth();
    let batch =
        account.connection.deal_details.as_ref().unwrap().communications(&call(), &ids(&company)).await.unwrap();
    let mut kinds = Vec::new();
    for truth in &company.deals {
        let found = &batch.found[&DealId::new(truth.id.to_string())];
        assert!(found.is_sorted_by(|a, b| a.at >= b.at));
        let expected: BTreeSet<String> = truth.communications.iter().map(|one| one.id.to_string()).collect();
        assert_eq!(found.iter().map(|one| one.id.to_string()).collect::<BTreeSet<_>>(), expected);
        for one in found {
            let truth = truth.communications.iter().find(|truth| *one.id == *truth.id.to_string()).unwrap();
            assert_eq!(one.body.as_deref(), Some(truth.body.as_str()));
            assert_eq!(one.subject, truth.title);
            let author =
                company.people.iter().find(|person| person.id == truth.owner).map(|person| person.email.clone());
            assert_eq!(one.author.as_ref().and_then(|author| author.email.as_deref()), author.as_deref());
            kinds.push(one.kind);
        }
    }
    for kind in [CommunicationKind::Note, CommunicationKind::Call, CommunicationKind::Email, CommunicationKind::Meeting]
    {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
}

#[tokio::test]
async fn tickets_are_read_by_id_by_deal_and_by_project_and_know_their_project_through_the_deal() {
    let account = Account::of(grown(400), "", Options::default()).await;
    let company = account.truth();
    let linked = account.linked();
    let source = account.connection.tickets.as_ref().unwrap();

    let all: Vec<TicketId> = company
        .deals
        .iter()
        .flat_map(|deal| &deal.tickets)
        .map(|ticket| TicketId::new(ticket.id.to_string()))
        .collect();
    assert!(!all.is_empty());
    let by_id = source.tickets(&call(), &all).await.unwrap();
    assert_eq!(by_id.found.len(), all.len());
    let by_deal =
        account.connection.deal_details.as_ref().unwrap().pre_sales_tickets(&call(), &ids(&company)).await.unwrap();
    for deal in &company.deals {
        let project = deal.shared_id.as_ref().and_then(|code| account.rule.parse(code).ok());
        assert_eq!(by_deal.found[&DealId::new(deal.id.to_string())].len(), deal.tickets.len());
        for truth in &deal.tickets {
            let ticket = &by_id.found[&TicketId::new(truth.id.to_string())];
            assert_eq!(ticket.project_id, project);
            assert_eq!(ticket.subject.as_deref(), Some(truth.subject.as_str()));
            let (status, label) = match truth.stage.as_str() {
                "1" => (TicketStatus::New, "New"),
                "2" => (TicketStatus::Waiting, "Waiting on contact"),
                "3" => (TicketStatus::InProgress, "Waiting on us"),
                _ => (TicketStatus::Closed, "Closed"),
            };
            assert_eq!((&ticket.status, ticket.status_label.as_deref()), (&status, Some(label)));
            assert_eq!(ticket.closed_at.map(Timestamp::as_millisecond), truth.closed.map(Timestamp::as_millisecond));
            assert_eq!(
                ticket.priority,
                Some(match truth.priority.as_str() {
                    "LOW" => Urgency::Low,
                    "MEDIUM" => Urgency::Normal,
                    "HIGH" => Urgency::High,
                    _ => Urgency::Critical,
                })
            );
            if let Some("PRODUCT_ISSUE") = truth.category.as_deref() {
                assert_eq!(ticket.category, TicketCategory::Incident);
            }
        }
    }

    let projects: Vec<ProjectId> = linked.keys().cloned().collect();
    account.calls().await;
    let by_project = source.tickets_by_project(&call(), &projects).await.unwrap();
    for (project, deals) in &linked {
        let of_project = company.deals.iter().filter(|deal| deals.contains(&deal.id)).flat_map(|deal| &deal.tickets);
        let mut expected: Vec<u64> = of_project.map(|ticket| ticket.id).collect();
        expected.sort_unstable();
        let found: Vec<String> = by_project.found[project].iter().map(|ticket| ticket.id.to_string()).collect();
        assert_eq!(found, expected.iter().map(u64::to_string).collect::<Vec<_>>());
        assert!(by_project.found[project].iter().all(|ticket| ticket.project_id.as_ref() == Some(project)));
    }
    let calls = account.calls().await;
    assert_eq!(calls["deals.associations.tickets"], 1);
    assert!(calls["tickets.batch_read"] <= all.len().div_ceil(100) as u64, "{calls:?}");
}

#[tokio::test]
async fn tickets_with_a_shared_id_of_their_own_are_searched_by_it() {
    let search = async |body: String| {
        let asked: serde_json::Value = serde_json::from_str(&body).unwrap();
        let filter = &asked["filterGroups"][0]["filters"][0];
        assert_eq!(
            filter,
            &json!({ "propertyName": "project", "operator": "IN", "values": ["prj-2026-001", "prj-2026-002"] })
        );
        let ticket = |id: u32, project: &str| json!({ "id": id.to_string(), "properties": { "project": project } });
        Json(json!({ "total": 3, "results": [
            ticket(7, "PRJ-2026-001"), ticket(5, " prj-2026-001"), ticket(6, "PRJ-2026-009"),
        ] }))
    };
    let empty = async || Json(json!({ "results": [] }));
    let router = Router::new()
        .route("/crm/objects/2026-03/tickets/search", post(search))
        .route("/crm/pipelines/2026-03/tickets", get(empty))
        .route("/crm/owners/2026-03", get(empty));
    let more = "[map]\nshared_id = \"project_code\"\nticket_shared_id = \"project\"\n";
    let account = Account::behind(router, Arc::new(RwLock::new(grown(1))), more).await;
    let ids = ["PRJ-2026-001", "PRJ-2026-002"].map(|id| account.rule.parse(id).unwrap());
    let batch = account.connection.tickets.as_ref().unwrap().tickets_by_project(&call(), &ids).await.unwrap();
    let found: Vec<&str> = batch.found[&ids[0]].iter().map(|ticket| ticket.id.as_str()).collect();
    assert_eq!(found, ["5", "7"], "in the order of IDs, and without what was not asked for");
    assert!(batch.found[&ids[1]].is_empty());
}
