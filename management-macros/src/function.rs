//! The item under an attribute, parsed as far as its signature.

use proc_macro2::{Span, TokenStream};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Signature, Visibility};

use crate::role::Role;

/// A function. Its body is skipped.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) sig: Signature,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let sig = input.parse()?;
        let body;
        syn::braced!(body in input);
        body.parse::<TokenStream>()?;
        Ok(Function { attrs, sig })
    }
}

pub(crate) fn parse(role: Role, item: TokenStream) -> syn::Result<Function> {
    let at = item.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span());
    syn::parse2(item).map_err(|_| {
        let attribute = role.attribute();
        syn::Error::new(
            at,
            format!("`#[{attribute}]` goes on a free `fn` or `async fn` that has a body"),
        )
    })
}
