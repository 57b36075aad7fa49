//! Finds out whether an attribute is in an `impl` block or in a trait.
//!
//! The compiler passes only the function to an attribute. In an `impl` block the expansion does not compile, and
//! the compiler's errors are about the expansion. This module reads the source file instead, so that the error can
//! be about the function.

use std::fs;
use std::str::FromStr;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// An identifier that no program uses.
const MARK: &str = "__management_attribute_stands_here";

/// A block in which a function cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Enclosing {
    Impl,
    Trait,
}

/// The `impl` block or the trait that directly contains the function of the attribute.
///
/// Also `None` if there is no file to read, as in a doc example. The compiler then reports its own errors.
pub(crate) fn enclosing() -> Option<Enclosing> {
    let call = proc_macro::Span::call_site();
    let source = fs::read_to_string(call.local_file()?).ok()?;
    in_source(&source, call.line(), call.column())
}

/// Like [`enclosing`], for an attribute that begins at a line and a column, both counted from 1.
fn in_source(source: &str, line: usize, column: usize) -> Option<Enclosing> {
    let start: usize = source.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let (column, _) = source[start..].char_indices().nth(column.checked_sub(1)?)?;
    let (before, after) = source.split_at(start + column);
    // This is true for most files and saves parsing them.
    if !before.contains("impl") && !before.contains("trait") {
        return None;
    }
    let marked = TokenStream::from_str(&format!("{before} {MARK} {after}")).ok()?;
    find(marked, None)?
}

/// The block that contains the mark, if these tokens contain it. The tokens themselves are in `around`.
fn find(tokens: TokenStream, around: Option<Enclosing>) -> Option<Option<Enclosing>> {
    let mut item = Item::Unknown;
    // The first braces of `impl Ring<{ 1 + 1 }> {` are not the body of the item.
    let mut angles = 0;
    let mut is_arrow = false;
    for token in tokens {
        match &token {
            TokenTree::Ident(ident) if ident == MARK => return Some(around),
            TokenTree::Ident(ident) => item = item.after(&ident.to_string()),
            TokenTree::Punct(punct) => match punct.as_char() {
                '<' => angles += 1,
                '>' if !is_arrow => angles -= 1,
                ';' => (item, angles) = (Item::Unknown, 0),
                _ => {}
            },
            TokenTree::Group(group) => {
                let is_braced = group.delimiter() == Delimiter::Brace;
                let is_body = is_braced && angles <= 0;
                let inside = match is_braced {
                    true if is_body => item.enclosing(),
                    true => None,
                    false => around,
                };
                let found = find(group.stream(), inside);
                if found.is_some() {
                    return found;
                }
                if is_body {
                    (item, angles) = (Item::Unknown, 0);
                }
            }
            TokenTree::Literal(_) => {}
        }
        is_arrow = matches!(
            &token,
            TokenTree::Punct(punct)
                if matches!(punct.as_char(), '-' | '=') && punct.spacing() == Spacing::Joint
        );
    }
    None
}

/// The kind of the item that the current tokens belong to.
#[derive(Clone, Copy)]
enum Item {
    /// Only tokens that can precede any item, such as `pub`.
    Unknown,
    Of(Enclosing),
    Other,
}

impl Item {
    fn after(self, word: &str) -> Self {
        match (self, word) {
            (Item::Unknown, "impl") => Item::Of(Enclosing::Impl),
            (Item::Unknown, "trait") => Item::Of(Enclosing::Trait),
            (Item::Unknown, "pub" | "unsafe" | "default" | "auto" | "const") => Item::Unknown,
            (Item::Unknown, _) => Item::Other,
            (item, _) => item,
        }
    }

    fn enclosing(self) -> Option<Enclosing> {
        match self {
            Item::Of(enclosing) => Some(enclosing),
            Item::Unknown | Item::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `#[at]` stands in a source.
    fn at(source: &str) -> Option<Enclosing> {
        let (before, _) = source.split_once("#[at]").unwrap();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
        in_source(source, line, column)
    }

    #[test]
    fn an_impl_or_a_trait_is_noticed() {
        for source in [
            "impl Service { #[at] fn db() {} }",
            "/// ä \"{\nimpl Service {\n    fn other() { '{'; r#\"}\"#; }\n    /* ü */ #[at]\n    fn db() {}\n}",
            "impl<T: Send> Service<T> where T: Sync { #[at] fn db() {} }",
            "impl Ring<{ 1 + 1 }> { #[at] fn db() {} }",
            "impl<'a, const N: usize> Check<'a, 2, { N }> for Service { #[at] fn db() {} }",
            "mod inner { unsafe impl Check for Service { #[at] fn db() {} } }",
            "fn main() { struct Service; #[cfg(test)] impl Service { #[at] fn db() {} } }",
            "impl<F> Service<F> where F: Fn() -> u8, { #[at] fn db() {} }",
            "impl<F: Fn() -> u8> Service<Vec<Vec<F>>> { #[at] fn db() {} }",
            "struct A { a: u8 } impl A { const N: u8 = 1; #[at] fn db() {} }",
            "macro_rules! make { ($name:ident) => { impl Service { #[at] fn $name() {} } } }",
        ] {
            assert_eq!(at(source), Some(Enclosing::Impl), "{source}");
        }
        for source in [
            "trait Check { #[at] fn db() {} }",
            "pub(crate) unsafe trait Check<T> { #[at] fn db() {} }",
        ] {
            assert_eq!(at(source), Some(Enclosing::Trait), "{source}");
        }
    }

    #[test]
    fn a_free_function_has_no_enclosing_block() {
        for source in [
            "#[at] fn db() {}",
            "impl Service {} #[at] fn db() {}",
            "mod implementation { #[at] fn db() {} }",
            "fn make() -> impl Fn() { #[at] fn db() {} db }",
            "fn take(f: impl Fn()) { #[at] fn db() {} }",
            "impl Service { fn make() { #[at] fn db() {} } }",
            "impl Service { const X: () = { #[at] fn db() {} }; }",
            "impl<T> A<T> where T: B, { fn a() {} } fn make() { #[at] fn db() {} }",
            "impl<T> A<T> where T: B, {} mod inner { #[at] fn db() {} }",
            "impl<F: Fn() -> u8> A<F> {} mod inner { #[at] fn db() {} }",
            "impl A<{ 1 + 1 }> {} mod inner { #[at] fn db() {} }",
            "impl A<{ #[at] fn db() {} 1 }> {}",
            "trait Check {} mod inner { #[at] fn db() {} }",
            "impl Service { fn a() {} } type A = fn() -> u8; mod inner { #[at] fn db() {} }",
        ] {
            assert_eq!(at(source), None, "{source}");
        }
    }
}
