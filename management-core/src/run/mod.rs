//! How a check is run.
//!
//! One run of a job at a time, each a task of its own that belongs to nobody who asked. Whoever asks
//! while a run is in flight waits for that run. The deadline is kept twice: by the run's own task,
//! which needs nobody to wait for it, and by everyone who waits, since a future that blocks its
//! thread is never looked at again. Whichever comes first ends the run; what comes later is dropped.

mod background;
mod beat;
mod blocked;
mod blocking;
mod failure;
mod job;
mod outcome;
mod panics;
pub(crate) mod plan;
mod queue;
mod reading;
mod runner;

pub(crate) use background::Background;
pub use failure::Failure;
pub use job::Job;
pub(crate) use outcome::{Asked, Outcome, Reading};
pub(crate) use queue::give_way;
pub(crate) use runner::{Runner, Value};
