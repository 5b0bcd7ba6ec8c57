//! `[server]`: where Spine listens and how long it waits for those who ask.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use url::Url;

use super::duration::Seconds;
use super::network::Network;
use super::tls::Tls;

/// The HTTP door.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerOptions {
    /// Address and port to listen at. Without `[sign_in]` it must be one of this machine's own: whoever reaches it reads everything.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Address and port for those who run Spine, e.g. 127.0.0.1:9000: `/health/live`, `/health/ready` and `/metrics`, in plain
    /// HTTP and without a sign-in; they tell names of connections, and no record. Without it health is at `listen`, and there
    /// are no metrics.
    #[schemars(with = "Option<String>")]
    pub admin_listen: Option<SocketAddr>,
    /// Addresses and networks of the proxies in front of Spine, e.g. `["10.0.0.5", "10.1.0.0/16"]`. Of a connection from one of
    /// these `Forwarded` and `X-Forwarded-For` say from where the request comes; of any other they are not looked at.
    pub trusted_proxies: Vec<Network>,
    /// How often this file and the files that it names are looked at: what has changed is read anew and counts for all requests
    /// that come from then on. With "0s" only a SIGHUP makes Spine look.
    pub reload_interval: Seconds,
    /// TLS at the door itself. Without it Spine speaks plain HTTP.
    pub tls: Option<Tls>,
    /// Whether the pages for people are served: `/graphiql`, `/card/ID`, and `/reports` in a browser.
    pub graphiql: bool,
    /// Whether a request with the header `X-Spine-Explain: 1` is told what its answer cost: reads, waves, calls. For
    /// developers: it tells the names of the connections to whoever asks.
    pub explain: bool,
    /// Origins under which people's browsers reach this server, e.g. `["https://spine.example.com"]`.
    /// `localhost` and bare IP addresses need no entry. A browser that comes from anywhere else is refused.
    pub public_origins: Vec<WebOrigin>,
    /// Origins whose pages may show the deal card (`/card/ID`) in a frame, e.g. `["https://acme.lightning.force.com"]`: the
    /// CRM's. Without any nobody may.
    pub card_frame_ancestors: Vec<WebOrigin>,
    /// Largest request body, in bytes.
    pub max_body: usize,
    /// Time in which a request's body must have arrived.
    pub body_timeout: Seconds,
    /// Time in which a request is answered; what is not known by then is left out, and said to be.
    pub request_timeout: Seconds,
    /// Time in which a request's head must have arrived, and for which a connection may lie idle between two
    /// requests. Behind a proxy that keeps connections open, set it above the proxy's own idle time.
    pub idle_timeout: Seconds,
    /// Time for which an answer may wait for somebody who does not read it; then the connection ends.
    pub write_timeout: Seconds,
    /// GraphQL requests answered at once. More are refused with 503.
    pub max_requests: usize,
    /// Subscriptions open at once. More are refused with 503.
    pub max_subscriptions: usize,
    /// Subscriptions open at once over one WebSocket.
    pub max_subscriptions_per_connection: usize,
    /// Open connections, those of subscriptions too. More wait until one closes.
    pub max_connections: usize,
    /// Time that requests in flight get to finish after a signal to stop.
    pub shutdown_timeout: Seconds,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)),
            admin_listen: None,
            trusted_proxies: Vec::new(),
            reload_interval: Seconds(Duration::from_secs(5)),
            tls: None,
            graphiql: true,
            explain: false,
            public_origins: Vec::new(),
            card_frame_ancestors: Vec::new(),
            max_body: 256 * 1024,
            body_timeout: Seconds(Duration::from_secs(10)),
            request_timeout: Seconds(Duration::from_secs(10)),
            idle_timeout: Seconds(Duration::from_secs(5)),
            write_timeout: Seconds(Duration::from_secs(10)),
            max_requests: 256,
            max_subscriptions: 512,
            max_subscriptions_per_connection: 20,
            max_connections: 1024,
            shutdown_timeout: Seconds(Duration::from_secs(25)),
        }
    }
}

