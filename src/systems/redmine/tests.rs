//! The parts that need no server. The rest is expected of a real Redmine and of the embedded one alike (`tests/redmine`).

use regex::Regex;
use rust_decimal::Decimal;

use super::map::{Words, effort};
use super::query::{BYTES, encode, groups, kept_bytes, long, one_of};
use super::wire::{Issue, List, Project, TimeEntry};
use super::*;
use crate::config::{SecretRef, Traffic};
use crate::domain::{
    ConnectionName, FlawKind, Health, Priority, ProjectStatus, SystemClock, TicketCategory, TicketStatus,
};

fn config(more: &str) -> Config {
    let text = format!(
        "url = \"https://redmine.example.com/pm/\"\nkey = {{ env = \"KEY\" }}\nshared_id = {{ custom_field = 1 }}\n{more}"
    );
    toml::from_str(&text).unwrap()
}

fn words(more: &str) -> Words {
    Words::new(config(more), "https://redmine.example.com/pm".to_owned())
}

fn rule() -> SharedIdRule {
    SharedIdRule::new(Regex::new(r"^P-\d+$").unwrap(), &["trim", "uppercase"])
}

const FIELDS: &str = r#"
[fields]
health = "Health"
health_reason = "Reason"
manager = "Manager"
start_date = "Start"
due_date = "Due"
budget_hours = "Budget"
percent_complete = "Done"
"#;

fn project(fields: &str) -> Project {
    serde_json::from_str(&format!(
        r#"{{"id":"7","name":"Pump hall","identifier":"pump-hall","description":null,"status":1,"custom_fields":[{fields}]}}"#
    ))
    .unwrap()
}

#[test]
fn a_project_is_read_from_its_custom_fields() {
    let row = project(
        r#"{"id":2,"name":"Health","value":"at RISK"},{"id":3,"name":"Reason","value":"late"},
           {"id":4,"name":"Manager","multiple":true,"value":["Ana Silva","Bo Larsen"]},{"id":5,"name":"Start","value":"2025-01-07"},
           {"id":7,"name":"Budget","value":120.50},{"id":8,"name":"Done","value":" 45.5 %"}"#,
    );
    let project = words(FIELDS).project(rule().parse("p-7").unwrap(), &row);
    assert_eq!((&*project.record_id, project.name.as_deref()), ("7", Some("Pump hall")));
    assert_eq!(project.health, Some(Health::Amber));
    assert_eq!(project.health_reason.as_deref(), Some("late"));
    assert_eq!(project.manager.unwrap().name, "Ana Silva, Bo Larsen");
    assert_eq!(project.start_date.unwrap().to_string(), "2025-01-07");
    assert_eq!(project.hours_budgeted.unwrap().to_string(), "120.50");
    assert_eq!(project.percent_complete.unwrap().to_string(), "45.5");
    assert_eq!(project.url.as_deref(), Some("https://redmine.example.com/pm/projects/pump-hall"));
    assert_eq!((project.due_date, project.flaws.len()), (None, 0), "a field that is not there is no flaw");
}

#[test]
fn never_set_and_cleared_fields_are_both_missing() {
    let row = project(
        r#"{"id":2,"name":"Health","value":null},{"id":7,"name":"Budget","value":""},{"id":5,"name":"Start","value":[]}"#,
    );
    let project = words(FIELDS).project(rule().parse("P-7").unwrap(), &row);
    assert_eq!((project.health, project.hours_budgeted, project.start_date), (None, None, None));
    assert!(project.flaws.is_empty());
}

