//! Which names a check, a group or an info key may have. `management-core` holds the same rule for
//! names given at run time, and what is reserved from here; `tests/names.rs` keeps the two alike.

use syn::ext::IdentExt;

use super::{Arguments, Signature};
use crate::reserved;
use crate::role::Role;

const LONGEST: usize = 128;

/// The name the attribute gives, which is known to be good, else the function's.
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
        Some(complaint) if role != Role::Version => {
            let attribute = role.attribute();
            Err(syn::Error::new(
                signature.ident.span(),
                format!("{complaint}, as in `#[{attribute}(\"db\")]`"),
            ))
        }
        _ => Ok(name),
    }
}

/// Says what is wrong with `name`, or nothing.
pub(super) fn complaint(role: Role, name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("the name is empty: write one such as \"db\"".into());
    }
    let length = name.chars().count();
    if length > LONGEST {
        return Some(format!("the name has {length} characters: at most {LONGEST} are allowed"));
    }
    if name.chars().any(char::is_control) {
        return Some("the name has a control character: write one such as \"db\"".into());
    }
    let reserved = match role {
        Role::Check(_) if name.contains('/') => {
            return Some(format!("the name `{name}` has a `/`: it is one segment of a URL path"));
        }
        Role::Check(_) => reserved::NAMES,
        Role::Version | Role::Info => reserved::INFO_KEYS,
    };
    reserved.contains(&name).then(|| format!("the name `{name}` is reserved: choose another one"))
}
