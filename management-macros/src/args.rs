//! The arguments between the parentheses of an attribute, before they are validated.

use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Token};

/// `"db", timeout = "2s"`: every argument, in order.
pub(crate) struct Args(pub(crate) Punctuated<Arg, Token![,]>);

/// One argument, with a key or without.
pub(crate) struct Arg {
    pub(crate) key: Option<Ident>,
    pub(crate) value: Expr,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Punctuated::parse_terminated(input).map(Args)
    }
}

impl Parse for Arg {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        // Any identifier may be a key, because `crate` is a keyword.
        let named = input.peek(Ident::peek_any) && input.peek2(Token![=]);
        let key = if named {
            let key = input.call(Ident::parse_any)?;
            input.parse::<Token![=]>()?;
            Some(key)
        } else {
            None
        };
        let value = input.parse()?;
        Ok(Arg { key, value })
    }
}
