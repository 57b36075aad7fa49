//! A service whose runtime can be stalled.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use management_axum::{Builder, Management, listen, run};
use tokio::net::TcpListener;
use tokio::runtime::{self, Handle, Runtime};
use tokio::task::AbortHandle;

/// How a runtime is stalled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stall {
    /// Tasks that compute and never yield.
    Burn,
    /// Tasks that block their thread.
    Sleep,
}

/// A service with a management port, on a runtime of its own.
pub(crate) struct Application {
    pub(crate) management: Management,
    /// The address of the application, which has the endpoints, too.
    pub(crate) address: SocketAddr,
    pub(crate) management_address: SocketAddr,
    runtime: Handle,
    workers: usize,
    is_stalled: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A runtime with this many workers; 0 is a current-thread runtime.
pub(crate) fn runtime(workers: usize) -> Runtime {
    let mut builder = match workers {
        0 => runtime::Builder::new_current_thread(),
        _ => runtime::Builder::new_multi_thread(),
    };
    builder.worker_threads(workers.max(1)).enable_all().build().unwrap()
}

impl Application {
    /// Starts the service. 0 workers are a current-thread runtime.
    pub(crate) fn start(workers: usize, set: impl FnOnce(Builder) -> Builder) -> Self {
        let builder = set(Management::builder().starting().drain_delay(Duration::ZERO));
        let runtime = runtime(workers);
        let handle = runtime.handle().clone();
        let (management, management_address, listener) = runtime.block_on(async {
            let management = builder.build().unwrap();
            let listening = listen(&management, "127.0.0.1:0").await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            (management, listening.local_addr(), listener)
        });
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route("/", get(async || "hello"))
            .merge(management_axum::router(&management));
        let (own, (started, has_started)) = (management.clone(), mpsc::channel());
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let served = run(&own, listener, app);
                started.send(()).unwrap();
                served.await.unwrap();
            });
        });
        has_started.recv().unwrap();
        let is_stalled = Arc::default();
        let thread = Some(thread);
        Application {
            management,
            address,
            management_address,
            runtime: handle,
            workers,
            is_stalled,
            thread,
        }
    }

    /// Stalls every worker until [`recover`](Self::recover) is called. Returns when they are.
    pub(crate) fn stall(&self, how: Stall) {
        self.is_stalled.store(true, Ordering::SeqCst);
        let workers = self.workers.max(1);
        let (begins, begun) = mpsc::channel();
        for _ in 0..workers {
            let (is_stalled, begins) = (Arc::clone(&self.is_stalled), begins.clone());
            self.runtime.spawn(async move {
                begins.send(()).unwrap();
                while is_stalled.load(Ordering::SeqCst) {
                    match how {
                        Stall::Burn => std::hint::spin_loop(),
                        Stall::Sleep => thread::sleep(Duration::from_millis(1)),
                    }
                }
            });
        }
        for _ in 0..workers {
            begun.recv().unwrap();
        }
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.runtime.spawn(task).abort_handle()
    }

    pub(crate) fn recover(&self) {
        self.is_stalled.store(false, Ordering::SeqCst);
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.recover();
        self.management.availability().stop("the end of a test");
        let ended = self.thread.take().unwrap().join();
        assert!(thread::panicking() || ended.is_ok());
    }
}
