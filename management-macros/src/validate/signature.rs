//! Validates the signature of a function: it must be callable with nothing but state.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, FnArg, GenericArgument, Ident, Meta, Pat, PatType, Path, PathArguments, ReturnType,
    Safety, Token, Type, TypeReference, parse_quote,
};

use super::Mistakes;
use crate::enclosing::{Enclosing, enclosing};
use crate::function::Function;
use crate::role::Role;

/// The parts of a valid signature that the expansion needs.
pub(crate) struct Signature {
    pub(crate) ident: Ident,
    pub(crate) is_async: bool,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) output: Type,
    /// The `#[cfg]`s of the function, which the entry repeats.
    pub(crate) conditions: Vec<Attribute>,
}

/// One parameter of the function, which takes one piece of state.
pub(crate) struct Parameter {
    pub(crate) ty: Type,
    pub(crate) taken: Taken,
    pub(crate) conditions: Vec<Attribute>,
}

/// How the function takes a piece of state.
#[derive(Clone, Copy)]
pub(crate) enum Taken {
    /// `&T`
    Borrowed,
    /// `T`
    Owned,
    /// `Option<&T>`
    Optional,
}

pub(crate) fn signature(role: Role, function: &Function) -> syn::Result<Signature> {
    let mut mistakes = Mistakes::default();
    let attribute = role.attribute();
    let sig = &function.sig;

    for copy in function.attrs.iter().filter(|attr| is_named(attr.path(), attribute)) {
        mistakes.on(copy, format!("`#[{attribute}]` is on this function twice: keep one"));
    }
    if let Some(constness) = sig.constness {
        mistakes
            .on(constness, format!("a `const fn` cannot be a `#[{attribute}]`: remove `const`"));
    }
    if let Safety::Unsafe(token) = sig.safety {
        mistakes.on(
            token,
            format!("an `unsafe fn` cannot be a `#[{attribute}]`: call it from a safe function"),
        );
    }
    if let Some(abi) = &sig.abi {
        mistakes
            .on(abi, format!("an `extern fn` cannot be a `#[{attribute}]`: write a plain `fn`"));
    }
    if !sig.generics.params.is_empty() {
        mistakes.on(
            &sig.generics,
            format!(
                "a generic function cannot be a `#[{attribute}]`: remove its generic parameters"
            ),
        );
    }
    if sig.receiver().is_none()
        && let Some(enclosing) = enclosing()
    {
        let place = match enclosing {
            Enclosing::Impl => "an `impl` block",
            Enclosing::Trait => "a trait",
        };
        mistakes.at(
            sig.ident.span(),
            format!("a function in {place} cannot be a `#[{attribute}]`: make it a free function"),
        );
    }
    if let Some(clause) = &sig.generics.where_clause {
        mistakes.on(clause, format!("a `#[{attribute}]` cannot have a `where` clause: remove it"));
    }

    let mut parameters = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) => mistakes.on(
                receiver,
                format!(
                    "a method cannot be a `#[{attribute}]`: write a free function that takes \
                     what it needs as state"
                ),
            ),
            FnArg::Typed(typed) => {
                parameters.extend(parameter(typed, sig.generics.params.is_empty(), &mut mistakes));
            }
        }
    }
    let output = output(&sig.output, &mut mistakes);
    mistakes.into_result()?;
    Ok(Signature {
        ident: sig.ident.clone(),
        is_async: sig.asyncness.is_some(),
        parameters,
        output,
        conditions: conditions(&function.attrs),
    })
}

fn is_named(path: &Path, attribute: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == attribute)
}

fn parameter(typed: &PatType, check_lifetime: bool, mistakes: &mut Mistakes) -> Option<Parameter> {
    let ty = ungrouped(&typed.ty);
    // A type of the user with such a name can still be taken as `&State<Pool>`.
    if let Some(state) = argument(ty, "State").or_else(|| argument(ty, "Extension")) {
        mistakes.on(
            typed,
            format!(
                "`{}` is an extractor of handlers, but a check takes the state itself: write `{}: &{}`",
                text(ty),
                variable(&typed.pat).map_or_else(|| "state".into(), Ident::to_string),
                text(state),
            ),
        );
        return None;
    }
    let is_plain = match &*typed.pat {
        Pat::Ident(pat) => pat.by_ref.is_none() && pat.subpat.is_none(),
        Pat::Wild(_) => true,
        _ => false,
    };
    if !is_plain {
        mistakes
            .on(&typed.pat, "a parameter cannot be a pattern: write a name, as in `pool: &Pool`");
    }
    if let Some(token) = impl_trait(ty.to_token_stream()) {
        mistakes.push(syn::Error::new(
            token.span(),
            "a parameter cannot be `impl Trait`, because state is found by its type: write the type",
        ));
        return None;
    }
    let (taken, target) = match (ty, argument(ty, "Option")) {
        (Type::Reference(reference), _) => {
            (Taken::Borrowed, borrowed(reference, check_lifetime, mistakes))
        }
        (_, Some(Type::Reference(reference))) => {
            (Taken::Optional, borrowed(reference, check_lifetime, mistakes))
        }
        _ => (Taken::Owned, ty),
    };
    Some(Parameter { ty: target.clone(), taken, conditions: conditions(&typed.attrs) })
}

