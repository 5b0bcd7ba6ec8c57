//! Deals and what hangs on them.

use rust_decimal::Decimal;
use spine::demo::company::model::{self, CrmTicket};
use spine::demo::company::words::{PIPELINES, TICKET_STAGES, stage_of};
use spine::domain::ProjectId;

use super::super::lines::{Text, line, sorted};
use super::{Answers, Truth, answers, grouped, shared_id, unknown};

fn money(amount: Option<Decimal>, currency: Option<&String>) -> Option<String> {
    amount.zip(currency).map(|(amount, currency)| format!("{} {currency}", amount.text()))
}

impl Truth<'_> {
    pub(in crate::conformance) fn deals(&self) -> Answers {
        self.company.deals.iter().map(|deal| (deal.id.to_string(), Ok(vec![self.deal(deal)]))).collect()
    }

    /// In the order of record IDs.
    pub(in crate::conformance) fn deal_list(&self) -> Vec<String> {
        let mut deals: Vec<&model::Deal> = self.company.deals.iter().collect();
        deals.sort_by_key(|deal| deal.id);
        deals.into_iter().map(|deal| self.deal(deal)).collect()
    }

    pub(in crate::conformance) fn deals_by_project(&self) -> Answers {
        let mut deals: Vec<&model::Deal> = self.company.deals.iter().collect();
        deals.sort_by_key(|deal| deal.id);
        let rows = deals.iter().filter_map(|deal| Some((shared_id(deal.shared_id.as_ref())?, self.deal(deal))));
        answers(grouped([], rows))
    }

    fn deal(&self, deal: &model::Deal) -> String {
        let stage = stage_of(&deal.stage);
        let status = match stage {
            Some(stage) if stage.won() => Some("Won"),
            Some(stage) if stage.lost() => Some("Lost"),
            Some(_) => Some("Open"),
            None => self.system.status_of_unknown_stage,
        };
        let currency = deal.currency.as_ref();
        let margin = deal.amount.zip(deal.estimated_cost).map(|(amount, cost)| amount - cost);
        let mut flaws = Vec::new();
        if currency.is_none() {
            flaws.extend(deal.amount.map(|_| "amount MissingCurrency".to_owned()));
            flaws.extend(deal.estimated_cost.map(|_| "expected_margin MissingCurrency".to_owned()));
        }
        let owner = self.company.people.iter().find(|person| Some(person.id) == deal.owner);
        let link = match &deal.shared_id {
            None => "-".to_owned(),
            Some(typed) => shared_id(Some(typed)).map_or_else(|| format!("malformed {typed}"), |id| id.to_string()),
        };
        line![
            deal.id,
            deal.name,
            PIPELINES.iter().find(|(id, _)| *id == deal.pipeline).map(|(_, label)| *label),
            stage.map(|stage| stage.label),
            status,
            money(deal.amount, currency),
            money(margin, currency),
            deal.close_date,
            owner.map(|owner| format!("{} {}", owner.first, owner.last)),
            owner.map(|owner| owner.email.as_str()),
            deal.vertical,
            deal.deal_type,
            deal.scope,
            deal.client.map(|client| 50_000 + client),
            link,
            deal.created,
            deal.updated,
            flaws,
        ]
    }

    pub(in crate::conformance) fn clients(&self) -> Answers {
        let answer = |client: &model::Client| {
            let id = 50_000 + client.id;
            (id.to_string(), Ok(vec![line![id, client.name, client.domain, client.vertical, client.country]]))
        };
        self.company.clients.iter().map(answer).collect()
    }

    /// Each deal with what hangs on it.
    fn of_deals(&self, hanging: impl Fn(&model::Deal) -> Vec<String>) -> Answers {
        self.company.deals.iter().map(|deal| (deal.id.to_string(), Ok(hanging(deal)))).collect()
    }

    pub(in crate::conformance) fn contacts(&self) -> Answers {
        self.of_deals(|deal| {
            let contacts = self.company.contacts.iter().filter(|contact| deal.contacts.contains(&contact.id));
            let line = |one: &model::Contact| {
                let name = format!("{} {}", one.first, one.last);
                line![60_000 + one.id, name, one.email, one.phone, one.job_title]
            };
            sorted(contacts.map(line).collect())
        })
    }

    pub(in crate::conformance) fn line_items(&self) -> Answers {
        self.of_deals(|deal| {
            let money = |amount| money(Some(amount), deal.currency.as_ref());
            let line = |item: &model::LineItem| {
                line![item.id, item.name, item.sku, item.quantity, money(item.price), money(item.amount)]
            };
            sorted(deal.line_items.iter().map(line).collect())
        })
    }

    /// The signed quote, else the latest one. A deal without any has no answer.
    pub(in crate::conformance) fn proposals(&self) -> Answers {
        let answer = |deal: &model::Deal| {
            let signed = |quote: &model::Quote| quote.status == "APPROVED";
            let quote = deal.quotes.iter().max_by_key(|quote| (signed(quote), quote.created, quote.id))?;
            let line = line![
                quote.id,
                quote.title,
                quote.number,
                deal.quotes.len().to_string(),
                signed(quote),
                quote.status,
                money(Some(quote.amount), deal.currency.as_ref()),
                quote.expires,
            ];
            Some((deal.id.to_string(), Ok(vec![line])))
        };
        self.company.deals.iter().filter_map(answer).collect()
    }

    pub(in crate::conformance) fn communications(&self) -> Answers {
        self.of_deals(|deal| {
            let line = |one: &model::Communication| {
                let author = self.person(Some(one.owner));
                line![one.id, format!("{:?}", one.kind), one.at, one.title, one.body, author]
            };
            sorted(deal.communications.iter().map(line).collect())
        })
    }

    /// Asked for by their deal, they say nothing of a project.
    pub(in crate::conformance) fn pre_sales_tickets(&self) -> Answers {
        self.of_deals(|deal| sorted(deal.tickets.iter().map(|ticket| self.crm_ticket(ticket, None)).collect()))
    }

    pub(super) fn crm_ticket(&self, ticket: &CrmTicket, project: Option<&ProjectId>) -> String {
        let stage = TICKET_STAGES.iter().find(|(id, ..)| *id == ticket.stage);
        let raw = Some(ticket.stage.as_str()).filter(|_| self.system.stages_are_words);
        let label = stage.map(|(_, label, _)| *label).or(raw);
        let status = match ticket.stage.as_str() {
            "1" => "New".to_owned(),
            "2" => "Waiting".to_owned(),
            "3" => "InProgress".to_owned(),
            "4" => "Closed".to_owned(),
            other => unknown(other),
        };
        let priority = match ticket.priority.as_str() {
            "LOW" => "Low".to_owned(),
            "MEDIUM" => "Normal".to_owned(),
            "HIGH" => "High".to_owned(),
            "URGENT" => "Critical".to_owned(),
            other => unknown(other),
        };
        let category = match ticket.category.as_deref() {
            Some("PRODUCT_ISSUE") => "Incident".to_owned(),
            Some("FEATURE_REQUEST") => "ChangeRequest".to_owned(),
            Some("GENERAL_INQUIRY" | "BILLING_ISSUE") => "Support".to_owned(),
            Some(other) => unknown(other),
            None => self.system.ticket_without_category.to_owned(),
        };
        let owner = self.company.people.iter().find(|person| Some(person.id) == ticket.owner);
        line![
            ticket.id,
            ticket.subject,
            status,
            label,
            "Support pipeline",
            priority,
            category,
            owner.map(|owner| owner.team.as_str()),
            self.person(ticket.owner),
            ticket.created,
            ticket.closed,
            None::<Decimal>,
            project,
        ]
    }
}
