//! The name under which the crate that is being compiled depends on the library.

use std::env;
use std::path::Path;

/// The name of the library in this crate, if it differs from `crate_name`.
///
/// The command line of the compiler contains it, as `--extern web=…/libmanagement_axum-1f2e.rlib`. `None` if the
/// dependency is not renamed, or if the command line does not contain it.
pub(crate) fn renamed(crate_name: &str) -> Option<String> {
    renamed_in(env::args_os().filter_map(|arg| arg.into_string().ok()), crate_name)
}

fn renamed_in(mut args: impl Iterator<Item = String>, crate_name: &str) -> Option<String> {
    let mut other = None;
    while let Some(arg) = args.next() {
        let value = match arg.strip_prefix("--extern") {
            Some("") => args.next()?,
            Some(value) => value.trim_start_matches('=').to_owned(),
            None => continue,
        };
        let Some((name, path)) = value.split_once('=') else { continue };
        // Options of the dependency precede its name: `priv:web=…`.
        let name = name.rsplit(':').next().unwrap_or(name);
        if name == crate_name {
            return None;
        }
        let file = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let library = file.strip_prefix("lib").unwrap_or(file);
        if library.split('-').next() == Some(crate_name) {
            other = Some(name.to_owned());
        }
    }
    other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(args: &str) -> Option<String> {
        renamed_in(args.split(' ').map(str::to_owned), "management_axum")
    }

    #[test]
    fn another_name_is_found() {
        for args in [
            "rustc --extern web=/t/libmanagement_axum-1f2e.rlib src/lib.rs",
            "rustc --extern serde=/t/libserde-1.rmeta --extern priv:web=/t/libmanagement_axum-1f2e.rmeta",
            "rustc --extern=web=libmanagement_axum.rlib",
        ] {
            assert_eq!(renamed(args).as_deref(), Some("web"), "{args}");
        }
    }

    #[test]
    fn a_dependency_that_is_not_renamed_has_no_other_name() {
        for args in [
            "rustc --extern management_axum=/t/libmanagement_axum-1f2e.rlib",
            "rustc --extern web=/t/libmanagement_axum-1.rlib --extern management_axum=/t/libmanagement_axum-1.rlib",
            "rustc --extern web=/t/libmanagement_core-1.rlib --extern management_axum",
            "rustc --extern",
            "rustc @arguments",
        ] {
            assert_eq!(renamed(args), None, "{args}");
        }
    }
}
