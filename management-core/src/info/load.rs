//! How busy the processors are, from `/proc` of Linux.

use std::fs;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use crate::info::usage::Usage;
use crate::sync::Mutex;

/// Over which time a share is measured at least.
const MIN_PERIOD: Duration = Duration::from_secs(1);

/// The shares of all processors that are used, from 0 to 1. Nothing is known elsewhere than on Linux.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shares {
    pub(crate) process: Option<f64>,
    pub(crate) system: Option<f64>,
}

/// Measures the shares from one reading to the next.
#[derive(Debug, Default)]
pub(crate) struct Load(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Sample>,
    shares: Shares,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    /// Seconds of processor time of this process.
    process: Option<f64>,
    system: Option<System>,
}

/// The time of all processors since the start of the system, in ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
struct System {
    busy: u64,
    total: u64,
}

impl Load {
    /// The shares since the last reading, or since the start if this is the first.
    pub(crate) fn read(&self, usage: &Usage) -> Shares {
        let stat =
            if cfg!(target_os = "linux") { fs::read_to_string("/proc/stat").ok() } else { None };
        let system = stat.as_deref().and_then(system);
        let now = Sample { at: Instant::now(), process: usage.cpu, system };
        let mut state = self.0.lock();
        let shares = match state.last {
            Some(last) if now.at - last.at < MIN_PERIOD => return state.shares,
            Some(last) => since(&last, &now),
            None => since_start(usage, system),
        };
        *state = State { last: Some(now), shares };
        shares
    }
}

fn since(last: &Sample, now: &Sample) -> Shares {
    let process = now.process.zip(last.process).map(|(now, last)| now - last);
    let system = now.system.zip(last.system).map(|(now, last)| System {
        busy: now.busy.saturating_sub(last.busy),
        total: now.total.saturating_sub(last.total),
    });
    Shares {
        process: process.and_then(|used| share_of(used, (now.at - last.at).as_secs_f64())),
        system: system.and_then(share),
    }
}

fn since_start(usage: &Usage, system: Option<System>) -> Shares {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().ok().map(|now| now.as_secs_f64());
    let age = now.zip(usage.started).map(|(now, started)| now - started);
    Shares {
        process: usage.cpu.zip(age).and_then(|(used, age)| share_of(used, age)),
        system: system.and_then(share),
    }
}

/// The share of all processors in so many seconds.
fn share_of(used: f64, seconds: f64) -> Option<f64> {
    let processors = available_parallelism().ok()?.get() as f64;
    (seconds > 0.0).then(|| (used / seconds / processors).clamp(0.0, 1.0))
}

fn share(System { busy, total }: System) -> Option<f64> {
    (total > 0).then(|| busy as f64 / total as f64)
}

/// The first line of `/proc/stat`, as `proc_stat(5)` describes it.
fn system(stat: &str) -> Option<System> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|ticks| ticks.parse().ok()).collect();
    // The guests are part of the users.
    let total = ticks.iter().take(8).sum::<u64>();
    let idle = ticks.get(3)? + ticks.get(4).unwrap_or(&0);
    Some(System { busy: total.saturating_sub(idle), total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says() {
        let stat = "cpu  100 10 50 800 40 0 0 0 7 0\ncpu0 1 2 3 4\n";
        assert_eq!(system(stat), Some(System { busy: 160, total: 1000 }));
        assert_eq!(system("intr 5\n"), None);
        assert_eq!(share(System { busy: 160, total: 1000 }), Some(0.16));
        assert_eq!(share(System { busy: 0, total: 0 }), None);
    }

    #[test]
    fn shares_are_of_the_time_in_between() {
        let at = Instant::now();
        let sample = |seconds, process, busy, total| Sample {
            at: at + Duration::from_secs(seconds),
            process: Some(process),
            system: Some(System { busy, total }),
        };
        let shares = since(&sample(0, 5.0, 100, 1000), &sample(10, 5.0, 150, 1100));
        assert_eq!(shares, Shares { process: Some(0.0), system: Some(0.5) });
        let processors = available_parallelism().unwrap().get() as f64;
        let shares = since(&sample(0, 5.0, 100, 1000), &sample(10, 10.0, 100, 1000));
        assert_eq!(shares, Shares { process: Some(0.5 / processors), system: None });
    }
}
