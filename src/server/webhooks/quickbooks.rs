//! What QuickBooks Online tells: the payload that Intuit sent until 2026, and the `CloudEvents` that took its place.

use serde::Deserialize;
use serde_json::Value;

use super::Refused;
use super::event::{self, Event};
use crate::domain::RecordKind;
use crate::reads::Records;

/// The older payload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notifications {
    event_notifications: Vec<Notification>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    realm_id: String,
    data_change_event: Entities,
}

#[derive(Debug, Deserialize)]
struct Entities {
    entities: Vec<Entity>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    name: String,
    id: Value,
    operation: String,
    last_updated: Option<String>,
    /// The record that was merged into this one.
    deleted_id: Option<Value>,
}

/// A `CloudEvent`, as Intuit fills it.
#[derive(Debug, Deserialize)]
struct CloudEvent {
    id: String,
    source: Option<String>,
    /// `qbo.invoice.updated.v1`
    #[serde(rename = "type")]
    kind: String,
    intuitentityid: Option<Value>,
}

pub(super) fn events(body: &[u8]) -> Result<Vec<Event>, Refused> {
    let malformed = |_| Refused::bad_request("The body is neither Intuit's notifications nor CloudEvents.");
    let sent = event::json(body)?;
    if sent.get("eventNotifications").is_some() {
        let sent: Notifications = serde_json::from_value(sent).map_err(malformed)?;
        let all = sent.event_notifications.into_iter().flat_map(|notification| {
            let Notification { realm_id, data_change_event } = notification;
            data_change_event.entities.into_iter().map(move |entity| entity.event(&realm_id))
        });
        return Ok(all.collect());
    }
    let sent = if sent.is_object() { Value::Array(vec![sent]) } else { sent };
    let sent: Vec<CloudEvent> = serde_json::from_value(sent).map_err(malformed)?;
    Ok(sent.into_iter().map(CloudEvent::event).collect())
}

impl Entity {
    fn event(self, realm: &str) -> Event {
        // Without the moment a second change would be taken for a repetition of the first.
        let id = self.last_updated.map(|at| format!("{realm} {} {} {} {at}", self.name, self.id, self.operation));
        let ids = std::iter::once(self.id).chain(self.deleted_id).collect();
        of(&self.name.to_ascii_lowercase(), id, Some(&Value::Array(ids)))
    }
}

impl CloudEvent {
    fn event(self) -> Event {
        let entity = self.kind.split('.').nth(1).unwrap_or_default().to_ascii_lowercase();
        let id = format!("{} {}", self.source.unwrap_or_default(), self.id);
        // Of a merge only one of two records is named.
        let merged = self.kind.split('.').nth(2).is_some_and(|what| what.starts_with("merge"));
        of(&entity, Some(id), self.intuitentityid.as_ref().filter(|_| !merged))
    }
}

/// The event about an entity, by its name in small letters. A document in QuickBooks names neither its project nor what its
/// payments pay; what is about more than itself makes its whole kind be forgotten.
fn of(entity: &str, id: Option<String>, ids: Option<&Value>) -> Event {
    use RecordKind::{Bill, Cost, Everything, Invoice};
    let (kinds, records) = match entity {
        "invoice" | "creditmemo" | "salesreceipt" | "refundreceipt" => (vec![Invoice], event::records(ids)),
        "payment" => (vec![Invoice], Records::All),
        "bill" | "vendorcredit" | "purchase" => (vec![Bill], event::records(ids)),
        "billpayment" => (vec![Bill], Records::All),
        "purchaseorder" | "timeactivity" => (vec![Cost], Records::All),
        // A project is a customer, an account says what is a cost, a journal entry may be anything.
        _ => (vec![Everything], Records::All),
    };
    Event { id, kinds, records }
}

#[cfg(test)]
mod tests {
    use compact_str::CompactString;

    use super::*;

    fn these(id: &str) -> Records {
        Records::These([CompactString::new(id)].into())
    }

    #[test]
    fn both_payloads_name_the_same_record() {
        let old = br#"{"eventNotifications":[{"realmId":"1","dataChangeEvent":{"entities":[
            {"name":"Invoice","id":"5","operation":"Update","lastUpdated":"2026-01-01T00:00:00Z"},
            {"name":"Payment","id":"9","operation":"Create","lastUpdated":"2026-01-01T00:00:00Z"}]}}]}"#;
        let new = br#"[{"specversion":"1.0","id":"e-1","source":"intuit.x","type":"qbo.invoice.updated.v1",
            "datacontenttype":"application/json","time":"2026-01-01T00:00:00Z","intuitentityid":"5","intuitaccountid":"1","data":{}},
            {"id":"e-2","type":"qbo.payment.created.v1","intuitentityid":"9"}]"#;
        let read = |body: &[u8]| {
            let events = events(body).unwrap();
            events.into_iter().map(|event| (event.kinds, event.records)).collect::<Vec<_>>()
        };
        let expected = [(vec![RecordKind::Invoice], these("5")), (vec![RecordKind::Invoice], Records::All)];
        assert_eq!(read(old), expected);
        assert_eq!(read(new), expected);
        assert_eq!(events(old).unwrap()[0].id.as_deref(), Some("1 Invoice \"5\" Update 2026-01-01T00:00:00Z"));
        assert_eq!(events(new).unwrap()[0].id.as_deref(), Some("intuit.x e-1"));
    }

    #[test]
    fn what_is_about_more_than_itself_is_about_its_whole_kind() {
        let kinds = |entity: &str| of(entity, None, Some(&Value::from("5")));
        assert_eq!(kinds("purchaseorder").kinds, [RecordKind::Cost]);
        assert_eq!(kinds("bill").records, these("5"));
        for entity in ["customer", "account", "journalentry", "somethingnew", ""] {
            assert_eq!((kinds(entity).kinds, kinds(entity).records), (vec![RecordKind::Everything], Records::All));
        }
        let merge = br#"[{"id":"e","type":"qbo.invoice.merged.v1","intuitentityid":"5"}]"#;
        assert_eq!(events(merge).unwrap()[0].records, Records::All);
    }

    #[test]
    fn what_is_neither_is_refused() {
        for body in ["", "null", "{}", "[1]", "{\"eventNotifications\":1}", "[{\"id\":1,\"type\":\"a\"}]", "\"x\""] {
            assert!(events(body.as_bytes()).is_err(), "{body}");
        }
    }
}
