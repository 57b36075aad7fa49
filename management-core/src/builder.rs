use std::fmt;
use std::panic::Location;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use serde::Serialize;

use crate::accept;
use crate::check::{Check, Origin};
use crate::collect;
use crate::environment::Environment;
use crate::error::{Error, Mistake, refuse};
use crate::exposure::{Codes, Exposure, ShowDetails};
use crate::info::{self, Contributor, Json};
use crate::log::line;
use crate::management::{Inner, Management};
use crate::prefix;
use crate::provided::{self, Contributed, Contribution, IntoVersion, Provided};
use crate::runner::{Failure, Job};
use crate::settings::Settings;
use crate::slot::{Signals, Slot};
use crate::state::State;
use crate::status::Status;
use crate::version::Version;

/// What kubelet's default of one second leaves for the answer.
const PROBE_BUDGET: Duration = Duration::from_millis(800);

/// What a load balancer's usual five seconds leave for the answer.
const HEALTH_BUDGET: Duration = Duration::from_millis(4500);

/// Added to instants, so no longer than a clock can count.
const LONGEST_BUDGET: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Makes a [`Management`].
///
/// Starts with all that attributes have registered. Setters cannot fail; [`build`](Self::build) tells
/// all mistakes at once.
#[must_use = "a builder does nothing until `build()`"]
pub struct Builder {
    name: Option<String>,
    prefix: String,
    state: State,
    checks: Vec<Check>,
    replacements: Vec<Check>,
    left_out: Vec<String>,
    without_registered: bool,
    required: Vec<String>,
    version: Option<(Origin, Job<Provided<Option<String>>>)>,
    contributors: Vec<(String, Origin, Job<Provided<Json>>)>,
    defaults: Settings,
    probe_budget: Duration,
    health_budget: Duration,
    show_details: ShowDetails,
    codes: Codes,
    mistakes: Vec<Mistake>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Builder {
            name: None,
            prefix: "/z".into(),
            state: State::default(),
            checks: Vec::new(),
            replacements: Vec::new(),
            left_out: Vec::new(),
            without_registered: false,
            required: Vec::new(),
            version: None,
            contributors: Vec::new(),
            defaults: Settings::new(),
            probe_budget: PROBE_BUDGET,
            health_budget: HEALTH_BUDGET,
            show_details: ShowDetails::never(),
            codes: Codes::new(),
            mistakes: Vec::new(),
        }
    }

    /// The service's name in `/info`. Defaults to the name of the executable.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Under which path the endpoints lie; `""` and `"/"` are the root. Defaults to `/z`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// A value that registered functions take as `&T` or as `T`. An `Arc<T>` is found as `&T` too.
    ///
    /// Two values of one type are a mistake: wrap one in a type of its own.
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
        Fut: Future<Output: IntoVersion<Shape>> + Send + 'static,
    {
        let job = Job::future(move || {
            let version = provider();
            async move { provided::version(version.await) }
        });
        let origin = Origin::caller();
        if let Some((first, _)) = &self.version {
            self.mistakes.push(Mistake::two_versions(first, &origin));
        }
        self.version = Some((origin, job));
        self
    }

    /// A key of `/info`, in place of an `#[info_contributor]` of the same key if there is one.
    #[track_caller]
    pub fn info_contributor<F, Fut, T, E>(mut self, key: impl Into<String>, contributor: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Serialize,
        E: fmt::Display,
    {
        let job = Job::future(move || {
            let value = contributor();
            async move { Contribution(value.await.map_err(Failure::failed)?).into_json() }
        });
        self.contributors.push((key.into(), Origin::caller(), job));
        self
    }

    /// The deadline of one run, for checks that set none. Defaults to 4 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.defaults.timeout = Some(timeout);
        self
    }

    /// For how long a result is served again, for checks that set neither `ttl` nor `interval`.
    /// Defaults to 1 s.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.defaults.ttl = Some(ttl);
        self
    }

    /// Runs checks that set neither `ttl` nor `interval` in the background, this long after the end
    /// of the run before. Not together with [`ttl`](Self::ttl). Defaults to none.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.defaults.interval = Some(interval);
        self
    }

    /// How old a result may be and still be shown, for checks that do not set it. Defaults to the
    /// longer of 60 s and twice `ttl` or `interval` plus `timeout`.
    pub fn valid_for(mut self, valid_for: Duration) -> Self {
        self.defaults.valid_for = Some(valid_for);
        self
    }

    /// Whether a failure fails the whole, for checks that do not set it. Defaults to `true`.
    pub fn critical(mut self, critical: bool) -> Self {
        self.defaults.critical = Some(critical);
        self
    }

    /// How long a probe waits for running checks before it answers from their last results. Defaults
    /// to 800 ms, since kubelet gives up after one second.
    pub fn probe_budget(mut self, budget: Duration) -> Self {
        self.probe_budget = budget;
        self
    }

    /// As [`probe_budget`](Self::probe_budget), for `/health`, single checks, `/info` and `/version`.
    /// Defaults to 4.5 s, since load balancers give up after five.
    pub fn health_budget(mut self, budget: Duration) -> Self {
        self.health_budget = budget;
        self
    }

    /// Who sees details and error texts. Defaults to [`ShowDetails::never`].
    pub fn show_details(mut self, show_details: ShowDetails) -> Self {
        self.show_details = show_details;
        self
    }

    /// Answers a status with 200 or with 503. Defaults to the table at [`Status`]. Liveness stays 200
    /// for all but `DOWN`.
    pub fn status_code(mut self, status: Status, code: u16) -> Self {
        self.mistakes.extend(self.codes.set(status, code).map_err(Mistake::invalid).err());
        self
    }

    /// Makes the [`Management`], and starts its background work where a runtime is present.
    ///
    /// # Errors
    ///
    /// All mistakes at once, those of a check with its file and line: names that are taken, reserved or no names; state
    /// that is missing or given twice; settings that exclude each other; two version providers or two
    /// contributors of one key; a group named like a check; a check that is required, replaced or left
    /// out, and not there; a prefix that is no path; a status code other than 200 and 503.
    pub fn build(self) -> Result<Management, Error> {
        let environment = Environment::of_process();
        let Builder { defaults, probe_budget, health_budget, .. } = self;
        let probe_budget = probe_budget.min(LONGEST_BUDGET);
        let health_budget = health_budget.min(LONGEST_BUDGET);
        let mut mistakes = self.mistakes;
        let mut state = self.state;
        mistakes.append(&mut state.mistakes);

        for (setter, budget) in [("probe_budget", probe_budget), ("health_budget", health_budget)] {
            if budget.is_zero() {
                mistakes.push(Mistake::invalid(format!("`{setter}` is zero: it must be longer")));
            }
        }
        let prefix = prefix::normalize(&self.prefix).unwrap_or_else(|complaint| {
            mistakes.push(Mistake::invalid(complaint));
            String::new()
        });

        let mut checks =
            collect::registered(self.without_registered, &self.left_out, &mut mistakes);
        checks.extend(self.checks);
        collect::replace(&mut checks, self.replacements, &mut mistakes);
        checks.sort_by(|one, other| (&one.name, &one.origin).cmp(&(&other.name, &other.origin)));
        accept::names(&checks, &mut mistakes);
        for name in self.required {
            if checks.binary_search_by(|check| check.name.cmp(&name)).is_err() {
                mistakes.push(Mistake::absent(
                    "require",
                    &name,
                    &format!(
                        "there are {}; the linker leaves out a crate that nobody names, so write \
                         `use its_crate as _;` in the binary",
                        some_of(&checks),
                    ),
                ));
            }
        }

        // Told once here, and not again for each check that would take them over.
        let defaults = match defaults.contradictions() {
            complaints if complaints.is_empty() => defaults,
            complaints => {
                let told = |why| Mistake::invalid(format!("the builder's defaults: {why}"));
                mistakes.extend(complaints.into_iter().map(told));
                Settings::new()
            }
        };
        let signals = Arc::new(Signals::new());
        let slots: Vec<_> = checks
            .into_iter()
            .filter_map(|check| {
                accept::check(check, &state, &defaults, &signals, probe_budget, &mut mistakes)
            })
            .map(Arc::new)
            .collect();

        let provider = collect::version_provider(
            self.version,
            self.without_registered,
            &state,
            &defaults,
            &mut mistakes,
        );
        let contributors = collect::contributors(
            self.contributors,
            self.without_registered,
            &state,
            &defaults,
            &mut mistakes,
        );
        refuse(mistakes)?;

        tell(&slots, provider.is_some(), contributors.len());
        let provider = provider.map(|provider| {
            provider.into_runner("version provider".into(), &signals, health_budget)
        });
        let contributors = contributors
            .into_iter()
            .map(|(key, provider)| {
                let what = format!("info contributor `{key}`");
                Contributor { runner: provider.into_runner(what, &signals, health_budget), key }
            })
            .collect();
        Ok(Management::from_inner(Inner {
            name: self.name.unwrap_or_else(info::executable),
            slots: RwLock::new(Arc::new(slots)),
            version: Version { provider, variable: environment.get("VERSION") },
            contributors,
            signals,
            defaults,
            probe_budget,
            health_budget,
            exposure: Exposure { prefix, show_details: self.show_details, codes: self.codes },
            said: Default::default(),
        }))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("prefix", &self.prefix)
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}

/// The names of checks in a message, which has no room for thousands.
fn some_of(checks: &[Check]) -> String {
    const ENOUGH: usize = 10;
    let names: Vec<_> =
        checks.iter().take(ENOUGH).map(|check| format!("`{}`", check.name)).collect();
    match checks.len() {
        0 => "no checks".into(),
        count if count > ENOUGH => format!("{} and {} more", names.join(", "), count - ENOUGH),
        _ => names.join(", "),
    }
}

/// Tells the log what there is.
fn tell(slots: &[Arc<Slot>], has_version: bool, contributors: usize) {
    line!(
        INFO,
        "registered: {}, {} version provider, {}",
        counted(slots.len(), "check"),
        if has_version { "a" } else { "no" },
        counted(contributors, "info contributor"),
    );
    for slot in slots {
        let krate = slot.origin.krate().map(|krate| format!(" of {krate}")).unwrap_or_default();
        line!(DEBUG, "{} check {} at {}{krate}", slot.about.kind, slot.name(), slot.origin);
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
