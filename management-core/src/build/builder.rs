#[cfg(feature = "dependencies")]
use std::collections::btree_map::Entry;
use std::fmt;
use std::panic::Location;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::Handle;

use crate::build::collect;
use crate::check::Check;
use crate::check::awaited::Awaited;
use crate::check::origin::Origin;
use crate::check::provided::{self, Contribution, IntoVersion, Provided};
use crate::check::settings::setters;
use crate::check::state::State;
use crate::check::status::Status;
use crate::config::Config;
use crate::config::dialect::Dialect;
use crate::config::exposure::{Codes, IntoStatusCode};
use crate::config::group::Group;
use crate::config::route::Route;
use crate::config::show_details::ShowDetails;
#[cfg(feature = "dependencies")]
use crate::dependency::Dependency;
use crate::error::{Mistake, Mistakes};
use crate::info::build_info::BuildInfo;
#[cfg(feature = "prometheus")]
use crate::metrics::exposition::Exposition;
#[cfg(feature = "prometheus")]
use crate::metrics::other::{Other, SETTING};
use crate::run::Job;
use crate::text::json::Json;
use crate::text::reason::IntoReason;

/// Makes a [`Management`](crate::Management).
///
/// It starts with everything that attributes registered. Setters cannot fail; [`build`](Self::build) reports
/// all mistakes at once.
#[must_use = "a builder does nothing until `build()`"]
pub struct Builder {
    /// What the setters set. The environment and then `given` fill in the rest.
    pub(crate) own: Config,
    pub(crate) given: Config,
    pub(crate) state: State,
    pub(crate) checks: Vec<Check>,
    pub(crate) replacements: Vec<Check>,
    pub(crate) left_out: Vec<String>,
    pub(crate) without_registered: bool,
    pub(crate) starting: bool,
    pub(crate) runtime: Option<Handle>,
    pub(crate) required: Vec<String>,
    pub(crate) version: Option<(Origin, Job<Provided<Option<String>>>)>,
    pub(crate) contributors: Vec<(String, Origin, Job<Provided<Json>>)>,
    pub(crate) build_info: Option<BuildInfo>,
    #[cfg(feature = "prometheus")]
    pub(crate) metrics_text: Option<(Origin, Job<Provided<Exposition>>)>,
    pub(crate) mistakes: Mistakes,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Builder {
            own: Config::default(),
            given: Config::default(),
            state: State::default(),
            checks: Vec::new(),
            replacements: Vec::new(),
            left_out: Vec::new(),
            without_registered: false,
            starting: false,
            runtime: None,
            build_info: None,
            required: Vec::new(),
            version: None,
            contributors: Vec::new(),
            #[cfg(feature = "prometheus")]
            metrics_text: None,
            mistakes: Mistakes::default(),
        }
    }

    /// Takes settings from the program's own configuration. The environment and the other setters take
    /// precedence, in whatever order the setters are called.
    ///
    /// ```
    /// use management_core::{Config, Management};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Settings {
    ///     greeting: String,
    ///     #[serde(default)]
    ///     management: Config,
    /// }
    ///
    /// let settings: Settings = serde_json::from_str(
    ///     r#"{"greeting": "hello", "management": {"prefix": "/admin", "timeout": "500ms"}}"#,
    /// )?;
    /// let management = Management::builder().config(settings.management).build()?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn config(mut self, config: Config) -> Self {
        self.given = config;
        self
    }

    /// The service's name in `/info`. Defaults to `OTEL_SERVICE_NAME`, else to `service.name` in
    /// `OTEL_RESOURCE_ATTRIBUTES`, else to the name of the executable.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.own.name = Some(name.into());
        self
    }

    /// The path of the endpoints; `""` and `"/"` are the root. Defaults to `/z`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.own.prefix = Some(prefix.into());
        self
    }

    /// Adds a value that registered functions take as `&T` or as `T`. Functions can take an `Arc<T>` as `&T`,
    /// too.
    ///
    /// Two values of one type are a mistake, and so are a `T` and an `Arc<T>`: wrap one in a type of its
    /// own. State that no function takes is logged at INFO.
    #[track_caller]
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.state.insert(value, Location::caller());
        self
    }

    /// Adds a check.
    pub fn check(mut self, check: impl Into<Check>) -> Self {
        self.checks.push(check.into());
        self
    }

    /// Replaces the check of the same name, whose state is then not needed. The new check inherits the
    /// kind, the groups and the settings that it does not set itself.
    pub fn replace(mut self, check: impl Into<Check>) -> Self {
        self.replacements.push(check.into());
        self
    }

    /// Leaves out a check that an attribute registered, by `"name"` or `"crate/name"`.
    pub fn without(mut self, name: impl Into<String>) -> Self {
        self.left_out.push(name.into());
        self
    }

    /// Leaves out everything that attributes registered: checks, the version provider and info contributors.
    pub fn without_registered(mut self) -> Self {
        self.without_registered = true;
        self
    }

    /// Names checks that must exist. The linker drops a crate that nothing names, and its checks with it.
    /// [`build`](Self::build) then fails instead of losing them silently.
    pub fn require<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.required.extend(names.into_iter().map(Into::into));
        self
    }

    /// The source of the version, in place of a `#[version_provider]`.
    #[track_caller]
    pub fn version_provider<F, Fut, Shape>(mut self, provider: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Awaited<Outcome: IntoVersion<Shape>> + Send + 'static,
    {
        let job = Job::future(move || {
            let version = provider().outcome();
            async move { provided::version(version.await) }
        });
        let origin = Origin::caller();
        if let Some((first, _)) = &self.version {
            self.mistakes.push(collect::two_version_providers(first, &origin));
        }
        self.version = Some((origin, job));
        self
    }

    /// Adds a key to `/info`, in place of an `#[info_contributor]` with this key. The error may be of any type
    /// that the error of a check can have; see [`IntoHealth`](crate::IntoHealth).
    #[track_caller]
    pub fn info_contributor<F, Fut, T, E, Reason>(
        mut self,
        key: impl Into<String>,
        contributor: F,
    ) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Awaited<Outcome = Result<T, E>> + Send + 'static,
        T: Serialize,
        E: IntoReason<Reason>,
    {
        let job = Job::future(move || {
            let value = contributor().outcome();
            async move { Contribution(value.await).into_json() }
        });
        self.contributors.push((key.into(), Origin::caller(), job));
        self
    }

    /// Appends the text of another metrics exporter of the program to `/metrics` and `/prometheus`, so that one scrape
    /// returns everything.
    ///
    /// The function is called for each scrape, on a thread of its own, with the [`timeout`](Self::timeout) of a check.
    /// It returns Prometheus' text format 0.0.4 or OpenMetrics. What both it and this library have is taken from the
    /// function, and the log has the names once. If it panics, takes too long or returns a text that is not valid, the
    /// text is left out of the answer, and the log has the reason.
    ///
    /// A client that asks for OpenMetrics gets it only if the function returns OpenMetrics, too.
    ///
    /// ```
    /// use management_core::Management;
    ///
    /// let management = Management::builder()
    ///     .metrics_text(|| "# TYPE orders_total counter\norders_total 3\n".to_owned())
    ///     .build()?;
    /// # Ok::<_, management_core::Error>(())
    /// ```
    #[cfg(feature = "prometheus")]
    #[cfg_attr(docsrs, doc(cfg(feature = "prometheus")))]
    #[track_caller]
    pub fn metrics_text(mut self, text: impl Fn() -> String + Send + Sync + 'static) -> Self {
        let origin = Origin::caller();
        if let Some((first, _)) = &self.metrics_text {
            self.mistakes.push(Mistake::name_taken(format!(
                "{SETTING} is called at {first} and at {origin}: return both texts from one function",
            )));
        }
        self.metrics_text = Some((origin, Other::job(text)));
        self
    }

    setters! { self, self.own;
        /// The deadline of one run, for checks that do not set their own. Defaults to 4 s.
        timeout: Duration,
        /// How long a result is reused, or at most 1 s if it is a failure, for checks that set neither `ttl` nor
        /// `interval`. Defaults to 1 s.
        ttl: Duration,
        /// Runs checks that set neither `ttl` nor `interval` in the background, this long after the end of the
        /// previous run. Cannot be combined with [`ttl`](Self::ttl). Defaults to running checks on demand.
        interval: Duration,
        /// How long after a failed run the next one begins, for checks that have an `interval` and set no `retry`.
        /// Cannot be longer than the `interval` of any of them. Defaults to their `interval`.
        retry: Duration,
        /// How old a result may be and still be shown, for checks that do not set it. Defaults to 60 s, or to
        /// twice the `ttl` or `interval` plus `timeout` if that is longer.
        valid_for: Duration,
        /// Whether a failing check makes the answer `DOWN` instead of `DEGRADED`, for checks that do not set it.
        /// Defaults to `true`.
        critical: bool,
        /// How many runs in a row must fail until a check counts as failed, for checks that do not set it. Until then
        /// it is `DEGRADED`. A check that has never succeeded fails at once. Defaults to 1.
        fail_after: u32,
    }

    /// How long a probe waits for running checks before it uses their last results. Defaults to 800 ms,
    /// since kubelet gives up after one second.
    pub fn probe_budget(mut self, budget: Duration) -> Self {
        self.own.probe_budget = Some(budget);
        self
    }

    /// Like [`probe_budget`](Self::probe_budget), for `/health`, single checks, `/info` and `/version`.
    /// Defaults to 4.5 s, since load balancers give up after 5 s.
    pub fn health_budget(mut self, budget: Duration) -> Self {
        self.own.health_budget = Some(budget);
        self
    }

    /// Keeps readiness `OUT_OF_SERVICE` until [`Availability::accepting`](crate::Availability::accepting) is
    /// called or `management_axum::run` accepts connections. By default, the service accepts requests from
    /// the start.
    pub fn starting(mut self) -> Self {
        self.starting = true;
        self
    }

    /// The runtime on which checks, providers and contributors run. Defaults to the runtime that was current when
    /// [`build`](Self::build), `management_axum::run` or `management_axum::listen` was first called.
    ///
    /// Set this to the runtime of the connection pools if the program has several runtimes. A check function without
    /// `async` runs on a thread of its own, inside the context of this runtime.
    ///
    /// Without a runtime at build, and if only a router in the application serves the endpoints, checks run on the
    /// runtime of each request. If the runtime has shut down, they run on the next one that asks.
    ///
    /// ```
    /// use management_core::{Check, Management, Status};
    ///
    /// let pools = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    /// let management = Management::builder()
    ///     .runtime(pools.handle().clone())
    ///     .check(Check::new("db", async || ()))
    ///     .build()?;
    /// let requests = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// assert_eq!(requests.block_on(management.health()).status(), Status::Up);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// How long the application's runtime may run no task before liveness is `DOWN` and the process is restarted. Zero
    /// disables this. Defaults to 30 s.
    ///
    /// A watchdog measures this where the endpoints have a listener of their own: see
    /// [`listen`](Self::listen). `/health` is `DEGRADED` once no task has run for a second, whatever the limit.
    pub fn stall_limit(mut self, limit: Duration) -> Self {
        self.own.stall_limit = Some(limit);
        self
    }

    /// Gives the endpoints a listener of their own, which `management_axum::run` serves. Without `run`, pass the
    /// address to `management_axum::listen` instead. Defaults to no listener.
    ///
    /// | Address | Meaning |
    /// |---|---|
    /// | `"0.0.0.0:8081"` | an IP address and a port |
    /// | `"127.0.0.1:0"` | any free port |
    /// | `"localhost:8081"` | every address of the name, IPv4 and IPv6 |
    /// | `"unix:/run/app/management.sock"` | a Unix socket that only the user of this process can connect to |
    pub fn listen(mut self, address: impl ToString) -> Self {
        self.own.listen = Some(address.to_string());
        self
    }

    /// How long requests are served after a drain has begun, so that every sender notices. Set it to the
    /// slowest of them: Kubernetes removing the endpoint, and each load balancer's interval times its
    /// threshold. Defaults to 10 s.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.own.drain_delay = Some(delay);
        self
    }

    /// How long requests in flight may take once the server accepts no more connections. Then their
    /// connections are closed. Defaults to 15 s.
    ///
    /// Set Kubernetes' `terminationGracePeriodSeconds` to at least this, [`drain_delay`](Self::drain_delay) and
    /// 5 s together.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.own.drain_timeout = Some(timeout);
        self
    }

    /// Which requests are shown details and error texts. Defaults to [`ShowDetails::never`].
    pub fn show_details(mut self, show_details: ShowDetails) -> Self {
        self.own.show_details = Some(show_details);
        self
    }

    /// Adds names whose values are secret, such as `"x-tenant-key"`. Their values are replaced by `***` in error
    /// texts, log lines, details, URLs of dependencies and attributes of `/info`.
    ///
    /// A name is recognized in any spelling (`X-Tenant-Key`, `x_tenant_key`, `xTenantKey`), as part of a longer
    /// name (`HTTP_X_TENANT_KEY`), and in every usual notation:
    ///
    /// | Notation | Example |
    /// |---|---|
    /// | connection strings, variables, options | `Server=db;Password=…;`, `password='…'`, `DB_PASSWORD=…`, `--password …` |
    /// | queries | `?token=…&page=1` |
    /// | JSON, YAML, Rust's `Debug`, XML | `"password":"…"`, `password: …`, `token: Some("…")`, `<password>…</password>` |
    /// | headers | `Authorization: Bearer …`, `Cookie: …` |
    ///
    /// Passwords, tokens, API keys and cookies are always masked, and so are the user information of URLs and
    /// the tokens of well-known issuers. Masking needs a name, a separator and a value: `the token expired` and
    /// `session: closed` stay as they are. After a name that is added here, every value is masked.
    ///
    /// The names apply to this `Management` alone, and to a [`Health`](crate::Health) once the run that
    /// returned it has ended.
    ///
    /// ```
    /// use management_core::{Check, Health, Management};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), management_core::Error> {
    /// let management = Management::builder()
    ///     .mask(["x-tenant-key"])
    ///     .check(Check::new("tenants", async || Health::down("refused: X-Tenant-Key=7f3a, retry=1")))
    ///     .build()?;
    /// let tenants = management.check("tenants").await.unwrap();
    /// assert_eq!(tenants.health().reason(), Some("refused: X-Tenant-Key=***, retry=1"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn mask<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.own.mask.extend(names.into_iter().map(Into::into));
        self
    }

    /// The HTTP status code of answers with this status: 200 or 503, as a number or as a `StatusCode`. Any other code is
    /// a mistake of [`build`](Self::build). Defaults to the table at [`Status`]. Liveness ignores this for all statuses
    /// but `DOWN`, and answers 200.
    ///
    /// ```
    /// use http::StatusCode;
    /// use management_core::{Management, Status};
    ///
    /// let management = Management::builder()
    ///     .status_code(Status::Unknown, 200)
    ///     .status_code(Status::Degraded, StatusCode::SERVICE_UNAVAILABLE)
    ///     .build()?;
    /// # Ok::<_, management_core::Error>(())
    /// ```
    #[track_caller]
    pub fn status_code(mut self, status: Status, code: impl IntoStatusCode) -> Self {
        let code = code.code();
        match Codes::new().set(status, code) {
            Ok(()) => {
                self.own.status_codes.insert(status, code);
            }
            Err(complaint) => {
                let origin = Origin::caller();
                let text = format!("`.status_code(…)` at {origin} {complaint}");
                self.mistakes.push(Mistake::invalid(text));
            }
        }
        self
    }

    /// Sets up a group of checks at `/health/{name}`. Its members are the checks that name it and those that are
    /// included here.
    ///
    /// It is answered like `/health`, for its members alone, and within
    /// [`probe_budget`](Self::probe_budget). A second call for the same name changes the group further. The names
    /// `liveness`, `readiness` and `startup` change the probes. A probe can include no service dependency, except
    /// that readiness can include those with [`Dependency::readiness`](crate::Dependency::readiness).
    ///
    /// ```
    /// use management_core::{Check, Management, ShowDetails};
    ///
    /// let management = Management::builder()
    ///     .check(Check::new("db", async || ()))
    ///     .group("payments", |payments| payments.include("db").optional("queue"))
    ///     .group("readiness", |readiness| readiness.show_details(ShowDetails::always()))
    ///     .build()?;
    /// assert_eq!(management.checks()[0].groups, ["payments"]);
    /// # Ok::<_, management_core::Error>(())
    /// ```
    #[track_caller]
    pub fn group(mut self, name: impl Into<String>, change: impl FnOnce(Group) -> Group) -> Self {
        let name = name.into();
        let group = self.own.groups.remove(&name).unwrap_or_default();
        // Not in a closure, which would be the caller itself.
        let here = Origin::caller();
        let origin = group.origin.or(Some(here));
        self.own.groups.insert(name, Group { origin, ..change(group) });
        self
    }

    /// Adds the paths of Kubernetes' own components: `/livez`, `/readyz`, `/startupz` and `/healthz`, and paths
    /// such as `/readyz/db` for one check. They have no [`prefix`](Self::prefix) and are at the root of the
    /// router; nested under `/api`, they are at `/api/livez` and so on.
    ///
    /// They answer in text like the Kubernetes API server, but with 503 instead of 500. By default, these
    /// paths do not exist.
    ///
    /// ```
    /// use management_core::Management;
    /// use management_core::endpoint::{Endpoint, Route};
    ///
    /// let management = Management::builder().kubernetes_paths().build()?;
    /// let paths: Vec<_> = Endpoint::new(&management).paths().collect();
    /// assert!(paths.contains(&("/livez".into(), Route::Livez)));
    /// # Ok::<_, management_core::Error>(())
    /// ```
    pub fn kubernetes_paths(mut self) -> Self {
        self.own.kubernetes_paths = Some(true);
        self
    }

    /// Answers health so that a certain client understands more than 200 and 503. Further calls add further dialects.
    /// [`Group::dialect`](crate::Group::dialect) does so for one group.
    ///
    /// ```
    /// use management_core::{Dialect, Management};
    ///
    /// // Consul asks a group of its own, and kubelet readiness.
    /// let management = Management::builder()
    ///     .group("consul", |consul| consul.include("availability").dialect(Dialect::Consul))
    ///     .build()?;
    /// # Ok::<_, management_core::Error>(())
    /// ```
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.own.dialects.get_or_insert_default().insert(dialect);
        self
    }

    /// Like [`dialect`](Self::dialect), but only for requests to the listener of the endpoints: that of
    /// [`listen`](Self::listen) and `management_axum::listen`. Defaults to the dialects of all answers, which a call replaces.
    pub fn listener_dialect(mut self, dialect: Dialect) -> Self {
        self.own.listener_dialects.get_or_insert_default().insert(dialect);
        self
    }

    /// The URL at which clients reach the service, such as `https://orders.example.com`, without the prefix of the
    /// endpoints. The links of the page at the prefix begin with it. Defaults to the scheme and the host of each request.
    ///
    /// A proxy that removes a part of the path needs it, as in `https://example.com/orders`.
    #[cfg(feature = "actuator")]
    #[cfg_attr(docsrs, doc(cfg(feature = "actuator")))]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.own.public_url = Some(url.into());
        self
    }

    /// Whether links use the scheme, the host and the path that `Forwarded` or `X-Forwarded-Proto`, `-Host`, `-Port` and
    /// `-Prefix` have. Defaults to `false`.
    ///
    /// Set it only behind a proxy that sets or removes these headers: a client could otherwise put any host into links.
    #[cfg(feature = "actuator")]
    #[cfg_attr(docsrs, doc(cfg(feature = "actuator")))]
    pub fn trust_forwarded(mut self, trusts: bool) -> Self {
        self.own.trust_forwarded = Some(trusts);
        self
    }

    /// Shows at `/info` how the program was built: give it [`build_info!()`](crate::build_info). The version of the package is
    /// then the default of `/version`, after a version provider and the variable `VERSION`.
    pub fn build_info(mut self, build: BuildInfo) -> Self {
        self.build_info = Some(build);
        self
    }

    /// Shows these keys of `/info` alone: `app`, `build`, `git`, `os`, `process`, `trace.attributes`, single attributes such as
    /// `service.name`, and keys of contributors. Defaults to all of them.
    pub fn info_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.own.info_keys = Some(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Whether `/info` has `service.instance.id`, an id that is kept in a file and survives restarts. Defaults
    /// to `false`.
    ///
    /// [`build`](Self::build) creates the file. If it cannot, it logs a warning, and the id lasts as long as the
    /// process.
    pub fn service_instance_id(mut self, shown: bool) -> Self {
        self.own.service_instance_id = Some(shown);
        self
    }

    /// The folder of the file with the instance id. Defaults to systemd's `STATE_DIRECTORY`, else to a temporary
    /// folder that only this user can write to.
    ///
    /// Two processes that share the folder and the service name have the same id.
    pub fn service_instance_id_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.own.service_instance_id_folder = Some(folder.into());
        self
    }

    /// Whether `/info` has `process.command_line`. Arguments that look secret are masked, but not every secret
    /// can be recognized. Defaults to `false`.
    pub fn process_command_line(mut self, shown: bool) -> Self {
        self.own.process_command_line = Some(shown);
        self
    }

    /// Whether `/info` has `machine.id`, and outside of containers `host.id`, which is the same.
    /// machine-id(5) calls it confidential. Defaults to `false`.
    pub fn machine_id(mut self, shown: bool) -> Self {
        self.own.machine_id = Some(shown);
        self
    }

    /// Whether an endpoint exists. One that is switched off answers 404. Defaults to `true`.
    pub fn endpoint(mut self, route: Route, is_there: bool) -> Self {
        self.own.endpoints.insert(route, is_there);
        self
    }

    /// Adds a service that this one depends on. `/health` asks it over HTTP, and shows its answer as the component
    /// `name`.
    ///
    /// | Given | Asked |
    /// |---|---|
    /// | `http://h:9090/admin/health`, `https://…` | `http://h:9090/admin/health`, as it is |
    /// | `h:8000/admin` | `{scheme}://h:8000/admin` |
    /// | `h:8000`, `h`, `http://h` | `{scheme}://h:8000{prefix}/health`, as a service like this one |
    ///
    /// `{scheme}` is the [`preferred_url_scheme`](Self::preferred_url_scheme), and `{prefix}` that of this service.
    /// Readiness asks no dependency, except those with [`Dependency::readiness`]. User information in a URL is sent as
    /// basic authentication.
    ///
    /// Services may depend on each other in a circle: each request has the header `management-cascade`, and a
    /// request with this header is answered without asking dependencies. A service of another kind does not send
    /// the header. If it is a dependency and asks this service, let it ask `/health/readiness`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use management_core::{Dependency, Management};
    ///
    /// let management = Management::builder()
    ///     .service_dependency("users", "https://user-service:9922/admin/health")
    ///     .service_dependency("search", Dependency::new("search:8080").critical(false))
    ///     .build()?;
    /// # Ok::<_, management_core::Error>(())
    /// ```
    #[cfg(feature = "dependencies")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dependencies")))]
    #[track_caller]
    pub fn service_dependency(
        mut self,
        name: impl Into<String>,
        dependency: impl Into<Dependency>,
    ) -> Self {
        let name = name.into();
        let dependency = Dependency { origin: Some(Origin::caller()), ..dependency.into() };
        match self.own.service_dependencies.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(dependency);
            }
            Entry::Occupied(first) => {
                let at = |dependency: &Dependency| {
                    dependency.origin.map(|origin| origin.to_string()).unwrap_or_default()
                };
                self.mistakes.push(Mistake::name_taken(format!(
                    "two service dependencies are named `{}`, at {} and {}: rename one",
                    first.key(),
                    at(first.get()),
                    at(&dependency),
                )));
            }
        }
        self
    }

    /// The scheme of dependencies that are given without one: `http` or `https`. Defaults to `http`.
    #[cfg(feature = "dependencies")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dependencies")))]
    pub fn preferred_url_scheme(mut self, scheme: impl Into<String>) -> Self {
        self.own.preferred_url_scheme = Some(scheme.into());
        self
    }

    /// A PEM file of certificates to trust in addition to the platform's. [`build`](Self::build) reads it once.
    /// Defaults to no file.
    #[cfg(feature = "dependencies")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dependencies")))]
    pub fn dependency_ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.own.dependency_ca_file = Some(file.into());
        self
    }

    /// A PEM file with the client certificates and the private key for dependencies that ask for them.
    /// [`build`](Self::build) reads it once. Defaults to no file.
    #[cfg(feature = "dependencies")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dependencies")))]
    pub fn dependency_client_certificate_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.own.dependency_client_certificate_file = Some(file.into());
        self
    }

    /// Whether dependencies are asked through the proxies in `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. Defaults
    /// to `false`, since proxies are rarely meant for services in the same cluster.
    #[cfg(feature = "dependencies")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dependencies")))]
    pub fn dependency_environment_proxies(mut self, obeyed: bool) -> Self {
        self.own.dependency_environment_proxies = Some(obeyed);
        self
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("config", &self.own)
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}
