//! The span of a run, for those who trace.

use std::mem;
use std::sync::Arc;

use tracing::field::Empty;
use tracing::span::EnteredSpan;
use tracing::{Span, debug_span};

use crate::line::emit;
use crate::run::label::Label;
use crate::sync::Mutex;

/// The span of a run of a check. It begins where the check runs.
#[derive(Clone)]
pub(super) struct RunSpan(Arc<Inner>);

struct Inner {
    label: Arc<Label>,
    stage: Mutex<Stage>,
}

enum Stage {
    NotBegun,
    Open(Span),
    Ended,
}

impl RunSpan {
    pub(super) fn new(label: &Arc<Label>) -> Self {
        let stage = Mutex::new(Stage::NotBegun);
        RunSpan(Arc::new(Inner { label: Arc::clone(label), stage }))
    }

    /// Enters the span on this thread, and creates it the first time.
    pub(super) fn enter(&self) -> EnteredSpan {
        let mut stage = self.0.stage.lock();
        if let Stage::NotBegun = *stage {
            *stage = Stage::Open(self.0.label.span());
        }
        let span = match &*stage {
            Stage::Open(span) => span.clone(),
            Stage::NotBegun | Stage::Ended => Span::none(),
        };
        drop(stage);
        span.entered()
    }

    /// Ends the span with the status of the check.
    pub(super) fn end(&self, status: &'static str) {
        if let Stage::Open(span) = mem::replace(&mut *self.0.stage.lock(), Stage::Ended)
            && !span.is_disabled()
        {
            // As with a line, what receives it may block.
            emit(Box::new(move || _ = span.record("status", status)));
        }
    }
}

impl Label {
    fn span(&self) -> Span {
        match self {
            Label::Check { name, kind, .. } => debug_span!(
                target: "management",
                // A run belongs to no request.
                parent: None,
                "management.check",
                check = name,
                kind,
                status = Empty,
            ),
            Label::Other(_) => Span::none(),
        }
    }
}
