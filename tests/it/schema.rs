//! The printed contract is in step with the code, and says who owns what.

use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");

/// `SPINE_UPDATE=1 cargo test schema` writes the file anew.
#[test]
fn schema_graphql_is_what_the_code_says() {
    super::support::in_step(FILE, &spine::graph::sdl());
}

#[test]
fn every_field_of_a_record_states_its_owner_in_directive_and_description() {
    let records = [
        "Deal",
        "Client",
        "Contact",
        "LineItem",
        "Proposal",
        "Communication",
        "Project",
        "Milestone",
        "ResourceAllocation",
        "Ticket",
        "Invoice",
        "Cost",
        "Financials",
    ];
    let document = async_graphql::parser::parse_schema(spine::graph::sdl()).unwrap();
    let mut seen = Vec::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::Object(object) = definition.node.kind else { continue };
        let name = definition.node.name.node.to_string();
        if !records.contains(&name.as_str()) {
            continue;
        }
        for field in object.fields {
            let field = field.node;
            let place = format!("{name}.{}", field.name.node);
            let directive = field.directives.iter().find(|directive| directive.node.name.node == "owner");
            let directive = directive.unwrap_or_else(|| panic!("{place} names no owner"));
            let domain = directive.node.get_argument("domain").unwrap().node.to_string();
            let description = field.description.map(|text| text.node).unwrap_or_default();
            assert!(
                description.ends_with(&format!("Owner: {}.", domain.to_lowercase())),
                "the description of {place} does not end with its owner: {description:?}"
            );
        }
        seen.push(name);
    }
    seen.sort();
    let mut expected = records.map(str::to_owned);
    expected.sort();
    assert_eq!(seen, expected);
}
