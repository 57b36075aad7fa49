//! By what name the crate that is being compiled knows the library.

use std::env;
use std::path::Path;

/// The name that the library has here, if it has one other than `krate`.
///
/// The compiler is told it on its command line, as `--extern web=…/libmanagement_axum-1f2e.rlib`. Where
/// the dependency has its own name, or the command line does not tell, this is `None`.
pub(crate) fn renamed(krate: &str) -> Option<String> {
    renamed_in(env::args_os().filter_map(|arg| arg.into_string().ok()), krate)
}

fn renamed_in(mut args: impl Iterator<Item = String>, krate: &str) -> Option<String> {
    let mut other = None;
    while let Some(arg) = args.next() {
        let value = match arg.strip_prefix("--extern") {
            Some("") => args.next()?,
            Some(value) => value.trim_start_matches('=').to_owned(),
            None => continue,
        };
        let Some((name, path)) = value.split_once('=') else { continue };
        // Options of the dependency stand before its name: `priv:web=…`.
        let name = name.rsplit(':').next().unwrap_or(name);
        if name == krate {
            return None;
        }
        let file = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let library = file.strip_prefix("lib").unwrap_or(file);
        if library.split('-').next() == Some(krate) {
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
    fn its_own_name_is_no_other() {
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
