//! The object types and their properties, as an account defines them.

/// An object type of the CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Company,
    Contact,
    Deal,
    Ticket,
    LineItem,
    Quote,
    Note,
    Call,
    Email,
    Meeting,
}

/// How a property's values are written and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Number,
    Bool,
    Enumeration,
    DateTime,
}

/// A property of an object type.
#[derive(Debug)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    /// Made by the account's people, not by HubSpot.
    pub(super) custom: bool,
}

/// What is known of an object type.
#[derive(Debug)]
struct Spec {
    kind: Kind,
    plural: &'static str,
    singular: &'static str,
    type_id: &'static str,
    /// What a record shows when nothing in particular is asked for.
    defaults: &'static [&'static str],
    properties: &'static [Property],
}

impl Kind {
    /// The type that a path segment names: by its name in either number, or by its type ID.
    pub(super) fn from_path(text: &str) -> Option<Self> {
        SPECS
            .iter()
            .find(|spec| spec.plural == text || spec.singular == text || spec.type_id == text)
            .map(|spec| spec.kind)
    }

    pub(super) fn plural(self) -> &'static str {
        self.spec().plural
    }

    pub(super) fn singular(self) -> &'static str {
        self.spec().singular
    }

    pub(super) fn defaults(self) -> &'static [&'static str] {
        self.spec().defaults
    }

    pub(super) fn properties(self) -> &'static [Property] {
        self.spec().properties
    }

    pub(super) fn property(self, name: &str) -> Option<&'static Property> {
        self.properties().iter().find(|property| property.name == name)
    }

    /// The name of the property that says when the record last changed: contacts have one of their own.
    pub(super) fn modified_property(self) -> &'static str {
        if self == Self::Contact { "lastmodifieddate" } else { "hs_lastmodifieddate" }
    }

    fn spec(self) -> &'static Spec {
        let [first, rest @ ..] = &SPECS;
        rest.iter().find(|spec| spec.kind == self).unwrap_or(first)
    }
}

const fn property(name: &'static str, kind: Type) -> Property {
    Property { name, kind, custom: false }
}

const fn custom(name: &'static str, kind: Type) -> Property {
    Property { name, kind, custom: true }
}

