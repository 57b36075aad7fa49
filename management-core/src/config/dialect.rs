//! What single clients understand beside codes 200 and 503.

use std::collections::BTreeSet;

use http::StatusCode;
use serde::Deserialize;

use crate::check::status::Status;

/// What a client understands beside the codes 200 and 503 of a health answer.
///
/// No dialect is on by default. [`Builder::dialect`](crate::Builder::dialect) sets one for all health answers,
/// [`Builder::listener_dialect`](crate::Builder::listener_dialect) for those of the listener of the endpoints, and
/// [`Group::dialect`](crate::Group::dialect) for those of one group. The last of these that is set applies. A dialect changes the code or the headers of an answer, but not the
/// `status` in its body; the status of `application/health+json` has to agree with the code. It never turns a failure into a
/// success, and it follows [`Builder::status_code`](crate::Builder::status_code). `/health/liveness`, `/health/startup`, single checks and Kubernetes' own paths have no dialect, so that no
/// setting makes kubelet restart a pod.
///
/// kubelet takes every code from 400 for a failure. If it asks readiness on the same port, give Consul and HAProxy a group of
/// their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Dialect {
    /// `x-envoy-degraded` on an answer that is `DEGRADED`: Envoy uses the host only if too few others are healthy. During a
    /// drain `x-envoy-immediate-health-check-fail`: from the first answer, Envoy does not count the host among those that should be
    /// healthy, so that a rollout does not look like an outage. How soon it gets no more requests is up to the settings of the
    /// check: with the 503 among `retriable_statuses`, after `unhealthy_threshold` answers, else after the first.
    Envoy,
    /// 429 for `DEGRADED`, which is a warning to Consul and a failure to everyone else. The text that Consul shows beside it lists the
    /// checks.
    Consul,
    /// 404 during a drain: with `http-check disable-on-404`, HAProxy sends no new clients, and lets those go on that it has
    /// bound to the server.
    HaProxy,
}

/// The dialects of answers that set none of their own.
#[derive(Default)]
pub(crate) struct Dialects {
    pub(crate) everywhere: BTreeSet<Dialect>,
    /// On the listener of the endpoints, if they differ there.
    pub(crate) on_listener: Option<BTreeSet<Dialect>>,
}

impl Dialects {
    pub(crate) fn at(&self, is_on_management_port: bool) -> &BTreeSet<Dialect> {
        let own = self.on_listener.as_ref().filter(|_| is_on_management_port);
        own.unwrap_or(&self.everywhere)
    }
}

/// What dialects make of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spoken {
    /// Instead of the usual code.
    pub(crate) code: Option<StatusCode>,
    pub(crate) envoy_degraded: bool,
    pub(crate) envoy_fails_at_once: bool,
}

impl Spoken {
    /// `usual` is the code without dialects, and `drains` is whether the service drains and the answer counts that.
    pub(crate) fn of(
        dialects: &BTreeSet<Dialect>,
        status: Status,
        usual: StatusCode,
        drains: bool,
    ) -> Self {
        let speaks = |dialect| dialects.contains(&dialect);
        // The program decides what passes, and a dialect only says it more precisely.
        let passes = usual == StatusCode::OK;
        let is_degraded = passes && status == Status::Degraded;
        let leaves = !passes && drains;
        let code = if leaves && speaks(Dialect::HaProxy) {
            Some(StatusCode::NOT_FOUND)
        } else if is_degraded && speaks(Dialect::Consul) {
            Some(StatusCode::TOO_MANY_REQUESTS)
        } else {
            None
        };
        Spoken {
            code,
            envoy_degraded: is_degraded && speaks(Dialect::Envoy),
            envoy_fails_at_once: leaves && speaks(Dialect::Envoy),
        }
    }
}
