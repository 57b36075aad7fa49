//! The lines of the log about checks and providers.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::check::health::Health;
use crate::check::status::Status;
use tracing::Level;

use crate::line::{line, milliseconds};
use crate::report::about::About;
use crate::report::logged_reason::LoggedReason;
use crate::run::{Label, Outcome};

/// How many names one line lists.
const MAX_NAMES: usize = 50;

/// Names in a line, which has no room for thousands.
pub(crate) fn list_names<T: AsRef<str>>(names: &[T]) -> String {
    let listed: Vec<_> = names.iter().take(MAX_NAMES).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(MAX_NAMES) {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

/// Logs the result of a check if its status changed, or if it is not up for a new reason. Of the failures that are
/// tolerated, logs the first.
pub(crate) fn check(
    about: &About,
    logged: &LoggedReason,
    fail_after: u32,
    previous: Option<&Outcome<Health>>,
    outcome: &Outcome<Health>,
) {
    let (status, reason) = (outcome.value.status(), outcome.value.logged_reason());
    let before = previous.map(|previous| previous.value.status());
    let (tolerated, was_tolerated) = (is_tolerated(outcome), previous.is_some_and(is_tolerated));
    let is_same = match (tolerated, was_tolerated) {
        (true, true) => true,
        (false, false) => before == Some(status) && (status == Status::Up || reason.is_none()),
        _ => false,
    };
    // In the usual case, nothing is formatted.
    if is_same {
        return;
    }
    let url = about.url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
    let name = format_args!("{}{url}", about.name);
    let why = || reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let (level, text) = if tolerated {
        logged.record(reason);
        let before = before.filter(|before| *before != status);
        let before = before.map(|before| format!("{before} → ")).unwrap_or_default();
        let why = why();
        (Level::WARN, format!("{name} {before}{status}{why} (failure 1 of {fail_after})"))
    } else if before != Some(status) {
        logged.record(reason);
        changed(&name, before, status, false, why())
    } else if was_tolerated {
        logged.record(reason);
        (Level::INFO, format!("{name} works again, {status}{}", why()))
    } else if let Some(reason) = reason.filter(|_| status != Status::Up)
        && logged.is_new(reason)
    {
        (Level::WARN, format!("{name} still {status}: {reason}"))
    } else {
        return;
    };
    line!(
        at level,
        [
            check = about.name.clone(),
            kind = about.kind.as_str(),
            status = status.as_str(),
            previous = before.map(Status::as_str),
            reason = reason.map(str::to_owned),
            duration_ms = outcome.ran.map(|ran| milliseconds(ran.duration)),
            failures = outcome.failures,
        ],
        "{text}"
    );
}

/// Whether a run failed and its status does not show it yet.
fn is_tolerated(outcome: &Outcome<Health>) -> bool {
    outcome.has_failed() && outcome.value.status().is_success()
}

/// A name in a list, in quotes if it could be mistaken for several.
pub(crate) fn quote_ambiguous(name: &str) -> Cow<'_, str> {
    quoted_if(name, name.contains([',', ';', '"']))
}

pub(super) fn quoted_if(text: &str, is_quoted: bool) -> Cow<'_, str> {
    if is_quoted { format!("{text:?}").into() } else { text.into() }
}

/// Logs the result of a provider or contributor if it starts or stops failing, or fails for a new reason.
pub(crate) fn provider(
    what: &str,
    logged: &LoggedReason,
    failed_before: bool,
    failure: Option<&str>,
) {
    let (level, text) = match failure {
        Some(why) if !failed_before => {
            logged.record(failure);
            (Level::WARN, format!("{what} failed: {why}"))
        }
        Some(why) if logged.is_new(why) => (Level::WARN, format!("{what} still fails: {why}")),
        None if failed_before => (Level::INFO, format!("{what} works again")),
        _ => return,
    };
    let reason = failure.map(str::to_owned);
    line!(at level, [provider = what.to_owned(), reason], "{text}");
}

/// Logs that runs begin to exceed the budget of an answer.
pub(crate) fn slow(label: &Label, took: Duration, budget_name: &str, budget: Duration) {
    let took = Duration::from_millis(milliseconds(took));
    line!(
        WARN,
        [
            check = label.check(),
            provider = label.provider(),
            duration_ms = milliseconds(took),
            budget_ms = milliseconds(budget),
        ],
        "{label} took {}, longer than the {budget_name} of {}: answers use its last \
         result; set `interval` to run it in the background",
        humantime::format_duration(took),
        humantime::format_duration(budget),
    );
}

/// The level and the text of a line about another status.
pub(super) fn changed(
    name: &dyn fmt::Display,
    before: Option<Status>,
    now: Status,
    is_on_purpose: bool,
    why: String,
) -> (Level, String) {
    let level = match before {
        Some(before) if now > before && !is_on_purpose => Level::WARN,
        Some(_) => Level::INFO,
        // A check that is up from the start is not worth a line.
        None if now == Status::Up => Level::DEBUG,
        None if is_on_purpose => Level::INFO,
        None => Level::WARN,
    };
    let text = match before {
        Some(before) => format!("{name} {before} → {now}{why}"),
        None if now == Status::Up => format!("{name} {now}"),
        None => format!("{name} {now}{why}"),
    };
    (level, text)
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
