//! The entries that attributes register at link time.

use std::fmt;

use crate::check::health::Health;
use crate::check::kind::CheckKind;
use crate::check::origin::Origin;
use crate::check::provided::Provided;
use crate::check::settings::Settings;
use crate::check::state::Bind;
use crate::check::{Check, Work};
use crate::run::Job;
use crate::text::json::Json;

macro_rules! entry {
    ($(#[$docs:meta])* $entry:ident { $($field:ident: $type:ty,)* }, $value:ty) => {
        $(#[$docs])*
        pub struct $entry {
            $(pub(crate) $field: $type,)*
            pub(crate) origin: Origin,
            pub(crate) settings: Settings,
            pub(crate) bind: fn(&mut Bind<'_>) -> Job<$value>,
        }

        impl $entry {
            /// Makes the entry that an attribute submits.
            pub const fn new(
                $($field: $type,)*
                origin: Origin,
                settings: Settings,
                bind: fn(&mut Bind<'_>) -> Job<$value>,
            ) -> Self {
                $entry { $($field,)* origin, settings, bind }
            }
        }

        impl fmt::Debug for $entry {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($entry))
                    .field("origin", &self.origin)
                    .finish_non_exhaustive()
            }
        }

        inventory::collect!($entry);
    };
}

entry! {
    /// A check, registered by an attribute.
    CheckEntry {
        name: &'static str,
        kind: CheckKind,
        groups: &'static [&'static str],
    },
    Health
}

entry! {
    /// A version provider, registered by an attribute.
    VersionEntry {},
    Provided<Option<String>>
}

entry! {
    /// An info contributor, registered by an attribute.
    InfoEntry {
        key: &'static str,
    },
    Provided<Json>
}

impl CheckEntry {
    pub(crate) fn to_check(&self) -> Check {
        let mut check = Check::with(self.name.into(), Work::Bind(self.bind), self.origin);
        check.kind = Some(self.kind);
        check.settings = self.settings;
        check.groups = Some(self.groups.iter().map(|&group| group.into()).collect());
        check
    }
}

/// An entry of core itself. If it is missing, no entry is found.
struct Own;

inventory::collect!(Own);
inventory::submit!(Own);

/// Whether this program finds the entries that attributes register.
///
/// The function is not inlined. A call then also links the object file with the entry of core, even from a static library.
#[inline(never)]
pub(crate) fn is_found() -> bool {
    inventory::iter::<Own>.into_iter().next().is_some()
}

/// Whether `inventory` supports this target.
const ENTRIES_ARE_FOUND: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "haiku",
    target_os = "illumos",
    target_os = "netbsd",
    target_os = "nto",
    target_os = "openbsd",
    target_os = "redox",
    target_os = "vxworks",
    target_os = "none",
    target_os = "macos",
    target_os = "ios",
    target_family = "wasm",
    windows,
));

/// Fails to compile for a target on which no entry would be found. `build()` reports a target for which this list and
/// that of `inventory` differ.
pub const fn assert_target() {
    if !ENTRIES_ARE_FOUND {
        panic!(
            "attributes cannot register functions on this target: pass checks to the builder with \
             `.check(Check::new(…))` instead"
        );
    }
}
