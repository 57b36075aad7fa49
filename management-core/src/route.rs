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
    /// `/health/{name}`: what the last segment of the path names
    #[serde(rename = "check")]
    Named,
    /// `/info`
    Info,
    /// `/version`
    Version,
}
