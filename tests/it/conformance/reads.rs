//! What a connector must answer.

use spine::systems::{ErrorKind, SystemError};

use super::Subject;
use super::ports::{Answer, List, Port};
use super::truth::Answers;

/// An answer without the errors' own words. Whether a key that is not known is left out or has nothing is all the same.
fn plain(answer: Answer, truth: &Answers) -> Answers {
    let empty = |lines: &Result<Vec<String>, ErrorKind>| lines.as_ref().is_ok_and(Vec::is_empty);
    let plain = answer.into_iter().map(|(key, lines)| (key, lines.map_err(|error| error.kind)));
    plain.filter(|(key, lines)| truth.contains_key(key) || !empty(lines)).collect()
}

/// The keys in batches, as the engine asks for them.
async fn in_batches(port: &Port, keys: &[String]) -> Answer {
    let mut all = Answer::new();
    for batch in keys.chunks(port.limit) {
        all.append(&mut port.ask(batch).await.unwrap_or_else(|error| panic!("{}: {error}", port.name)));
    }
    all
}

/// Compares key by key, so that a difference is a line and not two walls of text.
fn same(port: &Port, answer: Answer, truth: &Answers) {
    let answer = plain(answer, truth);
    for (key, expected) in truth {
        let found =
            answer.get(key).unwrap_or_else(|| panic!("{}: {key} is missing, which is {expected:#?}", port.name));
        assert_eq!(found, expected, "{} of {key}", port.name);
    }
    for (key, found) in &answer {
        assert!(truth.contains_key(key), "{}: {key} is not in the company, and was answered {found:#?}", port.name);
    }
}

pub(super) async fn keys_are_answered_as_the_company_has_it(subject: &Subject) {
    for port in subject.looked_at(&subject.connect("")).0 {
        assert!(port.truth.len() > 3, "{} has too little to show", port.name);
        assert!(port.ask(&[]).await.unwrap().is_empty(), "{}: nothing asked, something answered", port.name);
        let one = port.good_key().clone();
        let only = Answers::from([(one.clone(), port.truth[&one].clone())]);
        same(&port, port.ask(&[one]).await.unwrap(), &only);
        same(&port, in_batches(&port, &port.keys).await, &port.truth);
        let keys = port.more_than_a_batch();
        assert!(keys.len() > port.limit);
        same(&port, port.ask(&keys).await.unwrap(), &port.truth);
    }
}

/// All rows of a list, in pages of so many.
async fn read_through(list: &List, limit: usize) -> Result<Vec<String>, SystemError> {
    let (mut rows, mut after) = (Vec::new(), None);
    for _ in 0..list.truth.len() + 2 {
        let page = list.page(after, limit).await?;
        assert!(page.items.len() <= limit, "{}: a page of more than {limit}", list.name);
        rows.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(rows);
        }
    }
    panic!("{} never ends", list.name)
}

pub(super) async fn lists_hold_every_row_once_in_a_stable_order(subject: &Subject) {
    for list in subject.looked_at(&subject.connect("")).1 {
        assert!(list.truth.len() > 40, "{} is too short to show anything", list.name);
        for limit in [9, 30, list.edge, 1_000] {
            let rows = read_through(&list, limit).await.unwrap();
            for (at, (found, expected)) in rows.iter().zip(&list.truth).enumerate() {
                assert_eq!(found, expected, "{} in pages of {limit}, row {at}", list.name);
            }
            assert_eq!(rows.len(), list.truth.len(), "{} in pages of {limit}", list.name);
        }
    }
}

pub(super) async fn a_key_that_nobody_knows_is_absent_and_no_error(subject: &Subject) {
    for port in subject.looked_at(&subject.connect("")).0 {
        let known = port.good_key().clone();
        let truth = Answers::from([(known.clone(), port.truth[&known].clone())]);
        let odd = port.odd.iter().map(|key| (*key).to_owned());
        let keys: Vec<String> = odd.chain([known]).chain((0..3).map(port.made_up)).collect();
        same(&port, port.ask(&keys).await.unwrap_or_else(|error| panic!("{}: {error}", port.name)), &truth);
        let unknown: Vec<String> = (0..3).map(port.made_up).collect();
        same(&port, port.ask(&unknown).await.unwrap(), &Answers::new());
    }
}

pub(super) async fn an_id_in_another_spelling_is_the_same_id(subject: &Subject) {
    for port in subject.looked_at(&subject.connect("")).0 {
        if !(port.made_up)(0).starts_with("PRJ") {
            continue;
        }
        let key = port.good_key();
        let truth = Answers::from([(key.clone(), port.truth[key].clone())]);
        for spelling in [key.to_lowercase(), format!(" {key}\t"), format!("\u{a0}{}", key.to_lowercase())] {
            same(&port, port.ask(&[spelling]).await.unwrap(), &truth);
        }
    }
}

