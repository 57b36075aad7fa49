//! The guide: one page for each task.
//!
//! The pages are in the folder `docs` of the repository. Their code is compiled and run with the tests.

// A page names other pages and items by reference links, whose definitions at its end are paths of the
// repository. In Markdown the first definition wins, so those before the text are the ones that rustdoc uses.
macro_rules! pages {
    ($($(#[$attribute:meta])* $name:ident: $file:literal;)*) => {$(
        $(#[$attribute])*
        ///
        /// [checks]: crate::guide::checks
        /// [thresholds]: crate::guide::checks#thresholds
        /// [instant-checks]: crate::guide::checks#instant-checks
        /// [liveness]: crate::guide::liveness
        /// [stalls]: crate::guide::liveness#when-the-runtime-is-stalled
        /// [state]: crate::guide::state
        /// [indicators]: crate::guide::indicators
        /// [groups]: crate::guide::groups
        /// [dependencies]: crate::guide::dependencies
        /// [lifecycle]: crate::guide::lifecycle
        /// [systemd]: crate::guide::lifecycle#under-systemd
        /// [info]: crate::guide::info
        /// [configuration]: crate::guide::configuration
        /// [access-log]: crate::guide::access_log
        /// [metrics]: crate::guide::metrics
        /// [formats]: crate::guide::formats
        /// [production]: crate::guide::production
        /// [testing]: crate::guide::testing
        /// [kubernetes]: crate::guide::kubernetes
        /// [migrating]: crate::guide::migrating_from_flask
        /// [features]: crate#features
        /// [config]: crate::Config
        /// [run]: crate::run()
        /// [shutdown]: crate::shutdown()
        ///
        #[doc = include_str!($file)]
        pub mod $name {}
    )*};
}

pages! {
    /// How to write checks, what they return, and when they run.
    checks: "../docs/checks.md";
    /// What liveness should contain, heartbeats, and what is answered while the runtime is stalled.
    liveness: "../docs/liveness.md";
    /// How checks get a database pool, a cache or a client.
    state: "../docs/state.md";
    /// Ready-made checks of databases, brokers, disks and certificates.
    // Its code is tested with the features of `management-indicators`.
    #[cfg(not(doctest))]
    indicators: "../docs/indicators.md";
    /// Answers of their own for a part of the checks.
    groups: "../docs/groups.md";
    /// Other services that this one needs.
    dependencies: "../docs/dependencies.md";
    /// From the start to the end of a drain, with `run` or with a server of your own.
    lifecycle: "../docs/lifecycle.md";
    /// The version, and what `/info` shows.
    info: "../docs/info.md";
    /// Paths, layers, details and codes, and how to set them from outside.
    configuration: "../docs/configuration.md";
    /// What the library logs, and an access log without successful probes.
    access_log: "../docs/access-log.md";
    /// What a service counts, and how Prometheus, the facade `metrics` and OpenTelemetry read it.
    metrics: "../docs/metrics.md";
    /// The formats of answers, and who reads them.
    formats: "../docs/formats.md";
    /// How to operate a service: alerts, ports, meshes and pods without a shell.
    production: "../docs/production.md";
    /// How to test checks and endpoints.
    testing: "../docs/testing.md";
    /// Probes, drains, manifests and images.
    kubernetes: "../docs/kubernetes.md";
    /// From flask-management-endpoints to this library.
    migrating_from_flask: "../docs/migrating-from-flask.md";
}
