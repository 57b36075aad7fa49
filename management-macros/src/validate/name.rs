//! The rule for names of checks and groups and for info keys.
//!
//! `management-core` has the same rule for names given at run time, and reads the reserved names from this crate.
//! `tests/names.rs` compares the two rules.

use syn::ext::IdentExt;

use super::{Arguments, Signature};
use crate::reserved;
use crate::role::Role;

const MAX_CHARS: usize = 128;

/// The name in the attribute, which is valid, or else the name of the function.
pub(crate) fn name(
    role: Role,
    arguments: &Arguments,
    signature: &Signature,
) -> syn::Result<String> {
    if let Some(name) = &arguments.name {
        return Ok(name.value());
    }
    let name = signature.ident.unraw().to_string();
    match complaint(role, &name) {
        Some(complaint) if role != Role::Version => Err(syn::Error::new(
            signature.ident.span(),
            format!("{complaint}, as in {}", role.example()),
        )),
        _ => Ok(name),
    }
}

/// Why the first argument of an attribute is invalid, if it is.
pub(super) fn complaint(role: Role, name: &str) -> Option<String> {
    complaint_about(role.first_argument(), role, name)
}

/// Why the name of a group is invalid, if it is.
pub(super) fn group_complaint(role: Role, name: &str) -> Option<String> {
    complaint_about("group name", role, name)
}

fn complaint_about(what: &str, role: Role, name: &str) -> Option<String> {
    if name.is_empty() {
        return Some(format!("the {what} is empty: write one such as \"db\""));
    }
    let length = name.chars().count();
    if length > MAX_CHARS {
        return Some(format!(
            "the {what} has {length} characters: use at most {MAX_CHARS} characters"
        ));
    }
    if name.chars().any(char::is_control) {
        return Some(format!("the {what} contains a control character: write one such as \"db\""));
    }
    let reserved = match role {
        Role::Check(_) if name.contains('/') => {
            return Some(format!(
                "the {what} `{name}` contains a `/`: write one segment of a URL path, such as \"db\""
            ));
        }
        Role::Check(_) => reserved::NAMES,
        Role::Version | Role::Info => reserved::INFO_KEYS,
    };
    reserved.contains(&name).then(|| format!("the {what} `{name}` is reserved: choose another one"))
}
