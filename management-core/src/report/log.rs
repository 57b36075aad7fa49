//! The lines that tell why, each once. Their target is `management`.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;
use std::time::Duration;

use crate::check::health::Health;
use crate::check::name::AVAILABILITY;
use crate::check::status::Status;
use crate::line::line;
use crate::report::about::{About, weigh};
use crate::report::component::Component;
use crate::report::health_report::HealthReport;
use crate::report::news::News;

/// How many causes one line tells, those that count most. Each of them has a line of its own, too.
const ENOUGH: usize = 10;

/// How many names one line tells.
const MOST_NAMES: usize = 50;

/// Names in a line, which has no room for thousands.
pub(crate) fn list_names<T: AsRef<str>>(names: &[T]) -> String {
    let told: Vec<_> = names.iter().take(MOST_NAMES).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
    }
}

/// A check has a result: a line if its status has changed, or the reason why it is not up.
pub(crate) fn check(about: &About, news: &News, before: Option<Status>, health: &Health) {
    let (status, reason) = (health.status(), health.logged_reason());
    // The usual case, in which nothing has to be written down first.
    if before == Some(status) && (status == Status::Up || reason.is_none()) {
        return;
    }
    let url = about.url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
    let name = format_args!("{}{url}", about.name);
    if before != Some(status) {
        news.tell(reason);
        changed(&name, before, status, false, || {
            reason.map(|reason| format!(": {reason}")).unwrap_or_default()
        });
    } else if let Some(reason) = reason.filter(|_| status != Status::Up)
        && news.is_news(reason)
    {
        line!(WARN, "{name} still {status}: {reason}");
    }
}

/// An answer was given: a line if its status has changed.
pub(crate) fn answer(name: &dyn fmt::Display, before: Option<Status>, report: &HealthReport) {
    // What the service itself says, as in a drain, raises no alarm where no check is as bad.
    let is_wanted = report.status() == Status::OutOfService
        && report.components().iter().all(|component| {
            component.name() == AVAILABILITY || weighed(component) < Status::OutOfService
        });
    changed(name, before, report.status(), is_wanted, || causes(report));
}

/// What is not up, by name, and what of it is not critical.
fn causes(report: &HealthReport) -> String {
    let is_cause = |component: &&Component| component.status() != Status::Up;
    let mut causes: Vec<_> = report.components().iter().filter(is_cause).collect();
    let more = causes.len().saturating_sub(ENOUGH);
    if more > 0 {
        // Stable, so that those that count alike stay sorted by name.
        causes.sort_by_key(|component| Reverse(weighed(component)));
        causes.truncate(ENOUGH);
        causes.sort_by_key(|component| component.name());
    }
    let mut line = String::new();
    for (position, component) in causes.into_iter().enumerate() {
        line += if position == 0 { ": " } else { "; " };
        line += &name_of(component.name());
        if !component.is_critical() {
            line += NOT_CRITICAL;
        }
        line += ": ";
        line += &match component.health().logged_reason() {
            Some(reason) => quoted_if(reason, reason.contains(';') || reason.starts_with('"')),
            None => component.status().as_str().into(),
        };
    }
    if more > 0 {
        line += &format!("; and {more} more");
    }
    line
}

const NOT_CRITICAL: &str = " (not critical)";

/// A name, in quotes where it could be mistaken for something else in the line.
fn name_of(name: &str) -> Cow<'_, str> {
    quoted_if(name, name.contains([';', ':', '"']) || name.ends_with(NOT_CRITICAL))
}

/// A name among others, in quotes where it could be mistaken for several.
pub(crate) fn quote_ambiguous(name: &str) -> Cow<'_, str> {
    quoted_if(name, name.contains([',', ';', '"']))
}

fn quoted_if(text: &str, is_quoted: bool) -> Cow<'_, str> {
    if is_quoted { format!("{text:?}").into() } else { text.into() }
}

fn weighed(component: &Component) -> Status {
    weigh(component.is_critical(), component.status())
}

/// A provider or contributor has a result: a line if it begins or ends to fail, or fails for another reason.
pub(crate) fn provider(what: &str, news: &News, failed_before: bool, failure: Option<&str>) {
    match failure {
        Some(why) if !failed_before => {
            news.tell(failure);
            line!(WARN, "{what} failed: {why}");
        }
        Some(why) if news.is_news(why) => line!(WARN, "{what} still fails: {why}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_some_names() {
        let names: Vec<_> = (0..300).map(|at| format!("tenant-{at}")).collect();
        assert_eq!(list_names(&names[..0]), "");
        assert_eq!(list_names(&names[..2]), "tenant-0, tenant-1");
        assert!(list_names(&names[..50]).ends_with(", tenant-49"));
        assert!(list_names(&names[..51]).ends_with(", tenant-49 and 1 more"));
        assert!(list_names(&names).ends_with(", tenant-49 and 250 more"));
    }
}
