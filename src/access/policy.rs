//! From the configuration's roles to what each may see.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::view::country;
use super::{Principal, PrincipalKind, View, Viewer};
use crate::config::{self, Person, Role, Team, Whose, nearest};
use crate::domain::Classes;

/// The fields of the schema, as `Deal.amount`.
pub type Catalogue = BTreeMap<String, Entry>;

/// A field of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The classes that a role must read to see it.
    pub needs: Classes,
    /// Whether it may be null, and so be masked.
    pub nullable: bool,
}

/// A role that names what there is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// Dotted path in the configuration.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

/// Why somebody who signed in is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRole {
    /// They have no role.
    #[error(
        "You are known here, but have no role: whoever runs this server gives one (access.people, or by the sign-in)."
    )]
    None,
    /// They asked for a role that is not theirs.
    #[error("You do not have the role that X-Spine-Role names.")]
    NotYours,
}

/// The roles, and who has which.
#[derive(Debug)]
pub struct Access {
    /// In the order of the configuration.
    views: Vec<Arc<View>>,
    /// What is seen without a role.
    whole: Arc<View>,
    people: Vec<(String, Person)>,
    teams: Vec<(HashSet<String>, Team)>,
    regions: Regions,
}

/// The countries of each region, as [`country`] writes them.
type Regions = BTreeMap<String, BTreeSet<String>>;

