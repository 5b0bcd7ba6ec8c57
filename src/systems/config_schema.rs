//! `spine.toml` as a JSON Schema and as a commented example, from the types that read it.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{hubspot, netsuite, odata, odoo, quickbooks, redmine, registry::KINDS, rest, sap_b1, sql, tryton};
use crate::config::{
    Access, Audit, Cache, Limits, Operations, Owners, Replicas, Reports, ServerOptions, SharedId, SignIn, Traffic,
    Webhook,
};

/// The JSON Schema of the file, for editors.
pub fn config_schema() -> Value {
    let mut generator = SchemaGenerator::default();
    let mut kinds = Vec::new();
    for kind in KINDS {
        let mut schema = match kind {
            "hubspot" => inline::<hubspot::Config>(&mut generator),
            "netsuite" => inline::<netsuite::Config>(&mut generator),
            "quickbooks" => inline::<quickbooks::Config>(&mut generator),
            "odoo" => inline::<odoo::Config>(&mut generator),
            "sap_b1" => inline::<sap_b1::Config>(&mut generator),
            "redmine" => inline::<redmine::Config>(&mut generator),
            "odata" => inline::<odata::Config>(&mut generator),
            "sql" => inline::<sql::Config>(&mut generator),
            "tryton" => inline::<tryton::Config>(&mut generator),
            _ => inline::<rest::Config>(&mut generator),
        };
        let http = reference::<Traffic>(&mut generator);
        let webhook = reference::<Webhook>(&mut generator);
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties
                .insert("kind".to_owned(), json!({ "const": kind, "description": "Which kind of system it is." }));
            properties.insert("http".to_owned(), http);
            properties.insert("webhook".to_owned(), webhook);
        }
        let required = schema.as_object_mut().map(|schema| schema.entry("required").or_insert_with(|| json!([])));
        if let Some(names) = required.and_then(Value::as_array_mut) {
            names.push(json!("kind"));
        }
        kinds.push(schema);
    }
    let properties = json!({
        "shared_id": reference::<SharedId>(&mut generator),
        "owners": reference::<Owners>(&mut generator),
        "cache": reference::<Cache>(&mut generator),
        "server": reference::<ServerOptions>(&mut generator),
        "limits": reference::<Limits>(&mut generator),
        "sign_in": reference::<SignIn>(&mut generator),
        "reports": reference::<Reports>(&mut generator),
        "access": reference::<Access>(&mut generator),
        "audit": reference::<Audit>(&mut generator),
        "operations": reference::<Operations>(&mut generator),
        "replicas": reference::<Replicas>(&mut generator),
        "http": reference::<Traffic>(&mut generator),
        "connections": {
            "type": "object",
            "description": "The connections, each by the name that [owners] uses.",
            "additionalProperties": { "oneOf": kinds },
        },
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "spine.toml",
        "type": "object",
        "properties": properties,
        "required": ["shared_id", "owners", "connections"],
        "additionalProperties": false,
        "$defs": generator.definitions(),
    })
}

fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    T::json_schema(generator).to_value()
}

fn reference<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// A commented file with every setting: what it means and its default. Settings without a default show their type.
pub fn config_example() -> String {
    let schema = config_schema();
    let mut out = String::from(
        "# Every setting of spine.toml, with its meaning and its default. Generated from the code: copy what you need.\n",
    );
    for section in [
        "shared_id",
        "owners",
        "server",
        "sign_in",
        "access",
        "audit",
        "operations",
        "replicas",
        "cache",
        "limits",
        "reports",
        "http",
    ] {
        table(&mut out, &schema, section, schema.pointer(&format!("/properties/{section}")).unwrap_or(&Value::Null));
    }
    let kinds = schema.pointer("/properties/connections/additionalProperties/oneOf").and_then(Value::as_array);
    for (kind, connection) in KINDS.iter().zip(kinds.into_iter().flatten()) {
        table(&mut out, &schema, &format!("connections.my_{kind}"), connection);
    }
    table(&mut out, &schema, "connections.NAME.webhook", schema.pointer("/$defs/Webhook").unwrap_or(&Value::Null));
    out
}

