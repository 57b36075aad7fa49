//! The paths, in one table for every framework.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::check::name;
use crate::config::route::Route;

/// Each path under the prefix, `{name}` standing for one segment.
pub(super) const ROUTES: &[(&str, Route)] = &[
    ("/health", Route::Health),
    ("/health/liveness", Route::Liveness),
    ("/health/ping", Route::Liveness),
    ("/health/readiness", Route::Readiness),
    ("/health/startup", Route::Startup),
    ("/health/{name}", Route::Named),
    ("/info", Route::Info),
    ("/version", Route::Version),
    #[cfg(any(feature = "actuator", feature = "prometheus"))]
    ("/metrics", Route::Metrics),
    #[cfg(feature = "prometheus")]
    ("/prometheus", Route::Prometheus),
    #[cfg(feature = "actuator")]
    ("/metrics/{name}", Route::Metric),
    #[cfg(feature = "actuator")]
    ("/scheduledtasks", Route::ScheduledTasks),
    #[cfg(feature = "actuator")]
    ("", Route::Index),
];

/// The paths of Kubernetes' own components, without the prefix.
pub(super) const KUBERNETES: [(&str, Route); 8] = [
    ("/livez", Route::Livez),
    ("/livez/{name}", Route::LivezCheck),
    ("/readyz", Route::Readyz),
    ("/readyz/{name}", Route::ReadyzCheck),
    ("/startupz", Route::Startupz),
    ("/startupz/{name}", Route::StartupzCheck),
    ("/healthz", Route::Healthz),
    ("/healthz/{name}", Route::HealthzCheck),
];

/// The route of a path in one of the tables. A path of its own takes precedence over `{name}`.
pub(super) fn find(routes: &[(&str, Route)], path: &str) -> Option<Route> {
    let is_name = |segment: &str| !segment.is_empty() && !segment.contains('/');
    let of_name = |pattern: &str| {
        pattern
            .strip_suffix("{name}")
            .and_then(|parent| path.strip_prefix(parent))
            .is_some_and(is_name)
    };
    let exact = routes.iter().find(|(pattern, _)| *pattern == path);
    let route = exact.or_else(|| routes.iter().find(|(pattern, _)| of_name(pattern)));
    route.map(|&(_, route)| route)
}

/// The bytes of the longest encoded name: 128 characters of four bytes, each percent-encoded.
const MAX_ENCODED_BYTES: usize = 128 * 4 * 3;

/// The name in the last segment of a path, unless no check can have it.
pub(super) fn name_in(path: &str) -> Option<Cow<'_, str>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let segment = path.rsplit('/').next().unwrap_or(path);
    if segment.len() > MAX_ENCODED_BYTES {
        return None;
    }
    let name = percent_decode_str(segment).decode_utf8().ok()?;
    (!name::is_too_long(&name)).then_some(name)
}

/// The route of a probe whose name was percent-encoded.
pub(super) fn probe(name: &str) -> Option<Route> {
    ROUTES
        .iter()
        .filter(|(_, route)| *route != Route::Named)
        .find(|(path, _)| path.strip_prefix("/health/") == Some(name))
        .map(|&(_, route)| route)
}

/// The segments under `/health` that are not names.
#[cfg(test)]
pub(crate) fn segments_of_health() -> impl Iterator<Item = &'static str> {
    let own = ROUTES.iter().filter(|(_, route)| *route != Route::Named);
    own.filter_map(|(path, _)| path.strip_prefix("/health/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let longest = "\u{1F600}".repeat(128);
        let encoded: String = longest.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for (path, name) in [
            ("/z/health/db", Some("db")),
            ("/z/health/db/", Some("db")),
            ("/health/%64b", Some("db")),
            ("/health/%2564b", Some("%64b")),
            ("/health/a%2Fb", Some("a/b")),
            ("/health/..", Some("..")),
            ("/health/%FF", None),
            ("/health/a+b", Some("a+b")),
            (&format!("/health/{encoded}"), Some(&*longest)),
            (&format!("/health/{encoded}a"), None),
            (&format!("/health/{}", "a".repeat(128)), Some(&*"a".repeat(128))),
            (&format!("/health/{}", "a".repeat(129)), None),
        ] {
            assert_eq!(name_in(path).as_deref(), name, "{path}");
        }
    }

    #[test]
    fn routes_of_paths() {
        for (path, route) in [
            ("/health", Some(Route::Health)),
            ("/health/ping", Some(Route::Liveness)),
            ("/health/%70ing", Some(Route::Named)),
            ("/health/", None),
            ("/health/a/b", None),
            ("/info", Some(Route::Info)),
            ("/info/x", None),
            #[cfg(not(feature = "actuator"))]
            ("", None),
        ] {
            assert_eq!(find(ROUTES, path), route, "{path}");
        }
        assert_eq!(find(&KUBERNETES, "/readyz/db"), Some(Route::ReadyzCheck));
    }

    #[test]
    fn probes() {
        assert_eq!(probe("ping"), Some(Route::Liveness));
        assert_eq!(probe("startup"), Some(Route::Startup));
        assert_eq!(probe("db"), None);
        assert_eq!(probe("{name}"), None);
    }
}
