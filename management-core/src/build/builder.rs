#[cfg(feature = "dependencies")]
use std::collections::btree_map::Entry;
use std::fmt;
use std::panic::Location;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::check::Check;
use crate::check::awaited::Awaited;
use crate::check::origin::Origin;
use crate::check::provided::{self, Contribution, IntoVersion, Provided};
use crate::check::state::State;
use crate::check::status::Status;
use crate::config::Config;
use crate::config::exposure::{Codes, IntoStatusCode};
use crate::config::group::Group;
use crate::config::route::Route;
use crate::config::show_details::ShowDetails;
use crate::error::Mistake;
use crate::run::Job;
use crate::text::json::Json;
use crate::text::reason::IntoReason;
#[cfg(feature = "dependencies")]
use crate::{check::Kind, dependency::Dependency};

/// Makes a [`Management`](crate::Management).
///
/// Starts with all that attributes have registered. Setters cannot fail; [`build`](Self::build) tells
/// all mistakes at once.
#[must_use = "a builder does nothing until `build()`"]
pub struct Builder {
    /// What setters set; what they do not, the environment and then `given` may.
    pub(crate) own: Config,
    pub(crate) given: Config,
    pub(crate) state: State,
    pub(crate) checks: Vec<Check>,
    pub(crate) replacements: Vec<Check>,
    pub(crate) left_out: Vec<String>,
    pub(crate) without_registered: bool,
    pub(crate) starting: bool,
    pub(crate) required: Vec<String>,
    pub(crate) version: Option<(Origin, Job<Provided<Option<String>>>)>,
    pub(crate) contributors: Vec<(String, Origin, Job<Provided<Json>>)>,
    pub(crate) mistakes: Vec<Mistake>,
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
            required: Vec::new(),
            version: None,
            contributors: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    /// What the program's own configuration says. The environment and the other setters come first,
    /// whether they are called before or after.
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

