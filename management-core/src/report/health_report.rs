use crate::check::status::Status;
use crate::report::about::effective_status;
use crate::report::component::Component;

/// One question's answer: a [`Status`], and the checks that it comes from, sorted by name.
#[derive(Clone, Debug)]
pub struct HealthReport {
    status: Status,
    components: Vec<Component>,
}

impl HealthReport {
    pub(crate) fn new(components: Vec<Component>) -> Self {
        let statuses =
            components.iter().map(|part| effective_status(part.is_critical(), part.status()));
        HealthReport { status: statuses.max().unwrap_or(Status::Up), components }
    }

    /// The worst of all components, where one that is not critical counts as `DEGRADED` at worst;
    /// `UP` without components.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The components, sorted by name.
    pub fn components(&self) -> &[Component] {
        &self.components
    }
}
