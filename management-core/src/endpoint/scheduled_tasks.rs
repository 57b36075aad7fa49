//! `/scheduledtasks`: what happens again and again, as Actuator lists it.

use std::time::SystemTime;

use http::StatusCode;
use http::request::Parts;
use serde::Serialize;
use tokio::time::Instant;

use super::json::to_bytes;
use super::reply::Reply;
use super::{Endpoint, Respond, negotiate};
use crate::line::milliseconds;
use crate::report::registered::RegisteredCheck;

/// Tasks by their kinds. Those of this library pause for a time between two executions.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tasks {
    cron: [(); 0],
    fixed_delay: Vec<Task>,
    fixed_rate: [(); 0],
    custom: [(); 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    runnable: Runnable,
    /// In milliseconds, as is `interval`.
    initial_delay: u64,
    interval: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_execution: Option<Execution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_execution: Option<Execution>,
}

#[derive(Serialize)]
struct Runnable {
    target: String,
}

#[derive(Serialize)]
struct Execution {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    time: String,
}

impl Endpoint {
    /// The checks that run in the background, and the heartbeats.
    pub(super) fn scheduled_tasks(&self, request: &Parts) -> Respond {
        let management = &self.shared.management;
        let rests = management.availability().is_draining();
        let checks = management.registered();
        let fixed_delay = checks.iter().filter_map(|check| task(check, rests)).collect();
        let content = negotiate::json_content(&request.headers);
        let body = to_bytes(&Tasks { fixed_delay, ..Tasks::default() });
        let reply = Reply::new(StatusCode::OK, content, body);
        Respond::ready(reply.to(&request.method))
    }
}

fn task(check: &RegisteredCheck, rests: bool) -> Option<Task> {
    let runner = &check.runner;
    if let Some(interval) = runner.interval() {
        let last = runner.last_outcome();
        let ran = last.as_ref().and_then(|last| Some((last.ran?.at, last.has_failed())));
        let pause = runner.pause().filter(|_| !rests && !runner.is_settled());
        return Some(Task {
            runnable: Runnable { target: check.name().to_owned() },
            initial_delay: 0,
            interval: milliseconds(interval),
            last_execution: ran.map(|(at, has_failed)| execution(at, Some(has_failed))),
            next_execution: ran.zip(pause).map(|((at, _), pause)| execution(at + pause, None)),
        });
    }
    let reading = runner.is_instant().then(|| runner.last(Instant::now()))??;
    let outcome = reading.outcome.ok()?;
    let beats = outcome.value.beats()?;
    let last = beats.last();
    Some(Task {
        runnable: Runnable { target: check.name().to_owned() },
        initial_delay: 0,
        interval: milliseconds(beats.limit()),
        last_execution: last.map(|at| execution(at, Some(false))),
        next_execution: last.map(|at| execution(at + beats.limit(), None)),
    })
}

/// An execution that has ended if it is known whether it failed.
fn execution(at: SystemTime, has_failed: Option<bool>) -> Execution {
    Execution {
        status: has_failed.map(|has_failed| if has_failed { "ERROR" } else { "SUCCESS" }),
        time: humantime::format_rfc3339_millis(at).to_string(),
    }
}
