//! The settings that attributes, checks, dependencies, the builder and the configuration share.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::run::plan::{JITTER, Plan, Schedule};

/// 100 years: longer than any process runs, and short enough to be added to any clock.
const MAX_DURATION: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(4);
const DEFAULT_TTL: Duration = Duration::from_secs(1);
const MIN_DEFAULT_VALID_FOR: Duration = Duration::from_secs(60);

/// The default deadline of a dependency.
pub(crate) const DEPENDENCY_TIMEOUT: Duration = Duration::from_secs(2);

/// The default `ttl` of a dependency.
pub(crate) const DEPENDENCY_TTL: Duration = Duration::from_secs(5);

/// The values that are set. `None` leaves a value to the next place that can set it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    pub(crate) timeout: Option<Duration>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) retry: Option<Duration>,
    pub(crate) valid_for: Option<Duration>,
    pub(crate) critical: Option<bool>,
    pub(crate) fail_after: Option<u32>,
}

/// Writes setters of the fields of a place such as `self.settings`, each with its own documentation.
macro_rules! setters {
    ($self:ident, $place:expr; $($(#[$docs:meta])* $setter:ident: $type:ty,)*) => {$(
        $(#[$docs])*
        pub const fn $setter(mut $self, $setter: $type) -> Self {
            $place.$setter = Some($setter);
            $self
        }
    )*};
}
pub(crate) use setters;

/// A struct that has the fields of [`Settings`] among others.
pub(crate) trait SettingsFields {
    fn settings(&self) -> Settings;

    fn set_settings(&mut self, settings: Settings);
}

/// Implements [`SettingsFields`].
macro_rules! settings_fields {
    ($type:ident) => {
        impl $crate::check::settings::SettingsFields for $type {
            fn settings(&self) -> $crate::check::settings::Settings {
                let &$type {
                    timeout, ttl, interval, retry, valid_for, critical, fail_after, ..
                } = self;
                $crate::check::settings::Settings {
                    timeout,
                    ttl,
                    interval,
                    retry,
                    valid_for,
                    critical,
                    fail_after,
                }
            }

            fn set_settings(&mut self, settings: $crate::check::settings::Settings) {
                $crate::check::settings::Settings {
                    timeout: self.timeout,
                    ttl: self.ttl,
                    interval: self.interval,
                    retry: self.retry,
                    valid_for: self.valid_for,
                    critical: self.critical,
                    fail_after: self.fail_after,
                } = settings;
            }
        }
    };
}
pub(crate) use settings_fields;

impl Settings {
    /// No value is set.
    pub const fn new() -> Self {
        Settings {
            timeout: None,
            ttl: None,
            interval: None,
            retry: None,
            valid_for: None,
            critical: None,
            fail_after: None,
        }
    }

    setters! { self, self;
        /// Sets the argument `timeout`.
        #[must_use]
        timeout: Duration,
        /// Sets the argument `ttl`.
        #[must_use]
        ttl: Duration,
        /// Sets the argument `interval`.
        #[must_use]
        interval: Duration,
        /// Sets the argument `retry`.
        #[must_use]
        retry: Duration,
        /// Sets the argument `valid_for`.
        #[must_use]
        valid_for: Duration,
        /// Sets the argument `critical`.
        #[must_use]
        critical: bool,
        /// Sets the argument `fail_after`.
        #[must_use]
        fail_after: u32,
    }

    /// These settings. `fallback` fills in the values that are not set.
    pub(crate) fn or(self, fallback: &Settings) -> Settings {
        // `ttl` and `interval` exclude each other, so that either hides both of the fallback.
        let (ttl, interval) = match (self.ttl, self.interval) {
            (None, None) => (fallback.ttl, fallback.interval),
            own => own,
        };
        // `retry` belongs to `interval`, so that `ttl` hides it too.
        let retry = self.retry.or(fallback.retry.filter(|_| self.ttl.is_none()));
        Settings {
            timeout: self.timeout.or(fallback.timeout),
            ttl,
            interval,
            retry,
            valid_for: self.valid_for.or(fallback.valid_for),
            critical: self.critical.or(fallback.critical),
            fail_after: self.fail_after.or(fallback.fail_after),
        }
    }

    /// These settings of one check. `defaults` are those of all checks, and fill in the values that are not set.
    pub(crate) fn or_defaults(self, defaults: &Settings) -> Settings {
        let settings = self.or(defaults);
        // The default is for the checks that have an interval.
        let retry = if settings.interval.is_some() { settings.retry } else { self.retry };
        Settings { retry, ..settings }
    }

    /// The mistakes that remain whatever the unset values become.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (key, value) in [
            ("timeout", self.timeout),
            ("interval", self.interval),
            ("retry", self.retry),
            ("valid_for", self.valid_for),
        ] {
            if value == Some(Duration::ZERO) {
                complaints.push(format!("`{key}` is zero: it must be longer"));
            }
        }
        if self.fail_after == Some(0) {
            complaints.push("`fail_after` is zero: it must be at least 1".into());
        }
        if self.ttl.is_some() && self.interval.is_some() {
            complaints.push("`ttl` and `interval` exclude each other: set one of them".into());
        }
        if let (Some(retry), Some(interval)) = (self.retry, self.interval)
            && interval < retry
            && !interval.is_zero()
        {
            let text = humantime::format_duration;
            complaints.push(format!(
                "`retry` is {}, longer than `interval` ({}): make it at most {}",
                text(retry),
                text(interval),
                text(interval),
            ));
        }
        complaints
    }

    /// The plan of an instant check with these settings of its own, or every setting that has no effect.
    pub(crate) fn instant_plan(&self) -> Result<Plan, Vec<String>> {
        let Settings { timeout, ttl, interval, retry, valid_for, critical: _, fail_after } = *self;
        let set = [
            ("timeout", timeout.is_some()),
            ("ttl", ttl.is_some()),
            ("interval", interval.is_some()),
            ("retry", retry.is_some()),
            ("valid_for", valid_for.is_some()),
            ("fail_after", fail_after.is_some()),
        ];
        let complaint = |(key, _): (&str, bool)| {
            format!(
                "`{key}` has no effect on an instant check, which each request computes: remove it"
            )
        };
        let complaints: Vec<_> =
            set.into_iter().filter(|(_, is_set)| *is_set).map(complaint).collect();
        if complaints.is_empty() { Ok(Plan::INSTANT) } else { Err(complaints) }
    }

    /// The plan of these settings and of the defaults, or every mistake in the settings.
    pub(crate) fn plan(&self) -> Result<Plan, Vec<String>> {
        let mut complaints = self.contradictions();
        if self.retry.is_some() && self.interval.is_none() {
            complaints.push("`retry` needs `interval`: set `interval`, or remove `retry`".into());
        }
        let timeout = self.timeout.unwrap_or(DEFAULT_TIMEOUT).min(MAX_DURATION);
        let (schedule, key, period) = match self.interval {
            Some(interval) => {
                let interval = interval.min(MAX_DURATION);
                let retry = self.retry.unwrap_or(interval).min(interval);
                (Schedule::Background { interval, retry }, "interval", interval)
            }
            None => {
                let ttl = self.ttl.unwrap_or(DEFAULT_TTL).min(MAX_DURATION);
                (Schedule::OnDemand { ttl }, "ttl", ttl)
            }
        };
        let valid_for = self
            .valid_for
            .unwrap_or_else(|| {
                MIN_DEFAULT_VALID_FOR.max(period.saturating_mul(2).saturating_add(timeout))
            })
            .min(MAX_DURATION);
        let needed = period.saturating_add(timeout).min(MAX_DURATION);
        if valid_for < needed && complaints.is_empty() {
            let text = humantime::format_duration;
            complaints.push(format!(
                "`valid_for` is {}, less than `{key}` ({}) plus `timeout` ({}): make it at least {}",
                text(valid_for),
                text(period),
                text(timeout),
                text(needed),
            ));
        }
        if complaints.is_empty() {
            // The jitter may delay a run. A good result must stay valid until then.
            let valid_for = match schedule {
                Schedule::Background { interval, .. } => {
                    valid_for.max(interval.mul_f64(1.0 + JITTER).saturating_add(timeout))
                }
                Schedule::OnDemand { .. } | Schedule::Instant => valid_for,
            };
            let fail_after = self.fail_after.unwrap_or(1);
            Ok(Plan { timeout, schedule, valid_for, fail_after, once: false })
        } else {
            Err(complaints)
        }
    }
}

