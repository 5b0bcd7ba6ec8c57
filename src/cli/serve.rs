//! `spine serve`: the graph over one's own systems, until a signal.

use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Exit, block_on, complain, complain_all, read_config};
use crate::app::App;
use crate::domain::{Clock, SystemClock};

pub(super) fn run(config: &Path) -> Exit {
    let Some(config) = read_config(config) else { return Exit::Usage };
    block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let app = match App::build(&config, clock) {
            Ok(app) => app,
            Err(errors) => {
                complain_all(&errors);
                return Exit::Usage;
            }
        };
        let listener = match app.bind().await {
            Ok(listener) => listener,
            Err(error) => {
                complain(&format!("error: {} cannot be listened on: {error}", app.listen()));
                return Exit::Usage;
            }
        };
        tracing::info!(server.address = %app.listen(), "listening");
        let stop = CancellationToken::new();
        on_signal(stop.clone());
        app.serve(listener, stop).await;
        tracing::info!("stopped");
        Exit::Ok
    })
}

/// Cancels `stop` at the first SIGINT or SIGTERM; ends the process at the second.
pub(super) fn on_signal(stop: CancellationToken) {
    tokio::spawn(async move {
        signalled().await;
        tracing::info!("stopping: finishing what is under way");
        stop.cancel();
        signalled().await;
        std::process::exit(130);
    });
}

async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return drop(tokio::signal::ctrl_c().await);
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