pub(super) async fn two_projects_with_one_id_are_a_conflict_of_that_id_alone(subject: &Subject) {
    let (ports, _) = subject.looked_at(&subject.connect(""));
    let Some(projects) = ports.iter().find(|port| port.name == "projects") else {
        assert!(ports.iter().all(|port| port.truth.values().all(Result::is_ok)), "there are no projects to mistake");
        return;
    };
    let twin = projects.truth.iter().find(|(_, lines)| lines.is_err()).map(|(key, _)| key.clone()).unwrap();
    for port in ports.iter().filter(|port| port.truth.contains_key(&twin)) {
        let other = port.good_key().clone();
        let answer = plain(port.ask(&[twin.clone(), other.clone()]).await.unwrap(), &port.truth);
        assert_eq!(answer[&twin], port.truth[&twin], "{}", port.name);
        assert_eq!(answer[&other], port.truth[&other], "{}", port.name);
    }
    assert_eq!(projects.truth[&twin], Err(ErrorKind::Conflict));
}

pub(super) async fn calls_are_as_many_as_batches_and_pages(subject: &Subject) {
    let (ports, lists) = subject.looked_at(&subject.connect(""));
    for port in ports {
        // What a connection asks once and keeps is asked now.
        port.ask(&[port.good_key().clone()]).await.unwrap();
        subject.calls().await;
        port.ask(&[]).await.unwrap();
        assert_eq!(subject.calls().await, [].into(), "{}: nothing asked, something called", port.name);
        let keys = port.more_than_a_batch();
        port.ask(&keys).await.unwrap();
        let most = keys.len().div_ceil(port.limit) + port.records.div_ceil(subject.system.page);
        let calls = subject.calls().await;
        assert!(!calls.is_empty());
        for (endpoint, calls) in calls {
            let per_key = subject.system.call_per_key.contains(&endpoint.as_str());
            let most = if per_key { port.keys.len() } else { most };
            assert!(calls <= most, "{}: {calls} calls of {endpoint} for {} keys", port.name, keys.len());
        }
    }
    for list in lists {
        let limit = 20;
        list.page(None, limit).await.unwrap();
        subject.calls().await;
        read_through(&list, limit).await.unwrap();
        for (endpoint, calls) in subject.calls().await {
            // A list of two kinds of documents ends twice.
            let most = list.truth.len().div_ceil(limit) + 1;
            assert!(calls <= most, "{}: {calls} calls of {endpoint} for {} rows", list.name, list.truth.len());
        }
    }
}

pub(super) async fn numbers_that_come_as_strings_change_nothing(subject: &Subject) {
    let (ports, lists) = subject.looked_at(&subject.connect(""));
    subject.fault(r#"{"mode": "strings"}"#).await;
    for port in ports {
        same(&port, in_batches(&port, &port.keys).await, &port.truth);
    }
    for list in lists {
        assert_eq!(read_through(&list, 30).await.unwrap(), list.truth, "{}", list.name);
    }
}

pub(super) async fn words_that_nobody_mapped_are_kept_and_no_failure(subject: &Subject) {
    subject.change(|company| {
        "99990001".clone_into(&mut company.deals[0].stage);
        let ticket = company.deals.iter_mut().find_map(|deal| deal.tickets.first_mut()).unwrap();
        "77".clone_into(&mut ticket.stage);
        "ASAP".clone_into(&mut ticket.priority);
        ticket.category = Some("SMALL_TALK".to_owned());
        let seen = |project: &&mut spine::demo::company::model::Project| project.status == 1;
        let project = company.projects.iter_mut().find(seen).unwrap();
        project.health = Some("Purple".to_owned());
        "frozen".clone_into(&mut project.versions[0].status);
        let issue = company.issues.iter_mut().find(|issue| issue.project == project.id).unwrap();
        (issue.closed, issue.closed_on) = (false, None);
        "Lost in the post".clone_into(&mut issue.status);
        "Whenever".clone_into(&mut issue.priority);
    });
    let (ports, _) = subject.looked_at(&subject.connect(""));
    let said: Vec<&String> = ports.iter().flat_map(|port| port.truth.values()).flatten().flatten().collect();
    let has_words =
        !ports.iter().any(|port| port.name == "costs") || ports.iter().any(|port| port.name == "deals.by_id");
    assert_eq!(said.iter().any(|line| line.contains("Unknown(")), has_words, "the company has such words");
    for port in &ports {
        same(port, in_batches(port, &port.keys).await, &port.truth);
    }
}
