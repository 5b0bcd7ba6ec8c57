//! The account's pipelines and their stages.

/// A pipeline.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    pub(super) stages: &'static [Stage],
}

/// A stage of a pipeline.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    /// Of deals: `0.0` to `1.0`. Of tickets: empty.
    pub(super) probability: &'static str,
    pub(super) closed: bool,
}

const fn stage(id: &'static str, label: &'static str, probability: &'static str, closed: bool) -> Stage {
    Stage { id, label, probability, closed }
}

/// Pipelines of deals.
pub(super) static DEALS: [Pipeline; 2] = [
    Pipeline {
        id: "default",
        label: "Sales pipeline",
        stages: &[
            stage("appointmentscheduled", "Appointment scheduled", "0.2", false),
            stage("qualifiedtobuy", "Qualified to buy", "0.4", false),
            stage("presentationscheduled", "Presentation scheduled", "0.6", false),
            stage("decisionmakerboughtin", "Decision maker bought-in", "0.8", false),
            stage("contractsent", "Contract sent", "0.9", false),
            stage("closedwon", "Closed won", "1.0", true),
            stage("closedlost", "Closed lost", "0.0", true),
        ],
    },
    Pipeline {
        id: "services",
        label: "Services",
        stages: &[
            stage("88210004", "Scoping", "0.3", false),
            stage("88210005", "Offer sent", "0.6", false),
            stage("88210006", "Agreed in principle", "0.8", false),
            stage("88210007", "Signed", "1.0", true),
            stage("88210008", "Declined", "0.0", true),
        ],
    },
];

/// Pipelines of tickets.
pub(super) static TICKETS: [Pipeline; 1] = [Pipeline {
    id: "0",
    label: "Support pipeline",
    stages: &[
        stage("1", "New", "", false),
        stage("2", "Waiting on contact", "", false),
        stage("3", "Waiting on us", "", false),
        stage("4", "Closed", "", true),
    ],
}];

/// The stage of a deal.
pub(super) fn of_deal(pipeline: &str, stage: &str) -> Option<&'static Stage> {
    let pipeline = DEALS.iter().find(|candidate| candidate.id == pipeline)?;
    pipeline.stages.iter().find(|candidate| candidate.id == stage)
}
