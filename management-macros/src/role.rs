//! The attribute that is being expanded, and the crate from which it was imported.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// The thing as which a function is registered.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Role {
    Check(CheckKind),
    Version,
    Info,
}

/// The variant of `management_core::CheckKind` that belongs to a check attribute.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum CheckKind {
    Health,
    Readiness,
    Liveness,
    Startup,
}

/// The crate whose `__private` module the expansion uses.
#[derive(Clone, Copy)]
pub(crate) enum Door {
    Core,
    Axum,
}

impl Role {
    /// The name of the attribute, as users write it.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Role::Check(CheckKind::Health) => "health_check",
            Role::Check(CheckKind::Readiness) => "readiness_check",
            Role::Check(CheckKind::Liveness) => "liveness_check",
            Role::Check(CheckKind::Startup) => "startup_check",
            Role::Version => "version_provider",
            Role::Info => "info_contributor",
        }
    }

    /// An example of the attribute, with its first argument.
    pub(crate) fn example(self) -> String {
        self.with_first(if self == Role::Info { "git" } else { "db" })
    }

    /// The attribute with this first argument.
    pub(crate) fn with_first(self, first: &str) -> String {
        format!("`#[{}({first:?})]`", self.attribute())
    }

    /// What the first argument of the attribute is called in a message.
    pub(crate) fn first_argument(self) -> &'static str {
        if self == Role::Info { "key" } else { "name" }
    }

    /// The named arguments that the attribute takes.
    pub(crate) fn known(self) -> &'static [&'static str] {
        match self {
            Role::Check(_) => &[
                "timeout",
                "ttl",
                "interval",
                "retry",
                "valid_for",
                "critical",
                "fail_after",
                "groups",
                "crate",
            ],
            Role::Version | Role::Info => {
                &["timeout", "ttl", "interval", "retry", "valid_for", "crate"]
            }
        }
    }
}

impl CheckKind {
    pub(crate) fn variant(self) -> TokenStream {
        match self {
            CheckKind::Health => quote!(Health),
            CheckKind::Readiness => quote!(Readiness),
            CheckKind::Liveness => quote!(Liveness),
            CheckKind::Startup => quote!(Startup),
        }
    }
}

impl Door {
    /// The name of the crate, unless a dependency renames it.
    pub(crate) fn crate_name(self) -> &'static str {
        match self {
            Door::Core => "management_core",
            Door::Axum => "management_axum",
        }
    }

    pub(crate) fn path(self) -> TokenStream {
        let crate_name = format_ident!("{}", self.crate_name());
        quote!(::#crate_name)
    }
}
