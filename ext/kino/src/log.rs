//! What the engine itself has to say goes to standard error: warnings and errors, or what `KINO_LOG` asks for
//! (`KINO_LOG=debug` shows each request that was refused).

use tracing_subscriber::EnvFilter;

/// Starts it, once; an embedding program that has its own subscriber keeps it.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_env("KINO_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // An error says that there is one already.
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).try_init();
}
