//! Programs that send probes in production: load balancers with the files of `deploy`, monitors and kubelet. Each is
//! the real program, except that kubelet and Consul are only imitated by the request that they send.

mod consul;
mod dialects;
mod envoy;
mod haproxy;
mod kubelet;
mod nginx;
mod plugins;
mod proxy;
mod service;
mod traffic;

use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than a busy machine needs for anything that does not hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// The path of a file in `deploy`.
fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file)
}

/// The text of a file in `deploy`, with other addresses.
fn readdressed(file: &str, addresses: &[(&str, String)]) -> String {
    let mut text = fs::read_to_string(deploy(file)).unwrap();
    for (theirs, ours) in addresses {
        assert_eq!(text.matches(theirs).count(), 1, "{file} has `{theirs}` once");
        text = text.replacen(theirs, ours, 1);
    }
    text
}

/// The path of an installed program.
fn program(name: &str, package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    // scripts/check-deploy installs into `own` what Debian does not package.
    let others = ["/usr/sbin", "/usr/lib/nagios/plugins"].map(PathBuf::from);
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../check-deploy/bin");
    env::split_paths(&path)
        .chain(others)
        .chain([own])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is missing: install {package}, as scripts/test does"))
}

/// Looks again and again until there is a value.
#[track_caller]
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(since.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A program that runs until it is dropped.
struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    fn start(command: &mut Command, folder: &Path) -> Self {
        let log = folder.join("log");
        let file = File::create(&log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Running { child, log }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    #[track_caller]
    fn is_running(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}: {}", self.log());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("what the program said:\n{}", self.log());
        }
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a program listens.
#[derive(Clone, Debug)]
enum Door {
    Port(SocketAddr),
    /// Another test cannot take a path in the meantime, as it can take a free port.
    Socket(PathBuf),
}

impl Door {
    fn connect(&self) -> io::Result<Connection> {
        let stream: Box<dyn Stream> = match self {
            Door::Port(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
            Door::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
        };
        Ok(Connection(BufReader::new(stream)))
    }

    /// Sends one request over a connection of its own.
    fn ask(&self, method: &str, path: &str) -> io::Result<Answer> {
        self.connect()?.ask(method, path)
    }

    #[track_caller]
    fn code(&self, method: &str, path: &str) -> u16 {
        self.ask(method, path).unwrap().code
    }

    /// Sends a line, and reads until the other side closes.
    fn say(&self, line: &str) -> io::Result<String> {
        let mut stream = self.connect()?.0;
        stream.get_mut().write_all(line.as_bytes())?;
        io::read_to_string(stream)
    }
}

trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

struct Connection(BufReader<Box<dyn Stream>>);

#[derive(Debug)]
struct Answer {
    code: u16,
    /// In lower case.
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    fn is_last(&self) -> bool {
        self.header("connection") == Some("close")
    }
}

impl Connection {
    fn ask(&mut self, method: &str, path: &str) -> io::Result<Answer> {
        let length = if method == "POST" { "Content-Length: 2\r\n\r\nhi" } else { "\r\n" };
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: shop.example\r\n{length}"))
    }

    fn send(&mut self, request: &str) -> io::Result<Answer> {
        let stream = self.0.get_mut();
        stream.write_all(request.as_bytes())?;
        stream.flush()?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(io::Error::other(format!("closed after `{head}`")));
            }
        }
        head.make_ascii_lowercase();
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a code");
        let mut answer = Answer { code, head, body: String::new() };
        let length = answer.header("content-length").expect("a length").parse().unwrap();
        let mut body = vec![0; if request.starts_with("HEAD") { 0 } else { length }];
        self.0.read_exact(&mut body)?;
        answer.body = String::from_utf8(body).unwrap();
        Ok(answer)
    }
}
