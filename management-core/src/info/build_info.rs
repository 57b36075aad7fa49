use std::time::{Duration, SystemTime};

use crate::text;

/// The longest value that is taken from a variable, in characters.
const MAX_LENGTH: usize = 200;

/// What is known of the build of a program: the result of [`build_info!`](crate::build_info).
///
/// [`Builder::build_info`](crate::Builder::build_info) shows it at `/info`, and at `/version` if nothing else sets the
/// version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    name: Option<String>,
    version: Option<String>,
    profile: &'static str,
    target: Option<&'static str>,
    rustc: Option<&'static str>,
    time: Option<String>,
    commit: Option<String>,
    commit_time: Option<String>,
    branch: Option<String>,
    is_dirty: Option<bool>,
}

/// What [`build_info!`](crate::build_info) reads in the program's crate.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Compiled {
    pub has_debug_assertions: bool,
    /// The variables that are set while the crate is compiled.
    pub variables: &'static [(&'static str, Option<&'static str>)],
}

impl BuildInfo {
    #[doc(hidden)]
    pub fn new(compiled: Compiled) -> Self {
        let read = |names: &[&str]| names.iter().find_map(|name| compiled.get(name));
        BuildInfo {
            name: read(&["CARGO_PKG_NAME"]),
            version: read(&["CARGO_PKG_VERSION"]),
            profile: if compiled.has_debug_assertions { "debug" } else { "release" },
            target: option_env!("MANAGEMENT_TARGET"),
            rustc: option_env!("MANAGEMENT_RUSTC"),
            time: read(&["VERGEN_BUILD_TIMESTAMP"])
                .or_else(|| epoch(&read(&["SOURCE_DATE_EPOCH"])?)),
            commit: read(&[
                "VERGEN_GIT_SHA",
                "GITHUB_SHA",
                "CI_COMMIT_SHA",
                "GIT_COMMIT",
                "SOURCE_COMMIT",
            ]),
            commit_time: read(&["VERGEN_GIT_COMMIT_TIMESTAMP", "CI_COMMIT_TIMESTAMP"]),
            branch: read(&[
                "VERGEN_GIT_BRANCH",
                "GITHUB_REF_NAME",
                "CI_COMMIT_BRANCH",
                "CI_COMMIT_REF_NAME",
                "GIT_BRANCH",
            ]),
            is_dirty: read(&["VERGEN_GIT_DIRTY"]).and_then(|dirty| dirty.parse().ok()),
        }
    }

    /// The name of the package.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The version of the package.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// `debug` with debug assertions, else `release`.
    pub fn profile(&self) -> &'static str {
        self.profile
    }

    /// The target triple, such as `x86_64-unknown-linux-gnu`.
    pub fn target(&self) -> Option<&'static str> {
        self.target
    }

    /// The compiler, such as `rustc 1.88.0 (6b00bc388 2025-06-23)`.
    pub fn rustc(&self) -> Option<&'static str> {
        self.rustc
    }

    /// When the program was built, as in RFC 3339.
    pub fn time(&self) -> Option<&str> {
        self.time.as_deref()
    }

    /// The commit from which the program was built.
    pub fn commit(&self) -> Option<&str> {
        self.commit.as_deref()
    }

    /// When the commit was made, as in RFC 3339.
    pub fn commit_time(&self) -> Option<&str> {
        self.commit_time.as_deref()
    }

    /// The branch or the tag from which the program was built.
    pub fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
    }

    /// Whether files were changed after the commit.
    pub fn is_dirty(&self) -> Option<bool> {
        self.is_dirty
    }
}

impl Compiled {
    /// The value of a variable, unless it is empty or a placeholder.
    fn get(&self, name: &str) -> Option<String> {
        let (_, value) = self.variables.iter().find(|(known, _)| *known == name)?;
        let value = text::tidy(value.unwrap_or_default());
        let is_value = !value.is_empty() && value != "VERGEN_IDEMPOTENT_OUTPUT";
        is_value.then(|| value.chars().take(MAX_LENGTH).collect())
    }
}

/// A time in seconds since 1970 as RFC 3339 has it.
fn epoch(seconds: &str) -> Option<String> {
    let seconds = Duration::from_secs(seconds.parse().ok()?);
    let time = SystemTime::UNIX_EPOCH.checked_add(seconds)?;
    // Later than 9999, it has no such form.
    (seconds < Duration::from_secs(253_402_300_800))
        .then(|| humantime::format_rfc3339_seconds(time).to_string())
}

