//! Which attribute is being expanded, and through which crate it was imported.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// What a function is registered as.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Role {
    Check(CheckKind),
    Version,
    Info,
}

/// The variant of `management_core::CheckKind` that a check attribute stands for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum CheckKind {
    Health,
    Readiness,
    Liveness,
    Startup,
}

/// The crate whose `__private` module the expansion goes through.
#[derive(Clone, Copy)]
pub(crate) enum Door {
    Core,
    Axum,
}

impl Role {
    /// The attribute's name, as users write it.
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

    /// How the attribute is written with a name.
    pub(crate) fn named(self) -> String {
        let name = if self == Role::Info { "git" } else { "db" };
        format!("`#[{}(\"{name}\")]`", self.attribute())
    }

    /// The named arguments that the attribute takes.
    pub(crate) fn known(self) -> &'static [&'static str] {
        match self {
            Role::Check(_) => {
                &["timeout", "ttl", "interval", "valid_for", "critical", "groups", "crate"]
            }
            Role::Version | Role::Info => &["timeout", "ttl", "interval", "valid_for", "crate"],
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
    /// The name of the crate where nobody has renamed it.
    pub(crate) fn krate(self) -> &'static str {
        match self {
            Door::Core => "management_core",
            Door::Axum => "management_axum",
        }
    }

    pub(crate) fn path(self) -> TokenStream {
        let krate = format_ident!("{}", self.krate());
        quote!(::#krate)
    }
}
