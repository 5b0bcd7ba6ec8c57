//! Files that are generated from the code stand in the repository, in step with it. `SPINE_UPDATE=1` writes them anew.

use std::fmt::Write;

use super::support::in_step;

macro_rules! file {
    ($path:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/", $path)
    };
}

#[test]
fn the_json_schema_of_the_configuration_is_in_step() {
    let schema = serde_json::to_string_pretty(&spine::systems::config_schema()).unwrap();
    in_step(file!("docs/spine.schema.json"), &format!("{schema}\n"));
}

#[test]
fn the_example_configuration_is_in_step() {
    in_step(file!("docs/spine.example.toml"), &spine::systems::config_example());
}

#[test]
fn the_catalogue_of_metrics_is_in_step() {
    let catalogue = serde_json::to_string_pretty(&spine::finance::metrics::CATALOGUE.as_slice()).unwrap();
    in_step(file!("docs/metrics.json"), &format!("{catalogue}\n"));
}

#[test]
fn the_table_of_error_codes_is_in_step() {
    let mut page = String::from(
        "# Error codes\n\nEvery error carries `extensions { code requestId }`; those about a system also `system connection \
         retryable` and, where the system or its breaker said so, `retryAfterMs`. One error stands for all places of one \
         connection, field and code: `affected` says how many, `paths` names the first five.\n\n\
         Generated from the code.\n\n| code | meaning | what to do |\n|---|---|---|\n",
    );
    for (code, meaning, remedy) in spine::graph::Code::ALL {
        writeln!(page, "| `{}` | {meaning} | {remedy} |", code.as_str()).unwrap();
    }
    page.push_str(
        "\nAt the door, before anything is executed: `GRAPHQL_PARSE_FAILED`, `GRAPHQL_VALIDATION_FAILED`, \
         `QUERY_TOO_COMPLEX` (with `limit`, `allowed` and `measured`), `BAD_REQUEST`, `UNAUTHENTICATED`, `NO_ROLE`, `FORBIDDEN`, \
         `RATE_LIMITED`, `SIGN_IN_UNAVAILABLE`, `NOT_FOUND`, \
         `METHOD_NOT_ALLOWED`, `NOT_ACCEPTABLE`, `REQUEST_TIMEOUT`, `PAYLOAD_TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE`, \
         `OVERLOADED`, `DEADLINE_EXCEEDED`, `INTERNAL`.\n",
    );
    in_step(file!("docs/errors.md"), &page);
}
