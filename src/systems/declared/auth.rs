//! How a declared system is signed in to: by a header that stays the same, or by a token that OAuth 2 grants for a while.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::config::SecretRef;
use crate::domain::Clock;
use crate::systems::http::{
    Allowed, ClientOptions, Failure, Granted, HttpClient, Request, Response, Retry, SignIn, Ticket, classify,
};
use crate::systems::{Call, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};

/// How Spine signs in. Secrets are named, never written here.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer ...`.
    Bearer {
        /// The token.
        token: SecretRef,
    },
    /// `Authorization: Basic ...`.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: SecretRef,
    },
    /// A header of the system's own, e.g. `X-API-Key`.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: SecretRef,
    },
    /// A token that a server grants by OAuth 2 client credentials (RFC 6749, section 4.4).
    Oauth2 {
        /// Where tokens are granted, on this host or another, e.g. `https://login.example.com/oauth2/token`.
        token_url: String,
        /// The client that Spine is.
        client_id: String,
        /// The client's secret.
        client_secret: SecretRef,
        /// How the client shows its secret.
        #[serde(default)]
        client_auth: ClientAuth,
        /// What the token is for, e.g. `https://api.businesscentral.dynamics.com/.default`.
        scope: Option<String>,
        /// Whom the token is for, where the server asks for it.
        audience: Option<String>,
    },
}

/// How a client shows its secret to the server that grants tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// As `Authorization: Basic`, which every such server must understand.
    #[default]
    ClientSecretBasic,
    /// In the body of the call.
    ClientSecretPost,
}

