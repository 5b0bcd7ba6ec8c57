//! The Redmine connector against a real Redmine, set up by `tests/redmine/setup.sh up`, which prints the two variables:
//!
//! ```sh
//! eval "$(tests/redmine/setup.sh up)" && cargo test --test real_redmine
//! ```
//!
//! Without them the tests fail: a test that quietly does nothing is no test.

#[cfg(test)]
#[path = "redmine/expectations.rs"]
mod expectations;
#[cfg(test)]
#[path = "redmine/facts.rs"]
#[expect(dead_code, reason = "the embedded Redmine is grown from the facts that are not looked at here")]
mod facts;

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use spine::config::SecretRef;

    use crate::expectations::{Target, expectations};

    #[expect(clippy::unused_async, reason = "called as the embedded target is, which has to be started")]
    async fn real() -> (Target, ()) {
        let url = SecretRef::Env("SPINE_REDMINE_URL".to_owned()).read().expect("run tests/redmine/setup.sh first");
        let key = SecretRef::Env("SPINE_REDMINE_KEY".to_owned());
        key.read().expect("run tests/redmine/setup.sh first");
        (Target { url: url.expose_secret().to_owned(), key }, ())
    }

    expectations!(real);
}
