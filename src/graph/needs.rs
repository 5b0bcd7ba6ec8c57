//! What a role must be given to see a field: stated in the schema, beside who owns it.

use std::collections::{BTreeMap, HashMap};

use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition};
use async_graphql::{Enum, TypeDirective, Value};

use super::metric::Sensitivity;
use super::owner::OwnerDomain;
use crate::access::{Catalogue, Entry};
use crate::domain::{Class, Classes};

/// A class of facts that a role is given, or not: the domains, and margins apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Class")]
pub enum FactClass {
    /// Deals, clients, contacts, proposals, communications.
    Commercial,
    /// Projects, milestones, incidents, hours.
    Delivery,
    /// Tickets.
    Tickets,
    /// Invoices to clients and what was paid on them.
    Receivables,
    /// What projects cost. Kept from a role that is not given it by name.
    Costs,
    /// What remains: margins, expected, so far and forecast. Kept from a role that is not given it by name.
    Margins,
}

/// What a role must be given to see a field, where that is not its owner's domain. Introspection hides applied directives, so
/// the same stands in the field's description and in `Query.ownership`.
#[TypeDirective(location = "FieldDefinition", composable = "https://spine.dev/owner/v1.0")]
pub fn needs(classes: Vec<FactClass>) {}

/// A field as the schema declares it.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    /// Who owns it, if that is said.
    pub(super) owner: Option<OwnerDomain>,
    /// What a role must be given to see it.
    pub(super) needs: Classes,
    /// Whether it may be null.
    pub(super) nullable: bool,
    /// The name of its type, without lists.
    pub(super) type_name: String,
    /// Whether it is a list, or a list of lists.
    pub(super) is_list: bool,
}

/// The fields of the schema's objects and interfaces, by type and name.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(BTreeMap<String, HashMap<String, Declared>>);

impl Fields {
    /// Reads them out of the printed schema, so that what is printed is what holds.
    pub(super) fn of(sdl: &str) -> Self {
        let Ok(document) = async_graphql::parser::parse_schema(sdl) else { return Self::default() };
        let mut all = BTreeMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let fields = match definition.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => interface.fields,
                _ => continue,
            };
            let fields = fields.into_iter().map(|field| (field.node.name.node.to_string(), declared(&field.node)));
            all.insert(definition.node.name.node.to_string(), fields.collect());
        }
        Self(all)
    }

    /// A field of a type.
    pub(super) fn get(&self, of: &str, name: &str) -> Option<&Declared> {
        self.0.get(of)?.get(name)
    }

    /// All that say who owns them, as type and name.
    pub(super) fn owned(&self) -> impl Iterator<Item = (String, OwnerDomain, &Declared)> {
        self.iter().filter_map(|(field, declared)| Some((field, declared.owner?, declared)))
    }

    /// What a role must be given for each field. Those that are never null are seen with the object they stand on.
    pub(super) fn catalogue(&self) -> Catalogue {
        let entry = |declared: &Declared| Entry { needs: declared.needs, nullable: declared.nullable };
        self.iter().map(|(field, declared)| (field, entry(declared))).collect()
    }

    fn iter(&self) -> impl Iterator<Item = (String, &Declared)> {
        self.0.iter().flat_map(|(of, fields)| {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            fields.into_iter().map(move |(name, declared)| (format!("{of}.{name}"), declared))
        })
    }
}

impl Declared {
    /// How sensitive it is.
    pub(super) fn sensitivity(&self) -> Sensitivity {
        let has = |class| self.needs.has(class);
        match () {
            () if has(Class::Costs) || has(Class::Margins) => Sensitivity::Margin,
            () if has(Class::Receivables) => Sensitivity::Financial,
            () => Sensitivity::Internal,
        }
    }
}

fn declared(field: &FieldDefinition) -> Declared {
    let argument = |directive: &str, name: &str| {
        let directive = field.directives.iter().find(|applied| applied.node.name.node == directive)?;
        directive.node.get_argument(name).map(|argument| argument.node.clone())
    };
    let owner = argument("owner", "domain").and_then(|domain| OwnerDomain::named(&domain.to_string()));
    let given = match argument("needs", "classes") {
        Some(Value::List(classes)) => classes.iter().filter_map(|class| named(&class.to_string())).collect(),
        _ if field.ty.node.nullable => owner.and_then(OwnerDomain::class).into_iter().collect(),
        _ => Classes::default(),
    };
    let (type_name, is_list) = unwrapped(&field.ty.node);
    Declared { owner, needs: given, nullable: field.ty.node.nullable, type_name, is_list }
}

fn named(word: &str) -> Option<Class> {
    Class::ALL.into_iter().find(|class| class.as_str().eq_ignore_ascii_case(word))
}

fn unwrapped(of: &Type) -> (String, bool) {
    match &of.base {
        BaseType::Named(name) => (name.to_string(), false),
        BaseType::List(inner) => (unwrapped(inner).0, true),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::resolver_utils::EnumType;

    use super::*;
    use crate::finance::Dimension as ByWhat;
    use crate::graph::profitability::Dimension;
    use crate::reports::{Column, Reports};

    fn catalogue() -> Catalogue {
        Fields::of(&crate::graph::sdl()).catalogue()
    }

    #[test]
    fn a_field_that_needs_what_is_sensitive_says_so_in_its_description() {
        let sdl = crate::graph::sdl();
        let annotated: Vec<&str> =
            sdl.lines().filter(|line| line.contains("@needs(classes") && line.starts_with('\t')).collect();
        assert!(annotated.len() > 50, "{}", annotated.len());
        for line in annotated {
            let (before, _) = sdl.split_once(line).unwrap();
            let description = before.trim_end().trim_end_matches("\"\"\"").rsplit("\"\"\"").next().unwrap();
            assert!(description.contains("Needs: "), "{line}: {description}");
        }
    }

    #[test]
    fn every_column_and_dimension_is_of_a_field_that_there_is() {
        let catalogue = catalogue();
        let ready = Reports::ready().iter().flat_map(|report| report.columns);
        for field in ready.filter_map(Column::field) {
            assert!(catalogue.contains_key(field.as_ref()), "{field}");
        }
        for dimension in Dimension::items() {
            let field = ByWhat::from(dimension.value).field();
            assert!(catalogue.contains_key(field), "{field}");
        }
        for figure in crate::reports::OF_CONTRACT
            .iter()
            .chain(&crate::reports::OF_RECEIVABLES)
            .chain(&crate::reports::OF_SPENDING)
        {
            assert!(catalogue.contains_key(&format!("Financials.{figure}")), "{figure}");
        }
    }
}
