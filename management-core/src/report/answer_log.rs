//! The lines of the log about answers.

use std::borrow::Cow;
use std::cmp::Reverse;

use crate::check::name::AVAILABILITY;
use crate::check::status::Status;
use crate::line::line;
use crate::report::component::Component;
use crate::report::health_group::{GroupKind, HealthGroup};
use crate::report::health_report::HealthReport;
use crate::report::log::{changed, quoted_if};

/// How many causes one line lists, the worst first. Each of them has a line of its own.
const MAX_CAUSES: usize = 10;

/// Logs an answer if its status changed.
pub(crate) fn log_answer(group: &HealthGroup, before: Option<Status>, report: &HealthReport) {
    let status = report.status();
    if before == Some(status) {
        return;
    }
    // A service that refuses requests on purpose, as in a drain, is no cause for a warning.
    let is_on_purpose = status == Status::OutOfService
        && report.components().iter().all(|component| {
            component.name() == AVAILABILITY || component.effective_status() < Status::OutOfService
        });
    let causes = causes(report);
    let why = if causes.is_empty() { String::new() } else { format!(": {causes}") };
    let (level, text) = changed(group, before, status, is_on_purpose, why);
    let name = || Some(group.name.to_string());
    let is_probe = matches!(group.kind, GroupKind::Probe(_));
    line!(
        at level,
        [
            probe = if is_probe { name() } else { None },
            group = if is_probe { None } else { name() },
            status = status.as_str(),
            previous = before.map(Status::as_str),
            causes = Some(causes).filter(|causes| !causes.is_empty()),
        ],
        "{text}"
    );
}

/// The components that are not up, by name, and which of them are not critical.
fn causes(report: &HealthReport) -> String {
    let is_cause = |component: &&Component| component.status() != Status::Up;
    let mut causes: Vec<_> = report.components().iter().filter(is_cause).collect();
    let more = causes.len().saturating_sub(MAX_CAUSES);
    if more > 0 {
        // A stable sort keeps equal ones sorted by name.
        causes.sort_by_key(|component| Reverse(component.effective_status()));
        causes.truncate(MAX_CAUSES);
        causes.sort_by_key(|component| component.name());
    }
    let mut line = String::new();
    for (position, component) in causes.into_iter().enumerate() {
        line += if position == 0 { "" } else { "; " };
        line += &quote_name(component.name());
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

/// A name, in quotes if it could be mistaken for something else in the line.
fn quote_name(name: &str) -> Cow<'_, str> {
    quoted_if(name, name.contains([';', ':', '"']) || name.ends_with(NOT_CRITICAL))
}
