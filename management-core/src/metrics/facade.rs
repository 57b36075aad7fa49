//! The series through the facade of the crate `metrics`.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::metrics::{Label, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::metrics::series::{Kind, Series, Unit};
use crate::metrics::source::Source;
use crate::run::Background;

/// How often the recorder is given the present values.
const PERIOD: Duration = Duration::from_secs(10);

/// Gives the program's recorder the present values, except the durations, which it is given when they are measured.
pub(crate) fn emit(source: &Source) {
    for series in super::all() {
        let name = series.full_name();
        describe(series, &name);
        (series.read)(source, &mut |labels, value| {
            let label = |(key, value): &(&'static str, &str)| Label::new(*key, (*value).to_owned());
            let labels: Vec<_> = labels.iter().map(label).collect();
            match series.kind {
                Kind::Gauge => gauge!(name.clone(), labels).set(value.real()),
                Kind::Counter | Kind::RealCounter => {
                    counter!(name.clone(), labels).absolute(value.whole());
                }
                Kind::Histogram => {}
            }
        });
    }
}

fn describe(series: &Series, name: &str) {
    let (name, help) = (name.to_owned(), series.help);
    let unit = match series.unit {
        Some(Unit::Seconds) => ::metrics::Unit::Seconds,
        Some(Unit::Bytes) => ::metrics::Unit::Bytes,
        None => ::metrics::Unit::Count,
    };
    match series.kind {
        Kind::Gauge => describe_gauge!(name, unit, help),
        Kind::Counter | Kind::RealCounter => describe_counter!(name, unit, help),
        Kind::Histogram => describe_histogram!(name, unit, help),
    }
}

/// Whether a `Management` emits.
#[derive(Default)]
pub(crate) struct Emission {
    is_going_on: AtomicBool,
    is_over: AtomicBool,
    ends: Notify,
}

impl Emission {
    /// Ends it for good.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.ends.notify_one();
    }
}

/// Emits in the background, until the end or until `source` has nothing more.
pub(crate) struct Emitter<F> {
    source: F,
    background: Arc<Background>,
    emission: Arc<Emission>,
}

impl<F: Fn() -> Option<Source> + Send + 'static> Emitter<F> {
    /// Starts one, unless there is one already.
    pub(crate) fn start(background: &Arc<Background>, emission: &Arc<Emission>, source: F) {
        let Some(runtime) = background.runtimes.for_timers() else { return background.lose() };
        let is_over = emission.is_over.load(Ordering::Acquire);
        if !is_over && !emission.is_going_on.swap(true, Ordering::AcqRel) {
            let (background, emission) = (Arc::clone(background), Arc::clone(emission));
            Emitter { source, background, emission }.spawn(&runtime);
        }
    }

    fn spawn(self, runtime: &Handle) {
        runtime.spawn(self.go_on());
    }

    /// Boxed, since an emitter that moves to another runtime spawns itself.
    fn go_on(self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let emitter = self;
            loop {
                // The thread of the endpoints emits while the application's runtime is stalled.
                if let Some(endpoints) = emitter.background.runtimes.elsewhere() {
                    return emitter.spawn(&endpoints);
                }
                if timeout(PERIOD, emitter.emission.ends.notified()).await.is_ok() {
                    return;
                }
                let Some(source) = (emitter.source)() else { return };
                emit(&source);
            }
        })
    }
}

/// When its task ends for any reason, the next request starts another one.
impl<F> Drop for Emitter<F> {
    fn drop(&mut self) {
        self.emission.is_going_on.store(false, Ordering::Release);
        self.background.lose();
    }
}
