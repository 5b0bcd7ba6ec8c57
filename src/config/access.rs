//! `[access]`: the roles, what each may read, and who has them beside those that their sign-in gives them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domain::Class;

/// Which role may read what. Without roles whoever signs in reads everything but costs and margins, which are given by name;
/// and where nobody has to sign in everybody reads everything.
///
/// A request is answered in one role: the first in the order of this file that the reader has, or the one of theirs that the
/// header `X-Spine-Role` names. What the role may not read is null with the error `FIELD_MASKED`, and is not asked for.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// The roles by their names, the most powerful first.
    #[serde(deserialize_with = "in_order")]
    #[schemars(with = "BTreeMap<String, Role>")]
    pub roles: Vec<(String, Role)>,
    /// Roles of single people, by their e-mail address as their sign-in or the CRM states it.
    pub people: BTreeMap<String, Person>,
    /// Teams, for roles that read the deals of a team.
    pub teams: BTreeMap<String, Team>,
}

/// What a role may read.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Role {
    /// The classes of facts it reads: commercial, delivery, tickets, receivables, costs, margins. If nothing is said all but
    /// the last two: costs and margins are given by name.
    pub reads: Vec<Class>,
    /// Fields it reads besides, by type and name in the schema, e.g. "Financials.marginPct".
    pub fields: Vec<String>,
    /// Fields it does not read although their class is given, e.g. "Deal.contacts".
    pub hidden: Vec<String>,
    /// Which deals it reads, with the projects they lead to and what hangs on those; if nothing is said all. A project is
    /// read if one of its deals is.
    pub deals: DealRule,
    /// Whether it may look at the schema, and be told what an answer cost.
    pub explore: bool,
    /// Whether it asks with documents that are known beforehand (`[operations]`) and no others.
    pub stored_only: bool,
}

impl Default for Role {
    fn default() -> Self {
        let reads = Class::ALL.into_iter().filter(|class| !class.is_sensitive()).collect();
        Self {
            reads,
            fields: Vec::new(),
            hidden: Vec::new(),
            deals: DealRule::default(),
            explore: true,
            stored_only: false,
        }
    }
}

/// Which deals are read. All that is said must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DealRule {
    /// Whose: "anyones", "own" (the reader's e-mail address is that of the deal's owner) or "team" (the owner is in a team of
    /// the reader's, or is the reader).
    pub whose: Whose,
    /// In these pipelines, by their labels; if nothing is said in all.
    pub pipelines: Option<Vec<String>>,
    /// In these verticals; if nothing is said in all.
    pub verticals: Option<Vec<String>>,
    /// Of these types; if nothing is said of all.
    pub deal_types: Option<Vec<String>>,
}

/// Whose deals are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// All.
    #[default]
    Anyones,
    /// Those that the reader owns.
    Own,
    /// Those that somebody in a team of the reader's owns.
    Team,
}

/// A person.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Roles beside those that the sign-in gives.
    pub roles: Vec<String>,
}

/// A team.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Team {
    /// E-mail addresses of those who are in it.
    pub members: Vec<String>,
    /// Roles that its members have beside those that their sign-in gives them.
    pub roles: Vec<String>,
}

impl Access {
    /// What is set to a value that cannot be, and why. Whether the fields are in the schema is for the graph to say.
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        for (name, role) in &self.roles {
            if let Some(field) = role.fields.iter().find(|field| role.hidden.contains(field)) {
                return Err((format!("roles.{name}"), format!("`{field}` is in `fields` and in `hidden`: say one")));
            }
        }
        for (email, person) in &self.people {
            self.check_roles(&format!("people.{email:?}.roles"), &person.roles)?;
        }
        for (name, team) in &self.teams {
            self.check_roles(&format!("teams.{name}.roles"), &team.roles)?;
        }
        Ok(())
    }

    fn check_roles(&self, path: &str, roles: &[String]) -> Result<(), (String, String)> {
        match roles.iter().find(|role| !self.has_role(role)) {
            Some(role) => Err((path.to_owned(), self.no_such_role(role))),
            None => Ok(()),
        }
    }

    /// Whether there is a role of that name.
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|(known, _)| known == name)
    }

    /// What to say where a role is named that there is not.
    pub fn no_such_role(&self, name: &str) -> String {
        let names: Vec<&str> = self.roles.iter().map(|(name, _)| name.as_str()).collect();
        super::nearest(name, &names).map_or_else(
            || format!("there is no role `{name}`: write a table [access.roles.{name}]"),
            |near| format!("there is no role `{name}`: did you mean `{near}`?"),
        )
    }
}

/// A table with its keys in the order of the file.
fn in_order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Role)>, D::Error> {
    struct InOrder;

    impl<'de> Visitor<'de> for InOrder {
        type Value = Vec<(String, Role)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table of roles")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(entry) = map.next_entry()? {
                all.push(entry);
            }
            Ok(all)
        }
    }

    deserializer.deserialize_map(InOrder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Access {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn costs_and_margins_are_given_by_name_and_roles_keep_their_order() {
        let access = parsed("[roles.zeta]\n[roles.alpha]\nreads = [\"costs\"]\ndeals = { whose = \"own\" }");
        let names: Vec<&str> = access.roles.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["zeta", "alpha"]);
        let reads: Vec<&[Class]> = access.roles.iter().map(|(_, role)| role.reads.as_slice()).collect();
        let usual = [Class::Commercial, Class::Delivery, Class::Tickets, Class::Receivables];
        assert_eq!(reads, [usual.as_slice(), &[Class::Costs]]);
    }

    #[test]
    fn roles_that_there_are_not_are_named() {
        let wrong = "[roles.sales]\n[people.\"ann@example.com\"]\nroles = [\"sale\"]";
        let (path, message) = parsed(wrong).check().unwrap_err();
        assert_eq!(path, "people.\"ann@example.com\".roles");
        assert_eq!(message, "there is no role `sale`: did you mean `sales`?");
    }
}
