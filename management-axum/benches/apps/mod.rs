//! The services that are measured: ours, and bare handlers as floors beside them.
//!
//! A floor says the same bytes as ours. Its router has the same paths as ours, each with a handler, so
//! that what is compared is what lies behind the router and not how long the router looks.

mod floor;

use std::time::Duration;

use axum::Router;
use axum::handler::Handler;
use axum::routing::get;
use management_axum::endpoint::Endpoint;
use management_axum::{Check, Error, Heartbeat, Management};
use tokio::task::yield_now;

/// The names of the checks, as they are sorted.
const NAMES: [&str; 10] = [
    "check-0", "check-1", "check-2", "check-3", "check-4", "check-5", "check-6", "check-7",
    "check-8", "check-9",
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum App {
    /// A body that never changes.
    FloorLiveness,
    /// The body of ten components, made once.
    FloorStatic,
    /// The body of ten components, serialised for each request.
    FloorSerialised,
    /// As before, from the results of ten tasks with a deadline each.
    FloorSpawned,
    /// The first floor, served by `run` in place of `axum::serve`.
    Run,
    Liveness,
    /// Liveness on the thread of the endpoints.
    ManagementPort,
    Health,
    HealthTtlZero,
    /// Each check is computed by the request.
    HealthInstant,
    /// Ten heartbeats that do not beat meanwhile.
    HealthIdle,
    /// Heartbeats that beat before each request.
    HealthBeating,
    /// Each check gives way once before it answers, so that no run ends with its first poll.
    HealthYielding,
}

impl App {
    /// Each one after its floors.
    pub(crate) const ALL: [App; 13] = [
        App::FloorLiveness,
        App::Run,
        App::Liveness,
        App::ManagementPort,
        App::FloorStatic,
        App::FloorSerialised,
        App::FloorSpawned,
        App::Health,
        App::HealthInstant,
        App::HealthIdle,
        App::HealthBeating,
        App::HealthTtlZero,
        App::HealthYielding,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            App::FloorLiveness => "floor: liveness",
            App::FloorStatic => "floor: ten components, static body",
            App::FloorSerialised => "floor: ten fixed components",
            App::FloorSpawned => "floor: ten spawned tasks",
            App::Run => "floor: liveness, with `run`",
            App::Liveness => "/z/health/liveness",
            App::ManagementPort => "/z/health/liveness, `listen`",
            App::Health => "/z/health, default ttl",
            App::HealthInstant => "/z/health, instant checks",
            App::HealthIdle => "/z/health, idle heartbeats",
            App::HealthBeating => "/z/health, beating heartbeats",
            App::HealthTtlZero => "/z/health, ttl 0",
            App::HealthYielding => "/z/health, ttl 0, yielding",
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            App::FloorLiveness | App::Run | App::Liveness | App::ManagementPort => {
                "/z/health/liveness"
            }
            _ => "/z/health",
        }
    }

    pub(crate) fn floors(self) -> &'static [App] {
        match self {
            App::Run | App::Liveness => &[App::FloorLiveness],
            App::ManagementPort => &[App::FloorLiveness, App::Run, App::Liveness],
            App::Health => &[App::FloorLiveness, App::FloorStatic, App::FloorSerialised],
            App::HealthInstant | App::HealthIdle | App::HealthBeating => &[App::FloorSerialised],
            App::HealthTtlZero | App::HealthYielding => &[App::FloorSerialised, App::FloorSpawned],
            _ => &[],
        }
    }

    pub(crate) fn router(self) -> Result<Router, Error> {
        match self {
            App::FloorLiveness | App::Run => at_our_paths(floor::liveness),
            App::FloorStatic => at_our_paths(floor::fixed_body),
            App::FloorSerialised => at_our_paths(floor::serialised),
            App::FloorSpawned => at_our_paths(floor::spawned),
            _ => Ok(management_axum::router(&self.management()?)),
        }
    }

    /// The checks of ours.
    pub(crate) fn management(self) -> Result<Management, Error> {
        let progress = Heartbeat::new(Duration::from_secs(3600));
        let beating = progress.clone();
        let beat = move || beating.beat();
        let check = |name: &str| match self {
            App::HealthInstant => Check::instant(name, || true),
            // It is computed first.
            App::HealthBeating if name == NAMES[0] => Check::instant(name, beat.clone()),
            App::HealthIdle | App::HealthBeating => Check::heartbeat(name, &progress),
            App::HealthTtlZero => quick(name).ttl(Duration::ZERO),
            App::HealthYielding => yielding(name).ttl(Duration::ZERO),
            _ => quick(name),
        };
        let builder = Management::builder();
        let management =
            NAMES.iter().fold(builder, |builder, name| builder.check(check(name))).build();
        // They would have ended without their owner.
        std::mem::forget(progress);
        management
    }
}

fn at_our_paths<H: Handler<T, ()>, T: 'static>(handler: H) -> Result<Router, Error> {
    let handler = get(handler);
    let ours = Endpoint::new(&Management::new()?);
    Ok(ours.paths().fold(Router::new(), |router, (path, _)| {
        let with_slash = format!("{path}/");
        router.route(&path, handler.clone()).route(&with_slash, handler.clone())
    }))
}

fn quick(name: &str) -> Check {
    Check::new(name, || async { true })
}

fn yielding(name: &str) -> Check {
    Check::new(name, || async {
        yield_now().await;
        true
    })
}
