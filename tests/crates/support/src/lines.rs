//! Log lines of the library.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The lines that one thread logs with the target `management`.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    /// The lines since the last time, each with its level.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Collects what every thread logs, for as long as the process lives.
    pub fn capture_all(&self) {
        let subscriber = tracing_subscriber::registry().with(self.clone());
        tracing::subscriber::set_global_default(subscriber).expect("no other subscriber");
    }

    /// Collects what is logged on this thread, until the guard is dropped.
    pub fn capture(&self) -> tracing::subscriber::DefaultGuard {
        crate::switch_on_every_line();
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Message {
            text: String,
            has_fields: bool,
        }
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    write!(self.text, "{value:?}").unwrap();
                } else {
                    self.has_fields = true;
                }
            }
        }
        let meta = event.metadata();
        if meta.target() == "management" && *meta.level() <= Level::INFO {
            let mut message = Message { text: format!("{} ", meta.level()), has_fields: false };
            event.record(&mut message);
            assert!(message.has_fields, "the line has no fields: {}", message.text);
            self.0.lock().unwrap().push(message.text);
        }
    }
}
