//! Probers that ask the wrong question.

use std::sync::atomic::{AtomicBool, Ordering};

use http::header::USER_AGENT;
use http::request::Parts;

use super::mounted_at::MountedAt;
use crate::check::kind::CheckKind;
use crate::line::line;
use crate::management::Management;
use crate::report::ask::LeftOut;
use crate::report::registered::RegisteredCheck;
use crate::text;
use crate::text::secret::Names;

/// How the user agents of probers begin, in lower case.
const PROBERS: [&str; 4] = ["kube-probe/", "haproxy", "elb-healthchecker/", "envoy/hc"];

/// Given once: a prober that asks `/health` takes a service out of work for what its dependencies do.
#[derive(Default)]
pub(super) struct Advice {
    is_given: AtomicBool,
}

impl Advice {
    /// Gives it to a prober whose answer depends on other services.
    pub(super) fn give(&self, request: &Parts, management: &Management, left_out: &LeftOut) {
        // Most services have none, and their answers are to be as cheap as they can.
        if !management.inner().has_dependencies || self.is_given.load(Ordering::Relaxed) {
            return;
        }
        let Some(prober) = prober(request, &management.inner().signals.secrets) else { return };
        if !management.registered().iter().any(|check| is_needed(check) && !left_out.has(check)) {
            return;
        }
        if !self.is_given.swap(true, Ordering::Relaxed) {
            let mounted_at = request.extensions.get::<MountedAt>().map_or("", |at| &at.0);
            let path = format!("{mounted_at}{}", request.uri.path().trim_end_matches('/'));
            let readiness = match path.strip_suffix("/healthz") {
                Some(root) => format!("{root}/readyz"),
                None => format!("{path}/readiness"),
            };
            line!(
                WARN,
                "{prober} probes {path}, which fails with any service dependency: let it ask \
                 {readiness} instead",
            );
        }
    }
}

/// Whether a service outside can fail the whole.
fn is_needed(check: &RegisteredCheck) -> bool {
    check.about.kind == CheckKind::Dependency && check.about.critical
}

/// What the log may call the prober, if it is one.
fn prober(request: &Parts, secrets: &Names) -> Option<String> {
    if request.headers.contains_key("x-haproxy-server-state") {
        return Some("HAProxy".into());
    }
    let agent = request.headers.get(USER_AGENT)?.to_str().ok()?;
    let lower = agent.get(..24).unwrap_or(agent).to_ascii_lowercase();
    PROBERS.iter().any(|prober| lower.starts_with(prober)).then(|| text::tidy_with(secrets, agent))
}