/// An example of a duration. `management-macros` has the same example for attributes, and `tests/names.rs` compares the
/// two.
const EXAMPLE: &str = "1m 30s";

/// Deserializes a number of runs.
pub(crate) fn count<'de, D>(deserializer: D) -> Result<Option<u32>, D::Error>
where
    D: Deserializer<'de>,
{
    let Some(value) = Option::<Value>::deserialize(deserializer)? else { return Ok(None) };
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    count.map(Some).ok_or_else(|| {
        D::Error::custom(format_args!(
            "{value} is not a number of runs: write a whole number like 3"
        ))
    })
}

/// Deserializes a duration in the syntax of humantime.
pub(crate) fn duration<'de, D>(deserializer: D) -> Result<Option<Duration>, D::Error>
where
    D: Deserializer<'de>,
{
    let Some(value) = Option::<Value>::deserialize(deserializer)? else { return Ok(None) };
    let parsed = match &value {
        Value::String(text) => {
            humantime::parse_duration(text.trim()).map_err(|why| why.to_string())
        }
        _ => Err("it has no unit".into()),
    };
    parsed.map(Some).map_err(|why| {
        D::Error::custom(format_args!(
            "{value} is not a duration ({why}): write it like {EXAMPLE:?}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn background(interval: Duration, retry: Duration) -> Schedule {
        Schedule::Background { interval, retry }
    }

    #[test]
    fn defaults() {
        let plan = Settings::new().plan().unwrap();
        assert_eq!(plan.timeout, seconds(4));
        assert_eq!(plan.schedule, Schedule::OnDemand { ttl: seconds(1) });
        assert_eq!(plan.valid_for, seconds(60));
        assert_eq!(plan.fail_after, 1);
        let plan = Settings::new().interval(seconds(300)).timeout(seconds(7)).plan().unwrap();
        assert_eq!(plan.valid_for, seconds(607));
    }

    #[test]
    fn a_schedule_of_its_own_hides_the_other_default() {
        let defaults = Settings::new().interval(seconds(30));
        let plan = Settings::new().ttl(seconds(2)).or(&defaults).plan().unwrap();
        assert_eq!(plan.schedule, Schedule::OnDemand { ttl: seconds(2) });
        let plan = Settings::new().or(&defaults).plan().unwrap();
        assert_eq!(plan.schedule, background(seconds(30), seconds(30)));
    }

    #[test]
    fn retry_belongs_to_interval() {
        let attribute = Settings::new().interval(seconds(30)).retry(seconds(2));
        let schedule = |settings: Settings| settings.plan().unwrap().schedule;
        assert_eq!(schedule(attribute), background(seconds(30), seconds(2)));
        // `ttl` hides both.
        let on_demand = Settings::new().ttl(seconds(5)).or(&attribute);
        assert_eq!(schedule(on_demand), Schedule::OnDemand { ttl: seconds(5) });
        // `interval` and `retry` can each be set alone.
        let slower = Settings::new().interval(seconds(60)).or(&attribute);
        assert_eq!(schedule(slower), background(seconds(60), seconds(2)));
        let slower = Settings::new().retry(seconds(3)).or(&attribute);
        assert_eq!(schedule(slower), background(seconds(30), seconds(3)));
        let longest = Settings::new().interval(seconds(30)).retry(seconds(30));
        assert_eq!(schedule(longest), background(seconds(30), seconds(30)));
    }

    #[test]
    fn a_default_retry_is_for_checks_with_an_interval() {
        let retry = Settings::new().retry(seconds(2));
        let schedule =
            |own: Settings, defaults: &Settings| own.or_defaults(defaults).plan().unwrap().schedule;
        let (none, beat) = (Settings::new(), Settings::new().interval(seconds(30)));
        assert_eq!(schedule(none, &retry), Schedule::OnDemand { ttl: DEFAULT_TTL });
        let ttl = Settings::new().ttl(seconds(5));
        assert_eq!(schedule(ttl, &retry), Schedule::OnDemand { ttl: seconds(5) });
        assert_eq!(schedule(beat, &retry), background(seconds(30), seconds(2)));
        assert_eq!(schedule(none, &beat.or(&retry)), background(seconds(30), seconds(2)));
        assert_eq!(schedule(beat, &ttl.retry(seconds(2))), background(seconds(30), seconds(2)));
        // A check that sets `retry` itself needs an interval, which may be the default.
        assert_eq!(schedule(retry, &beat), background(seconds(30), seconds(2)));
        let complaints = retry.or_defaults(&retry).plan().unwrap_err();
        assert_eq!(complaints, ["`retry` needs `interval`: set `interval`, or remove `retry`"]);
    }

    #[test]
    fn what_retry_and_fail_after_cannot_be() {
        let beat = Settings::new().interval(seconds(30));
        for (settings, complaint) in [
            (beat.retry(Duration::ZERO), "`retry` is zero: it must be longer"),
            (
                beat.retry(seconds(90)),
                "`retry` is 1m 30s, longer than `interval` (30s): make it at most 30s",
            ),
            (
                Settings::new().ttl(seconds(1)).retry(seconds(1)),
                "`retry` needs `interval`: set `interval`, or remove `retry`",
            ),
            (
                beat.interval(Duration::ZERO).retry(seconds(1)),
                "`interval` is zero: it must be longer",
            ),
            (Settings::new().fail_after(0), "`fail_after` is zero: it must be at least 1"),
        ] {
            assert_eq!(settings.plan().unwrap_err(), [complaint]);
        }
        let most = Settings::new().fail_after(u32::MAX).plan().unwrap();
        assert_eq!(most.fail_after, u32::MAX);
    }

    #[test]
    fn every_contradiction_is_reported() {
        let complaints = Settings::new()
            .timeout(Duration::ZERO)
            .ttl(seconds(1))
            .interval(Duration::ZERO)
            .plan()
            .unwrap_err();
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        let complaints = Settings::new().valid_for(seconds(4)).plan().unwrap_err();
        assert_eq!(
            complaints,
            ["`valid_for` is 4s, less than `ttl` (1s) plus `timeout` (4s): make it at least 5s"]
        );
        assert!(Settings::new().valid_for(seconds(5)).plan().is_ok());
    }

    #[test]
    fn the_longest_duration_is_fine() {
        let max = Duration::MAX;
        let longest = Settings::new().timeout(max).interval(max).retry(max).valid_for(max);
        let plan = longest.plan().unwrap();
        assert_eq!(plan.timeout, MAX_DURATION);
    }
}
