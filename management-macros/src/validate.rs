//! Finds every mistake in an attribute and in its function, and reports all of them together.

mod arguments;
mod name;
mod signature;

pub(crate) use arguments::{Arguments, arguments};
pub(crate) use name::name;
pub(crate) use signature::{Parameter, Signature, Taken, signature};

use proc_macro2::Span;

/// The mistakes found so far. One mistake must not hide the next.
#[derive(Default)]
pub(crate) struct Mistakes(Option<syn::Error>);

impl Mistakes {
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    pub(crate) fn at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.push(syn::Error::new(span, message));
    }

    pub(crate) fn on(&mut self, tokens: impl quote::ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    pub(crate) fn into_result(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
