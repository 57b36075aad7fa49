//! The endpoints at a Unix socket.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener as Std, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use management_axum::{Check, Management, listen, run};
use support::{Lines, PATIENCE, fetch};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::time::timeout;

fn built() -> Management {
    Management::builder().check(Check::new("db", async || ())).build().unwrap()
}

/// A folder, and the address of a socket in it.
fn place() -> (TempDir, PathBuf, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("management.sock");
    let address = format!("unix:{}", path.display());
    (dir, path, address)
}

async fn is_answered(path: &Path) {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(b"GET /z/health/readiness HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with(r#"{"status":"UP"}"#), "{answer}");
}

#[tokio::test]
async fn it_is_answered_and_removed() {
    let lines = Lines::default();
    let guard = lines.capture();
    let (_dir, path, address) = place();
    let listening = listen(&built(), &*address).await.unwrap();
    drop(guard);
    let told = format!("INFO the endpoints listen at {address}, under /z/health");
    assert!(lines.take().contains(&told), "{told}");
    assert_eq!(listening.path(), Some(&*path));
    assert_eq!((listening.local_addrs(), listening.local_addr().port()), (&[][..], 0));
    let file = fs::symlink_metadata(&path).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    is_answered(&path).await;
    is_answered(&path).await;
    listening.close().await;
    assert!(!path.exists());
    // And once more.
    let listening = listen(&built(), address).await.unwrap();
    is_answered(&path).await;
    listening.close().await;
}

/// Ends who looks at the file, however the test ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Nobody whom the permissions would keep out has a moment in which to come in.
#[test]
fn nobody_is_let_in_before_it_is_closed_to_others() {
    let (_dir, path, address) = place();
    let (is_over, looked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        let looking = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                if StdStream::connect(&path).is_ok()
                    && let Ok(file) = fs::symlink_metadata(&path)
                {
                    assert_eq!(file.permissions().mode() & 0o777, 0o600);
                    looked.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for _ in 0..20 {
            let before = looked.load(Ordering::Relaxed);
            runtime.block_on(async {
                let listening = listen(&built(), &*address).await.unwrap();
                while looked.load(Ordering::Relaxed) == before && !looking.is_finished() {
                    tokio::task::yield_now().await;
                }
                listening.close().await;
            });
        }
        drop(over);
    });
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let (_dir, path, address) = place();
    drop(Std::bind(&path).unwrap());
    assert!(path.exists(), "it is left behind");
    let listening = listen(&built(), &*address).await.unwrap();
    is_answered(&path).await;
    listening.close().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_at_which_somebody_listens_is_left_alone() {
    let (_dir, path, address) = place();
    let first = listen(&built(), &*address).await.unwrap();
    let error = listen(&built(), &*address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    let told = format!("the endpoints cannot listen at \"{address}\": another process listens");
    assert!(error.to_string().starts_with(&told), "{error}");
    is_answered(&path).await;
    first.close().await;

    // Also one that accepts nobody, and whose queue is full.
    let full = Std::bind(&path).unwrap();
    full.set_nonblocking(true).unwrap();
    let mut clients = Vec::new();
    while let Ok(Ok(client)) = timeout(PATIENCE / 100, UnixStream::connect(&path)).await {
        clients.push(client);
        if clients.len() == 5000 {
            break;
        }
    }
    let error = listen(&built(), &*address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}");
    assert!(path.exists());
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let (dir, path, address) = place();
    fs::write(&path, "precious").unwrap();
    let error = listen(&built(), &*address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("is not a socket; choose"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");

    let link = dir.path().join("link.sock");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(listen(&built(), format!("unix:{}", link.display())).await.is_err());
    assert!(link.exists());

    let absent = format!("unix:{}/absent/x.sock", dir.path().display());
    let error = listen(&built(), &*absent).await.unwrap_err();
    assert!(error.to_string().ends_with("; create its folder first"), "{error}");
}

#[tokio::test]
async fn what_another_has_put_in_its_place_stays() {
    let (_dir, path, address) = place();
    let listening = listen(&built(), &*address).await.unwrap();
    fs::remove_file(&path).unwrap();
    let other = Std::bind(&path).unwrap();
    listening.close().await;
    assert!(path.exists());
    drop(other);
}

#[tokio::test]
async fn run_opens_and_closes_it() {
    let (_dir, path, address) = place();
    let management = Management::builder()
        .check(Check::new("db", async || ()))
        .drain_delay(std::time::Duration::ZERO)
        .listen(&address)
        .build()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let application = listener.local_addr().unwrap();
    let running = tokio::spawn(run(&management, listener, Router::<()>::new()));
    assert_eq!(fetch(application, "/z/health", "").await.status, 404);
    is_answered(&path).await;
    management.availability().stop("the test");
    timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert!(!path.exists());
}

#[test]
fn an_address_that_is_none_is_a_mistake() {
    for address in ["unix:", "unix:management.sock", "/run/app/management.sock", "unix"] {
        let error = Management::builder().listen(address).build().unwrap_err().to_string();
        assert!(error.contains(" \"unix:/run/app/management.sock\""), "{error}");
    }
    // A host may be called so.
    for address in ["unix:8081", "localhost:8081", "[::1]:0", "unix:/x"] {
        assert!(Management::builder().listen(address).build().is_ok(), "{address}");
    }
}
