//! What all others are measured by: an aggregator written by hand for exactly the three queries of `queries.json`.
//!
//! It knows no GraphQL. It looks at `operationName` and `variables`, asks the systems in two waves with one call each,
//! copies the fields as text, and answers with the bytes that a GraphQL server would. A server that any question can be
//! asked of will hardly need less.
//!
//! Environment: `PORT` (4200), `UPSTREAM` (<http://127.0.0.1:4100>), `WORKERS` (2), `CACHE_MS` (0: off; else whole
//! answers are kept for so long, by the bytes of the request).

mod aggregator;
mod records;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use aggregator::{Aggregator, Fault};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Server {
    aggregator: Aggregator,
    /// For how long an answer is kept; zero is not at all.
    lifetime: Duration,
    /// Answers by the request they answer.
    answers: Mutex<HashMap<Bytes, (Instant, Bytes)>>,
}

impl Server {
    async fn answer(&self, request: Bytes) -> Result<Bytes, Fault> {
        if self.lifetime.is_zero() {
            return self.aggregator.answer(&request).await;
        }
        if let Some(kept) = self.kept(&request) {
            return Ok(kept);
        }
        let answer = self.aggregator.answer(&request).await?;
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(request, (Instant::now(), answer.clone()));
        Ok(answer)
    }

    fn kept(&self, request: &Bytes) -> Option<Bytes> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(request).filter(|(since, _)| since.elapsed() < self.lifetime).map(|(_, answer)| answer.clone())
    }

    async fn serve(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let answer = match request.into_body().collect().await {
            Ok(body) => self.answer(body.to_bytes()).await,
            Err(error) => Err(error.into()),
        };
        let (status, body) = match answer {
            Ok(body) => (StatusCode::OK, body),
            Err(error) => {
                let body = serde_json::json!({ "errors": [{ "message": error.to_string() }] });
                (StatusCode::INTERNAL_SERVER_ERROR, Bytes::from(body.to_string()))
            }
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn main() -> Result<(), Fault> {
    let server = Arc::new(Server {
        aggregator: Aggregator::over(setting("UPSTREAM", "http://127.0.0.1:4100")),
        lifetime: Duration::from_millis(setting("CACHE_MS", "0").parse()?),
        answers: Mutex::default(),
    });
    let workers = setting("WORKERS", "2").parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    runtime.block_on(async {
        let address = format!("127.0.0.1:{}", setting("PORT", "4200"));
        let listener = TcpListener::bind(&address).await?;
        println!("the reference listens at http://{address}");
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                let service = service_fn(|request| async { Ok::<_, Infallible>(server.serve(request).await) });
                // A client that goes away is nothing to report.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}
