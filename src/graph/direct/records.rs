//! How the small things that hang on records are written.

use super::{Deferred, Json, Scene, Selected, Written, fields, object, resolved};
use crate::domain::{self, Booked, Flaw};
use crate::graph::money::Money;
use crate::graph::person::Person;
use crate::reads::{Fresh, Key, Reader};

fields!(MoneyField {
    Amount = "amount",
    Currency = "currency",
});

/// Money, or null.
pub(in crate::graph) fn money(
    money: Option<domain::Money>,
    field: &Selected,
    scene: &Scene<'_>,
    json: &mut Json,
) -> Written {
    let Some(money) = money else {
        json.null();
        return Ok(());
    };
    object::<Money>(&field.below, json, |field, json| {
        match MoneyField::of(field) {
            Some(MoneyField::Amount) => json.decimal(money.amount),
            Some(MoneyField::Currency) => json.string(money.currency.code()),
            _ => return resolved(&Money::from(money), field, scene, json),
        }
        Ok(())
    })
}

/// An amount as it is stated: in a form that nobody can read it is an error, and so for the long way.
pub(in crate::graph) fn stated(
    amount: Option<domain::Money>,
    (name, flaws): (&str, &[Flaw]),
) -> Result<Option<domain::Money>, Deferred> {
    let unreadable = amount.is_none() && flaws.iter().any(|flaw| flaw.field == name);
    if unreadable { Err(Deferred) } else { Ok(amount) }
}

/// An amount of a document, as it is stated: see [`stated`].
pub(in crate::graph) fn booked(
    booked: &Booked,
    place: (&str, &[Flaw]),
    field: &Selected,
    scene: &Scene<'_>,
    json: &mut Json,
) -> Written {
    money(stated(booked.document.or(booked.company), place)?, field, scene, json)
}

/// A colleague, or null.
pub(in crate::graph) fn person(
    person: Option<&std::sync::Arc<domain::Person>>,
    field: &Selected,
    json: &mut Json,
) -> Written {
    let Some(person) = person else {
        json.null();
        return Ok(());
    };
    object::<Person>(&field.below, json, |field, json| {
        match field.name() {
            "name" => json.string(&person.name),
            "email" => json.text(person.email.as_deref()),
            _ => return Err(Deferred),
        }
        Ok(())
    })
}

/// What is in memory of a key: what its owner said, unless that was an error.
pub(in crate::graph) fn known<K: Key, V: Send + Sync>(
    reader: Option<&Reader<K, V>>,
    key: &K,
    scene: &Scene<'_>,
) -> Result<Fresh<V>, Deferred> {
    reader.and_then(|reader| reader.peek(scene.options, key)).and_then(Result::ok).ok_or(Deferred)
}