    /// The service's name in `/info`. Defaults to `OTEL_SERVICE_NAME`, else `service.name` in
    /// `OTEL_RESOURCE_ATTRIBUTES`, else the name of the executable.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.own.name = Some(name.into());
        self
    }

    /// Under which path the endpoints lie; `""` and `"/"` are the root. Defaults to `/z`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.own.prefix = Some(prefix.into());
        self
    }

    /// A value that registered functions take as `&T` or as `T`. An `Arc<T>` is found as `&T` too.
    ///
    /// Two values of one type are a mistake, and so are a `T` and an `Arc<T>`: wrap one in a type of its
    /// own. State that nothing takes is told in the log, at INFO.
    #[track_caller]
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.state.insert(value, Location::caller());
        self
    }

    /// Adds a check.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Puts a check in the place of the one of the same name, whose state is then not needed. What
    /// the new one leaves open, its kind too, is taken from the old one.
    pub fn replace(mut self, check: Check) -> Self {
        self.replacements.push(check);
        self
    }

    /// Leaves out a check that an attribute registered, by `"name"` or by `"crate/name"`.
    pub fn without(mut self, name: impl Into<String>) -> Self {
        self.left_out.push(name.into());
        self
    }

    /// Leaves out all that attributes registered, the version provider and info contributors too.
    pub fn without_registered(mut self) -> Self {
        self.without_registered = true;
        self
    }

    /// Checks that must be there. A crate that nobody names is not linked, and its checks are gone
    /// without a word: this notices.
    pub fn require<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.required.extend(names.into_iter().map(Into::into));
        self
    }

    /// Where the version comes from, in place of a `#[version_provider]`.
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
            self.mistakes.push(Mistake::two_versions(first, &origin));
        }
        self.version = Some((origin, job));
        self
    }

    /// A key of `/info`, in place of an `#[info_contributor]` of the same key if there is one. The error may be
    /// what that of a check may be; see [`IntoHealth`](crate::IntoHealth).
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

    /// The deadline of one run, for checks that set none. Defaults to 4 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.own.timeout = Some(timeout);
        self
    }

    /// For how long a result is served again, for checks that set neither `ttl` nor `interval`.
    /// Defaults to 1 s.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.own.ttl = Some(ttl);
        self
    }

    /// Runs checks that set neither `ttl` nor `interval` in the background, this long after the end
    /// of the run before. Not together with [`ttl`](Self::ttl). Defaults to none.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.own.interval = Some(interval);
        self
    }

    /// How old a result may be and still be shown, for checks that do not set it. Defaults to the
    /// longer of 60 s and twice `ttl` or `interval` plus `timeout`.
    pub fn valid_for(mut self, valid_for: Duration) -> Self {
        self.own.valid_for = Some(valid_for);
        self
    }

    /// Whether a failure fails the whole, for checks that do not set it. Defaults to `true`.
    pub fn critical(mut self, critical: bool) -> Self {
        self.own.critical = Some(critical);
        self
    }

    /// How long a probe waits for running checks before it answers from their last results. Defaults
    /// to 800 ms, since kubelet gives up after one second.
    pub fn probe_budget(mut self, budget: Duration) -> Self {
        self.own.probe_budget = Some(budget);
        self
    }

    /// As [`probe_budget`](Self::probe_budget), for `/health`, single checks, `/info` and `/version`.
    /// Defaults to 4.5 s, since load balancers give up after five.
    pub fn health_budget(mut self, budget: Duration) -> Self {
        self.own.health_budget = Some(budget);
        self
    }

    /// The service is starting, until [`Availability::accepting`](crate::Availability::accepting) says
    /// that it wants requests, or `management_axum::run` accepts them. Defaults to accepting.
    pub fn starting(mut self) -> Self {
        self.starting = true;
        self
    }

    /// Gives the endpoints a listener of their own. `management_axum::run` serves it, and nothing else does:
    /// beside a server of your own, give the address to `management_axum::listen`. Defaults to none.
    ///
    /// The address is `"0.0.0.0:8081"`, `"127.0.0.1:0"` for any free port, or a name such as
    /// `"localhost:8081"`, whose addresses are all listened at, IPv4 and IPv6. On Unix it can also be
    /// `"unix:/run/app/management.sock"`: a Unix socket that only the user of this process can connect to.
    /// `management_axum::listen` says more of both.
    pub fn listen(mut self, address: impl ToString) -> Self {
        self.own.listen = Some(address.to_string());
        self
    }

    /// For how long requests are served after a drain has begun, while whoever sends them learns of it.
    /// It covers the slowest of them: endpoints that Kubernetes removes, and each load balancer's
    /// interval times its threshold. Defaults to 10 s.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.own.drain_delay = Some(delay);
        self
    }

    /// For how long requests in flight may take once a server accepts no more connections; what remains
    /// is cut. Defaults to 15 s.
    ///
    /// Kubernetes' `terminationGracePeriodSeconds` covers this, [`drain_delay`](Self::drain_delay) and 5 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.own.drain_timeout = Some(timeout);
        self
    }

    /// Who sees details and error texts. Defaults to [`ShowDetails::never`].
    pub fn show_details(mut self, show_details: ShowDetails) -> Self {
        self.own.show_details = Some(show_details);
        self
    }

    /// Adds names whose values are secret, such as `"x-tenant-key"`: what follows them is replaced by `***`
    /// in error texts, in the log, in details, in the URLs of dependencies and in the attributes of `/info`.
    ///
    /// A name is found in any spelling (`X-Tenant-Key`, `x_tenant_key`, `xTenantKey`), also as a part of a
    /// longer one (`HTTP_X_TENANT_KEY`), and in every usual notation:
    ///
    /// | Notation | Example |
    /// |---|---|
    /// | connection strings, variables, options | `Server=db;Password=…;`, `password='…'`, `DB_PASSWORD=…`, `--password …` |
    /// | queries | `?token=…&page=1` |
    /// | JSON, YAML, Rust's `Debug`, XML | `"password":"…"`, `password: …`, `token: Some("…")`, `<password>…</password>` |
    /// | headers | `Authorization: Bearer …`, `Cookie: …` |
    ///
    /// Passwords, tokens, API keys, cookies and their kind are always masked, and so are the user information
    /// of URLs and the tokens of well-known issuers. Rather too much is masked than too little, but only where
    /// a separator and a value follow a name: `the token expired` stays, and so does `session: closed`, since
    /// an error that goes on is no value. Whatever follows a name that is added here is masked.
    ///
    /// The names are those of this `Management`: a second one in the same process does not have them. A
    /// [`Health`](crate::Health) that a check returns masks them once its run has ended.
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

    /// A group of checks, which is asked at `/health/{name}`: those whose attributes or setters name it,
    /// and those that are given here.
    ///
    /// It is answered as the whole is, of its members alone, and within
    /// [`probe_budget`](Self::probe_budget). A group that is given again goes on from what it was given
    /// before. `liveness`, `readiness` and `startup` are the probes: what is set for them is changed, and
    /// nothing else. They have no service dependencies but for those that [`Config::cascade`] names.
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

    /// Answers at the paths of Kubernetes' own components, too: `/livez`, `/readyz`, `/startupz` and
    /// `/healthz`, without the [`prefix`](Self::prefix), and `/readyz/db` for a check of a probe. They are at
    /// the root of the router: where it is nested under `/api`, they are at `/api/livez` and its like.
    ///
    /// They answer in text, as the Kubernetes API server does, with 503 where it has 500. Defaults to
    /// none of them.
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

    /// The keys that `/info` may show: `app`, `build`, `trace.attributes`, single attributes such as
    /// `service.name`, and keys of contributors. Defaults to all of them.
    pub fn info_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.own.info_keys = Some(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Whether `/info` has `service.instance.id`: an id that is made once, kept in a file, and so
    /// survives restarts. Defaults to `false`.
    ///
    /// [`build`](Self::build) writes the file where there is none yet. Where it cannot, it warns, and
    /// the id lasts as long as the process.
    pub fn service_instance_id(mut self, shown: bool) -> Self {
        self.own.service_instance_id = Some(shown);
        self
    }

    /// The folder of the file that keeps the instance id. Defaults to the one that systemd gives in
    /// `STATE_DIRECTORY`, else to one among the temporary files that nobody else can write to.
    ///
    /// Two processes that share it have the same id, if their services have the same name.
    pub fn service_instance_id_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.own.service_instance_id_folder = Some(folder.into());
        self
    }

    /// Whether `/info` has `process.command_line`. What looks secret in it is masked, as far as anyone
    /// can tell from outside. Defaults to `false`.
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

    /// Whether an endpoint is there. All are, unless told otherwise; what is switched off is 404.
    pub fn endpoint(mut self, route: Route, is_there: bool) -> Self {
        self.own.endpoints.insert(route, is_there);
        self
    }

    /// A service that this one needs, asked over HTTP with each `/health`. Its answer is a component of
    /// ours, under this name.
    ///
    /// | Given | Asked |
    /// |---|---|
    /// | `http://h:9090/admin/health`, `https://…` | `http://h:9090/admin/health`, as it is |
    /// | `h:8000/admin` | `{scheme}://h:8000/admin` |
    /// | `h:8000`, `h`, `http://h` | `{scheme}://h:8000{prefix}/health`, as a service like this one |
    ///
    /// The scheme is [`preferred_url_scheme`](Self::preferred_url_scheme), the prefix our own. Readiness
    /// asks no dependency unless [`cascade`](Self::cascade) says so. User information in a URL is sent as
    /// basic authentication.
    ///
    /// Each request has the header `management-cascade`, and one that arrives with it is answered from own
    /// checks alone, so that services may need each other in a circle. A service of another kind that asks
    /// our `/health` while we ask it does not send it, and waits for an answer that waits for it: let it
    /// ask `/health/readiness`.
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
                let mistake = Mistake::two_dependencies(first.key(), first.get(), &dependency);
                self.mistakes.push(mistake);
            }
        }
        self
    }

    /// Lets a probe ask these dependencies, too. Only [`Kind::Readiness`] can: a dependency that fails
    /// would restart this service through liveness, which mends nothing, and services that start
    /// together would wait for each other through startup, for ever.
    ///
    /// Readiness that cascades takes a service out of work together with the ones it needs, and whole
    /// fleets that need one service at once. Where this service can still answer something without the
    /// dependency, leave it out.
    ///
    /// The dependency is asked at its URL followed by `/readiness`.
    #[cfg(feature = "dependencies")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dependencies")))]
    pub fn cascade<N: Into<String>>(
        mut self,
        probe: Kind,
        dependencies: impl IntoIterator<Item = N>,
    ) -> Self {
        let named = self.own.cascade.entry(probe).or_default();
        named.extend(dependencies.into_iter().map(Into::into));
        self
    }

    /// The scheme of dependencies that are given without one: `http` or `https`. Defaults to `http`.
    #[cfg(feature = "dependencies")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dependencies")))]
    pub fn preferred_url_scheme(mut self, scheme: impl Into<String>) -> Self {
        self.own.preferred_url_scheme = Some(scheme.into());
        self
    }

    /// A PEM file of certificates that dependencies are trusted by, in addition to the platform's. It is
    /// read once, by [`build`](Self::build). Defaults to none.
    #[cfg(feature = "dependencies")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dependencies")))]
    pub fn dependency_ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.own.dependency_ca_file = Some(file.into());
        self
    }

    /// A PEM file with the certificates and the private key that we show to dependencies that ask for
    /// them. It is read once, by [`build`](Self::build). Defaults to none.
    #[cfg(feature = "dependencies")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dependencies")))]
    pub fn dependency_client_certificate_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.own.dependency_client_certificate_file = Some(file.into());
        self
    }

    /// Whether dependencies are asked through the proxies that `HTTP_PROXY`, `HTTPS_PROXY` and
    /// `NO_PROXY` name. Defaults to `false`: what these variables are set for is seldom in the cluster.
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