/// The longest time that any of the settings here can be set to.
const LONGEST: Duration = Duration::from_hours(1);

impl ServerOptions {
    /// What is set to a value that cannot be, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, Seconds(value)) in [
            ("body_timeout", self.body_timeout),
            ("request_timeout", self.request_timeout),
            ("idle_timeout", self.idle_timeout),
            ("write_timeout", self.write_timeout),
            ("shutdown_timeout", self.shutdown_timeout),
        ] {
            if value.is_zero() || value > LONGEST {
                return Err((key, "must be more than nothing and at most an hour".to_owned()));
            }
        }
        for (key, value) in [
            ("max_body", self.max_body),
            ("max_requests", self.max_requests),
            ("max_subscriptions", self.max_subscriptions),
            ("max_subscriptions_per_connection", self.max_subscriptions_per_connection),
            ("max_connections", self.max_connections),
        ] {
            if value == 0 || value > 1 << 30 {
                return Err((key, format!("is {value}: it must be at least 1 and at most {}", 1 << 30)));
            }
        }
        if self.reload_interval.0 > LONGEST {
            return Err(("reload_interval", "must be at most an hour; \"0s\" is never".to_owned()));
        }
        if self.admin_listen.is_some_and(|admin| admin == self.listen && admin.port() != 0) {
            return Err(("admin_listen", "is the address of `listen`, too: take another port".to_owned()));
        }
        Ok(())
    }

    /// What differs from `running` and cannot change while Spine runs, and why.
    pub fn needs_restart(&self, running: &Self) -> Option<(&'static str, String)> {
        let fixed = |key, was: &dyn fmt::Display| {
            Some((key, format!("cannot change while Spine runs, where it is {was}: put it back, or start Spine anew")))
        };
        if self.listen != running.listen {
            return fixed("listen", &running.listen);
        }
        if self.admin_listen != running.admin_listen {
            return match running.admin_listen {
                Some(address) => fixed("admin_listen", &address),
                None => fixed("admin_listen", &"not there"),
            };
        }
        if self.max_connections != running.max_connections {
            return fixed("max_connections", &running.max_connections);
        }
        if self.tls.is_some() != running.tls.is_some() {
            return fixed("tls", if running.tls.is_some() { &"there" } else { &"not there" });
        }
        None
    }
}

/// A web origin as browsers write it: `https://spine.example.com`, with a port where it is not the usual one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin(url::Origin);

impl WebOrigin {
    /// The origin of a URL that has nothing but scheme, host and port.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let bare = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        bare.then(|| Self(url.origin()))
    }

    /// Scheme, host and port.
    pub fn parts(&self) -> Option<(&str, &url::Host<String>, u16)> {
        match &self.0 {
            url::Origin::Tuple(scheme, host, port) => Some((scheme, host, *port)),
            url::Origin::Opaque(_) => None,
        }
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.ascii_serialization())
    }
}

impl<'de> Deserialize<'de> for WebOrigin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!("`{text}` is not a web origin: write e.g. \"https://spine.example.com\""))
        })
    }
}

impl schemars::JsonSchema for WebOrigin {
    fn schema_name() -> Cow<'static, str> {
        "WebOrigin".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["https://spine.example.com"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_and_nothing_else() {
        assert_eq!(WebOrigin::parse("https://Spine.example.com"), WebOrigin::parse("https://spine.example.com:443/"));
        assert_eq!(
            WebOrigin::parse("https://Spine.example.com:443/").unwrap().to_string(),
            "https://spine.example.com"
        );
        assert_eq!(WebOrigin::parse("http://[::1]:4000").unwrap().to_string(), "http://[::1]:4000");
        for text in
            ["", "null", "spine.example.com", "ftp://a", "https://a/b", "https://a?b", "https://u:p@a", "https://a#b"]
        {
            assert_eq!(WebOrigin::parse(text), None, "{text}");
        }
    }
}
