//! Inputs that random search has found (`make fuzz`), each reduced to what matters, and what must come of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use spine::config::Config;

use super::support::Gateway;

#[tokio::test]
async fn a_cursor_far_behind_the_end_of_a_list_is_the_end_of_it() {
    let gateway = Gateway::start(10).await;
    for list in ["deals", "projects", "invoices"] {
        let query = format!(
            "query($after: String) {{ {list}(first: 2, after: $after) {{ nodes {{ id }} pageInfo {{ hasNextPage }} }} }}"
        );
        let cursor = URL_SAFE_NO_PAD.encode(r#"{"s":18446744073709551615}"#);
        let answer = gateway.ask_with(&query, json!({ "after": cursor }), None).await;
        assert!(answer.codes().iter().all(|(_, code)| code != "INTERNAL"), "{:#}", answer.body);
        assert_eq!(answer.data()[list]["nodes"], json!([]), "{:#}", answer.body);
    }
}

#[test]
fn a_configuration_that_is_wrong_from_its_first_sign_on_is_wrong_in_a_place() {
    for (text, place) in [("}a = 1", "spine.toml:1:1: "), ("\n\n=", "spine.toml:3:1: "), ("a = \"", "spine.toml:1:")] {
        let errors = Config::parse("spine.toml", text).unwrap_err();
        assert!(errors.len() == 1 && errors[0].to_string().starts_with(place), "{text:?}: {errors:?}");
    }
}
