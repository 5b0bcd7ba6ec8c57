//! The three answers: two waves of calls each, every wave at once and in one call per system.

use std::collections::HashMap;

use futures_util::try_join;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::Deserialize;

use crate::records::{
    Card, CardDeal, ListDeal, ListInvoice, ListProject, ListRow, MarginCost, MarginDeal, MarginInvoice, MarginRow,
    Page, Question, Text, Variables,
};

pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Reads the systems and puts answers together.
pub(crate) struct Aggregator {
    client: Client<HttpConnector, Full<Bytes>>,
    upstream: String,
}

impl Aggregator {
    /// Over the systems at this address.
    pub(crate) fn over(upstream: String) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).pool_max_idle_per_host(256).build(connector), upstream }
    }

    /// The bytes that a GraphQL server would answer a request with.
    pub(crate) async fn answer(&self, request: &[u8]) -> Result<Bytes, Fault> {
        let Question { operation, variables } = serde_json::from_slice(request)?;
        match operation.as_ref() {
            "Q1" => self.card(&variables).await,
            "Q2" => self.list(&variables).await,
            "Q3" => self.margins(&variables).await,
            other => Err(format!("there is no operation {other}").into()),
        }
    }

    async fn get(&self, path: String) -> Result<Bytes, Fault> {
        let response = self.client.get(format!("{}{path}", self.upstream).parse()?).await?;
        Ok(response.into_body().collect().await?.to_bytes())
    }

    async fn page(&self, variables: &Variables<'_>) -> Result<Bytes, Fault> {
        let after = variables.after.as_deref().map(|after| format!("&after={after}")).unwrap_or_default();
        self.get(format!("/crm/deals?limit={}{after}", variables.first.unwrap_or(50))).await
    }

    /// Q1: one deal with project, invoices and tickets.
    async fn card(&self, variables: &Variables<'_>) -> Result<Bytes, Fault> {
        let deal = self.get(format!("/crm/deals/{}", variables.id.as_deref().unwrap_or_default())).await?;
        let deal: CardDeal<'_> = serde_json::from_slice(&deal)?;
        let project = &deal.project;
        let (projects, invoices, tickets) = try_join!(
            self.get(format!("/pm/projects?ids={project}")),
            self.get(format!("/erp/invoices?projectIds={project}")),
            self.get(format!("/pm/tickets?projectIds={project}")),
        )?;
        let card = Card {
            project: rows(&projects)?.into_iter().next(),
            invoices: rows(&invoices)?,
            tickets: rows(&tickets)?,
            deal,
        };
        data(r#"{"data":{"deal":"#, &card, "}}")
    }

    /// Q2: a page of deals with project and invoices.
    async fn list(&self, variables: &Variables<'_>) -> Result<Bytes, Fault> {
        let page = self.page(variables).await?;
        let Page { results: deals } = serde_json::from_slice::<Page<ListDeal<'_>>>(&page)?;
        let keys: Vec<Text<'_>> = deals.iter().map(|deal| deal.project.clone()).collect();
        let (projects, invoices) = try_join!(
            self.get(format!("/pm/projects?ids={}", keys.join(","))),
            self.get(format!("/erp/invoices?projectIds={}", keys.join(","))),
        )?;
        let row = |deal| ListRow { deal, project: None, invoices: Vec::with_capacity(12) };
        let mut list: Vec<ListRow<'_>> = deals.into_iter().map(row).collect();
        let places = places(&keys);
        for project in rows::<ListProject<'_>>(&projects)? {
            if let Some(row) = row_of(&mut list, &places, project.id.get().trim_matches('"')) {
                row.project = Some(project);
            }
        }
        for invoice in rows::<ListInvoice<'_>>(&invoices)? {
            if let Some(row) = row_of(&mut list, &places, &invoice.project) {
                row.invoices.push(invoice);
            }
        }
        data(r#"{"data":{"deals":{"results":"#, &list, "}}}")
    }

    /// Q3: a page of deals with the amounts that make up the margin.
    async fn margins(&self, variables: &Variables<'_>) -> Result<Bytes, Fault> {
        let page = self.page(variables).await?;
        let Page { results: deals } = serde_json::from_slice::<Page<MarginDeal<'_>>>(&page)?;
        let keys: Vec<Text<'_>> = deals.iter().map(|deal| deal.project.clone()).collect();
        let (invoices, costs) = try_join!(
            self.get(format!("/erp/invoices?projectIds={}", keys.join(","))),
            self.get(format!("/erp/costs?projectIds={}", keys.join(","))),
        )?;
        let row = |deal| MarginRow { deal, invoices: Vec::with_capacity(12), costs: Vec::with_capacity(8) };
        let mut list: Vec<MarginRow<'_>> = deals.into_iter().map(row).collect();
        let places = places(&keys);
        for invoice in rows::<MarginInvoice<'_>>(&invoices)? {
            if let Some(row) = row_of(&mut list, &places, &invoice.project) {
                row.invoices.push(invoice);
            }
        }
        for cost in rows::<MarginCost<'_>>(&costs)? {
            if let Some(row) = row_of(&mut list, &places, &cost.project) {
                row.costs.push(cost);
            }
        }
        data(r#"{"data":{"deals":{"results":"#, &list, "}}}")
    }
}

fn rows<'a, Row: Deserialize<'a>>(body: &'a [u8]) -> Result<Vec<Row>, Fault> {
    Ok(serde_json::from_slice(body)?)
}

/// In which row each project stands.
fn places<'a>(keys: &'a [Text<'_>]) -> HashMap<&'a str, usize> {
    keys.iter().enumerate().map(|(place, key)| (key.as_ref(), place)).collect()
}

fn row_of<'a, Row>(list: &'a mut [Row], places: &HashMap<&str, usize>, project: &str) -> Option<&'a mut Row> {
    list.get_mut(*places.get(project)?)
}

fn data(head: &str, value: &impl Serialize, tail: &str) -> Result<Bytes, Fault> {
    let mut answer = Vec::with_capacity(8192);
    answer.extend_from_slice(head.as_bytes());
    serde_json::to_writer(&mut answer, value)?;
    answer.extend_from_slice(tail.as_bytes());
    Ok(answer.into())
}
