//! Pipelines and owners: what turns HubSpot's numbers into labels and names. Kept for minutes, read again when an unknown
//! number turns up, and read by one reader at a time.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout_at;

use super::client::{Client, DEALS, Object, TICKETS};
use super::wire;
use crate::domain::{Clock, Person};
use crate::systems::{Call, ErrorKind, SystemError};

/// How long a copy is good.
const GOOD_FOR: Duration = Duration::from_mins(5);
/// How long a copy is used when HubSpot cannot be asked again: labels seldom change.
const USABLE_FOR: Duration = Duration::from_hours(1);
/// How old a copy must be before an unknown number is a reason to ask again.
const UNKNOWN_AFTER: Duration = Duration::from_mins(1);

/// The pipelines of an object type, by ID.
#[derive(Debug, Default)]
pub(super) struct Pipelines(HashMap<String, Pipeline>);

/// A pipeline.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) label: String,
    stages: HashMap<String, Stage>,
}

/// A stage.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) label: String,
    /// Whether records in it are closed, if HubSpot says.
    pub(super) closed: Option<bool>,
    /// Of deals: 0 to 1, as HubSpot writes it.
    pub(super) probability: Option<String>,
}

impl Pipelines {
    pub(super) fn new(pipelines: Vec<wire::Pipeline>) -> Self {
        Self(pipelines.into_iter().map(|pipeline| (pipeline.id.0.clone(), Pipeline::new(pipeline))).collect())
    }

    pub(super) fn pipeline(&self, id: &str) -> Option<&Pipeline> {
        self.0.get(id)
    }

    pub(super) fn stage(&self, pipeline: &str, stage: &str) -> Option<&Stage> {
        self.0.get(pipeline)?.stages.get(stage)
    }

    /// The IDs of pipelines with a label.
    pub(super) fn ids(&self, label: &str) -> Vec<String> {
        let mut ids: Vec<String> =
            self.0.iter().filter(|(_, pipeline)| same(&pipeline.label, label)).map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        ids
    }

    /// The IDs of stages with a label, in pipelines with a label.
    pub(super) fn stage_ids(&self, pipeline: Option<&str>, label: &str) -> Vec<String> {
        let pipelines = self.0.values().filter(|candidate| pipeline.is_none_or(|label| same(&candidate.label, label)));
        let stages = pipelines.flat_map(|pipeline| &pipeline.stages);
        let mut ids: Vec<String> =
            stages.filter(|(_, stage)| same(&stage.label, label)).map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

impl Pipeline {
    fn new(pipeline: wire::Pipeline) -> Self {
        let stages = pipeline.stages.into_iter().map(|stage| (stage.id.0.clone(), Stage::new(stage)));
        Self { label: pipeline.label, stages: stages.collect() }
    }
}

impl Stage {
    fn new(mut stage: wire::Stage) -> Self {
        let mut metadata = |name| stage.metadata.remove(name).flatten().map(|value| value.0);
        let closed = match metadata("ticketState").as_deref() {
            Some("CLOSED") => Some(true),
            Some("OPEN") => Some(false),
            _ => metadata("isClosed").and_then(|text| text.parse().ok()),
        };
        let probability = metadata("probability");
        Self { label: stage.label, closed, probability }
    }
}

fn same(label: &str, asked: &str) -> bool {
    label.trim().to_lowercase() == asked.trim().to_lowercase()
}

/// The owners, by ID.
#[derive(Debug, Default)]
pub(super) struct Owners(HashMap<String, Owner>);

/// An owner.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) person: Arc<Person>,
    /// The team, the primary one if there are several.
    pub(super) team: Option<String>,
}

impl Owners {
    pub(super) fn new(owners: Vec<wire::Owner>) -> Self {
        Self(owners.into_iter().map(|owner| (owner.id.0.clone(), Owner::new(owner))).collect())
    }

