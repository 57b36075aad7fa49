//! What this process uses, from `/proc` of Linux.

use std::fs;
use std::path::Path;

/// What this process uses. Elsewhere than on Linux, and where `/proc` is not mounted, nothing is known.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Seconds since 1970.
    pub(crate) started: Option<f64>,
    /// Seconds of processor time, in the program and in the kernel.
    pub(crate) cpu: Option<f64>,
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) open_fds: Option<u64>,
    /// `None` if there is no limit.
    pub(crate) max_fds: Option<u64>,
    pub(crate) threads: Option<u64>,
}

impl Usage {
    pub(crate) fn read() -> Self {
        Usage::at(Path::new("/"), Units::of_system())
    }

    fn at(root: &Path, Units { ticks_per_second, page_bytes }: Units) -> Self {
        let read = |path: &str| fs::read_to_string(root.join("proc").join(path)).ok();
        let stat = read("self/stat").unwrap_or_default();
        // The name of the program is in parentheses, and may contain some itself.
        let fields: Vec<_> =
            stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().collect();
        // As proc_pid_stat(5) numbers them; the first after the name is 3.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let seconds = |ticks: u64| Some(ticks as f64 / ticks_per_second?);
        let booted = read("stat").as_deref().and_then(boot_time);
        Usage {
            started: field(22).and_then(seconds).zip(booted).map(|(after, boot)| boot + after),
            cpu: field(14).zip(field(15)).and_then(|(user, system)| seconds(user + system)),
            resident_bytes: field(24).zip(page_bytes).map(|(pages, bytes)| pages * bytes),
            open_fds: fs::read_dir(root.join("proc/self/fd"))
                .ok()
                // Without the one that reads the folder.
                .map(|files| (files.count() as u64).saturating_sub(1)),
            max_fds: read("self/limits").as_deref().and_then(max_fds),
            threads: field(20),
        }
    }
}

/// The units of the numbers in `/proc`.
#[derive(Clone, Copy)]
struct Units {
    ticks_per_second: Option<f64>,
    page_bytes: Option<u64>,
}

impl Units {
    #[cfg(target_os = "linux")]
    fn of_system() -> Self {
        Units {
            ticks_per_second: Some(rustix::param::clock_ticks_per_second() as f64),
            page_bytes: Some(rustix::param::page_size() as u64),
        }
    }

    /// Another system's `/proc` has other files.
    #[cfg(not(target_os = "linux"))]
    fn of_system() -> Self {
        Units { ticks_per_second: None, page_bytes: None }
    }
}

/// Seconds since 1970.
fn boot_time(stat: &str) -> Option<f64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

/// The soft limit.
fn max_fds(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::info::folder::tests::Scratch;

    const UNITS: Units = Units { ticks_per_second: Some(100.0), page_bytes: Some(4096) };

    #[test]
    fn what_the_files_say() {
        let root = Scratch::new();
        let own = root.path().join("proc/self");
        fs::create_dir_all(own.join("fd")).unwrap();
        assert_eq!(Usage::at(root.path(), UNITS), Usage { open_fds: Some(0), ..Usage::default() });

        for fd in ["0", "1", "2", "7"] {
            fs::write(own.join("fd").join(fd), "").unwrap();
        }
        let stat =
            "42 (a) b (c)) S 1 42 42 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 9 0 12345 111 3 184467";
        fs::write(own.join("stat"), stat).unwrap();
        fs::write(root.path().join("proc/stat"), "cpu  1 2 3\nbtime 1700000000\n").unwrap();
        let limits = "Limit   Soft Limit   Hard Limit   Units\n\
                      Max open files            1024                 524288               files\n";
        fs::write(own.join("limits"), limits).unwrap();
        let usage = Usage {
            started: Some(1_700_000_123.45),
            cpu: Some(3.0),
            resident_bytes: Some(3 * 4096),
            open_fds: Some(3),
            max_fds: Some(1024),
            threads: Some(9),
        };
        assert_eq!(Usage::at(root.path(), UNITS), usage);

        let unlimited = limits.replace("1024  ", "unlimited");
        fs::write(own.join("limits"), unlimited).unwrap();
        assert_eq!(Usage::at(root.path(), UNITS), Usage { max_fds: None, ..usage });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process() {
        let before = Usage::read();
        let file = fs::File::open("/proc/self/stat").unwrap();
        let Usage { started, cpu, resident_bytes, open_fds, threads, .. } = Usage::read();
        drop(file);
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        assert!((now - 3600.0..now + 2.0).contains(&started.unwrap()), "{started:?} at {now}");
        assert!(cpu >= before.cpu && resident_bytes > Some(100_000), "{cpu:?} {resident_bytes:?}");
        assert!(open_fds > Some(2) && threads > Some(1), "{open_fds:?} {threads:?}");
    }
}
