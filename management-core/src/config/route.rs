use serde::Deserialize;

/// An endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Route {
    /// `/health`
    Health,
    /// `/health/liveness` and `/health/ping`
    Liveness,
    /// `/health/readiness`
    Readiness,
    /// `/health/startup`
    Startup,
    /// `/health/{name}`: the check or the group that the last segment of the path names
    #[serde(rename = "check")]
    Named,
    /// `/info`
    Info,
    /// `/version`
    Version,
    /// `/metrics`: text for Prometheus, or OpenMetrics or Actuator's list of names if the client asks for it
    #[cfg(any(feature = "actuator", feature = "prometheus"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "actuator", feature = "prometheus"))))]
    Metrics,
    /// `/metrics/{name}`: one metric as Actuator has it, if [`Metrics`](Self::Metrics) is served
    #[cfg(feature = "actuator")]
    #[cfg_attr(docsrs, doc(cfg(feature = "actuator")))]
    #[serde(skip)]
    Metric,
    /// `/scheduledtasks`: the checks that run in the background, and the heartbeats
    #[cfg(feature = "actuator")]
    #[cfg_attr(docsrs, doc(cfg(feature = "actuator")))]
    ScheduledTasks,
    /// The prefix itself: links to the other endpoints, as Actuator has them
    #[cfg(feature = "actuator")]
    #[cfg_attr(docsrs, doc(cfg(feature = "actuator")))]
    Index,
    /// `/prometheus`: always text for Prometheus
    #[cfg(feature = "prometheus")]
    #[cfg_attr(docsrs, doc(cfg(feature = "prometheus")))]
    Prometheus,
    /// `/livez`, without the prefix: liveness as text
    Livez,
    /// `/readyz`, without the prefix: readiness as text
    Readyz,
    /// `/startupz`, without the prefix: startup as text
    Startupz,
    /// `/healthz`, without the prefix: everything as text
    Healthz,
    /// `/livez/{name}`: a check that is part of liveness, if [`Livez`](Self::Livez) is served
    #[serde(skip)]
    LivezCheck,
    /// `/readyz/{name}`: a check that is part of readiness, if [`Readyz`](Self::Readyz) is served
    #[serde(skip)]
    ReadyzCheck,
    /// `/startupz/{name}`: a check that is part of startup, if [`Startupz`](Self::Startupz) is served
    #[serde(skip)]
    StartupzCheck,
    /// `/healthz/{name}`: any check, if [`Healthz`](Self::Healthz) is served
    #[serde(skip)]
    HealthzCheck,
}

impl Route {
    /// Whether this is a path of Kubernetes' own components.
    pub(crate) fn is_kubernetes(self) -> bool {
        matches!(self.parent(), Route::Livez | Route::Readyz | Route::Startupz | Route::Healthz)
    }

    /// The route that must be served for this one to be served.
    pub(crate) fn parent(self) -> Self {
        match self {
            Route::LivezCheck => Route::Livez,
            Route::ReadyzCheck => Route::Readyz,
            Route::StartupzCheck => Route::Startupz,
            Route::HealthzCheck => Route::Healthz,
            #[cfg(feature = "actuator")]
            Route::Metric => Route::Metrics,
            other => other,
        }
    }
}
