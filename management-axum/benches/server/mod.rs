//! One app on a loopback socket.

use std::future::pending;
use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::thread;

use management_axum::{Management, listen, run};
use tokio::net::TcpListener;
use tokio::runtime;

use crate::apps::App;
use crate::driver::Outcome;

/// Serves for ever, on a runtime of this thread alone. `listens` is called with the port once it is open.
pub(crate) fn serve(app: App, listens: impl FnOnce(u16)) -> Outcome<()> {
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let address = (Ipv4Addr::LOCALHOST, 0);
        if app == App::ManagementPort {
            let listening = listen(&app.management()?, address).await?;
            listens(listening.local_addr().port());
            return pending().await;
        }
        let listener = TcpListener::bind(address).await?;
        listens(listener.local_addr()?.port());
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
    let (listens, port) = mpsc::channel();
    thread::spawn(move || {
        // Nobody waits for it any more if another app has failed.
        if let Err(error) = serve(app, |port| _ = listens.send(port)) {
            eprintln!("error: {}: {error}", app.name());
        }
    });
    Ok(port.recv()?)
}