    pub(super) fn owner(&self, id: &str) -> Option<&Owner> {
        self.0.get(id)
    }
}

impl Owner {
    fn new(owner: wire::Owner) -> Self {
        let names = [owner.first_name, owner.last_name];
        let names: Vec<&str> = names.iter().flatten().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
        let email = owner.email.filter(|email| !email.is_empty());
        // A queue or a forgotten profile has no name; its address is the next best.
        let name = if names.is_empty() { email.clone().unwrap_or_else(|| owner.id.0.clone()) } else { names.join(" ") };
        let mut teams = owner.teams.unwrap_or_default();
        teams.sort_by_key(|team| !team.primary);
        let team = teams.into_iter().next().map(|team| team.name);
        Self { person: Arc::new(Person { name: name.into(), email: email.map(Into::into) }), team }
    }
}

/// The reference data of an account.
#[derive(Debug)]
pub(super) struct Reference {
    clock: Arc<dyn Clock>,
    deal_pipelines: Kept<Pipelines>,
    ticket_pipelines: Kept<Pipelines>,
    owners: Kept<Owners>,
}

impl Reference {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, deal_pipelines: Kept::default(), ticket_pipelines: Kept::default(), owners: Kept::default() }
    }

    /// Pipelines of deals, read again if `knows` says that a number is missing.
    pub(super) async fn deal_pipelines(
        &self,
        client: &Client,
        call: &Call,
        knows: impl Fn(&Pipelines) -> bool,
    ) -> Result<Arc<Pipelines>, SystemError> {
        self.get(&self.deal_pipelines, client, call, knows, || pipelines(client, call, &DEALS)).await
    }

    /// Pipelines of tickets, read again if `knows` says that a number is missing.
    pub(super) async fn ticket_pipelines(
        &self,
        client: &Client,
        call: &Call,
        knows: impl Fn(&Pipelines) -> bool,
    ) -> Result<Arc<Pipelines>, SystemError> {
        self.get(&self.ticket_pipelines, client, call, knows, || pipelines(client, call, &TICKETS)).await
    }

    /// Owners, read again if `knows` says that a number is missing.
    pub(super) async fn owners(
        &self,
        client: &Client,
        call: &Call,
        knows: impl Fn(&Owners) -> bool,
    ) -> Result<Arc<Owners>, SystemError> {
        self.get(&self.owners, client, call, knows, async || Ok(Owners::new(client.owners(call).await?))).await
    }

    async fn get<T, F>(
        &self,
        kept: &Kept<T>,
        client: &Client,
        call: &Call,
        knows: impl Fn(&T) -> bool,
        load: impl FnOnce() -> F,
    ) -> Result<Arc<T>, SystemError>
    where
        F: Future<Output = Result<T, SystemError>>,
    {
        // Whoever comes while another reads waits for that copy.
        let Ok(mut copy) = timeout_at(call.deadline, kept.copy.lock()).await else {
            return Err(client.error("reference", ErrorKind::Deadline));
        };
        let now = self.clock.monotonic();
        let age = copy.as_ref().map(|(read, _)| now.saturating_sub(*read));
        if let (Some(age), Some((_, value))) = (age, &*copy)
            && (age < UNKNOWN_AFTER || (age < GOOD_FOR && knows(value)))
        {
            return Ok(Arc::clone(value));
        }
        match load().await {
            Ok(value) => {
                let value = Arc::new(value);
                *copy = Some((now, Arc::clone(&value)));
                Ok(value)
            }
            Err(error) => match (age, &*copy) {
                (Some(age), Some((_, value))) if age < USABLE_FOR => Ok(Arc::clone(value)),
                _ => Err(error),
            },
        }
    }
}

async fn pipelines(client: &Client, call: &Call, object: &Object) -> Result<Pipelines, SystemError> {
    Ok(Pipelines::new(client.pipelines(call, object).await?))
}

/// A copy and when it was read.
#[derive(Debug)]
struct Kept<T> {
    copy: Mutex<Option<(Duration, Arc<T>)>>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { copy: Mutex::new(None) }
    }
}