/// Expands to the [`BuildInfo`](crate::BuildInfo) of the crate that contains it, for
/// [`Builder::build_info`](crate::Builder::build_info).
///
/// It needs no build script. The name, the version, the profile, the target and the compiler are always known. The rest comes
/// from variables that CI systems and build scripts set while the crate is compiled; none of them is required. Of several,
/// the first that is set counts. When one of them changes, Cargo compiles the crate again.
///
/// | | Variables |
/// |---|---|
/// | commit | `VERGEN_GIT_SHA`, `GITHUB_SHA`, `CI_COMMIT_SHA`, `GIT_COMMIT`, `SOURCE_COMMIT` |
/// | branch | `VERGEN_GIT_BRANCH`, `GITHUB_REF_NAME`, `CI_COMMIT_BRANCH`, `CI_COMMIT_REF_NAME`, `GIT_BRANCH` |
/// | time of the commit | `VERGEN_GIT_COMMIT_TIMESTAMP`, `CI_COMMIT_TIMESTAMP` |
/// | time of the build | `VERGEN_BUILD_TIMESTAMP`, `SOURCE_DATE_EPOCH` (seconds since 1970) |
/// | whether files were changed | `VERGEN_GIT_DIRTY` |
///
/// ```
/// use management_core::{Management, build_info};
///
/// let build = build_info!();
/// assert_eq!(build.version(), Some(env!("CARGO_PKG_VERSION")));
/// let management = Management::builder().build_info(build).build()?;
/// # Ok::<_, management_core::Error>(())
/// ```
#[macro_export]
macro_rules! build_info {
    () => {
        $crate::BuildInfo::new($crate::__private::Compiled {
            has_debug_assertions: ::core::cfg!(debug_assertions),
            variables: &[
                ("CARGO_PKG_NAME", ::core::option_env!("CARGO_PKG_NAME")),
                ("CARGO_PKG_VERSION", ::core::option_env!("CARGO_PKG_VERSION")),
                ("VERGEN_GIT_SHA", ::core::option_env!("VERGEN_GIT_SHA")),
                ("VERGEN_GIT_BRANCH", ::core::option_env!("VERGEN_GIT_BRANCH")),
                ("VERGEN_GIT_DIRTY", ::core::option_env!("VERGEN_GIT_DIRTY")),
                ("VERGEN_GIT_COMMIT_TIMESTAMP", ::core::option_env!("VERGEN_GIT_COMMIT_TIMESTAMP")),
                ("VERGEN_BUILD_TIMESTAMP", ::core::option_env!("VERGEN_BUILD_TIMESTAMP")),
                ("GITHUB_SHA", ::core::option_env!("GITHUB_SHA")),
                ("GITHUB_REF_NAME", ::core::option_env!("GITHUB_REF_NAME")),
                ("CI_COMMIT_SHA", ::core::option_env!("CI_COMMIT_SHA")),
                ("CI_COMMIT_BRANCH", ::core::option_env!("CI_COMMIT_BRANCH")),
                ("CI_COMMIT_REF_NAME", ::core::option_env!("CI_COMMIT_REF_NAME")),
                ("CI_COMMIT_TIMESTAMP", ::core::option_env!("CI_COMMIT_TIMESTAMP")),
                ("GIT_COMMIT", ::core::option_env!("GIT_COMMIT")),
                ("GIT_BRANCH", ::core::option_env!("GIT_BRANCH")),
                ("SOURCE_COMMIT", ::core::option_env!("SOURCE_COMMIT")),
                ("SOURCE_DATE_EPOCH", ::core::option_env!("SOURCE_DATE_EPOCH")),
            ],
        })
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &'static [(&'static str, Option<&'static str>)]) -> BuildInfo {
        BuildInfo::new(Compiled { has_debug_assertions: false, variables })
    }

    #[test]
    fn ci_systems() {
        let github = of(&[("GITHUB_SHA", Some("6b00bc3")), ("GITHUB_REF_NAME", Some("main"))]);
        assert_eq!((github.commit(), github.branch()), (Some("6b00bc3"), Some("main")));
        assert_eq!((github.profile(), github.time(), github.is_dirty()), ("release", None, None));
        let gitlab = of(&[
            ("CI_COMMIT_SHA", Some("6b00bc3")),
            ("CI_COMMIT_BRANCH", Some("")),
            ("CI_COMMIT_REF_NAME", Some("v1.2")),
            ("CI_COMMIT_TIMESTAMP", Some("2026-11-27T21:45:00+01:00")),
        ]);
        assert_eq!(gitlab.branch(), Some("v1.2"));
        assert_eq!(gitlab.commit_time(), Some("2026-11-27T21:45:00+01:00"));
        let vergen = of(&[
            ("GITHUB_SHA", Some("of-the-runner")),
            ("VERGEN_GIT_SHA", Some("6b00bc3")),
            ("VERGEN_GIT_DIRTY", Some("true")),
            ("VERGEN_GIT_BRANCH", Some("VERGEN_IDEMPOTENT_OUTPUT")),
            ("GIT_BRANCH", Some("main")),
        ]);
        assert_eq!((vergen.commit(), vergen.branch()), (Some("6b00bc3"), Some("main")));
        assert_eq!(vergen.is_dirty(), Some(true));
        let docker = of(&[("SOURCE_COMMIT", Some(" 6b00bc3\n"))]);
        assert_eq!(docker.commit(), Some("6b00bc3"));
    }

    #[test]
    fn times_of_builds() {
        for (seconds, time) in [
            ("0", Some("1970-01-01T00:00:00Z")),
            ("1795816000", Some("2026-11-27T21:46:40Z")),
            ("-1", None),
            ("now", None),
            ("", None),
            ("253402300800", None),
            ("18446744073709551615", None),
        ] {
            let variables: &'static [_] =
                Box::leak(Box::new([("SOURCE_DATE_EPOCH", Some(seconds))]));
            assert_eq!(of(variables).time(), time, "{seconds}");
        }
    }

    #[test]
    fn a_value_has_an_end() {
        let long: &'static str = Box::leak("a".repeat(10_000).into_boxed_str());
        let variables: &'static [_] = Box::leak(Box::new([("GIT_COMMIT", Some(long))]));
        assert_eq!(of(variables).commit().map(str::len), Some(MAX_LENGTH));
    }

    #[test]
    fn this_crate() {
        let build = crate::build_info!();
        assert_eq!(build.name(), Some("management-core"));
        assert_eq!(build.version(), Some(env!("CARGO_PKG_VERSION")));
        assert!(build.rustc().is_some_and(|rustc| rustc.starts_with("rustc ")));
        assert!(build.target().is_some_and(|target| target.contains('-')));
    }
}