/// The type behind a reference, which is the type of the state.
fn borrowed<'a>(
    reference: &'a TypeReference,
    check_lifetime: bool,
    mistakes: &mut Mistakes,
) -> &'a Type {
    let target = ungrouped(&reference.elem);
    let owner = match target {
        Type::Path(path) if path.path.is_ident("str") => Some("String".into()),
        Type::Slice(slice) => Some(format!("Vec<{}>", text(&slice.elem))),
        Type::TraitObject(object) => Some(format!("Arc<{}>", text(object))),
        _ => None,
    };
    if reference.mutability.is_some() {
        mistakes.on(
            reference,
            "a parameter cannot be `&mut`, because runs share the state: take `&T` and put a lock into `T`",
        );
    } else if let Some(owner) = owner {
        mistakes.on(
            reference,
            format!(
                "a parameter cannot be `&{}`, because state must have a size known at compile time: \
                 take `&{owner}`, or better a type of your own",
                text(target),
            ),
        );
    } else if let Some(lifetime) = reference.lifetime.as_ref().filter(|_| check_lifetime) {
        mistakes.on(lifetime, "state is borrowed for one run only: write `&` without a lifetime");
    }
    target
}

/// `T` of `Name<T>`, which may follow any path.
fn argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) if arguments.args.len() == 1 => Some(ungrouped(ty)),
        _ => None,
    }
}

/// `pool`, in `pool` and in `State(pool)`.
fn variable(pat: &Pat) -> Option<&Ident> {
    match pat {
        Pat::Ident(pat) => Some(&pat.ident),
        Pat::TupleStruct(pat) => pat.elems.first().and_then(variable),
        _ => None,
    }
}

fn output(output: &ReturnType, mistakes: &mut Mistakes) -> Type {
    match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => {
            if let Some(token) = impl_trait(ty.to_token_stream()) {
                mistakes.push(syn::Error::new(
                    token.span(),
                    "the return type cannot be `impl Trait`: write the type, or `async fn` in place of a future",
                ));
            }
            Type::clone(ungrouped(ty))
        }
    }
}

/// The tokens of a type, spaced as people write them.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for punctuation in ["::", "<", "&"] {
        text = text.replace(&format!("{punctuation} "), punctuation);
    }
    for punctuation in ["::", "<", ">", ","] {
        text = text.replace(&format!(" {punctuation}"), punctuation);
    }
    text
}

/// The type without invisible delimiters, in which a declarative macro puts its `$ty`.
fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        ty => ty,
    }
}

/// The first `impl` of a type. Only an `impl Trait` contains one.
fn impl_trait(ty: TokenStream) -> Option<TokenTree> {
    ty.into_iter().find_map(|token| match token {
        TokenTree::Ident(ref ident) if ident == "impl" => Some(token),
        TokenTree::Group(group) => impl_trait(group.stream()),
        _ => None,
    })
}

/// The `#[cfg]`s among `attrs`, including those inside `#[cfg_attr]`.
fn conditions(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs
        .iter()
        .filter_map(|attr| {
            let condition = condition(&attr.meta)?;
            Some(parse_quote!(#[#condition]))
        })
        .collect()
}

fn condition(meta: &Meta) -> Option<TokenStream> {
    if meta.path().is_ident("cfg") {
        return Some(meta.to_token_stream());
    }
    let Meta::List(list) = meta else { return None };
    if !list.path.is_ident("cfg_attr") {
        return None;
    }
    let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
    let mut parts = list.parse_args_with(parser).ok()?.into_iter();
    let predicate = parts.next()?;
    let wanted: Vec<_> = parts.filter_map(|part| condition(&part)).collect();
    (!wanted.is_empty()).then(|| {
        let path = &list.path;
        quote!(#path(#predicate, #(#wanted),*))
    })
}
