//! The usual setters of checks.

/// Gives an indicator, which has a field `check`, the setters of `Check`. They return the `Check`, so the setters of the
/// indicator itself come first.
macro_rules! setters {
    ([$($generics:tt)*] $indicator:ty) => {
        impl<$($generics)*> $indicator {
            /// Makes the check part of readiness.
            pub fn readiness(self) -> Check {
                self.check.readiness()
            }

            /// Makes the check part of liveness, and so of readiness.
            pub fn liveness(self) -> Check {
                self.check.liveness()
            }

            /// Makes the check part of startup, and of readiness until its first success.
            pub fn startup(self) -> Check {
                self.check.startup()
            }

            /// See [`Check::timeout`].
            pub fn timeout(self, timeout: Duration) -> Check {
                self.check.timeout(timeout)
            }

            /// See [`Check::ttl`].
            pub fn ttl(self, ttl: Duration) -> Check {
                self.check.ttl(ttl)
            }

            /// See [`Check::interval`].
            pub fn interval(self, interval: Duration) -> Check {
                self.check.interval(interval)
            }

            /// See [`Check::retry`].
            pub fn retry(self, retry: Duration) -> Check {
                self.check.retry(retry)
            }

            /// See [`Check::valid_for`].
            pub fn valid_for(self, valid_for: Duration) -> Check {
                self.check.valid_for(valid_for)
            }

            /// See [`Check::critical`].
            pub fn critical(self, critical: bool) -> Check {
                self.check.critical(critical)
            }

            /// See [`Check::fail_after`].
            pub fn fail_after(self, runs: u32) -> Check {
                self.check.fail_after(runs)
            }

            /// See [`Check::groups`].
            pub fn groups<G: Into<String>>(self, groups: impl IntoIterator<Item = G>) -> Check {
                self.check.groups(groups)
            }
        }

        impl<$($generics)*> From<$indicator> for Check {
            fn from(indicator: $indicator) -> Check {
                indicator.check
            }
        }
    };
}

pub(crate) use setters;
