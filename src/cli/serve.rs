//! `spine serve`: the graph over one's own systems, until a signal.

use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Exit, block_on_workers, complain, complain_all, read_config};
use crate::app::{App, Files};
use crate::domain::{Clock, SystemClock};

pub(super) fn run(path: &Path) -> Exit {
    let files = Files::of(path);
    let Some(config) = read_config(path) else { return Exit::Usage };
    block_on_workers(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let app = match App::build(&config, clock) {
            Ok(app) => app,
            Err(errors) => {
                complain_all(&errors);
                return Exit::Usage;
            }
        };
        let hangups = on_hangup();
        let listeners = match app.bind().await {
            Ok(listeners) => listeners,
            Err(error) => {
                complain(&format!("error: {error}"));
                return Exit::Usage;
            }
        };
        for warning in config.warnings() {
            tracing::warn!(%warning, "configuration");
        }
        let address = |listener: &TcpListener| listener.local_addr().ok().map(tracing::field::display);
        tracing::info!(server.address = address(&listeners.public), "listening");
        if let Some(admin) = &listeners.admin {
            tracing::info!(server.address = address(admin), "listening for those who run Spine");
        }
        let stop = CancellationToken::new();
        on_signal(stop.clone());
        tokio::spawn(app.clone().follow(files, hangups, stop.clone()));
        app.serve(listeners, stop).await;
        tracing::info!("stopped");
        Exit::Ok
    })
}

/// Is told at each SIGHUP; several in a row are one.
fn on_hangup() -> mpsc::Receiver<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = mpsc::channel(1);
    if let Ok(mut hangups) = signal(SignalKind::hangup()) {
        tokio::spawn(async move {
            while hangups.recv().await.is_some() {
                // One that is waiting already is enough.
                sender.try_send(()).ok();
            }
        });
    }
    receiver
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
