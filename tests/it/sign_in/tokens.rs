//! Tokens of an OpenID Connect issuer.

use std::sync::LazyLock;

use super::issuer::{Issuer, Key, message, with_secret};
use super::*;

/// The gateway's now: noon of its day.
const NOW: i64 = 1_781_524_800;

/// Made once: a pair of 2048 bits takes its time.
static RSA: LazyLock<Key> = LazyLock::new(|| Key::rsa("first"));
static OTHER: LazyLock<Key> = LazyLock::new(|| Key::rsa("second"));

async fn trusting(issuer: &Issuer, more: &str) -> Gateway {
    let oidc = format!("[sign_in.oidc.company]\nissuer = \"{}\"\naudience = [\"spine\"]\n{more}\n", issuer.url);
    gateway(&[ROLES, &oidc, "[sign_in.rate]\nfailures_per_minute = 0\n"].concat()).await
}

fn claims(issuer: &Issuer) -> Value {
    json!({
        "iss": issuer.url, "aud": "spine", "sub": "42", "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 600,
        "name": "Ann", "email": "ann@example.com", "groups": ["finance", "canary"],
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

async fn present(gateway: &Gateway, token: &str) -> Answer {
    get(gateway, "/whoami", &[("authorization", &bearer(token))]).await
}

#[tokio::test]
async fn a_token_says_who_one_is_and_its_groups_give_roles() {
    let (rsa, ec) = (&*RSA, Key::ec("curve"));
    let issuer = Issuer::start(&[rsa, &ec]).await;
    let gateway = trusting(&issuer, "roles_claim = \"groups\"").await;
    for token in [rsa.sign(&claims(&issuer)), ec.sign(&claims(&issuer))] {
        let who = present(&gateway, &token).await;
        let expected = json!({
            "kind": "oidc", "subject": format!("{}#42", issuer.url), "name": "Ann", "email": "ann@example.com",
            "role": "finance", "roles": ["finance"],
        });
        assert_eq!((who.status, &who.body), (200, &expected), "{who:?}");
        assert_eq!(ask(&gateway, PLAIN, &[("authorization", &bearer(&token))]).await.status, 200);
    }
    assert_eq!(issuer.reads(), 1, "the keys are kept");

    let stranger = with(claims(&issuer), "groups", json!(["canary"]));
    present(&gateway, &rsa.sign(&stranger)).await.is_refused(403, "NO_ROLE");
    let unverified = with(claims(&issuer), "email_verified", json!(false));
    assert_eq!(present(&gateway, &rsa.sign(&unverified)).await.body["email"], Value::Null);
}

#[tokio::test]
async fn people_have_roles_by_their_address_and_groups_by_the_map() {
    let issuer = Issuer::start(&[&RSA]).await;
    let more = "roles_claim = \"groups\"\nroles = { canary = [\"sales\"] }\n\
                [access.people.\"ANN@example.com\"]\nroles = [\"finance\"]";
    let gateway = trusting(&issuer, more).await;
    let who = present(&gateway, &RSA.sign(&claims(&issuer))).await;
    assert_eq!(who.body["roles"], json!(["finance", "sales"]), "{who:?}");
    let unverified = with(claims(&issuer), "email_verified", json!("false"));
    let who = present(&gateway, &RSA.sign(&unverified)).await;
    assert_eq!(who.body["roles"], json!(["sales"]), "an address that nobody has verified gives nothing: {who:?}");
}

#[tokio::test]
async fn whoever_reads_the_deals_of_their_region_has_it_by_a_claim_or_by_their_address() {
    const DEALS: &str = "{ deals(first: 200) { nodes { id client { country } } } }";
    let listed = Gateway::start(60).await.ask(DEALS).await.fine()["deals"]["nodes"].clone();
    let of = |country: &str| -> Vec<Value> {
        listed.as_array().unwrap().iter().filter(|deal| deal["client"]["country"] == country).cloned().collect()
    };
    let issuer = Issuer::start(&[&RSA]).await;
    let more = format!(
        "[access.roles.regional]\ndeals = {{ whose = \"region\" }}\n[access.regions]\nde = [\"Germany\"]\nuk = [\"United Kingdom\"]\n\
         [access.people.\"ann@example.com\"]\nregions = [\"uk\"]\n[sign_in.oidc.company]\nissuer = \"{}\"\n\
         audience = [\"spine\"]\ndefault_roles = [\"regional\"]\nregions_claim = \"place.regions\"\n",
        issuer.url
    );
    let gateway = Gateway::over(company(60), |config| format!("{config}\n{more}")).await;
    let deals = async |email: &str, regions: Value| {
        let claims = with(with(claims(&issuer), "email", json!(email)), "place", json!({ "regions": regions }));
        let answer = ask(&gateway, DEALS, &[("authorization", &bearer(&RSA.sign(&claims)))]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["data"]["deals"]["nodes"].as_array().unwrap().clone()
    };
    assert!(!of("Germany").is_empty() && !of("United Kingdom").is_empty());
    assert_eq!(deals("bob@example.com", json!(["de"])).await, of("Germany"));
    assert_eq!(deals("bob@example.com", json!("de")).await, of("Germany"));
    assert_eq!(deals("ann@example.com", json!([])).await, of("United Kingdom"));
    assert_eq!(
        deals("bob@example.com", json!(["Germany", "DE", 7])).await,
        Vec::<Value>::new(),
        "no region is called so"
    );
    assert_eq!(deals("bob@example.com", Value::Null).await, Vec::<Value>::new());
}

#[tokio::test]
async fn whoever_reads_their_own_deals_or_their_teams_reads_no_others() {
    const DEALS: &str = "{ deals(first: 200) { nodes { id owner { email } } } }";
    let listed = Gateway::start(60).await.ask(DEALS).await.fine()["deals"]["nodes"].clone();
    let owned = |email: &str| {
        let deals = listed.as_array().unwrap().iter().filter(|deal| deal["owner"]["email"] == email);
        deals.cloned().collect::<Vec<_>>()
    };
    let mut emails: Vec<&str> =
        listed.as_array().unwrap().iter().filter_map(|deal| deal["owner"]["email"].as_str()).collect();
    emails.sort_unstable();
    emails.dedup();
    let [ann, bob, .., eve] = emails.as_slice() else { panic!("three owners of deals, not {emails:?}") };

    let issuer = Issuer::start(&[&RSA]).await;
    let roles = format!(
        "[access.roles.own]\ndeals = {{ whose = \"own\" }}\n[access.roles.team]\ndeals = {{ whose = \"team\" }}\n\
         [access.teams.north]\nmembers = [\"{ann}\", \"{bob}\"]\n[sign_in.oidc.company]\nissuer = \"{}\"\n\
         audience = [\"spine\"]\nroles_claim = \"groups\"\n",
        issuer.url
    );
    let gateway = Gateway::over(company(60), |config| format!("{config}\n{roles}")).await;
    let deals = async |email: &str, role: &str| {
        let claims = with(with(claims(&issuer), "email", json!(email)), "groups", json!(["own", "team"]));
        let token = bearer(&RSA.sign(&claims));
        let answer = ask(&gateway, DEALS, &[("authorization", &token), ("x-spine-role", role)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["data"]["deals"]["nodes"].as_array().unwrap().clone()
    };
    assert!(!owned(ann).is_empty());
    // In turn, so that what was answered to one is there when the next asks the same.
    for email in [ann, bob, eve, ann] {
        assert_eq!(deals(&email.to_uppercase(), "own").await, owned(email), "{email}");
    }
    let of_north: Vec<&Value> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|deal| deal["owner"]["email"] == **ann || deal["owner"]["email"] == **bob)
        .collect();
    assert_eq!(deals(ann, "team").await.iter().collect::<Vec<_>>(), of_north);
    assert_eq!(deals(eve, "team").await, owned(eve), "who is in no team reads what is theirs");
    assert_eq!(deals("nobody@example.com", "own").await, Vec::<Value>::new());
}

#[tokio::test]
async fn every_claim_is_required_and_must_hold() {
    let issuer = Issuer::start(&[&RSA]).await;
    let gateway = trusting(&issuer, "default_roles = [\"sales\"]").await;
    assert_eq!(present(&gateway, &RSA.sign(&claims(&issuer))).await.status, 200);
    let another = format!("{}/", issuer.url);
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", json!(another)),
        ("iss", json!([issuer.url])),
        ("aud", json!("another")),
        ("aud", json!(["another", "spine2"])),
        ("aud", json!([])),
        ("exp", json!(NOW - 31)),
        ("exp", json!((NOW + 600).to_string())),
        ("exp", json!(null)),
        ("nbf", json!(NOW + 31)),
        ("nbf", json!("now")),
        ("sub", json!("")),
        ("sub", json!(42)),
    ] {
        let token = RSA.sign(&with(claims(&issuer), name, value.clone()));
        let answer = present(&gateway, &token).await;
        answer.is_refused(401, "UNAUTHENTICATED");
    }
    for name in ["iss", "aud", "exp", "nbf", "sub"] {
        let mut without = claims(&issuer);
        without.as_object_mut().unwrap().remove(name);
        present(&gateway, &RSA.sign(&without)).await.is_refused(401, "UNAUTHENTICATED");
    }
    // A clock may be a little wrong.
    for (name, value) in [("exp", json!(NOW - 29)), ("nbf", json!(NOW + 29)), ("aud", json!(["another", "spine"]))] {
        assert_eq!(present(&gateway, &RSA.sign(&with(claims(&issuer), name, value))).await.status, 200, "{name}");
    }
    let token = RSA.sign(&claims(&issuer));
    gateway.pass(631);
    let answer = present(&gateway, &token).await;
    answer.is_refused(401, "UNAUTHENTICATED");
    assert!(answer.message().contains("expired"), "{answer:?}");
}

#[tokio::test]
async fn a_token_does_not_choose_how_it_is_checked() {
    let log = Log::default();
    let _guard = log.keep();
    let (rsa, ec, foreign) = (&*RSA, Key::ec("curve"), &*OTHER);
    let issuer = Issuer::start(&[rsa, &ec]).await;
    let gateway = trusting(&issuer, "default_roles = [\"sales\"]").await;
    let claims = claims(&issuer);
    let good = rsa.sign(&claims);
    assert_eq!(present(&gateway, &good).await.status, 200);

    let (signed, signature) = good.rsplit_once('.').unwrap();
    let none = message(&json!({ "alg": "none" }), &claims);
    // The public key, as anybody can read it, taken for a shared secret.
    let public = rsa.public();
    let n = public["n"].as_str().unwrap();
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "typ": "JWT", "kid": kid });
    for (case, token) in [
        ("no signature", format!("{signed}.")),
        ("none", format!("{none}.")),
        ("none, signed", format!("{none}.{signature}")),
        ("None", format!("{}.", message(&json!({ "alg": "nOnE" }), &claims))),
        ("HS256 with the public key", with_secret(n.as_bytes(), "first", &claims)),
        ("HS256 with the public key as JSON", with_secret(public.to_string().as_bytes(), "first", &claims)),
        ("ES256 by the name of an RSA key", ec.sign_with(&header("ES256", "first"), &claims)),
        ("RS256 by the name of an EC key", rsa.sign_with(&header("RS256", "curve"), &claims)),
        ("PS256, which is not among the algorithms", rsa.sign_with(&header("PS256", "first"), &claims)),
        ("RS256 that says ES256", rsa.sign_with(&header("ES256", "curve"), &claims)),
        ("another's key by the same name", foreign.sign_with(&header("RS256", "first"), &claims)),
        (
            "a key that it brings along",
            foreign.sign_with(&json!({ "alg": "RS256", "kid": "first", "jwk": foreign.public() }), &claims),
        ),
        (
            "a key that it points to",
            foreign.sign_with(&json!({ "alg": "RS256", "kid": "x", "jku": "http://127.0.0.1:9/keys" }), &claims),
        ),
        (
            "a certificate that it points to",
            foreign.sign_with(&json!({ "alg": "RS256", "kid": "x", "x5u": "http://127.0.0.1:9/cert" }), &claims),
        ),
        ("a name that is a path", foreign.sign_with(&header("RS256", "../../../../dev/null"), &claims)),
        ("a name that is SQL", foreign.sign_with(&header("RS256", "x' UNION SELECT 'first' -- "), &claims)),
        ("a critical extension", rsa.sign_with(&json!({ "alg": "RS256", "kid": "first", "crit": ["exp"] }), &claims)),
        ("a token of log-out", rsa.sign_with(&json!({ "alg": "RS256", "kid": "first", "typ": "logout+jwt" }), &claims)),
        (
            "other claims",
            good.replace(signed.split('.').nth(1).unwrap(), message(&json!({}), &claims).split('.').next().unwrap()),
        ),
        ("four parts", format!("{good}.{signature}")),
        ("padding", format!("{good}=")),
        ("17 kilobytes", rsa.sign(&with(claims.clone(), "more", json!("x".repeat(17_000))))),
    ] {
        let answer = present(&gateway, &token).await;
        assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"), "{case}: {answer:?}");
        assert_eq!(answer.message(), "The key or token is not good.", "{case}");
    }
    assert_eq!(present(&gateway, &good).await.status, 200);
    let text = log.text();
    assert!(!text.contains(signature) && !text.contains("canary") && !text.contains("ann@example.com"), "{text}");
}

#[tokio::test]
async fn new_keys_of_the_issuer_are_found_and_old_ones_forgotten() {
    let issuer = Issuer::start(&[&RSA]).await;
    let gateway = trusting(&issuer, "default_roles = [\"sales\"]").await;
    let (old, new) = (RSA.sign(&claims(&issuer)), OTHER.sign(&claims(&issuer)));
    assert_eq!(present(&gateway, &old).await.status, 200);

    issuer.publish(&[&RSA, &OTHER]);
    gateway.pass(30);
    assert_eq!(present(&gateway, &new).await.status, 200, "its key is not known, so the issuer is asked again");
    assert_eq!(present(&gateway, &old).await.status, 200);
    assert_eq!(issuer.reads(), 2);

    issuer.publish(&[&OTHER]);
    let late = with(claims(&issuer), "exp", json!(NOW + 7200));
    gateway.pass(599);
    assert_eq!(present(&gateway, &RSA.sign(&late)).await.status, 200, "the keys are not ten minutes old");
    gateway.pass(1);
    present(&gateway, &RSA.sign(&late)).await.is_refused(401, "UNAUTHENTICATED");
    assert_eq!(present(&gateway, &OTHER.sign(&late)).await.status, 200);
    assert_eq!(issuer.reads(), 3);
}

#[tokio::test]
async fn names_of_keys_that_nobody_has_do_not_make_the_issuer_work() {
    let issuer = Issuer::start(&[&RSA]).await;
    let gateway = trusting(&issuer, "default_roles = [\"sales\"]").await;
    let good = RSA.sign(&claims(&issuer));
    assert_eq!(present(&gateway, &good).await.status, 200);
    for number in 0..20 {
        let header = json!({ "alg": "RS256", "kid": number.to_string() });
        present(&gateway, &RSA.sign_with(&header, &claims(&issuer))).await.is_refused(401, "UNAUTHENTICATED");
    }
    assert_eq!(issuer.reads(), 1, "it was asked a moment ago");
    gateway.pass(30);
    for number in 0..20 {
        let header = json!({ "alg": "RS256", "kid": number.to_string() });
        present(&gateway, &RSA.sign_with(&header, &claims(&issuer))).await.is_refused(401, "UNAUTHENTICATED");
    }
    assert_eq!(issuer.reads(), 2);
    // A token of nobody's is no reason to ask at all.
    gateway.pass(30);
    let foreign = with(claims(&issuer), "iss", json!("https://evil.example"));
    present(&gateway, &RSA.sign(&foreign)).await.is_refused(401, "UNAUTHENTICATED");
    assert_eq!(issuer.reads(), 2);
}

#[tokio::test]
async fn while_the_issuer_is_away_its_last_keys_are_good_and_unknown_ones_cannot_be_checked() {
    let issuer = Issuer::start(&[&RSA]).await;
    issuer.is_away(true);
    let gateway = trusting(&issuer, "default_roles = [\"sales\"]").await;
    let long = with(claims(&issuer), "exp", json!(NOW + 1_000_000));
    let answer = present(&gateway, &RSA.sign(&long)).await;
    answer.is_refused(503, "SIGN_IN_UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "10");
    assert_eq!(answer.header("www-authenticate"), "", "another token would do no better");

    issuer.is_away(false);
    gateway.pass(30);
    assert_eq!(present(&gateway, &RSA.sign(&long)).await.status, 200);
    issuer.is_away(true);
    gateway.pass(3599);
    assert_eq!(present(&gateway, &RSA.sign(&long)).await.status, 200, "the last keys");
    present(&gateway, &OTHER.sign(&long)).await.is_refused(401, "UNAUTHENTICATED");
    gateway.pass(1);
    present(&gateway, &RSA.sign(&long)).await.is_refused(503, "SIGN_IN_UNAVAILABLE");
}

#[tokio::test]
async fn who_answers_for_another_issuer_is_not_believed() {
    let issuer = Issuer::start(&[&RSA]).await;
    for description in [
        json!({ "issuer": "https://evil.example", "jwks_uri": format!("{}/keys", issuer.url) }),
        json!({ "issuer": issuer.url, "jwks_uri": "http://evil.example/keys" }),
        json!({ "issuer": issuer.url, "jwks_uri": "file:///etc/passwd" }),
        json!({ "issuer": issuer.url, "jwks_uri": "https://169.254.169.254/keys" }),
        json!({ "issuer": issuer.url, "jwks_uri": "https://2852039166/keys" }),
        json!({ "issuer": issuer.url }),
        json!("<html>"),
    ] {
        issuer.published.lock().unwrap().description = Some(description.clone());
        let gateway = trusting(&issuer, "default_roles = [\"sales\"]").await;
        let answer = present(&gateway, &RSA.sign(&claims(&issuer))).await;
        assert_eq!((answer.status, answer.code()), (503, "SIGN_IN_UNAVAILABLE"), "{description}");
    }
    assert_eq!(issuer.reads(), 0);
    // Where the configuration says where the keys are the description is not read.
    let gateway = trusting(&issuer, &format!("jwks_url = \"{}/keys\"\ndefault_roles = [\"sales\"]", issuer.url)).await;
    assert_eq!(present(&gateway, &RSA.sign(&claims(&issuer))).await.status, 200);
}

#[tokio::test]
async fn nobody_writes_a_line_of_the_log() {
    let log = Log::default();
    let _guard = log.keep();
    let issuer = Issuer::start(&[&RSA]).await;
    let gateway = trusting(&issuer, "roles_claim = \"groups\"").await;
    let subject = "42\r\n2026-06-15T12:00:00Z ERROR spine: forged \u{1b}[31m";
    let stranger = with(with(claims(&issuer), "sub", json!(subject)), "groups", json!([]));
    present(&gateway, &RSA.sign(&stranger)).await.is_refused(403, "NO_ROLE");
    let text = log.text();
    let forged: Vec<&str> = text.lines().filter(|line| line.contains("forged")).collect();
    assert!(!forged.is_empty() && forged.iter().all(|line| line.contains("not let in")), "{forged:?}");
    assert!(!text.contains('\u{1b}'), "{forged:?}");
}

#[tokio::test]
async fn a_system_at_an_address_of_metadata_does_not_start() {
    let demo = spine::demo::Demo::of(company(1), spine::demo::erp::Erp::Sap).await.unwrap();
    let clock: std::sync::Arc<dyn spine::domain::Clock> = std::sync::Arc::new(spine::domain::SystemClock::default());
    let started = |from: &str, to: &str, more: &str| {
        let config = format!("{}\n{more}", demo.gateway_config().replace(from, to));
        let config = spine::config::Config::parse("spine.toml", &config).unwrap();
        let built = spine::app::App::build(&config, std::sync::Arc::clone(&clock));
        built.err().map(|errors| errors[0].to_string()).unwrap_or_default()
    };
    let urls = [&demo.hubspot.url, &demo.erp.url, &demo.redmine.url];
    assert_eq!(started("nothing", "else", ""), "");
    for (url, to) in
        urls.into_iter().flat_map(|url| ["http://169.254.169.254", "https://[::ffff:a9fe:a9fe]"].map(|to| (url, to)))
    {
        let said = started(url, to, "");
        assert!(said.starts_with("spine.toml:") && said.contains("no system has"), "{to}: {said}");
    }
    for url in urls {
        let said = started(url, "http://erp.example.com", "");
        assert!(said.contains("plain_http"), "{said}");
        let said = started(url, "http://erp.example.com", "[http]\nplain_http = true");
        assert_eq!(said, "");
    }
    let oidc = "[sign_in.oidc.a]\nissuer = \"https://a.example\"\naudience = [\"s\"]\njwks_url = \"https://169.254.169.254/keys\"";
    let said = started("nothing", "else", oidc);
    assert!(
        said.contains("sign_in.oidc.a.jwks_url: the address `169.254.169.254` is at an address that no system has"),
        "{said}"
    );
}