#[test]
fn what_nobody_can_read_is_a_flaw_and_what_nobody_mapped_is_unknown() {
    let row = project(
        r#"{"id":2,"name":"Health","value":"Purple"},{"id":4,"name":"Manager","value":"17"},{"id":5,"name":"Start","value":"soon"},
           {"id":7,"name":"Budget","value":"1.200,5"}"#,
    );
    let project = words(FIELDS).project(rule().parse("P-7").unwrap(), &row);
    assert_eq!(project.health, Some(Health::Unknown("Purple".to_owned())));
    assert_eq!(project.manager, None, "the number of a user is no name");
    let flaws: Vec<_> = project.flaws.iter().map(|flaw| (flaw.field, flaw.kind)).collect();
    assert_eq!(flaws, [("start_date", FlawKind::BadDate), ("hours_budgeted", FlawKind::BadNumber)]);
    for (status, expected) in
        [("1", ProjectStatus::Active), ("5", ProjectStatus::Completed), ("10", ProjectStatus::Unknown("10".to_owned()))]
    {
        let text = format!(r#"{{"id":7,"identifier":"x","status":{status}}}"#);
        let row: Project = serde_json::from_str(&text).unwrap();
        assert_eq!(words("").project(rule().parse("P-7").unwrap(), &row).status, expected);
    }
}

fn issue(more: &str) -> Issue {
    serde_json::from_str(&format!(r#"{{"id":1,"project":{{"id":7,"name":"Pump hall"}}{more}}}"#)).unwrap()
}

#[test]
fn an_issue_is_a_ticket() {
    let row = issue(
        r#","tracker":{"id":2,"name":"bug"},"status":{"id":4,"name":"Feedback","is_closed":false},
           "priority":{"id":5,"name":"Urgent"},"assigned_to":{"id":6,"name":"Ana Silva"},"subject":"Pump 2 leaks",
           "spent_hours":0.30000000000000004,"created_on":"2025-05-02T07:15:00Z","closed_on":"2025-05-03T07:15:00Z",
           "custom_fields":[{"id":9,"name":"Team","value":"Field"}]"#,
    );
    let words = words("team_field = \"Team\"\ntrackers = { incident = [\"Bug\"] }");
    let ticket = words.ticket(None, &row);
    assert_eq!(ticket.category, TicketCategory::Incident);
    assert_eq!((ticket.status, ticket.priority), (TicketStatus::Waiting, Some(Priority::Critical)));
    assert_eq!((ticket.team.as_deref(), ticket.owner.unwrap().name.as_str()), (Some("Field"), "Ana Silva"));
    assert_eq!(ticket.hours.unwrap().to_string(), "0.30");
    assert!(ticket.opened_at.is_some());
    assert_eq!(ticket.closed_at, None, "it was opened again");
    assert_eq!(ticket.url.as_deref(), Some("https://redmine.example.com/pm/issues/1"));
}

#[test]
fn an_issue_with_nothing_but_a_number_is_a_ticket_too() {
    let ticket = words("").ticket(None, &issue(""));
    assert_eq!((ticket.id.as_str(), ticket.subject, ticket.hours), ("1", None, None));
    assert_eq!(ticket.status, TicketStatus::Unknown(String::new()));
    assert_eq!((ticket.category, ticket.priority), (TicketCategory::Task, None));
}

#[test]
fn statuses_are_read_by_the_table_then_by_redmine_then_not_at_all() {
    let status = |more: &str, name: &str, closed: bool| {
        words(more)
            .ticket(None, &issue(&format!(r#","status":{{"id":1,"name":"{name}","is_closed":{closed}}}"#)))
            .status
    };
    assert_eq!(status("", "in progress", false), TicketStatus::InProgress);
    assert_eq!(status("", "Abgenommen", true), TicketStatus::Closed);
    assert_eq!(status("", "Parked", false), TicketStatus::Unknown("Parked".to_owned()));
    assert_eq!(status("status = { Parked = \"waiting\" }", "Parked", false), TicketStatus::Waiting);
    assert_eq!(status("status = { Parked = \"waiting\" }", "New", false), TicketStatus::Unknown("New".to_owned()));
}

#[test]
fn hours_are_summed_exactly_and_by_person_not_by_name() {
    let list: List<TimeEntry> = serde_json::from_str(
        r#"{"time_entries":[
            {"id":1,"project":{"id":7},"user":{"id":5,"name":"Bo"},"hours":0.1},
            {"id":2,"project":{"id":7},"user":{"id":4,"name":"Ana"},"hours":"0.2"},
            {"id":3,"project":{"id":7},"user":{"id":6,"name":"Bo"},"hours":7},
            {"id":4,"project":{"id":7},"user":{"id":5,"name":"Bo"},"hours":1.25}],
           "total_count":"4","offset":0,"limit":100}"#,
    )
    .unwrap();
    let effort = effort(&list.rows).unwrap();
    assert_eq!(effort.hours_spent.to_string(), "8.55");
    let people: Vec<_> =
        effort.resources.iter().map(|each| (each.person.name.as_str(), each.hours_spent.to_string())).collect();
    assert_eq!(people, [("Ana", "0.2".to_owned()), ("Bo", "1.35".to_owned()), ("Bo", "7".to_owned())]);
}

#[test]
fn hours_that_nobody_can_read_leave_no_sum() {
    let entry = r#"{"id":1,"project":{"id":7},"user":null,"hours":"a lot"}"#;
    assert!(effort(&[serde_json::from_str(entry).unwrap()]).is_none());
    let entry = r#"{"id":1,"project":{"id":7},"hours":2.5}"#;
    let effort = effort(&[serde_json::from_str(entry).unwrap()]).unwrap();
    assert_eq!((effort.hours_spent, effort.resources.len()), (Decimal::new(25, 1), 1), "the parts are the whole");
    assert!(serde_json::from_str::<TimeEntry>(r#"{"id":1,"project":{"id":7},"hours":null}"#).is_err());
}

#[test]
fn values_that_the_short_form_would_misread_go_in_the_long_one() {
    assert_eq!(one_of("cf_1", &["P-1", "Ä 2"]), "cf_1=P-1%7C%C3%84%202");
    for odd in ["X|1", "~1", "!1", "=1", "*", ">=1", ""] {
        let query = one_of("cf_1", &["P-1", odd]);
        let expected = "f%5B%5D=cf_1&op%5Bcf_1%5D=%3D&v%5Bcf_1%5D%5B%5D=P-1&v%5Bcf_1%5D%5B%5D=";
        assert_eq!(query, format!("{expected}{}", encode(odd)));
    }
    assert_eq!(encode("a&b=c#d%20+/?"), "a%26b%3Dc%23d%2520%2B%2F%3F");
}

#[test]
fn groups_fit_into_a_call_and_hold_every_key_once() {
    let keys = |count: usize, width: usize| -> Vec<(usize, Vec<String>)> {
        (0..count).map(|n| (n, vec![format!("{n:0width$}")])).collect()
    };
    assert_eq!(groups(&keys(250, 12), "cf_1").iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    assert!(groups::<usize>(&[], "cf_1").is_empty());
    for width in [1, 60, 150, 7_000] {
        let keys = keys(120, width);
        let groups = groups(&keys, "cf_1");
        for group in &groups {
            let values: Vec<&str> = group.iter().map(|key| keys[*key].1[0].as_str()).collect();
            assert!(one_of("cf_1", &values).len() <= BYTES + "cf_1=".len());
        }
        assert_eq!(groups.concat(), (0..120).collect::<Vec<_>>());
    }
    let mut mixed = keys(3, 4);
    mixed[1].1.push("X|1".to_owned());
    assert_eq!(groups(&mixed, "cf_1"), [vec![0, 2], vec![1]], "one odd value does not lengthen all others");
}

#[test]
fn a_hundred_numbers_of_projects_fit_into_the_cookie_of_an_issue_list() {
    let numbers: Vec<String> = (0..MOST).map(|n| (10_000_000 + n).to_string()).collect();
    assert!(kept_bytes(&numbers) < 1_950);
    let values: Vec<&str> = numbers.iter().map(String::as_str).collect();
    assert!(long("project_id", "=", &values).len() < BYTES);
}

#[test]
fn only_a_number_is_the_id_of_an_issue() {
    assert_eq!(issue_number("4711"), Some(4711));
    for wrong in ["", "0", "007", "+1", "-1", "1.0", "1,2", " 1", "1&status_id=open", "99999999999", "١"] {
        assert_eq!(issue_number(wrong), None, "{wrong:?}");
    }
}

fn problem(config: Config) -> ConnectionProblem {
    let context = ConnectionContext {
        name: ConnectionName::new("redmine"),
        shared_id: rule(),
        traffic: Traffic::default(),
        clock: Arc::new(SystemClock::default()),
    };
    connect(config, context).unwrap_err()
}

#[test]
fn a_wrong_configuration_is_refused_before_any_call() {
    let good = config("");
    for url in ["redmine.example.com", "ftp://x", "https://user:pw@x", "https://x/?a=b", "https://x/#y", ""] {
        assert_eq!(problem(Config { url: url.to_owned(), ..good.clone() }).key, "url", "{url}");
    }
    let no_key = SecretRef::File("/no/such/file".into());
    assert_eq!(problem(Config { key: no_key, ..good.clone() }).key, "key");
    let key = SecretRef::File([env!("CARGO_MANIFEST_DIR"), "tests", "redmine", "wrong.key"].iter().collect());
    let shared_id = SharedIdPlace::Identifier(false);
    assert_eq!(problem(Config { key, shared_id, ..good }).key, "shared_id");
    for text in ["key = 1", "unknown = 1", "[fields]\nhelth = \"x\"", "health = { x = \"purple\" }", "shared_id = {}"] {
        assert!(toml::from_str::<Config>(text).is_err(), "{text}");
    }
}

#[test]
fn the_example_in_the_documentation_reads() {
    let page = include_str!("../../../docs/connectors/redmine.md");
    let (_, block) = page.split_once("```toml\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let mut file: toml::Table = toml::from_str(block).unwrap();
    let mut section = file["connections"]["redmine"].as_table_mut().unwrap().clone();
    assert_eq!(section.remove("kind").unwrap().as_str(), Some(SYSTEM));
    section.remove("http").unwrap().try_into::<Traffic>().unwrap();
    let config: Config = section.try_into().unwrap();
    assert_eq!(config.fields.names().count(), 7);
    assert_eq!(config.trackers.incident, ["Bug", "Incident"]);
    file.clear();
}
