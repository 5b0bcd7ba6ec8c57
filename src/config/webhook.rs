//! `[connections.NAME.webhook]`: how a system tells that a record has changed.

use std::collections::BTreeMap;
use std::fmt;

use http::HeaderName;
use serde::{Deserialize, Deserializer, de};
use url::Url;

use super::SecretRef;
use crate::domain::RecordKind;

/// How a system tells that a record has changed, by `POST /webhooks/NAME`. What is kept of the record is forgotten, and
/// read anew when somebody asks; nothing of what a delivery says is shown.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Who sends, and so how it is signed and what it says.
    pub form: WebhookForm,
    /// What only the sender knows: of HubSpot the client secret of the app, of QuickBooks the verifier token, else at least 16
    /// characters of your own.
    pub secret: SecretRef,
    /// With `hubspot`: the address under which HubSpot reaches this server, e.g. `https://spine.example.com`. HubSpot signs
    /// it, and what a request says of its host is not to be believed.
    pub public_url: Option<String>,
    /// With `signed`: the header with the signature, `X-Spine-Signature` unless told. A `sha256=` before it does not matter.
    #[schemars(with = "Option<String>")]
    pub header: Option<Header>,
    /// With `signed`: how the signature is written, `hex` unless told.
    pub encoding: Option<SignatureEncoding>,
    /// Where in the body the list of events is, e.g. `/items` or `items`. Unset: the body is the list, or one event.
    #[schemars(with = "Option<String>")]
    pub events_at: Option<Place>,
    /// Where in an event its own ID is, by which a repeated delivery is known. Unset: every delivery counts.
    #[schemars(with = "Option<String>")]
    pub event_id_at: Option<Place>,
    /// Which kinds of record all events are about. Unset: see `kind_at`.
    #[serde(default)]
    pub kind: Vec<RecordKind>,
    /// Where in an event the kind of record is named, e.g. `/_model`.
    #[schemars(with = "Option<String>")]
    pub kind_at: Option<Place>,
    /// What these names mean, e.g. `{ "account.move" = ["invoice", "bill"] }`. `issue` is also `issue.updated`. A name that
    /// is not here means everything.
    #[serde(default)]
    pub kinds: BTreeMap<String, Vec<RecordKind>>,
    /// Where in an event the record's ID is, or a list of them. Unset, or not there: all records of the kind are forgotten.
    #[schemars(with = "Option<String>")]
    pub id_at: Option<Place>,
}

/// Who sends, and so how it is signed and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookForm {
    /// HubSpot: signature version 3, lists of events.
    Hubspot,
    /// QuickBooks Online: Intuit's signature and payloads, the older one and `CloudEvents`.
    Quickbooks,
    /// Anybody who can sign: HMAC-SHA256 of the body, which is JSON or a form.
    Signed,
    /// Who cannot sign: the secret as `Authorization: Bearer SECRET`, or as `?token=SECRET` of the address.
    Token,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignatureEncoding {
    /// 64 hexadecimal digits.
    #[default]
    Hex,
    /// Base64, with padding.
    Base64,
}

/// The name of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header(pub HeaderName);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let name = HeaderName::try_from(text.as_str());
        name.map(Self).map_err(|_| de::Error::custom(format!("`{text}` is not the name of a header")))
    }
}

/// A place in JSON: a JSON pointer (`/data/id`) or names with dots between (`data.id`).
#[derive(Clone, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// What stands there.
    pub fn of<'v>(&self, value: &'v serde_json::Value) -> Option<&'v serde_json::Value> {
        value.pointer(&self.0)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let pointer = if text.starts_with('/') {
            text.clone()
        } else {
            format!("/{}", text.replace('~', "~0").replace('/', "~1").replace('.', "/"))
        };
        if pointer.split('/').skip(1).any(str::is_empty) {
            return Err(de::Error::custom(format!(
                "`{text}` is no place in JSON: write e.g. \"/data/id\" or \"data.id\""
            )));
        }
        Ok(Self(pointer))
    }
}

