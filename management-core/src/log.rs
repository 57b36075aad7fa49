//! The lines that tell why, each once. Their target is `management`.

use std::fmt;
use std::time::Duration;

use crate::health::Health;
use crate::name::AVAILABILITY;
use crate::report::HealthReport;
use crate::slot::About;
use crate::status::Status;

/// How many causes one line tells. Each of them has a line of its own, too.
const ENOUGH: usize = 10;

macro_rules! line {
    ($level:ident, $($text:tt)+) => {
        tracing::event!(target: "management", tracing::Level::$level, $($text)+)
    };
}
pub(crate) use line;

/// A check has a result: a line if its status has changed.
pub(crate) fn check(about: &About, before: Option<Status>, health: &Health) {
    let url = about.url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
    changed(&format_args!("{}{url}", about.name), before, health.status(), false, || {
        health.logged_reason().map(|reason| format!(": {reason}")).unwrap_or_default()
    });
}

/// An answer was given: a line if its status has changed. What the service itself says, as in a drain,
/// raises no alarm.
pub(crate) fn answer(name: &dyn fmt::Display, before: Option<Status>, report: &HealthReport) {
    let is_wanted = report.components().iter().all(|component| {
        component.status() == Status::Up
            || component.status() == Status::OutOfService && component.name() == AVAILABILITY
    });
    changed(name, before, report.status(), is_wanted, || {
        let causes: Vec<_> = report
            .components()
            .iter()
            .filter(|component| component.status() != Status::Up)
            .map(|component| {
                let why = component.health().logged_reason();
                format!("{} {}", component.name(), why.unwrap_or(component.status().as_str()))
            })
            .collect();
        match causes.len() {
            0 => String::new(),
            count if count > ENOUGH => {
                format!(": {}; and {} more", causes[..ENOUGH].join("; "), count - ENOUGH)
            }
            _ => format!(": {}", causes.join("; ")),
        }
    });
}

/// A provider or contributor has a result: a line if it begins or ends to fail.
pub(crate) fn provider(what: &str, failed_before: bool, failure: Option<&str>) {
    match failure {
        Some(why) if !failed_before => line!(WARN, "{what} failed: {why}"),
        None if failed_before => line!(INFO, "{what} works again"),
        _ => {}
    }
}

/// Runs have begun to take longer than those who ask can wait.
pub(crate) fn slow(what: &str, name: &str, took: Duration, named: &str, budget: Duration) {
    let took = Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    line!(
        WARN,
        "{what} {name} took {}, longer than the {named} of {}: it is answered from its last \
         result, and `interval` would run it in the background",
        humantime::format_duration(took),
        humantime::format_duration(budget),
    );
}

fn changed(
    name: &dyn fmt::Display,
    before: Option<Status>,
    now: Status,
    is_wanted: bool,
    why: impl Fn() -> String,
) {
    match before {
        Some(before) if before == now => {}
        Some(before) if now > before && !is_wanted => {
            line!(WARN, "{name} {before} → {now}{}", why());
        }
        Some(before) => line!(INFO, "{name} {before} → {now}{}", why()),
        // That all is well from the start is no news.
        None if now == Status::Up => line!(DEBUG, "{name} {now}"),
        None if is_wanted => line!(INFO, "{name} {now}{}", why()),
        None => line!(WARN, "{name} {now}{}", why()),
    }
}
