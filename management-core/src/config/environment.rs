//! The environment variables of this process.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

/// The environment variables at the time when they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(HashMap<OsString, OsString>);

impl Environment {
    /// Reads the variables of this process.
    pub(crate) fn of_process() -> Self {
        Environment(std::env::vars_os().collect())
    }

    /// Only these variables, to be kept. The others may contain secrets.
    pub(crate) fn only(&self, names: &[&str]) -> Self {
        let kept = names.iter().filter_map(|name| self.0.get_key_value(OsStr::new(name)));
        Environment(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The names of variables that begin with `prefix`, sorted.
    pub(crate) fn named(&self, prefix: &str) -> Vec<String> {
        let names = self.0.keys().map(|name| name.to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(prefix)).collect();
        names.sort_unstable();
        names
    }

    /// The trimmed value of a variable, unless it is empty. Invalid UTF-8 is replaced.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let value = self.0.get(OsStr::new(name))?.to_string_lossy();
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
impl<K: Into<OsString>, V: Into<OsString>, const N: usize> From<[(K, V); N]> for Environment {
    fn from(variables: [(K, V); N]) -> Self {
        Environment(variables.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_not_set() {
        let environment = Environment::from([("VERSION", " 1.2 "), ("EMPTY", ""), ("BLANK", " ")]);
        assert_eq!(environment.get("VERSION").as_deref(), Some("1.2"));
        for name in ["EMPTY", "BLANK", "ABSENT"] {
            assert_eq!(environment.get(name), None, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn invalid_utf_8_is_replaced() {
        use std::os::unix::ffi::OsStringExt;
        let value = OsString::from_vec(b"1\xff2".to_vec());
        let environment = Environment::from([(OsString::from("VERSION"), value)]);
        assert_eq!(environment.get("VERSION").as_deref(), Some("1\u{fffd}2"));
    }
}
