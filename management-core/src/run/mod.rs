//! Runs jobs: one run of a job at a time, each as a task of its own.
//!
//! In: a job and its plan. Out: outcomes, to those who ask and to an observer. It does not know checks, HTTP or
//! how an outcome is shown.
//!
//! A run belongs to no request. A request that comes while a run is in flight waits for that run. The deadline
//! begins with the first poll: a run that waits for its runtime is not late, its runtime is. It is watched twice:
//! by the task of the run, so that it ends without a request, and by every request that waits, since a future that
//! blocks its thread is never polled again. The first of them ends the run, and what the run returns later is
//! dropped. While there is a thread of the endpoints, that thread watches in place of the task, and time in which the
//! runtime runs no task does not count.

mod background;
mod beat;
mod blocked;
mod blocking;
pub(crate) mod current;
mod deadline;
mod failure;
mod instant;
mod job;
mod label;
mod outcome;
mod panics;
pub(crate) mod plan;
mod pulse;
mod queue;
mod reading;
mod runner;
mod runtimes;
mod span;
mod state;
mod task;
mod waiting;

pub(crate) use background::Background;
pub use failure::Failure;
pub use job::Job;
pub(crate) use label::Label;
pub(crate) use outcome::{Asked, End, Outcome, Reading};
pub(crate) use panics::message as panic_message;
pub(crate) use pulse::STALLED_AFTER;
pub(crate) use queue::give_way;
pub(crate) use runner::{Runner, Value};
pub(crate) use runtimes::Runtimes;
