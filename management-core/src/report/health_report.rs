use std::cmp::Reverse;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::check::status::Status;
use crate::report::component::Component;
use crate::report::json::Components;

/// The answer to a question such as readiness: a [`Status`], and the components that it results from, sorted by name.
///
/// [`Serialize`] is the JSON of an endpoint that shows details, without the list of groups of `/health`.
///
/// [`Display`](fmt::Display) is one line, such as `DOWN: db DOWN: timed out after 2s; cache UP`: the status, and then
/// each [`Component`], those with the most effect on the status first. It includes reasons, so it is for logs and tests
/// rather than for strangers.
///
/// ```
/// use management_core::{Check, Management, Status};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), management_core::Error> {
/// let management = Management::builder()
///     .check(Check::new("cache", async || ()))
///     .check(Check::new("db", async || Err::<(), _>("connection refused")))
///     .build()?;
///
/// let report = management.health().await;
/// assert_eq!(report.to_string(), "DOWN: db DOWN: connection refused; cache UP");
/// let db = report.component("db").expect("`db` is a check");
/// assert_eq!(db.health().reason(), Some("connection refused"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HealthReport {
    status: Status,
    components: Vec<Component>,
}

impl HealthReport {
    pub(crate) fn new(components: Vec<Component>) -> Self {
        let statuses = components.iter().map(Component::effective_status);
        HealthReport { status: statuses.max().unwrap_or(Status::Up), components }
    }

    /// The worst status of all components; a component that is not critical counts as `DEGRADED` at worst.
    /// Without components, `UP`.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The components, sorted by name.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// The component of this name, if the report has one.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name() == name)
    }
}

impl fmt::Display for HealthReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        let mut components: Vec<_> = self.components.iter().collect();
        // The sort is stable: components with the same effect stay sorted by name.
        components.sort_by_key(|component| Reverse(component.effective_status()));
        for (position, component) in components.into_iter().enumerate() {
            let separator = if position == 0 { ": " } else { "; " };
            write!(f, "{separator}{component}")?;
        }
        Ok(())
    }
}

impl Serialize for HealthReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Report<'a> {
            status: Status,
            components: Components<'a>,
        }
        let components = Components { components: &self.components, details: true };
        Report { status: self.status, components }.serialize(serializer)
    }
}