impl Access {
    /// Works out what each role may see; `signed_in` says whether who asks has to sign in.
    pub fn new(config: &config::Access, signed_in: bool, catalogue: &Catalogue) -> Result<Self, Vec<PolicyError>> {
        let mut errors = Vec::new();
        for (name, role) in &config.roles {
            for (key, fields) in [("fields", &role.fields), ("hidden", &role.hidden)] {
                for field in fields.iter().filter(|field| !catalogue.contains_key(*field)) {
                    errors.push(unknown(&format!("access.roles.{name}.{key}"), field, catalogue));
                }
            }
        }
        for (name, role) in &config.roles {
            let never_null = |field: &&String| catalogue.get(*field).is_some_and(|entry| !entry.nullable);
            for field in role.hidden.iter().filter(never_null) {
                let message =
                    format!("`{field}` is never null, so it cannot be hidden: hide the field that leads to it");
                errors.push(PolicyError { path: format!("access.roles.{name}.hidden"), message });
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        // Costs and margins are given by name, or not at all.
        let whole = if signed_in && config.roles.is_empty() {
            View { role: None, ..view(0, "", &Role::default(), catalogue, &Regions::new()) }
        } else {
            View::whole()
        };
        let countries =
            |words: &Vec<String>| words.iter().map(|word| country(word)).filter(|word| !word.is_empty()).collect();
        let regions: Regions = config.regions.iter().map(|(name, words)| (name.clone(), countries(words))).collect();
        let view =
            |(number, (name, role)): (u32, &(String, Role))| Arc::new(view(number, name, role, catalogue, &regions));
        Ok(Self {
            views: (1..).zip(&config.roles).map(view).collect(),
            whole: Arc::new(whole),
            people: config.people.iter().map(|(email, person)| (email.to_lowercase(), person.clone())).collect(),
            teams: config
                .teams
                .values()
                .map(|team| (team.members.iter().map(|email| email.to_lowercase()).collect(), team.clone()))
                .collect(),
            regions,
        })
    }

    /// Whoever signed in, as they are answered: in the role that they want, else in the first that they have.
    ///
    /// Where no roles are configured everybody who signed in sees all but costs and margins. Where no sign-in is configured anybody does, too, and may
    /// try every role.
    pub fn viewer(&self, principal: Principal, wanted: Option<&str>) -> Result<Arc<Viewer>, NoRole> {
        let anyone = principal.kind == PrincipalKind::Anyone;
        let theirs = self.roles_of(&principal);
        let view = match wanted {
            Some(wanted) => {
                theirs.into_iter().find(|view| view.role.as_deref() == Some(wanted)).ok_or(NoRole::NotYours)?
            }
            None if anyone || self.views.is_empty() => &self.whole,
            None => theirs.into_iter().next().ok_or(NoRole::None)?,
        };
        let owners = self.owners(&principal, view.deals.whose);
        let countries = if view.deals.whose == Whose::Region { self.countries(&principal) } else { BTreeSet::new() };
        let (owners, countries) = (Arc::new(owners), Arc::new(countries));
        Ok(Arc::new(Viewer { view: Arc::clone(view), owners, countries, principal }))
    }

    /// The names of the roles that somebody has, in the order of the configuration.
    pub fn role_names(&self, principal: &Principal) -> Vec<&str> {
        self.roles_of(principal).into_iter().filter_map(|view| view.role.as_deref()).collect()
    }

    fn roles_of(&self, principal: &Principal) -> Vec<&Arc<View>> {
        let email = principal.email.as_ref().map(|email| email.to_lowercase());
        let has = |view: &&Arc<View>| {
            let name = view.role.as_ref();
            let given = |roles: &[String]| name.is_some_and(|name| roles.contains(name));
            let person =
                |email: &String| self.people.iter().any(|(known, person)| known == email && given(&person.roles));
            let team =
                |email: &String| self.teams.iter().any(|(members, team)| members.contains(email) && given(&team.roles));
            principal.kind == PrincipalKind::Anyone
                || given(&principal.roles)
                || email.as_ref().is_some_and(|email| person(email) || team(email))
        };
        self.views.iter().filter(has).collect()
    }

    /// The e-mail addresses of those whose deals somebody reads, if not everybody's.
    fn owners(&self, principal: &Principal, whose: Whose) -> BTreeSet<String> {
        let Some(email) = principal.email.as_ref().map(|email| email.to_lowercase()) else { return BTreeSet::new() };
        let mut owners = BTreeSet::new();
        if whose == Whose::Team {
            for (members, _) in self.teams.iter().filter(|(members, _)| members.contains(&email)) {
                owners.extend(members.iter().cloned());
            }
        }
        if matches!(whose, Whose::Own | Whose::Team) {
            owners.insert(email);
        }
        owners
    }

    /// The countries of somebody's regions: of those that the sign-in gives, that are said of them, and of their teams.
    fn countries(&self, principal: &Principal) -> BTreeSet<String> {
        let mut names: Vec<&String> = principal.regions.iter().collect();
        if let Some(email) = principal.email.as_ref().map(|email| email.to_lowercase()) {
            names.extend(
                self.people.iter().filter(|(known, _)| *known == email).flat_map(|(_, person)| &person.regions),
            );
            let teams = self.teams.iter().filter(|(members, _)| members.contains(&email));
            names.extend(teams.flat_map(|(_, team)| &team.regions));
        }
        names.into_iter().filter_map(|name| self.regions.get(name)).flatten().cloned().collect()
    }
}

fn view(number: u32, name: &str, role: &Role, catalogue: &Catalogue, regions: &Regions) -> View {
    let classes: Classes = role.reads.iter().copied().collect();
    let masked = catalogue.iter().filter(|(field, entry)| {
        let given = classes.cover(entry.needs) || role.fields.contains(field);
        entry.nullable && (!given || role.hidden.contains(field))
    });
    View {
        role: Some(name.to_owned()),
        explore: role.explore,
        stored_only: role.stored_only,
        number,
        classes,
        masked: masked.map(|(field, _)| field.clone()).collect(),
        deals: role.deals.clone(),
        countries: role
            .deals
            .regions
            .as_ref()
            .map(|names| names.iter().filter_map(|name| regions.get(name)).flatten().cloned().collect()),
    }
}

fn unknown(path: &str, field: &str, catalogue: &Catalogue) -> PolicyError {
    let names: Vec<&str> = catalogue.keys().map(String::as_str).collect();
    let message = nearest(field, &names).map_or_else(
        || format!("the schema has no field `{field}`: write type and field, e.g. \"Deal.contacts\""),
        |near| format!("the schema has no field `{field}`: did you mean `{near}`?"),
    );
    PolicyError { path: path.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Class, Deal, DealId, Link, Person};

    fn access(text: &str) -> Access {
        let entry = |class| Entry { needs: [class].into_iter().collect(), nullable: true };
        let catalogue = Catalogue::from([
            ("Deal.name".to_owned(), entry(Class::Commercial)),
            ("Cost.amount".to_owned(), entry(Class::Costs)),
        ]);
        Access::new(&toml::from_str(text).unwrap(), true, &catalogue).unwrap()
    }

    fn principal(email: Option<&str>, roles: &[&str]) -> Principal {
        let roles = roles.iter().map(ToString::to_string).collect();
        let email = email.map(str::to_owned);
        Principal { kind: PrincipalKind::Key, subject: "k".to_owned(), email, roles, ..Principal::anyone() }
    }

    fn deal_of(email: &str) -> Deal {
        let owner = Person { name: "A".into(), email: Some(email.into()) };
        Deal {
            id: DealId::new("1"),
            name: None,
            pipeline: Some("P".into()),
            stage: None,
            status: None,
            amount: None,
            expected_margin: None,
            close_date: None,
            owner: Some(Arc::new(owner)),
            vertical: None,
            deal_type: None,
            scope: None,
            client: None,
            client_country: None,
            link: Link::None,
            created_at: None,
            updated_at: None,
            url: None,
            flaws: Vec::new(),
        }
    }

    #[test]
    fn one_role_at_a_time_the_first_of_theirs_or_the_one_they_want() {
        let access = access(
            "[roles.finance]\nreads = [\"commercial\", \"costs\"]\n[roles.sales]\n\
             [people.\"Ann@example.com\"]\nroles = [\"finance\"]\n\
             [teams.north]\nmembers = [\"bob@example.com\"]\nroles = [\"sales\"]",
        );
        let role = |principal, wanted| access.viewer(principal, wanted).map(|viewer| viewer.view.role.clone().unwrap());
        let finance = Ok("finance".to_owned());
        let sales = Ok("sales".to_owned());
        assert_eq!(role(principal(None, &["sales", "finance"]), None), finance);
        assert_eq!(role(principal(None, &["sales", "finance"]), Some("sales")), sales);
        assert_eq!(role(principal(None, &["sales"]), Some("finance")), Err(NoRole::NotYours));
        assert_eq!(role(principal(Some("ann@Example.com"), &["sales"]), None), finance);
        assert_eq!(role(principal(Some("bob@example.com"), &[]), None), sales);
        assert_eq!(role(principal(Some("eve@example.com"), &["boss"]), None), Err(NoRole::None));
        let anyone = access.viewer(Principal::anyone(), None).unwrap();
        assert!(anyone.view.is_unmasked() && anyone.view.role.is_none());
        let viewer = access.viewer(principal(None, &["sales"]), None).unwrap();
        assert!(viewer.view.may("Deal.name") && !viewer.view.may("Cost.amount") && viewer.sees_all_deals());
    }

    #[test]
    fn without_roles_who_signs_in_sees_what_is_not_given_by_name_and_who_need_not_sees_all() {
        let entry = |class| Entry { needs: [class].into_iter().collect(), nullable: true };
        let catalogue = Catalogue::from([
            ("Deal.name".to_owned(), entry(Class::Commercial)),
            ("Cost.amount".to_owned(), entry(Class::Costs)),
        ]);
        let new = |signed_in| Access::new(&config::Access::default(), signed_in, &catalogue).unwrap();
        let viewer = new(true).viewer(principal(None, &["finance"]), None).unwrap();
        assert!(viewer.view.may("Deal.name") && !viewer.view.may("Cost.amount") && !viewer.view.is_unmasked());
        assert_eq!(viewer.view.role, None);
        assert!(new(false).viewer(Principal::anyone(), None).unwrap().view.is_unmasked());
    }

    #[test]
    fn deals_of_a_region_are_those_of_clients_who_say_that_they_are_there() {
        let access = access(
            "[regions]\ndach = [\"Germany\", \"DE\", \" austria \"]\nnordics = [\"Sweden\"]\n\
             [roles.mine]\ndeals = { whose = \"region\" }\n[roles.dach]\ndeals = { regions = [\"dach\"] }\n\
             [roles.none]\ndeals = { regions = [] }\n[people.\"Ann@example.com\"]\nregions = [\"nordics\"]\n\
             [teams.north]\nmembers = [\"bob@example.com\"]\nregions = [\"dach\", \"nordics\"]",
        );
        let of =
            |country: Option<&str>| Deal { client_country: country.map(str::to_owned), ..deal_of("eve@example.com") };
        let seen = |principal: Principal, role: &str| -> Vec<&str> {
            let viewer = access.viewer(principal, Some(role)).unwrap();
            assert!(!viewer.sees_all_deals());
            let words = ["Germany", "de", " AUSTRIA", "Sweden", "France", "", "German"];
            assert!(!viewer.sees(&of(None)), "{role}: nobody knows where that is");
            words.into_iter().filter(|word| viewer.sees(&of(Some(word)))).collect()
        };
        let (dach, nordics) = (["Germany", "de", " AUSTRIA"], ["Sweden"]);
        let both = [&dach[..], &nordics].concat();
        let all = ["mine", "dach", "none"];
        assert_eq!(seen(principal(None, &all), "dach"), dach, "whoever has the role");
        assert_eq!(seen(principal(None, &all), "none"), [""; 0]);
        assert_eq!(seen(principal(None, &all), "mine"), [""; 0], "whoever has no region");
        assert_eq!(seen(principal(Some("ann@example.com"), &all), "mine"), nordics);
        assert_eq!(seen(principal(Some("BOB@example.com"), &all), "mine"), both);
        let given = Principal { regions: vec!["dach".to_owned(), "Germany".to_owned()], ..principal(None, &all) };
        assert_eq!(seen(given.clone(), "mine"), dach, "by a key or a claim; what names no region is none");
        let key = |principal| access.viewer(principal, Some("mine")).unwrap().key();
        assert_ne!(key(given.clone()), key(principal(None, &all)), "answers that are kept are not the other's");
        assert_eq!(key(given.clone()), key(Principal { subject: "another".to_owned(), ..given }));
    }

    #[test]
    fn own_deals_are_those_of_ones_e_mail_address_and_a_teams_those_of_its_members() {
        let access = access(
            "[roles.own]\ndeals = { whose = \"own\" }\n[roles.team]\ndeals = { whose = \"team\", pipelines = [\"P\"] }\n\
             [teams.north]\nmembers = [\"ann@example.com\", \"bob@example.com\"]\n[teams.south]\nmembers = [\"eve@example.com\"]",
        );
        let viewer = |email, role: &str| access.viewer(principal(email, &[role]), None).unwrap();
        let ann = viewer(Some("Ann@example.com"), "own");
        assert!(ann.sees(&deal_of("ann@EXAMPLE.com")) && !ann.sees(&deal_of("bob@example.com")));
        let team = viewer(Some("ann@example.com"), "team");
        assert!(team.sees(&deal_of("bob@example.com")) && !team.sees(&deal_of("eve@example.com")));
        assert!(!team.sees(&Deal { pipeline: Some("Q".into()), ..deal_of("bob@example.com") }));
        let alone = viewer(Some("dan@example.com"), "team");
        assert!(alone.sees(&deal_of("dan@example.com")) && !alone.sees(&deal_of("ann@example.com")));
        assert!(!viewer(None, "own").sees(&deal_of("")), "nobody is no owner");
        assert_ne!(ann.key(), team.key());
    }
}
