#![doc = include_str!("../README.md")]

mod args;
mod enclosing;
mod expand;
mod externs;
mod function;
mod reserved;
mod role;
mod validate;

use proc_macro::TokenStream;
use quote::quote;

use role::{CheckKind, Door, Role};

macro_rules! attributes {
    ($($role:expr, $($docs:literal)+ => $core:ident, $axum:ident;)*) => {$(
        $(#[doc = include_str!($docs)])+
        #[doc = include_str!("../docs/function.md")]
        #[proc_macro_attribute]
        pub fn $core(args: TokenStream, item: TokenStream) -> TokenStream {
            register($role, Door::Core, args.into(), &item.into()).into()
        }

        $(#[doc = include_str!($docs)])+
        #[doc = include_str!("../docs/function.md")]
        #[proc_macro_attribute]
        pub fn $axum(args: TokenStream, item: TokenStream) -> TokenStream {
            register($role, Door::Axum, args.into(), &item.into()).into()
        }
    )*};
}

attributes! {
    Role::Check(CheckKind::Health), "../docs/health_check.md" "../docs/check.md"
        => health_check, axum_health_check;
    Role::Check(CheckKind::Readiness), "../docs/readiness_check.md" "../docs/check.md"
        => readiness_check, axum_readiness_check;
    Role::Check(CheckKind::Liveness), "../docs/liveness_check.md" "../docs/check.md"
        => liveness_check, axum_liveness_check;
    Role::Check(CheckKind::Startup), "../docs/startup_check.md" "../docs/check.md"
        => startup_check, axum_startup_check;
    Role::Version, "../docs/version_provider.md" => version_provider, axum_version_provider;
    Role::Info, "../docs/info_contributor.md" => info_contributor, axum_info_contributor;
}

/// The names that no check and no group can have, as an array. Not public API.
#[doc(hidden)]
#[proc_macro]
pub fn __reserved_names(_: TokenStream) -> TokenStream {
    let names = reserved::NAMES;
    quote!([#(#names),*]).into()
}

/// The keys that no info contributor can have, as an array. Not public API.
#[doc(hidden)]
#[proc_macro]
pub fn __reserved_info_keys(_: TokenStream) -> TokenStream {
    let keys = reserved::INFO_KEYS;
    quote!([#(#keys),*]).into()
}

/// The unchanged item, followed by its entry or by all mistakes.
fn register(
    role: Role,
    door: Door,
    args: proc_macro2::TokenStream,
    item: &proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let entry =
        entry(role, door, args, item.clone()).unwrap_or_else(|error| error.to_compile_error());
    quote!(#item #entry)
}

fn entry(
    role: Role,
    door: Door,
    args: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> syn::Result<proc_macro2::TokenStream> {
    let arguments = syn::parse2(args).and_then(|args| validate::arguments(role, door, args));
    let signature = function::parse(role, item).and_then(|found| validate::signature(role, &found));
    match (arguments, signature) {
        (Ok(arguments), Ok(signature)) => {
            let name = validate::name(role, &arguments, &signature)?;
            Ok(expand::expand(role, door, &name, &arguments, &signature))
        }
        (Err(mut errors), Err(more)) => {
            errors.combine(more);
            Err(errors)
        }
        (Err(errors), _) | (_, Err(errors)) => Err(errors),
    }
}
