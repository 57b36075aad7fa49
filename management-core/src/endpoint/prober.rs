//! Warns of probers that ask `/health`.

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

/// The beginnings of the user agents of probers, in lower case.
const PROBERS: [&str; 4] = ["kube-probe/", "haproxy", "elb-healthchecker/", "envoy/hc"];

/// A warning, given once: a prober that asks `/health` takes this service out of work whenever a
/// dependency fails.
#[derive(Default)]
pub(super) struct Advice {
    is_given: AtomicBool,
}

impl Advice {
    /// Warns if a prober asks, and the answer depends on other services.
    pub(super) fn give(&self, request: &Parts, management: &Management, left_out: &LeftOut) {
        // Services without dependencies pay nothing for this.
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
                [prober = prober.clone(), path = path.clone()],
                "{prober} probes {path}, which fails whenever a service dependency fails: probe {readiness} \
                 instead",
            );
        }
    }
}

/// Whether a failing dependency fails `/health`.
fn is_needed(check: &RegisteredCheck) -> bool {
    check.about.kind == CheckKind::Dependency && check.about.critical
}

/// The name of the prober for the log, if it is one.
fn prober(request: &Parts, secrets: &Names) -> Option<String> {
    if request.headers.contains_key("x-haproxy-server-state") {
        return Some("HAProxy".into());
    }
    let agent = request.headers.get(USER_AGENT)?.to_str().ok()?;
    let lower = agent.get(..24).unwrap_or(agent).to_ascii_lowercase();
    PROBERS.iter().any(|prober| lower.starts_with(prober)).then(|| text::tidy_with(secrets, agent))
}
