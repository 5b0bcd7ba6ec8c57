//! What anybody else tells, read as the configuration says.

use http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::Refused;
use super::event::{self, Event};
use crate::config::{Place, Webhook};
use crate::domain::RecordKind;

pub(super) fn events(settings: &Webhook, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Event>, Refused> {
    let sent = if is_form(headers) { form(body) } else { event::json(body)? };
    let sent = match &settings.events_at {
        Some(place) => match place.of(&sent) {
            Some(Value::Array(events)) => events.clone(),
            Some(event @ Value::Object(_)) => vec![event.clone()],
            _ => return Err(Refused::bad_request("The body has no events where `events_at` says.")),
        },
        None => match sent {
            Value::Array(events) => events,
            event => vec![event],
        },
    };
    if let Some(at) = sent.iter().position(|event| !event.is_object()) {
        return Err(Refused::bad_request(format!("Event {at} of the body is not an object.")));
    }
    Ok(sent.iter().map(|event| read(settings, event)).collect())
}

fn read(settings: &Webhook, event: &Value) -> Event {
    let at = |place: &Option<Place>| place.as_ref().and_then(|place| place.of(event));
    let kinds = match at(&settings.kind_at) {
        _ if !settings.kind.is_empty() => settings.kind.clone(),
        Some(Value::String(name)) => meant(settings, name).to_vec(),
        _ => vec![RecordKind::Everything],
    };
    let id = match at(&settings.event_id_at) {
        Some(Value::String(id)) if !id.is_empty() => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    };
    Event { id, kinds, records: event::records(at(&settings.id_at)) }
}

/// The kinds that a name means; everything if nobody said. `issue` is also `issue.updated`.
fn meant<'a>(settings: &'a Webhook, name: &str) -> &'a [RecordKind] {
    let group = name.split_once('.').map(|(group, _)| group);
    let known = settings.kinds.get(name).or_else(|| settings.kinds.get(group?));
    known.map_or(&[RecordKind::Everything], Vec::as_slice)
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// A form as one event.
fn form(body: &[u8]) -> Value {
    let fields = url::form_urlencoded::parse(body);
    Value::Object(
        fields.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect::<Map<_, _>>(),
    )
}

#[cfg(test)]
mod tests {
    use compact_str::CompactString;
    use http::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::reads::Records;

    fn settings(text: &str) -> Webhook {
        toml::from_str(&format!("form = \"signed\"\nsecret = {{ env = \"X\" }}\n{text}")).unwrap()
    }

    fn told(text: &str, body: &Value) -> Vec<Event> {
        events(&settings(text), &HeaderMap::new(), body.to_string().as_bytes()).unwrap()
    }

    fn these(ids: &[&str]) -> Records {
        Records::These(ids.iter().map(CompactString::new).collect())
    }

    #[test]
    fn odoo_tells_model_and_record() {
        let odoo = "kind_at = \"/_model\"\nid_at = \"_id\"\nkinds = { \"account.move\" = [\"invoice\", \"bill\"] }";
        let event = told(odoo, &json!({ "_model": "account.move", "_id": 42, "_action": "Notify(#9)" })).remove(0);
        assert_eq!(event.kinds, [RecordKind::Invoice, RecordKind::Bill]);
        assert_eq!((event.records, event.id), (these(&["42"]), None));
        let other = told(odoo, &json!({ "_model": "res.users", "_id": 1 })).remove(0);
        assert_eq!(other.kinds, [RecordKind::Everything], "nobody said what it means");
        let none = told(odoo, &json!({ "_model": "account.move" })).remove(0);
        assert_eq!(none.records, Records::All);
    }

    #[test]
    fn redmine_tells_what_happened_behind_the_kind() {
        let redmine = "kind_at = \"type\"\nid_at = \"data.issue.id\"\nkinds = { issue = [\"ticket\", \"project\"] }";
        let event = told(redmine, &json!({ "type": "issue.updated", "data": { "issue": { "id": 7 } } })).remove(0);
        assert_eq!((event.kinds, event.records), (vec![RecordKind::Ticket, RecordKind::Project], these(&["7"])));
    }

    #[test]
    fn a_list_of_events_may_lie_anywhere_and_each_have_an_id() {
        let batch = "events_at = \"/data/items\"\nevent_id_at = \"e\"\nkind = [\"deal\"]\nid_at = \"/ids\"";
        let body = json!({ "data": { "items": [{ "e": "a", "ids": [1, 2] }, { "e": 7, "ids": "3" }, {}] } });
        let read: Vec<_> = told(batch, &body).into_iter().map(|event| (event.id, event.records)).collect();
        let expected =
            [(Some("a".into()), these(&["1", "2"])), (Some("7".into()), these(&["3"])), (None, Records::All)];
        assert_eq!(read, expected);
        assert_eq!(told("", &json!([{}, {}])).len(), 2);
        assert_eq!(told("", &json!({}))[0].kinds, [RecordKind::Everything]);
    }

    #[test]
    fn a_form_is_one_event() {
        let headers = HeaderMap::from_iter([(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"),
        )]);
        let event =
            events(&settings("kind = [\"invoice\"]\nid_at = \"invoice.id\""), &headers, b"invoice%20id=1").unwrap();
        assert_eq!(event[0].records, Records::All);
        let event = events(&settings("kind = [\"invoice\"]\nid_at = \"id\""), &headers, b"id=4+2&x=1").unwrap();
        assert_eq!(event[0].records, these(&["4 2"]));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for (text, body) in
            [("", "1"), ("", "[1]"), ("", "{"), ("events_at = \"a\"", "{}"), ("events_at = \"a\"", "{\"a\":1}")]
        {
            assert!(events(&settings(text), &HeaderMap::new(), body.as_bytes()).is_err(), "{text} {body}");
        }
    }
}
