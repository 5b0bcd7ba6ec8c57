//! What is put into the company's books beside those that all embedded ERPs share: cases that another ledger would not have,
//! e.g. what is bought on accounts that hold no costs.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use serde_json::Value as Json;

use super::entity::Entity;
use super::value::Value;

/// Records that are added. A clone shares them.
#[derive(Debug, Clone, Default)]
pub struct Additions(Arc<RwLock<Vec<Added>>>);

/// A record as it is written.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) entity: Entity,
    json: Json,
}

impl Additions {
    /// Adds a record of an entity, as QuickBooks would write it. Nothing if there is no such entity.
    pub fn add(&self, entity: &str, json: Json) {
        let Some(entity) = Entity::named(entity, false) else { return };
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(Added { entity, json });
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Vec<Added>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Added {
    /// A property that can be asked about. Names are in use unless they say that they are not.
    pub(super) fn property(&self, name: &str) -> Value {
        let property = self.json.get(name).unwrap_or(&Json::Null);
        let id = |text: &Json| text.as_str().and_then(|text| text.parse().ok()).map_or(Value::Nothing, Value::Id);
        match property {
            Json::Null if name == "Active" => Value::Yes(true),
            Json::String(_) if name == "Id" => id(property),
            Json::String(text) => text.parse().map_or_else(|_| Value::Text(text.clone()), Value::Date),
            Json::Object(reference) => reference.get("value").map_or(Value::Nothing, id),
            Json::Bool(yes) => Value::Yes(*yes),
            Json::Number(number) => number.to_string().parse().map_or(Value::Nothing, Value::Number),
            _ => Value::Nothing,
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.json.get("Id").and_then(|id| id.as_str()?.parse().ok()).unwrap_or_default()
    }

    pub(super) fn json(&self) -> String {
        self.json.to_string()
    }
}