/// A table: its settings first, then the tables in it.
fn table(out: &mut String, schema: &Value, path: &str, value: &Value) {
    let value = resolve(schema, value);
    let empty = Map::new();
    let properties = value.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    comment(out, "\n", value);
    line(out, format_args!("# [{path}]"));
    let mut tables = Vec::new();
    for (name, property) in properties {
        let target = resolve(schema, property);
        if name == "http" && path != "http" {
            line(out, format_args!("#\n# [{path}.http] overrides [http] for this connection alone."));
        } else if name == "webhook" {
            line(out, format_args!("#\n# [{path}.webhook] is the same for all kinds: see the end."));
        } else if target.get("properties").is_some() {
            tables.push((format!("{path}.{name}"), property));
        } else if let Some(named) = target.get("additionalProperties").filter(|of| is_table(schema, of)) {
            comment(out, "#\n", property);
            tables.push((format!("{path}.{name}.NAME"), named));
        } else {
            comment(out, "#\n", property);
            let shown = property.get("default").or_else(|| target.get("default")).or_else(|| target.get("const"));
            match shown.filter(|value| !value.is_null()).and_then(toml_value) {
                Some(text) => line(out, format_args!("# {name} = {text}")),
                None => line(out, format_args!("# {name} = {}", kind_of(schema, property))),
            }
        }
    }
    for (path, property) in tables {
        table(out, schema, &path, property);
    }
}

/// Whether it is a table of settings.
fn is_table(schema: &Value, value: &Value) -> bool {
    resolve(schema, value).get("properties").is_some()
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.push_str(&text.to_string());
    out.push('\n');
}

fn comment(out: &mut String, before: &str, value: &Value) {
    out.push_str(before);
    let text = value.get("description").and_then(Value::as_str).unwrap_or_default();
    for text in text.lines().filter(|text| !text.is_empty()) {
        line(out, format_args!("# {text}"));
    }
}

/// What a `$ref` points at, also behind an `anyOf` with null.
fn resolve<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    let options = value.get("anyOf").and_then(Value::as_array);
    let named = options.and_then(|options| options.iter().find(|option| option.get("$ref").is_some())).unwrap_or(value);
    let pointer = named.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
    pointer.and_then(|pointer| schema.pointer(pointer)).unwrap_or(value)
}

/// A type in words, in place of a value.
fn kind_of(schema: &Value, property: &Value) -> String {
    let target = resolve(schema, property);
    let words = target.get("enum").and_then(Value::as_array);
    let choice = |values: &[Value]| values.iter().filter_map(toml_value).collect::<Vec<_>>().join(" | ");
    if let Some(values) = words {
        return choice(values);
    }
    if let Some(options) = target.get("oneOf").and_then(Value::as_array) {
        let consts: Vec<Value> = options.iter().filter_map(|option| option.get("const").cloned()).collect();
        if consts.len() == options.len() {
            return choice(&consts);
        }
        let tables = options.iter().filter_map(|option| option.get("required")).filter_map(|names| names.get(0));
        let tables: Vec<String> = tables.filter_map(Value::as_str).map(|name| format!("{{ {name} = ... }}")).collect();
        if !tables.is_empty() {
            return tables.join(" | ");
        }
    }
    if let Some(example) = target.pointer("/examples/0").and_then(toml_value) {
        return example;
    }
    match target.get("type") {
        Some(Value::String(kind)) => format!("<{kind}>"),
        Some(Value::Array(kinds)) => format!("<{}>", kinds.first().and_then(Value::as_str).unwrap_or("value")),
        _ => "<value>".to_owned(),
    }
}

fn toml_value(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(items) => {
            Some(format!("[{}]", items.iter().filter_map(toml_value).collect::<Vec<_>>().join(", ")))
        }
        Value::Object(map) => {
            let pairs: Vec<String> = map
                .iter()
                .filter_map(|(key, value)| Some(format!("{} = {}", Value::from(key.as_str()), toml_value(value)?)))
                .collect();
            Some(if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) })
        }
        other => Some(other.to_string()),
    }
}
