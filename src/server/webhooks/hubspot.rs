//! What HubSpot tells: lists of events, up to a hundred, in no order and sometimes twice.

use serde::Deserialize;
use serde_json::Value;

use super::Refused;
use super::event::{self, Event};
use crate::domain::RecordKind;
use crate::reads::Records;

/// One event, as far as it matters: `propertyValue` does not, because it may be older than what HubSpot says by now.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    event_id: Option<Value>,
    portal_id: Option<Value>,
    occurred_at: Option<Value>,
    subscription_type: String,
    object_type_id: Option<String>,
    object_id: Option<Value>,
    from_object_id: Option<Value>,
    to_object_id: Option<Value>,
    primary_object_id: Option<Value>,
    merged_object_ids: Option<Vec<Value>>,
    new_object_id: Option<Value>,
}

pub(super) fn events(body: &[u8]) -> Result<Vec<Event>, Refused> {
    let sent: Vec<Sent> = serde_json::from_value(event::json(body)?)
        .map_err(|_| Refused::bad_request("The body is not a list of events with `subscriptionType`."))?;
    Ok(sent.into_iter().map(Sent::event).collect())
}

impl Sent {
    fn event(self) -> Event {
        let (object, what) = self.subscription_type.split_once('.').unwrap_or((&self.subscription_type, ""));
        let kind = match object {
            "object" => kind_of_type(self.object_type_id.as_deref().unwrap_or_default()),
            object => kind_of(object),
        };
        // An association is told from either of its ends; which deal it concerns is sure from a deal's alone.
        let (kinds, records) = match (what, kind) {
            ("associationChange", RecordKind::Deal) => (vec![RecordKind::Deal], self.records(what)),
            ("associationChange", _) => (vec![RecordKind::Deal], Records::All),
            (_, kind) => (vec![kind], self.records(what)),
        };
        Event { id: self.id(), kinds, records }
    }

    /// The records that it is about: all that it names.
    fn records(&self, what: &str) -> Records {
        let named =
            [&self.object_id, &self.from_object_id, &self.to_object_id, &self.primary_object_id, &self.new_object_id];
        let merged = self.merged_object_ids.iter().flatten();
        let ids: Vec<Value> = named.into_iter().flatten().chain(merged).cloned().collect();
        // A merge names them in more ways than one: all must be there.
        let whole = what != "merge" || self.merged_object_ids.is_some();
        if whole { event::records(Some(&Value::Array(ids))) } else { Records::All }
    }

    /// HubSpot's `eventId` is not unique by itself.
    fn id(&self) -> Option<String> {
        let (event, occurred) = (self.event_id.as_ref()?, self.occurred_at.as_ref()?);
        let parts = [self.portal_id.as_ref(), self.object_id.as_ref(), Some(event), Some(occurred)];
        let parts = parts.map(|part| part.map(Value::to_string).unwrap_or_default());
        Some(format!("{} {}", self.subscription_type, parts.join(" ")))
    }
}

fn kind_of(object: &str) -> RecordKind {
    match object {
        "deal" => RecordKind::Deal,
        "company" => RecordKind::Client,
        "contact" | "line_item" | "quote" | "note" | "call" | "email" | "meeting" | "product" => RecordKind::DealDetail,
        "ticket" => RecordKind::Ticket,
        _ => RecordKind::Everything,
    }
}

/// The same by HubSpot's numbers of object types.
fn kind_of_type(id: &str) -> RecordKind {
    match id {
        "0-3" => RecordKind::Deal,
        "0-2" => RecordKind::Client,
        // Contacts, products, line items, quotes, notes, calls, e-mails, meetings.
        "0-1" | "0-7" | "0-8" | "0-14" | "0-46" | "0-48" | "0-49" | "0-47" => RecordKind::DealDetail,
        "0-5" => RecordKind::Ticket,
        _ => RecordKind::Everything,
    }
}

#[cfg(test)]
mod tests {
    use compact_str::CompactString;
    use serde_json::json;

    use super::*;

    fn read(event: &Value) -> Event {
        events(json!([event]).to_string().as_bytes()).unwrap().remove(0)
    }

    fn these(ids: &[&str]) -> Records {
        Records::These(ids.iter().map(CompactString::new).collect())
    }

    #[test]
    fn an_event_names_its_record() {
        let deal = json!({ "eventId": 1, "subscriptionId": 12, "portalId": 62, "appId": 9, "occurredAt": 1_790_000_000_000_u64,
            "subscriptionType": "deal.propertyChange", "attemptNumber": 0, "objectId": 901, "changeSource": "CRM",
            "propertyName": "amount", "propertyValue": "43000" });
        let event = read(&deal);
        assert_eq!((event.kinds, event.records), (vec![RecordKind::Deal], these(&["901"])));
        assert_eq!(event.id.as_deref(), Some("deal.propertyChange 62 901 1 1790000000000"));
        let generic = json!({ "subscriptionType": "object.creation", "objectTypeId": "0-5", "objectId": "7" });
        let event = read(&generic);
        assert_eq!((event.id, event.kinds, event.records), (None, vec![RecordKind::Ticket], these(&["7"])));
    }

    #[test]
    fn what_is_about_several_records_names_them_all() {
        let merge = json!({ "subscriptionType": "deal.merge", "objectId": 1, "primaryObjectId": 1,
            "mergedObjectIds": [2, 3], "newObjectId": 4 });
        assert_eq!(read(&merge).records, these(&["1", "2", "3", "4"]));
        let unclear = json!({ "subscriptionType": "deal.merge", "objectId": 1 });
        assert_eq!(read(&unclear).records, Records::All);
        let association = json!({ "subscriptionType": "deal.associationChange", "fromObjectId": 1, "toObjectId": 9 });
        assert_eq!(
            (read(&association).kinds, read(&association).records),
            (vec![RecordKind::Deal], these(&["1", "9"]))
        );
        let other_end = json!({ "subscriptionType": "company.associationChange", "fromObjectId": 1, "toObjectId": 9 });
        assert_eq!((read(&other_end).kinds, read(&other_end).records), (vec![RecordKind::Deal], Records::All));
    }

    #[test]
    fn what_is_not_known_is_about_everything() {
        for event in [
            json!({ "subscriptionType": "object.creation", "objectTypeId": "2-17", "objectId": 7 }),
            json!({ "subscriptionType": "object.creation", "objectId": 7 }),
            json!({ "subscriptionType": "galaxy.birth" }),
        ] {
            assert_eq!(read(&event).kinds, [RecordKind::Everything], "{event}");
        }
    }

    #[test]
    fn what_is_no_list_of_events_is_refused() {
        for body in ["", "{}", "[1]", "[{\"objectId\":1}]", "null", "[", "[{\"subscriptionType\":1}]"] {
            assert!(events(body.as_bytes()).is_err(), "{body}");
        }
        assert_eq!(events(b"[]").unwrap(), []);
    }
}
