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
    pub(crate) valid_for: Option<Duration>,
    pub(crate) critical: Option<bool>,
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
                let &$type { timeout, ttl, interval, valid_for, critical, .. } = self;
                $crate::check::settings::Settings { timeout, ttl, interval, valid_for, critical }
            }

            fn set_settings(&mut self, settings: $crate::check::settings::Settings) {
                $crate::check::settings::Settings {
                    timeout: self.timeout,
                    ttl: self.ttl,
                    interval: self.interval,
                    valid_for: self.valid_for,
                    critical: self.critical,
                } = settings;
            }
        }
    };
}
pub(crate) use settings_fields;

impl Settings {
    /// No value is set.
    pub const fn new() -> Self {
        Settings { timeout: None, ttl: None, interval: None, valid_for: None, critical: None }
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
        /// Sets the argument `valid_for`.
        #[must_use]
        valid_for: Duration,
        /// Sets the argument `critical`.
        #[must_use]
        critical: bool,
    }

    /// These settings. `fallback` fills in the values that are not set.
    pub(crate) fn or(self, fallback: &Settings) -> Settings {
        // `ttl` and `interval` exclude each other, so that either hides both of the fallback.
        let (ttl, interval) = match (self.ttl, self.interval) {
            (None, None) => (fallback.ttl, fallback.interval),
            own => own,
        };
        Settings {
            timeout: self.timeout.or(fallback.timeout),
            ttl,
            interval,
            valid_for: self.valid_for.or(fallback.valid_for),
            critical: self.critical.or(fallback.critical),
        }
    }

    /// The mistakes that remain whatever the unset values become.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (key, value) in
            [("timeout", self.timeout), ("interval", self.interval), ("valid_for", self.valid_for)]
        {
            if value == Some(Duration::ZERO) {
                complaints.push(format!("`{key}` is zero: it must be longer"));
            }
        }
        if self.ttl.is_some() && self.interval.is_some() {
            complaints.push("`ttl` and `interval` exclude each other: set one of them".into());
        }
        complaints
    }

    /// The plan of these settings and of the defaults, or every mistake in the settings.
    pub(crate) fn plan(&self) -> Result<Plan, Vec<String>> {
        let mut complaints = self.contradictions();
        let timeout = self.timeout.unwrap_or(DEFAULT_TIMEOUT).min(MAX_DURATION);
        let (schedule, key, period) = match self.interval {
            Some(interval) => {
                let interval = interval.min(MAX_DURATION);
                (Schedule::Background { interval }, "interval", interval)
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
                Schedule::Background { interval } => {
                    valid_for.max(interval.mul_f64(1.0 + JITTER).saturating_add(timeout))
                }
                Schedule::OnDemand { .. } => valid_for,
            };
            Ok(Plan { timeout, schedule, valid_for, once: false })
        } else {
            Err(complaints)
        }
    }
}

/// An example of a duration. `management-macros` has the same example for attributes, and `tests/names.rs` compares the
/// two.
const EXAMPLE: &str = "1m 30s";

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

    #[test]
    fn defaults() {
        let plan = Settings::new().plan().unwrap();
        assert_eq!(plan.timeout, seconds(4));
        assert_eq!(plan.schedule, Schedule::OnDemand { ttl: seconds(1) });
        assert_eq!(plan.valid_for, seconds(60));
        let plan = Settings::new().interval(seconds(300)).timeout(seconds(7)).plan().unwrap();
        assert_eq!(plan.valid_for, seconds(607));
    }

    #[test]
    fn a_schedule_of_its_own_hides_the_other_default() {
        let defaults = Settings::new().interval(seconds(30));
        let plan = Settings::new().ttl(seconds(2)).or(&defaults).plan().unwrap();
        assert_eq!(plan.schedule, Schedule::OnDemand { ttl: seconds(2) });
        let plan = Settings::new().or(&defaults).plan().unwrap();
        assert_eq!(plan.schedule, Schedule::Background { interval: seconds(30) });
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
        let plan = Settings::new().timeout(max).interval(max).valid_for(max).plan().unwrap();
        assert_eq!(plan.timeout, MAX_DURATION);
    }
}
