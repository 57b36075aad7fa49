//! A server in a temporary folder, on a free port.

use std::collections::HashMap;
use std::fs;
use std::marker::PhantomData;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getuid, kill_process, test_kill_process};
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::faults::Host;

/// How a server is started, and asked whether it has started.
pub(crate) trait Kind: 'static {
    /// How the process is stopped in order.
    const STOP: Signal = Signal::TERM;

    /// The user that runs it, if the tests run as root and the server refuses that.
    const USER: Option<&str> = None;

    /// Prepares the folder.
    fn prepare(_: &Path) {}

    fn command(folder: &Path, port: u16) -> Command;

    /// What runs beside it, from before its start until after its end.
    fn companion() -> Option<Command> {
        None
    }

    /// Whether it answers. Asked again and again.
    fn is_ready(port: u16) -> bool;
}

/// A server. It is killed when this is dropped.
pub(crate) struct Server<K: Kind> {
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    child: Option<Child>,
    companion: Option<Child>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Server<K> {
    /// Starts one.
    pub(crate) fn start() -> Self {
        let folder = Self::folder();
        K::prepare(folder.path());
        Self::start_in(folder)
    }

    /// Starts one in a folder that is prepared.
    pub(crate) fn start_in(folder: TempDir) -> Self {
        let port = free_port();
        let companion = K::companion().map(|mut command| spawn(&mut command));
        // Whatever happens next, the companion is stopped.
        let mut server = Server { port, folder, child: None, companion, kind: PhantomData };
        server.start_again();
        server
    }

    /// A temporary folder of the user that runs the server.
    pub(crate) fn folder() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        if let Some((user, group)) = user::<K>() {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        folder
    }

    /// Stops it in order.
    pub(crate) fn stop(&mut self) {
        self.end(K::STOP);
    }

    /// Starts it again, after it was stopped or killed.
    pub(crate) fn start_again(&mut self) {
        assert!(self.child.is_none(), "it runs");
        self.child = Some(start::<K>(self.folder.path(), self.port));
    }

    /// Kills it and all its processes.
    pub(crate) fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Stops all its processes where they are. The system still accepts connections for them.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
        // A thread on another core goes on for a moment.
        let until = Instant::now() + support::PATIENCE;
        while !family(self.pid()).into_iter().all(is_stopped) {
            assert!(Instant::now() < until, "it does not stop");
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn end(&mut self, signal: Signal) {
        let mut family = Vec::new();
        if signal == Signal::KILL {
            // A process that is stopped starts no other ones.
            kill_process(self.pid(), Signal::STOP).unwrap();
            family = self.signal(signal);
        } else {
            // What it has started is its own affair.
            kill_process(self.pid(), signal).unwrap();
        }
        let mut child = self.child.take().unwrap();
        child.wait().unwrap();
        // They hold the memory and the port that the next one needs.
        let until = Instant::now() + support::PATIENCE;
        while family.iter().any(|pid| test_kill_process(*pid).is_ok()) {
            assert!(Instant::now() < until, "{family:?} live on");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Signals it and all that it has started, which are returned.
    fn signal(&self, signal: Signal) -> Vec<Pid> {
        let family = family(self.pid());
        for pid in &family {
            // A process may have ended meanwhile.
            _ = kill_process(*pid, signal);
        }
        family
    }

    fn pid(&self) -> Pid {
        Pid::from_child(self.child.as_ref().expect("it runs"))
    }
}

impl<K: Kind> Drop for Server<K> {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
        if let Some(companion) = &mut self.companion {
            companion.kill().unwrap();
            companion.wait().unwrap();
        }
    }
}

impl<K: Kind> Host for Server<K> {
    async fn start() -> Self {
        block_in_place(Self::start)
    }

    fn port(&self) -> u16 {
        self.port
    }

    async fn stop(&mut self) {
        block_in_place(|| self.stop());
    }

    async fn start_again(&mut self) {
        block_in_place(|| self.start_again());
    }

    async fn kill(&mut self) {
        block_in_place(|| self.kill());
    }

    async fn pause(&self) {
        block_in_place(|| self.pause());
    }

    async fn resume(&self) {
        self.resume();
    }
}

fn start<K: Kind>(folder: &Path, port: u16) -> Child {
    let mut command = K::command(folder, port);
    if let Some((user, group)) = user::<K>() {
        command.uid(user).gid(group);
    }
    let log = fs::File::create(folder.join("log")).unwrap();
    command.current_dir(folder).stdout(log.try_clone().unwrap()).stderr(log);
    let mut child = spawn(&mut command);
    let until = Instant::now() + support::PATIENCE;
    while !K::is_ready(port) {
        let ended = child.try_wait().unwrap();
        assert!(
            ended.is_none() && Instant::now() < until,
            "{command:?} does not start: {ended:?}\n{}",
            fs::read_to_string(folder.join("log")).unwrap_or_default()
        );
        thread::sleep(Duration::from_millis(20));
    }
    child
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The user and the group that run the server, if they are not those of the tests.
fn user<K: Kind>() -> Option<(u32, u32)> {
    let user = K::USER.filter(|_| getuid().is_root())?;
    Some((id("-u", user), id("-g", user)))
}

fn id(which: &str, user: &str) -> u32 {
    let output = Command::new("id").args([which, user]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Runs a command as the user that runs the server, and returns what it prints.
pub(crate) fn run_as<K: Kind>(command: &mut Command) -> String {
    if let Some((user, group)) = user::<K>() {
        command.uid(user).gid(group);
    }
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Whether each thread of a process has stopped or ended.
fn is_stopped(process: Pid) -> bool {
    let tasks = format!("/proc/{}/task", process.as_raw_nonzero());
    let Ok(tasks) = fs::read_dir(tasks) else { return true };
    tasks.flatten().all(|task| {
        let Ok(stat) = fs::read_to_string(task.path().join("stat")) else { return true };
        stat.rsplit(')').next().unwrap().trim_start().starts_with(['T', 'Z', 'X'])
    })
}

/// A process and all that it has started.
fn family(first: Pid) -> Vec<Pid> {
    let mut children = HashMap::<i32, Vec<i32>>::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let Some(pid) = entry.unwrap().file_name().to_str().and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // A process may end meanwhile.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        // The name, in parentheses, may contain spaces.
        let mut fields = stat.rsplit(')').next().unwrap().split_whitespace();
        let parent = fields.nth(1).unwrap().parse().unwrap();
        children.entry(parent).or_default().push(pid);
    }
    let mut family = vec![first.as_raw_nonzero().get()];
    let mut next = 0;
    while let Some(pid) = family.get(next) {
        family.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    family.into_iter().filter_map(Pid::from_raw).collect()
}
