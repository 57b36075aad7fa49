//! What the library logs.

use std::fmt::Write;
use std::sync::{Arc, Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// What was logged on this thread with the target `management`.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    pub(crate) fn capture(&self) -> tracing::subscriber::DefaultGuard {
        // A line that is first logged on a thread without a subscriber, while another thread gets its own, may
        // stay switched off for both. With one for all threads, none is ever switched off.
        static FOR_ALL_THREADS: Once = Once::new();
        FOR_ALL_THREADS.call_once(|| {
            tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
        });
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                assert_eq!(field.name(), "message");
                write!(self.0, "{value:?}").unwrap();
            }
        }
        let meta = event.metadata();
        if meta.target() == "management" && *meta.level() <= Level::INFO {
            let mut message = Message(format!("{} ", meta.level()));
            event.record(&mut message);
            self.0.lock().unwrap().push(message.0);
        }
    }
}
