//! Which attribute is being expanded, and through which crate it was imported.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// What a function is registered as.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Check(Probe),
    Version,
    Info,
}

/// The variant of `management_core::Kind` that a check attribute stands for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Probe {
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

impl Kind {
    /// The attribute's name, as users write it.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Kind::Check(Probe::Health) => "health_check",
            Kind::Check(Probe::Readiness) => "readiness_check",
            Kind::Check(Probe::Liveness) => "liveness_check",
            Kind::Check(Probe::Startup) => "startup_check",
            Kind::Version => "version_provider",
            Kind::Info => "info_contributor",
        }
    }

    /// How the attribute is written with a name.
    pub(crate) fn named(self) -> String {
        let name = if self == Kind::Info { "git" } else { "db" };
        format!("`#[{}(\"{name}\")]`", self.attribute())
    }

    /// The named arguments that the attribute takes.
    pub(crate) fn known(self) -> &'static [&'static str] {
        match self {
            Kind::Check(_) => {
                &["timeout", "ttl", "interval", "valid_for", "critical", "groups", "crate"]
            }
            Kind::Version | Kind::Info => &["timeout", "ttl", "interval", "valid_for", "crate"],
        }
    }
}

impl Probe {
    pub(crate) fn variant(self) -> TokenStream {
        match self {
            Probe::Health => quote!(Health),
            Probe::Readiness => quote!(Readiness),
            Probe::Liveness => quote!(Liveness),
            Probe::Startup => quote!(Startup),
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
