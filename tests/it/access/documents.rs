//! The configuration of roles: what is wrong in it is said before a port opens.

use std::sync::Arc;

use spine::app::App;
use spine::config::Config;
use spine::domain::{Clock, SystemClock};

use super::super::support::Gateway;
use super::company;

#[tokio::test]
async fn a_role_that_names_what_there_is_not_does_not_start() {
    let gateway = Gateway::over(company(5), |config| config).await;
    let base = gateway.demo.gateway_config();
    let errors = |roles: &str| {
        let config = match Config::parse("spine.toml", &format!("{base}{roles}")) {
            Ok(config) => config,
            Err(errors) => return errors.iter().map(|error| format!("{}: {}", error.path, error.message)).collect(),
        };
        let built = App::build(&config, Arc::new(SystemClock::default()) as Arc<dyn Clock>);
        let errors = built.err().unwrap_or_default();
        errors.iter().map(|error| format!("{}: {}", error.path, error.message)).collect::<Vec<_>>()
    };
    for (roles, message) in [
        (
            "[access.roles.a]\nfields = [\"Financials.marginPc\"]",
            "access.roles.a.fields: the schema has no field `Financials.marginPc`: did you mean `Financials.marginPct`?",
        ),
        (
            "[access.roles.a]\nhidden = [\"Deal.id\"]",
            "access.roles.a.hidden: `Deal.id` is never null, so it cannot be hidden: hide the field that leads to it",
        ),
        (
            "[access.roles.a]\nfields = [\"Deal.name\"]\nhidden = [\"Deal.name\"]",
            "access.roles.a: `Deal.name` is in `fields` and in `hidden`: say one",
        ),
        (
            "[access.roles.sales]\n[access.people.\"ann@example.com\"]\nroles = [\"sale\"]",
            "access.people.\"ann@example.com\".roles: there is no role `sale`: did you mean `sales`?",
        ),
    ] {
        assert_eq!(errors(roles), [message]);
    }
    assert_eq!(errors("[access.roles.a]\nhidden = [\"Deal.name\"]"), Vec::<String>::new());
}