static SPECS: [Spec; 10] = [
    Spec {
        kind: Kind::Company,
        plural: "companies",
        singular: "company",
        type_id: "0-2",
        defaults: &["name", "domain"],
        properties: &[
            property("hs_object_id", Type::Number),
            property("createdate", Type::DateTime),
            property("hs_lastmodifieddate", Type::DateTime),
            property("name", Type::String),
            property("domain", Type::String),
            property("industry", Type::Enumeration),
            property("country", Type::String),
            property("city", Type::String),
            property("phone", Type::String),
            property("website", Type::String),
            property("hubspot_owner_id", Type::Enumeration),
        ],
    },
    Spec {
        kind: Kind::Contact,
        plural: "contacts",
        singular: "contact",
        type_id: "0-1",
        defaults: &["firstname", "lastname", "email"],
        properties: &[
            property("hs_object_id", Type::Number),
            property("createdate", Type::DateTime),
            property("lastmodifieddate", Type::DateTime),
            property("firstname", Type::String),
            property("lastname", Type::String),
            property("email", Type::String),
            property("phone", Type::String),
            property("jobtitle", Type::String),
            property("company", Type::String),
            property("hubspot_owner_id", Type::Enumeration),
        ],
    },
    Spec {
        kind: Kind::Deal,
        plural: "deals",
        singular: "deal",
        type_id: "0-3",
        defaults: &["dealname", "amount", "closedate", "pipeline", "dealstage"],
        properties: &[
            property("hs_object_id", Type::Number),
            property("createdate", Type::DateTime),
            property("hs_lastmodifieddate", Type::DateTime),
            property("dealname", Type::String),
            property("amount", Type::Number),
            property("amount_in_home_currency", Type::Number),
            property("deal_currency_code", Type::Enumeration),
            property("dealstage", Type::Enumeration),
            property("pipeline", Type::Enumeration),
            property("closedate", Type::DateTime),
            property("hs_is_closed", Type::Bool),
            property("hs_is_closed_won", Type::Bool),
            property("hs_is_closed_lost", Type::Bool),
            property("hs_deal_stage_probability", Type::Number),
            property("hubspot_owner_id", Type::Enumeration),
            property("dealtype", Type::Enumeration),
            custom("project_code", Type::String),
            custom("vertical", Type::Enumeration),
            custom("scope", Type::String),
            custom("estimated_cost", Type::Number),
        ],
    },
    Spec {
        kind: Kind::Ticket,
        plural: "tickets",
        singular: "ticket",
        type_id: "0-5",
        defaults: &[
            "subject",
            "content",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_priority",
            "hs_ticket_category",
        ],
        properties: &[
            property("hs_object_id", Type::Number),
            property("createdate", Type::DateTime),
            property("hs_lastmodifieddate", Type::DateTime),
            property("subject", Type::String),
            property("content", Type::String),
            property("hs_pipeline", Type::Enumeration),
            property("hs_pipeline_stage", Type::Enumeration),
            property("hs_ticket_priority", Type::Enumeration),
            property("hs_ticket_category", Type::Enumeration),
            property("hs_ticket_id", Type::Number),
            property("closed_date", Type::DateTime),
            property("hubspot_owner_id", Type::Enumeration),
        ],
    },
    Spec {
        kind: Kind::LineItem,
        plural: "line_items",
        singular: "line_item",
        type_id: "0-8",
        defaults: &["quantity", "amount", "price"],
        properties: &[
            property("hs_object_id", Type::Number),
            property("createdate", Type::DateTime),
            property("hs_lastmodifieddate", Type::DateTime),
            property("name", Type::String),
            property("description", Type::String),
            property("hs_sku", Type::String),
            property("quantity", Type::Number),
            property("price", Type::Number),
            property("amount", Type::Number),
            property("hs_line_item_currency_code", Type::Enumeration),
        ],
    },
    Spec {
        kind: Kind::Quote,
        plural: "quotes",
        singular: "quote",
        type_id: "0-14",
        defaults: &["hs_title", "hs_expiration_date"],
        properties: &[
            property("hs_object_id", Type::Number),
            property("hs_createdate", Type::DateTime),
            property("hs_lastmodifieddate", Type::DateTime),
            property("hs_title", Type::String),
            property("hs_quote_number", Type::String),
            property("hs_status", Type::Enumeration),
            property("hs_quote_amount", Type::Number),
            property("hs_currency", Type::Enumeration),
            property("hs_expiration_date", Type::DateTime),
            property("hubspot_owner_id", Type::Enumeration),
        ],
    },
    Spec {
        kind: Kind::Note,
        plural: "notes",
        singular: "note",
        type_id: "0-46",
        defaults: &[],
        properties: &[
            property("hs_object_id", Type::Number),
            property("hs_createdate", Type::DateTime),
            property("hs_lastmodifieddate", Type::DateTime),
            property("hs_timestamp", Type::DateTime),
            property("hubspot_owner_id", Type::Enumeration),
            property("hs_note_body", Type::String),
        ],
    },
    Spec {
        kind: Kind::Call,
        plural: "calls",
        singular: "call",
        type_id: "0-48",
        defaults: &[],
        properties: &[
            property("hs_object_id", Type::Number),
            property("hs_createdate", Type::DateTime),
            property("hs_lastmodifieddate", Type::DateTime),
            property("hs_timestamp", Type::DateTime),
            property("hubspot_owner_id", Type::Enumeration),
            property("hs_call_title", Type::String),
            property("hs_call_body", Type::String),
        ],
    },
    Spec {
        kind: Kind::Email,
        plural: "emails",
        singular: "email",
        type_id: "0-49",
        defaults: &[],
        properties: &[
            property("hs_object_id", Type::Number),
            property("hs_createdate", Type::DateTime),
            property("hs_lastmodifieddate", Type::DateTime),
            property("hs_timestamp", Type::DateTime),
            property("hubspot_owner_id", Type::Enumeration),
            property("hs_email_subject", Type::String),
            property("hs_email_text", Type::String),
            property("hs_email_direction", Type::Enumeration),
        ],
    },
    Spec {
        kind: Kind::Meeting,
        plural: "meetings",
        singular: "meeting",
        type_id: "0-47",
        defaults: &[],
        properties: &[
            property("hs_object_id", Type::Number),
            property("hs_createdate", Type::DateTime),
            property("hs_lastmodifieddate", Type::DateTime),
            property("hs_timestamp", Type::DateTime),
            property("hubspot_owner_id", Type::Enumeration),
            property("hs_meeting_title", Type::String),
            property("hs_meeting_body", Type::String),
            property("hs_meeting_start_time", Type::DateTime),
        ],
    },
];
