use serde::Deserialize;

/// One of the endpoints.
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
    /// `/livez`, without the prefix: liveness as text
    Livez,
    /// `/readyz`, without the prefix: readiness as text
    Readyz,
    /// `/startupz`, without the prefix: startup as text
    Startupz,
    /// `/healthz`, without the prefix: everything as text
    Healthz,
    /// `/livez/{name}`: a check that is part of liveness; there where [`Livez`](Self::Livez) is
    #[serde(skip)]
    LivezCheck,
    /// `/readyz/{name}`: a check that is part of readiness; there where [`Readyz`](Self::Readyz) is
    #[serde(skip)]
    ReadyzCheck,
    /// `/startupz/{name}`: a check that is part of startup; there where [`Startupz`](Self::Startupz) is
    #[serde(skip)]
    StartupzCheck,
    /// `/healthz/{name}`: any check; there where [`Healthz`](Self::Healthz) is
    #[serde(skip)]
    HealthzCheck,
}

impl Route {
    /// Whether it is one of the paths of Kubernetes' own components.
    pub(crate) fn is_kubernetes(self) -> bool {
        matches!(self.parent(), Route::Livez | Route::Readyz | Route::Startupz | Route::Healthz)
    }

    /// The one that has to be there, too, for this one to be there.
    pub(crate) fn parent(self) -> Self {
        match self {
            Route::LivezCheck => Route::Livez,
            Route::ReadyzCheck => Route::Readyz,
            Route::StartupzCheck => Route::Startupz,
            Route::HealthzCheck => Route::Healthz,
            other => other,
        }
    }
}
