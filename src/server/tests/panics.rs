//! Defects: what panics fails alone, gives back what it held, and tells nothing of what it was about.

use async_trait::async_trait;
use serde_json::json;

use super::*;
use crate::domain::{
    ConnectionName, Effort, ManualClock, Milestone, Page, Project, ProjectId, ProjectQuery, ProjectStatus,
};
use crate::graph::Graph;
use crate::systems::{Batch, BatchResult, Call, ProjectSource, SystemError};

fn with_one_place() -> ServerOptions {
    ServerOptions { max_requests: 1, ..ServerOptions::default() }
}

#[tokio::test]
async fn a_resolver_that_panics_is_an_error_without_its_text_and_holds_nothing() {
    let log = Log::default();
    let _guard = log.keep();
    let server = start_with(with_one_place()).await;
    let answer = server.ask("{ hello panics }").await;
    answer.refused(500, "INTERNAL");
    let line = log.text().lines().find(|line| line.contains("a resolver panicked")).unwrap().to_owned();
    assert!(line.contains("ERROR") && line.contains(answer.header("x-request-id")), "{line}");
    assert!(!answer.body.contains("canary") && !log.text().contains("canary"), "{}", log.text());
    let next = server.ask("{ hello }").await;
    assert_eq!(next.json(), json!({ "data": { "hello": "world" } }), "the place was given back");
}

/// A system that knows every project, and whose connector panics the first time.
#[derive(Default)]
struct Defective(AtomicUsize);

#[async_trait]
impl ProjectSource for Defective {
    fn batch_limit(&self) -> usize {
        10
    }

    async fn projects(&self, _: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Project> {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "canary: a secret");
        let project = |id: &ProjectId| Project {
            id: id.clone(),
            record_id: "7".into(),
            name: Some("Bridge".into()),
            status: ProjectStatus::Active,
            health: None,
            health_reason: None,
            manager: None,
            start_date: None,
            due_date: None,
            percent_complete: None,
            hours_budgeted: None,
            url: None,
            flaws: Vec::new(),
        };
        Ok(ids.iter().map(|id| (id.clone(), project(id))).collect())
    }

    async fn milestones(&self, _: &Call, _: &[ProjectId]) -> BatchResult<ProjectId, Vec<Milestone>> {
        Ok(Batch::default())
    }

    async fn effort(&self, _: &Call, _: &[ProjectId]) -> BatchResult<ProjectId, Effort> {
        Ok(Batch::default())
    }

    async fn project_page(
        &self,
        _: &Call,
        _: &ProjectQuery,
        _: Option<&str>,
        _: usize,
    ) -> Result<Page<Project>, SystemError> {
        Ok(Page { items: Vec::new(), next: None, total: None })
    }
}

#[tokio::test]
async fn a_connector_that_panics_fails_its_fields_and_is_asked_again() {
    let clock = Arc::new(ManualClock::new("2026-06-15T12:00:00Z".parse().unwrap()));
    let source = Arc::new(Defective::default());
    let projects: Arc<dyn ProjectSource> = Arc::<Defective>::clone(&source);
    let tool = Connection { projects: Some(projects), ..Connection::new(ConnectionName::new("tool"), "test") };
    let owners: Owners = toml::from_str("delivery = \"tool\"").unwrap();
    let reports = reports(&owners, vec![tool], Arc::<ManualClock>::clone(&clock));
    let Graph { checking, trusting, masks, catalogue } = Graph::new(Arc::clone(&reports));
    let graph = Toy { checking, trusting, masks, catalogue };
    let server = start_over(graph, Arc::default(), reports, with_one_place(), Limits::default()).await;

    let query = "{ project(id: \"12\") { id name } systems { name } }";
    let failed = server.ask(query).await;
    assert_eq!(failed.status, 200, "{failed:?}");
    assert_eq!(failed.json()["data"]["project"]["name"], Value::Null, "{failed:?}");
    assert_eq!(failed.json()["data"]["systems"], json!([{ "name": "tool" }]), "the rest is there");
    assert_eq!(failed.code(), "INTERNAL");
    assert!(!failed.body.contains("canary"), "{failed:?}");

    // No failure is remembered for longer than a second.
    clock.advance(Duration::from_secs(2));
    let well = server.ask(query).await;
    assert_eq!(well.json()["data"]["project"]["name"], "Bridge", "{well:?}");
    assert_eq!(source.0.load(Ordering::SeqCst), 2);
}
