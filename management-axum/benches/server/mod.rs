//! One app on a loopback socket.

use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use management_axum::{Management, run};
use tokio::runtime;

use crate::apps::App;
use crate::driver::Outcome;

/// A socket on a port that is free.
pub(crate) fn bind() -> Outcome<(TcpListener, u16)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// Serves for ever, on a runtime of this thread alone.
pub(crate) fn serve(app: App, listener: TcpListener) -> Outcome<()> {
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        match app {
            App::Run => drop(run(&Management::new()?, listener, app.router()?).await?),
            _ => axum::serve(listener, app.router()?).await?,
        }
        Ok(())
    })
}

/// Every app with its port, each on a thread of its own for as long as this process lives.
pub(crate) fn start_all() -> Outcome<Vec<(App, u16)>> {
    App::ALL.into_iter().map(|app| Ok((app, start(app)?))).collect()
}

fn start(app: App) -> Outcome<u16> {
    let (listener, port) = bind()?;
    thread::spawn(move || {
        if let Err(error) = serve(app, listener) {
            eprintln!("error: {}: {error}", app.name());
        }
    });
    Ok(port)
}
