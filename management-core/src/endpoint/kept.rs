//! The last answers as JSON, for as long as asking again would change nothing.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::StatusCode;
use tokio::time::Instant;

use super::reply::{Content, Reply};
use crate::report::scope::Question;

/// One answer per question and visibility.
#[derive(Default)]
pub(super) struct Kept([[Mutex<Option<Answer>>; 2]; Question::ALL.len()]);

struct Answer {
    code: StatusCode,
    body: Bytes,
    /// The epoch whose results it was made from.
    epoch: u64,
    /// When the first of its parts is due again.
    until: Option<Instant>,
}

impl Kept {
    pub(super) fn get(&self, question: Question, details: bool, epoch: u64) -> Option<Reply> {
        let place = self.place(question, details).lock().unwrap_or_else(PoisonError::into_inner);
        let answer = place.as_ref().filter(|answer| {
            answer.epoch == epoch && answer.until.is_none_or(|until| Instant::now() < until)
        })?;
        Some(Reply { code: answer.code, content: Content::Json, body: answer.body.clone() })
    }

    /// Keeps an answer. `epoch` was read before the first check was asked, so that a result that came
    /// since makes it stale.
    pub(super) fn put(
        &self,
        question: Question,
        details: bool,
        epoch: u64,
        until: Option<Instant>,
        reply: &Reply,
    ) {
        let answer = Answer { code: reply.code, body: reply.body.clone(), epoch, until };
        *self.place(question, details).lock().unwrap_or_else(PoisonError::into_inner) =
            Some(answer);
    }

    fn place(&self, question: Question, details: bool) -> &Mutex<Option<Answer>> {
        &self.0[question as usize][usize::from(details)]
    }
}