impl Webhook {
    /// What is set and has no effect, or is missing, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        use WebhookForm::{Hubspot, Quickbooks, Signed, Token};
        let set: [(&'static str, bool, &[WebhookForm]); 9] = [
            ("public_url", self.public_url.is_some(), &[Hubspot]),
            ("header", self.header.is_some(), &[Signed]),
            ("encoding", self.encoding.is_some(), &[Signed]),
            ("events_at", self.events_at.is_some(), &[Signed, Token]),
            ("event_id_at", self.event_id_at.is_some(), &[Signed, Token]),
            ("kind", !self.kind.is_empty(), &[Signed, Token]),
            ("kind_at", self.kind_at.is_some(), &[Signed, Token]),
            ("kinds", !self.kinds.is_empty(), &[Signed, Token]),
            ("id_at", self.id_at.is_some(), &[Signed, Token]),
        ];
        if let Some((key, _, forms)) = set.iter().find(|(_, is_set, forms)| *is_set && !forms.contains(&self.form)) {
            let forms: Vec<_> = forms.iter().map(|form| format!("`{}`", form.as_str())).collect();
            return Err((key, format!("goes with form {} alone", forms.join(" and "))));
        }
        match (self.form, &self.public_url) {
            (Hubspot, None) => {
                let message = "is missing: HubSpot signs the address that it calls, so say what people outside call this \
                               server, e.g. \"https://spine.example.com\"";
                return Err(("public_url", message.to_owned()));
            }
            (Hubspot, Some(url)) if !is_base(url) => {
                return Err((
                    "public_url",
                    format!("`{url}` is no address without path: write e.g. \"https://spine.example.com\""),
                ));
            }
            _ => {}
        }
        if matches!(self.form, Hubspot | Quickbooks) {
            return Ok(());
        }
        if !self.kind.is_empty() && (self.kind_at.is_some() || !self.kinds.is_empty()) {
            return Err((
                "kind",
                "says what all events are about; `kind_at` and `kinds` say it of each: choose".to_owned(),
            ));
        }
        match (self.kind_at.is_some(), self.kinds.is_empty()) {
            (true, true) => Err(("kinds", "is missing: say what the names at `kind_at` mean".to_owned())),
            (false, false) => Err(("kind_at", "is missing: say where in an event the names of `kinds` are".to_owned())),
            _ => match self.kinds.iter().find(|(_, kinds)| kinds.is_empty()) {
                Some((name, _)) => Err(("kinds", format!("`{name}` means nothing: name a kind of record"))),
                None => Ok(()),
            },
        }
    }
}

impl WebhookForm {
    /// The word for it in the configuration.
    fn as_str(self) -> &'static str {
        match self {
            Self::Hubspot => "hubspot",
            Self::Quickbooks => "quickbooks",
            Self::Signed => "signed",
            Self::Token => "token",
        }
    }
}

/// Whether it is scheme and host, perhaps with the path of a proxy, and can be put before a path.
fn is_base(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let bare = url.username().is_empty() && url.password().is_none() && !text.contains(['?', '#']);
    matches!(url.scheme(), "https" | "http") && url.has_host() && bare && !text.ends_with('/')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(text: &str) -> String {
        let webhook: Webhook = toml::from_str(&format!("secret = {{ env = \"X\" }}\n{text}")).unwrap();
        webhook.check().map_or_else(|(key, message)| format!("{key}: {message}"), |()| String::new())
    }

    #[test]
    fn each_form_takes_its_own_settings_and_no_others() {
        for good in [
            "form = \"hubspot\"\npublic_url = \"https://spine.example.com\"",
            "form = \"quickbooks\"",
            "form = \"signed\"",
            "form = \"token\"\nkind = [\"invoice\"]\nid_at = \"id\"",
            "form = \"signed\"\nheader = \"X-Hub-Signature\"\nencoding = \"base64\"\nkind_at = \"/type\"\nkinds = { a = [\"deal\"] }",
        ] {
            assert_eq!(problem(good), "", "{good}");
        }
        for (wrong, starts) in [
            ("form = \"hubspot\"", "public_url: is missing"),
            ("form = \"hubspot\"\npublic_url = \"spine.example.com\"", "public_url: `spine.example.com` is no address"),
            ("form = \"hubspot\"\npublic_url = \"https://a/?x\"", "public_url: `https://a/?x` is no address"),
            ("form = \"quickbooks\"\nid_at = \"id\"", "id_at: goes with form `signed` and `token` alone"),
            ("form = \"token\"\nheader = \"X-A\"", "header: goes with form `signed` alone"),
            ("form = \"signed\"\nkind_at = \"a\"", "kinds: is missing"),
            ("form = \"signed\"\nkinds = { a = [\"deal\"] }", "kind_at: is missing"),
            ("form = \"signed\"\nkind_at = \"a\"\nkinds = { a = [] }", "kinds: `a` means nothing"),
            (
                "form = \"signed\"\nkind = [\"deal\"]\nkind_at = \"a\"\nkinds = { a = [\"deal\"] }",
                "kind: says what all",
            ),
        ] {
            assert!(problem(wrong).starts_with(starts), "{wrong}: {}", problem(wrong));
        }
    }

    #[test]
    fn a_place_is_a_pointer_or_names_with_dots() {
        let value = json!({ "a": { "b/c": [1, 2] }, "x.y": 3 });
        let at = |text: &str| serde_json::from_value::<Place>(json!(text)).map(|place| place.of(&value).cloned());
        assert_eq!(at("a.b/c.1").unwrap(), Some(json!(2)));
        assert_eq!(at("/a/b~1c/0").unwrap(), Some(json!(1)));
        assert_eq!(at("/x.y").unwrap(), Some(json!(3)));
        assert_eq!(at("x.y").unwrap(), None);
        for wrong in ["", "/", "a..b", "/a//b"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }
}
