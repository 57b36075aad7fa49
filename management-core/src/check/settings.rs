//! How often, how long and how gravely: what attributes, checks and the builder may set.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::run::plan::{JITTER, Plan, Schedule};

/// Longer than any process lives, and short enough to be added to any clock.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

const TIMEOUT: Duration = Duration::from_secs(4);
const TTL: Duration = Duration::from_secs(1);

/// The deadline of a dependency that sets none.
pub(crate) const DEPENDENCY_TIMEOUT: Duration = Duration::from_secs(2);

/// For how long the answer of a dependency is served again, where nothing is set.
pub(crate) const DEPENDENCY_TTL: Duration = Duration::from_secs(5);
const VALID_AT_LEAST: Duration = Duration::from_secs(60);

/// What was set, and `None` where the next in line decides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    pub(crate) timeout: Option<Duration>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) valid_for: Option<Duration>,
    pub(crate) critical: Option<bool>,
}

macro_rules! setters {
    ($($setter:ident: $type:ty,)*) => {$(
        /// Sets the value of the argument of this name.
        #[must_use]
        pub const fn $setter(mut self, $setter: $type) -> Self {
            self.$setter = Some($setter);
            self
        }
    )*};
}

impl Settings {
    /// Nothing is set.
    pub const fn new() -> Self {
        Settings { timeout: None, ttl: None, interval: None, valid_for: None, critical: None }
    }

    setters! {
        timeout: Duration,
        ttl: Duration,
        interval: Duration,
        valid_for: Duration,
        critical: bool,
    }

    /// These settings, and those of `fallback` where nothing is set.
    pub(crate) fn or(self, fallback: &Settings) -> Settings {
        // `ttl` and `interval` are two answers to one question.
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

    /// What cannot be, whatever the settings that are left open.
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

    /// What these settings come to with the library's defaults, or why they cannot be.
    pub(crate) fn plan(&self) -> Result<Plan, Vec<String>> {
        let mut complaints = self.contradictions();
        let timeout = self.timeout.unwrap_or(TIMEOUT).min(FOREVER);
        let (schedule, word, beat) = match self.interval {
            Some(interval) => {
                let interval = interval.min(FOREVER);
                (Schedule::Background { interval }, "interval", interval)
            }
            None => {
                let ttl = self.ttl.unwrap_or(TTL).min(FOREVER);
                (Schedule::OnDemand { ttl }, "ttl", ttl)
            }
        };
        let valid_for = self
            .valid_for
            .unwrap_or_else(|| VALID_AT_LEAST.max(beat.saturating_mul(2).saturating_add(timeout)))
            .min(FOREVER);
        let needed = beat.saturating_add(timeout).min(FOREVER);
        if valid_for < needed && complaints.is_empty() {
            let text = humantime::format_duration;
            complaints.push(format!(
                "`valid_for` is {}, less than `{word}` ({}) plus `timeout` ({}): make it at least {}",
                text(valid_for),
                text(beat),
                text(timeout),
                text(needed),
            ));
        }
        if complaints.is_empty() {
            // A beat may be late by its spread, which must not make a good result unknown.
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

/// How a duration is written. `management-macros` has the same for attributes; `tests/names.rs` keeps the
/// two alike.
const EXAMPLE: &str = "1m 30s";

/// A duration as humantime writes it.
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
        D::Error::custom(format_args!("{value} is no duration ({why}): write it like {EXAMPLE:?}"))
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
    fn impossible_settings_are_all_told() {
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
        assert_eq!(plan.timeout, FOREVER);
    }
}
