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
    /// Regions, for roles that read the deals of a region: the countries of each, in all spellings that the CRM has for them, e.g.
    /// `dach = ["Germany", "DE", "Austria", "Switzerland"]`. Capitals do not matter.
    pub regions: BTreeMap<String, Vec<String>>,
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
    /// Whose: "anyones", "own" (the reader's e-mail address is that of the deal's owner), "team" (the owner is in a team of
    /// the reader's, or is the reader) or "region" (the client's country is in a region of the reader's).
    pub whose: Whose,
    /// Of clients in these regions, by their names in `[access.regions]`; if nothing is said in all. A deal whose client states no
    /// country, or one that is in none of them, is not read.
    pub regions: Option<Vec<String>>,
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
    /// Those of clients in a region of the reader's.
    Region,
}

/// A person.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// Roles beside those that the sign-in gives.
    pub roles: Vec<String>,
    /// Regions beside those that the sign-in gives.
    pub regions: Vec<String>,
}

/// A team.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Team {
    /// E-mail addresses of those who are in it.
    pub members: Vec<String>,
    /// Roles that its members have beside those that their sign-in gives them.
    pub roles: Vec<String>,
    /// Regions that its members have beside those that their sign-in gives them.
    pub regions: Vec<String>,
}

impl Access {
    /// What is set to a value that cannot be, and why. Whether the fields are in the schema is for the graph to say.
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        for (name, role) in &self.roles {
            if let Some(field) = role.fields.iter().find(|field| role.hidden.contains(field)) {
                return Err((format!("roles.{name}"), format!("`{field}` is in `fields` and in `hidden`: say one")));
            }
        }
        for (name, role) in &self.roles {
            let at = format!("roles.{name}.deals");
            if role.deals.whose == Whose::Region && self.regions.is_empty() {
                return Err((
                    at,
                    "is by region, and there are none: say in [access.regions] which countries are in which".into(),
                ));
            }
            self.check_regions(&format!("{at}.regions"), role.deals.regions.iter().flatten())?;
        }
        if !self.regions.is_empty() && !self.reads_by_region() {
            return Err(("regions".to_owned(), "has no effect: no role reads deals by region".to_owned()));
        }
        for (email, person) in &self.people {
            if person.roles.is_empty() && person.regions.is_empty() {
                return Err((format!("people.{email:?}"), "says neither roles nor regions".to_owned()));
            }
            self.check_roles(&format!("people.{email:?}.roles"), &person.roles)?;
            let path = format!("people.{email:?}.regions");
            self.check_regions(&path, &person.regions)?;
            self.check_readers_regions(&path, !person.regions.is_empty())?;
        }
        for (name, team) in &self.teams {
            self.check_roles(&format!("teams.{name}.roles"), &team.roles)?;
            let path = format!("teams.{name}.regions");
            self.check_regions(&path, &team.regions)?;
            self.check_readers_regions(&path, !team.regions.is_empty())?;
        }
        match self.regions.iter().find(|(_, countries)| countries.iter().all(|country| country.trim().is_empty())) {
            Some((name, _)) => Err((format!("regions.{name}"), "names no country: nobody would be in it".to_owned())),
            None => Ok(()),
        }
    }

    /// Whether it matters to a role in which regions its reader is; an error if a setting says it in vain.
    pub(super) fn check_readers_regions(&self, path: &str, is_said: bool) -> Result<(), (String, String)> {
        if is_said && !self.roles.iter().any(|(_, role)| role.deals.whose == Whose::Region) {
            let message = "has no effect: no role has `deals = { whose = \"region\" }`";
            return Err((path.to_owned(), message.to_owned()));
        }
        Ok(())
    }

    /// Which region is named that there is not. The path is handed back with what is wrong.
    pub(super) fn check_regions<'a>(
        &self,
        path: &str,
        regions: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), (String, String)> {
        let Some(region) = regions.into_iter().find(|region| !self.regions.contains_key(*region)) else {
            return Ok(());
        };
        let names: Vec<&str> = self.regions.keys().map(String::as_str).collect();
        let message = super::nearest(region, &names).map_or_else(
            || format!("there is no region `{region}`: write {region} = [\"...\"] in [access.regions]"),
            |near| format!("there is no region `{region}`: did you mean `{near}`?"),
        );
        Err((path.to_owned(), message))
    }

    /// Whether a role reads deals by where their clients are.
    pub fn reads_by_region(&self) -> bool {
        self.roles.iter().any(|(_, role)| role.deals.whose == Whose::Region || role.deals.regions.is_some())
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
    fn regions_that_there_are_not_are_named() {
        let regions = "[regions]\ndach = [\"Germany\", \"DE\"]\n[roles.z]\ndeals = { whose = \"region\" }\n";
        for (wrong, expected, message) in [
            ("[roles.a]\ndeals = { regions = [\"dac\"] }", "roles.a.deals.regions", "did you mean `dach`?"),
            ("[teams.a]\nregions = [\"nordics\"]", "teams.a.regions", "write nordics = "),
            ("[people.\"a@b.c\"]\nregions = [\"dac\"]", "people.\"a@b.c\".regions", "did you mean `dach`?"),
        ] {
            let (path, said) = parsed(&format!("{regions}{wrong}")).check().unwrap_err();
            assert!(path == expected && said.contains(message), "{path}: {said}");
        }
        let (path, _) = parsed("[roles.a]\ndeals = { whose = \"region\" }").check().unwrap_err();
        assert_eq!(path, "roles.a.deals");
        let (path, message) = parsed("[regions]\ndach = [\"Germany\"]\n[roles.a]").check().unwrap_err();
        assert!(path == "regions" && message.starts_with("has no effect"), "{message}");
        let of_role = "[regions]\ndach = [\"Germany\"]\n[roles.a]\ndeals = { regions = [\"dach\"] }\n";
        assert_eq!(parsed(of_role).check(), Ok(()));
        let (path, message) = parsed(&format!("{of_role}[teams.t]\nregions = [\"dach\"]")).check().unwrap_err();
        assert!(path == "teams.t.regions" && message.starts_with("has no effect"), "{message}");
        assert_eq!(parsed("[people.\"a@b.c\"]").check().unwrap_err().0, "people.\"a@b.c\"");
        let empty = format!("{regions}[teams.t]\nregions = [\"dach\"]").replace("[\"Germany\", \"DE\"]", "[\" \"]");
        assert_eq!(parsed(&empty).check().unwrap_err().0, "regions.dach");
        assert_eq!(parsed(&format!("{regions}[teams.t]\nregions = [\"dach\"]")).check(), Ok(()));
    }

    #[test]
    fn roles_that_there_are_not_are_named() {
        let wrong = "[roles.sales]\n[people.\"ann@example.com\"]\nroles = [\"sale\"]";
        let (path, message) = parsed(wrong).check().unwrap_err();
        assert_eq!(path, "people.\"ann@example.com\".roles");
        assert_eq!(message, "there is no role `sale`: did you mean `sales`?");
    }
}
