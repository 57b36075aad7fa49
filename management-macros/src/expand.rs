//! Turns validated parts into tokens. Nothing in this file can fail.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::role::{Door, Role};
use crate::validate::{Arguments, Parameter, Signature, Taken};

/// The entry that registers the function. It follows the function.
pub(crate) fn expand(
    role: Role,
    door: Door,
    name: &str,
    arguments: &Arguments,
    signature: &Signature,
) -> TokenStream {
    let door = arguments.krate.as_ref().map_or_else(|| door.path(), ToTokens::to_token_stream);
    let door = quote!(#door::__private);
    let conditions = &signature.conditions;
    let entry = entry(role, &door, name, arguments);
    let bind = bind(role, &door, signature);
    quote! {
        #(#conditions)*
        const _: () = {
            #bind
            const _: () = #door::assert_target();
            #door::inventory::submit! { #entry }
        };
    }
}

fn entry(role: Role, door: &TokenStream, name: &str, arguments: &Arguments) -> TokenStream {
    let origin = quote!(#door::Origin::new(
        ::core::module_path!(),
        ::core::file!(),
        ::core::line!(),
    ));
    let settings = settings(door, arguments);
    match role {
        Role::Check(kind) => {
            let variant = kind.variant();
            let kind = quote!(#door::CheckKind::#variant);
            let groups = &arguments.groups;
            quote! {
                #door::CheckEntry::new(#name, #kind, &[#(#groups),*], #origin, #settings, __bind)
            }
        }
        Role::Version => quote!(#door::VersionEntry::new(#origin, #settings, __bind)),
        Role::Info => quote!(#door::InfoEntry::new(#name, #origin, #settings, __bind)),
    }
}

fn settings(door: &TokenStream, arguments: &Arguments) -> TokenStream {
    let durations = [
        ("timeout", arguments.timeout),
        ("ttl", arguments.ttl),
        ("interval", arguments.interval),
        ("retry", arguments.retry),
        ("valid_for", arguments.valid_for),
    ];
    let durations = durations.into_iter().filter_map(|(setter, duration)| {
        let duration = tokens(duration?);
        let setter = format_ident!("{setter}");
        Some(quote!(.#setter(#duration)))
    });
    let critical = arguments.critical.map(|critical| quote!(.critical(#critical)));
    let fail_after = arguments.fail_after.map(|failures| quote!(.fail_after(#failures)));
    quote!(#door::Settings::new() #(#durations)* #critical #fail_after)
}

fn tokens(duration: Duration) -> TokenStream {
    let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanoseconds))
}

/// The function that finds the state and returns the job that calls the user's function.
fn bind(role: Role, door: &TokenStream, signature: &Signature) -> TokenStream {
    let value = match role {
        Role::Check(_) => quote!(#door::Health),
        Role::Version => quote!(#door::Provided<::core::option::Option<#door::String>>),
        Role::Info => quote!(#door::Provided<#door::Json>),
    };
    let variables: Vec<_> =
        (0..signature.parameters.len()).map(|index| format_ident!("__state_{index}")).collect();
    let lookups = variables.iter().zip(&signature.parameters).map(|(variable, parameter)| {
        let Parameter { ty, conditions, taken } = parameter;
        let lookup = match taken {
            Taken::Borrowed => quote!(borrowed),
            Taken::Owned => quote!(owned),
            Taken::Optional => quote!(optional),
        };
        quote!(#(#conditions)* let #variable = #door::Bind::#lookup::<#ty>(__bind);)
    });
    let conditions: Vec<_> =
        signature.parameters.iter().map(|parameter| &parameter.conditions).collect();
    let values = variables.iter().zip(&signature.parameters).map(|(variable, parameter)| {
        let conditions = &parameter.conditions;
        quote!(#(#conditions)* #variable.get())
    });
    let function = &signature.ident;
    let call = quote!(#function(#(#values),*));
    // Errors about the future point at the function instead of the attribute.
    let at = function.span();
    let job_type = respanned(quote!(#door::Job), at);
    let job = if signature.is_async {
        let outcome = outcome(role, door, signature, &quote_spanned!(at=> #call.await));
        quote_spanned! {at=>
            #job_type::future(move || {
                #(#(#conditions)* let #variables = ::core::clone::Clone::clone(&#variables);)*
                async move { #outcome }
            })
        }
    } else {
        let outcome = outcome(role, door, signature, &call);
        quote_spanned!(at=> #job_type::blocking(move || #outcome))
    };
    quote! {
        fn __bind(__bind: &mut #door::Bind<'_>) -> #door::Job<#value> {
            #(#lookups)*
            #job
        }
    }
}

/// The same tokens with another span, so that errors point there.
fn respanned(tokens: TokenStream, at: Span) -> TokenStream {
    let tokens = tokens.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(at));
        token
    });
    tokens.collect()
}

/// Converts the value that the function returns into the value that its runner keeps.
fn outcome(
    role: Role,
    door: &TokenStream,
    signature: &Signature,
    returned: &TokenStream,
) -> TokenStream {
    let output = &signature.output;
    // Errors about the outcome point at the return type. The hygiene of the call site keeps Clippy from linting the
    // expansion.
    let at = Span::call_site().located_at(output.span());
    let returned = quote_spanned! {at=> {
        #[allow(unused_imports)]
        use #door::{AsIs as _, AsText as _, Untouched as _};
        (&&#door::Returned::<#output>::new(#returned)).value()
    }};
    match role {
        Role::Check(_) => quote_spanned!(at=> #door::health(#returned)),
        Role::Version => quote_spanned!(at=> #door::version(#returned)),
        Role::Info => {
            let at = output.span();
            let door = respanned(door.clone(), at);
            quote_spanned! {at=> {
                use #door::Contributed as _;
                // In one step, an error about the bound would point at the receiver of the method.
                let __contribution = #door::Contribution(#returned);
                __contribution.into_json()
            }}
        }
    }
}
