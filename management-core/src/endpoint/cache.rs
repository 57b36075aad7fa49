//! The last answers as JSON, while they are still correct.

use bytes::Bytes;
use http::StatusCode;
use tokio::time::Instant;

use super::reply::{Content, Reply};
use crate::check::probe::Probe;
use crate::report::health_group::GroupKind;
use crate::sync::Mutex;

/// The last answer of `/health` and of each probe, with details and without.
#[derive(Default)]
pub(super) struct AnswerCache([[Mutex<Option<Answer>>; 2]; 1 + Probe::ALL.len()]);

struct Answer {
    code: StatusCode,
    body: Bytes,
    /// The epoch of the results in it.
    epoch: u64,
    /// When the first of its results expires.
    until: Option<Instant>,
}

impl AnswerCache {
    pub(super) fn get(&self, group: GroupKind, details: bool, epoch: u64) -> Option<Reply> {
        let answer = self.entry(group, details)?.lock();
        let answer = answer.as_ref().filter(|answer| {
            answer.epoch == epoch && answer.until.is_none_or(|until| Instant::now() < until)
        })?;
        Some(Reply::new(answer.code, Content::Json, answer.body.clone()))
    }

    /// Keeps an answer. `epoch` was read before the first check was asked, so that any later result makes
    /// the answer stale.
    pub(super) fn put(
        &self,
        group: GroupKind,
        details: bool,
        epoch: u64,
        until: Option<Instant>,
        reply: &Reply,
    ) {
        // An answer with an instant check is never the same.
        if until.is_some_and(|until| until <= Instant::now()) {
            return;
        }
        if let Some(entry) = self.entry(group, details) {
            let answer = Answer { code: reply.code, body: reply.body.clone(), epoch, until };
            *entry.lock() = Some(answer);
        }
    }

    fn entry(&self, group: GroupKind, details: bool) -> Option<&Mutex<Option<Answer>>> {
        let group = match group {
            GroupKind::Health => 0,
            GroupKind::Probe(probe) => 1 + probe as usize,
            GroupKind::Custom => return None,
        };
        Some(&self.0[group][usize::from(details)])
    }
}