/// Headers of every call: what is accepted, what the configuration adds, and a sign-in that stays the same.
pub(in crate::systems) fn headers(
    accept: &'static str,
    given: &BTreeMap<String, String>,
    auth: &Auth,
) -> Result<HeaderMap, ConnectionProblem> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    for (name, value) in given {
        let key = format!("headers.{name}");
        let header = HeaderName::try_from(name).map_err(|_| ConnectionProblem::new(&key, "is no name of a header"))?;
        if matches!(header.as_str(), "authorization" | "proxy-authorization" | "cookie") {
            return Err(ConnectionProblem::new(key, "is a secret: sign in by `auth`, which reads it from a file"));
        }
        if matches!(header.as_str(), "host" | "content-length" | "content-type" | "transfer-encoding" | "connection") {
            return Err(ConnectionProblem::new(key, "is set by Spine itself: take it away"));
        }
        let value = HeaderValue::from_str(value)
            .map_err(|_| ConnectionProblem::new(key, "its value has a sign that no header can have"))?;
        headers.insert(header, value);
    }
    if let Some((name, value)) = header(auth)? {
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The header of a sign-in that stays the same.
fn header(auth: &Auth) -> Result<Option<(HeaderName, HeaderValue)>, ConnectionProblem> {
    let secret = |key: &str, secret: &SecretRef, form: &dyn Fn(&str) -> String| {
        sensitive(key, &form(read(key, secret)?.expose_secret()))
    };
    Ok(match auth {
        Auth::None | Auth::Oauth2 { .. } => None,
        Auth::Bearer { token } => {
            Some((AUTHORIZATION, secret("auth.token", token, &|token| format!("Bearer {token}"))?))
        }
        Auth::Basic { user, password } => {
            if user.contains(':') {
                return Err(ConnectionProblem::new("auth.user", "cannot hold a `:` with Basic sign-in"));
            }
            let form = |password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            Some((AUTHORIZATION, secret("auth.password", password, &form)?))
        }
        Auth::Header { name, value } => {
            let header = HeaderName::try_from(name)
                .map_err(|_| ConnectionProblem::new("auth.name", format!("`{name}` is no name of a header")))?;
            Some((header, secret("auth.value", value, &str::to_owned)?))
        }
    })
}

fn read(key: &str, secret: &SecretRef) -> Result<secrecy::SecretString, ConnectionProblem> {
    secret.read().map_err(|message| ConnectionProblem::new(key, message))
}

fn sensitive(key: &str, text: &str) -> Result<HeaderValue, ConnectionProblem> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| ConnectionProblem::new(key, "the secret has a sign that no header can have"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What is asked for a token, for errors, logs and counters.
const OPERATION: &str = "oauth.token";

/// A token is renewed this long before it runs out, or after nine tenths of its time if that is later.
const MARGIN: Duration = Duration::from_mins(1);

/// The server that grants tokens, and the token that all calls of the connection share.
pub(in crate::systems) struct Oauth {
    http: Arc<HttpClient>,
    request: Request,
    clock: Arc<dyn Clock>,
    signed_in: SignIn<Token>,
}

/// A token as a call shows it. Its `Debug` does not show it.
#[derive(Debug, Clone)]
pub(in crate::systems) struct Token(HeaderValue);

impl Token {
    /// The call with the token on it.
    pub(in crate::systems) fn on(&self, mut request: Request) -> Request {
        request.headers.insert(AUTHORIZATION, self.0.clone());
        request
    }
}

/// A grant as it is sent (RFC 6749, section 5.1). Some servers write the number as a text.
#[derive(Deserialize)]
struct Grant {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Value>,
}

/// A refusal as it is sent (RFC 6749, section 5.2).
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Oauth {
    /// The server of a connection that signs in by OAuth; none if it does not.
    pub(in crate::systems) fn of(
        system: &'static str,
        auth: &Auth,
        context: &ConnectionContext,
    ) -> Result<Option<Self>, ConnectionProblem> {
        let Auth::Oauth2 { token_url, client_id, client_secret, client_auth, scope, audience } = auth else {
            return Ok(None);
        };
        let problem = |message: &str| ConnectionProblem::new("auth.token_url", message);
        let url = Url::parse(token_url)
            .map_err(|_| problem("is no URL: write e.g. \"https://login.example.com/oauth2/token\""))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(problem("must begin with https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(problem("holds a user, a password or a `#`: write the address alone"));
        }
        if url.path().contains('*') {
            return Err(problem("holds a `*`: write the one path where tokens are granted"));
        }
        if client_id.is_empty() {
            return Err(ConnectionProblem::new("auth.client_id", "is empty: write the ID of the client"));
        }
        let secret = read("auth.client_secret", client_secret)?;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, value) in [("scope", scope), ("audience", audience)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        match client_auth {
            ClientAuth::ClientSecretBasic => {
                // Both are encoded as in a form first, so that neither can hold a colon (RFC 6749, section 2.3.1).
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encoded(client_id), encoded(secret.expose_secret()));
                let basic = format!("Basic {}", STANDARD.encode(pair));
                headers.insert(AUTHORIZATION, sensitive("auth.client_secret", &basic)?);
            }
            ClientAuth::ClientSecretPost => {
                form.append_pair("client_id", client_id).append_pair("client_secret", secret.expose_secret());
            }
        }
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let allowed = vec![Allowed::new(Method::POST, url.path().to_owned())];
        let mut base_url = url;
        base_url.set_path("");
        base_url.set_query(None);
        let mut accept = HeaderMap::new();
        accept.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let http = HttpClient::new(ClientOptions {
            connection: context.name.clone(),
            system,
            base_url,
            headers: accept,
            allowed,
            classify: judge,
            traffic: context.traffic.clone(),
            clock: Arc::clone(&context.clock),
        })
        .map_err(|error| problem(error.detail.as_deref().unwrap_or("cannot be used")))?;
        let body = Some(Bytes::from(form.finish()));
        Ok(Some(Self {
            http: Arc::new(http),
            request: Request { operation: OPERATION, method: Method::POST, path, headers, body },
            clock: Arc::clone(&context.clock),
            signed_in: SignIn::new(Arc::clone(&context.clock)),
        }))
    }

    /// The client, which knows how the server fares.
    pub(in crate::systems) fn upstream(&self) -> Arc<HttpClient> {
        Arc::clone(&self.http)
    }

    /// The token of the connection; a new one if there is none, if it runs out, or if it is the one that was refused.
    pub(in crate::systems) async fn ticket(
        &self,
        call: &Call,
        refused: Option<&Ticket<Token>>,
    ) -> Result<Ticket<Token>, SystemError> {
        self.signed_in.ticket(&self.http, call, OPERATION, refused, self.grant(call)).await
    }

    async fn grant(&self, call: &Call) -> Result<Granted<Token>, SystemError> {
        let response = self.http.send(call, self.request.clone()).await?;
        let grant: Grant = self.http.decode(OPERATION, &response)?;
        let bad = |why: &'static str| SystemError {
            detail: Some(why.into()),
            ..self.http.error(OPERATION, ErrorKind::BadResponse)
        };
        if grant.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(bad("a token that is no bearer token"));
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {}", grant.access_token))
            .map_err(|_| bad("a token that no header can hold"))?;
        value.set_sensitive(true);
        let seconds = grant.expires_in.and_then(|sent| sent.as_u64().or_else(|| sent.as_str()?.parse().ok()));
        let until = seconds.map(|seconds| {
            let time = Duration::from_secs(seconds);
            self.clock.monotonic().saturating_add(time.saturating_sub(MARGIN.min(time / 10)))
        });
        Ok(Granted { value: Token(value), until })
    }
}

impl fmt::Debug for Oauth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oauth").finish_non_exhaustive()
    }
}

/// The judgement of a server that grants tokens: it says with 400 that it does not know the client.
fn judge(response: &Response) -> Result<(), Failure> {
    classify(response).map_err(|failure| {
        let said = serde_json::from_slice::<Refusal>(&response.body).map(|refusal| refusal.error);
        let code = ["invalid_client", "unauthorized_client", "invalid_grant", "invalid_scope", "invalid_request"]
            .into_iter()
            .find(|code| said.as_ref().is_ok_and(|said| said == code));
        match code {
            Some("invalid_client" | "unauthorized_client" | "invalid_grant") => {
                Failure { kind: ErrorKind::Unauthorized, retry: Retry::No, detail: code.map(str::to_owned) }
            }
            Some(code) => Failure { detail: Some(code.to_owned()), ..failure },
            None => failure,
        }
    })
}
