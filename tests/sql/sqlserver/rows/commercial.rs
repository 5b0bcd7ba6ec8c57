//! Deals, clients, and what hangs on a deal.

use spine::demo::company::model::{CommunicationKind, Company, Deal, Quote};
use spine::demo::company::words::{PIPELINES, STAGES, TICKET_STAGES};

use super::{AMOUNT, Kind, TEXT, Table, person, row};

pub(super) fn deals(company: &Company) -> Table {
    let columns = [
        ("id!", Kind::BigInt),
        ("project_id", Kind::Varchar(80)),
        ("name", TEXT),
        ("pipeline", Kind::Nvarchar(200)),
        ("stage", Kind::Nvarchar(200)),
        ("status", Kind::Varchar(20)),
        ("amount", AMOUNT),
        ("expected_margin", AMOUNT),
        ("currency", Kind::Nchar(5)),
        ("close_date", Kind::Date),
        ("owner", TEXT),
        ("owner_email", Kind::Nvarchar(200)),
        ("vertical", Kind::Nvarchar(200)),
        ("deal_type", Kind::Nvarchar(200)),
        ("scope", Kind::NvarcharMax),
        ("client_id", Kind::Int),
        ("created_at", Kind::DateTimeOffset(7, 60)),
        ("updated_at", Kind::DateTime2(3)),
    ];
    Table::new(&columns).with(company.deals.iter().map(|deal| {
        let pipeline = PIPELINES.iter().find(|(id, _)| *id == deal.pipeline).map(|(_, label)| *label);
        let stage = STAGES.iter().find(|stage| stage.id == deal.stage);
        let outcome = stage.map(|stage| match (stage.won(), stage.lost()) {
            (true, _) => "won",
            (_, true) => "lost",
            _ => "running",
        });
        let margin = deal.amount.zip(deal.estimated_cost).map(|(amount, cost)| amount - cost);
        let (owner, email, _) = person(company, deal.owner);
        row![
            deal.id,
            deal.shared_id.as_ref(),
            &deal.name,
            pipeline,
            stage.map(|stage| stage.label),
            outcome.unwrap_or(&deal.stage),
            deal.amount,
            margin,
            deal.currency.as_ref(),
            deal.close_date,
            owner,
            email,
            deal.vertical.as_ref(),
            deal.deal_type.as_ref(),
            deal.scope.as_ref(),
            deal.client.map(|client| 50_000 + client),
            deal.created,
            deal.updated,
        ]
    }))
}

pub(super) fn clients(company: &Company) -> Table {
    let columns =
        [("id!", Kind::Int), ("name", TEXT), ("domain", TEXT), ("industry", TEXT), ("country", Kind::Nvarchar(80))];
    let clients = company.clients.iter();
    Table::new(&columns).with(clients.map(|c| row![50_000 + c.id, &c.name, &c.domain, &c.vertical, &c.country]))
}

pub(super) fn contacts(company: &Company) -> Table {
    let columns = [
        ("id!", Kind::Int),
        ("deal_id!", Kind::BigInt),
        ("name", TEXT),
        ("email", TEXT),
        ("phone", Kind::Nvarchar(80)),
        ("role", TEXT),
    ];
    let of = |deal: &Deal, id: &u32| {
        let contact = company.contacts.iter().find(|contact| contact.id == *id)?;
        let name = format!("{} {}", contact.first, contact.last);
        Some(row![60_000 + contact.id, deal.id, name, &contact.email, &contact.phone, &contact.job_title])
    };
    let rows = company.deals.iter().flat_map(|deal| deal.contacts.iter().filter_map(move |id| of(deal, id)));
    Table::new(&columns).with(rows)
}

pub(super) fn line_items(company: &Company) -> Table {
    let columns = [
        ("id!", Kind::BigInt),
        ("deal_id!", Kind::BigInt),
        ("name", TEXT),
        ("sku", Kind::Varchar(80)),
        ("quantity", Kind::Decimal(18, 6)),
        ("unit_price", Kind::Decimal(9, 2)),
        ("amount", AMOUNT),
        ("currency", Kind::Nchar(3)),
    ];
    Table::new(&columns).with(company.deals.iter().flat_map(|deal| {
        deal.line_items
            .iter()
            .map(|i| row![i.id, deal.id, &i.name, &i.sku, i.quantity, i.price, i.amount, deal.currency.as_ref()])
    }))
}

pub(super) fn proposals(company: &Company) -> Table {
    let columns = [
        ("id!", Kind::BigInt),
        ("deal_id!", Kind::BigInt),
        ("title", TEXT),
        ("number", Kind::Nvarchar(80)),
        ("version", Kind::Int),
        ("signed!", Kind::Bit),
        ("status", Kind::Nvarchar(80)),
        ("amount", AMOUNT),
        ("currency", Kind::Nchar(3)),
        ("expires_on", Kind::Date),
    ];
    let signed = |quote: &Quote| quote.status == "APPROVED";
    Table::new(&columns).with(company.deals.iter().filter_map(|deal| {
        let q = deal.quotes.iter().max_by_key(|quote| (signed(quote), quote.created, quote.id))?;
        let (versions, currency) = (deal.quotes.len(), deal.currency.as_ref());
        Some(row![q.id, deal.id, &q.title, &q.number, versions, signed(q), &q.status, q.amount, currency, q.expires])
    }))
}

pub(super) fn communications(company: &Company) -> Table {
    let columns = [
        ("id!", Kind::BigInt),
        ("deal_id!", Kind::BigInt),
        ("kind", Kind::Nchar(1)),
        ("at", Kind::DateTimeOffset(0, -300)),
        ("subject", TEXT),
        ("body", Kind::NvarcharMax),
        ("author", TEXT),
    ];
    Table::new(&columns).with(company.deals.iter().flat_map(|deal| {
        deal.communications.iter().map(|c| {
            let kind = match c.kind {
                CommunicationKind::Note => "n",
                CommunicationKind::Call => "c",
                CommunicationKind::Email => "e",
                CommunicationKind::Meeting => "m",
            };
            row![c.id, deal.id, kind, c.at, c.title.as_ref(), &c.body, person(company, Some(c.owner)).0]
        })
    }))
}

pub(super) fn pre_sales_tickets(company: &Company) -> Table {
    let columns = [
        ("id!", Kind::BigInt),
        ("deal_id!", Kind::BigInt),
        ("subject", TEXT),
        ("status", Kind::Varchar(40)),
        ("status_label", TEXT),
        ("pipeline!", Kind::Varchar(16)),
        ("priority", Kind::Varchar(40)),
        ("category", Kind::Varchar(80)),
        ("team", TEXT),
        ("owner", TEXT),
        ("opened_at", Kind::DateTime),
        ("closed_at", Kind::DateTime2(0)),
    ];
    Table::new(&columns).with(company.deals.iter().flat_map(|deal| {
        deal.tickets.iter().map(|t| {
            let label = TICKET_STAGES.iter().find(|(id, ..)| *id == t.stage).map(|(_, label, _)| *label);
            let (owner, _, team) = person(company, t.owner);
            let (category, pipeline) = (t.category.as_ref(), "Support pipeline");
            let head = row![t.id, deal.id, &t.subject, &t.stage, label, pipeline, &t.priority, category];
            [head, row![team, owner, t.created, t.closed]].concat()
        })
    }))
}
