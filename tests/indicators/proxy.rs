//! A proxy whose connections can be left half-open.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Forwards connections to a server, until it is dropped.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    freeze: Arc<Notify>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let freeze = Arc::<Notify>::default();
        let own = Arc::clone(&freeze);
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let frozen = Arc::clone(&own);
                tokio::spawn(async move {
                    // Whoever connects notices a server that is not there.
                    let to = SocketAddr::from(([127, 0, 0, 1], server));
                    let Ok(mut upstream) = TcpStream::connect(to).await else { return };
                    let mut client = client;
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut upstream) => {}
                        // Both connections stay open, and nothing is forwarded.
                        () = frozen.notified() => std::future::pending().await,
                    }
                });
            }
        });
        Proxy { port, freeze, accepting }
    }

    /// Forwards nothing on the connections that exist. New ones work.
    pub(crate) fn freeze(&self) {
        self.freeze.notify_waiters();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
