//! What one source file declares and mentions.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Attribute, File, Ident, ImplItem, Item, ItemMod, ItemUse, LitStr, Macro, Meta, Path, Token,
    TraitItem, UseTree, Visibility,
};

/// A module of a file: the file's own one, or one that stands in it in braces.
#[derive(Default)]
pub(crate) struct Scope {
    /// The scope in whose braces this one is, and its name there.
    pub(crate) outer: Option<(usize, String)>,
    /// `mod name;`, with the value of its `#[path]`.
    pub(crate) files: Vec<(String, Option<String>)>,
    /// Functions, types, macros and the like.
    pub(crate) items: Vec<String>,
    pub(crate) mentions: Vec<Mention>,
}

/// A path in the source.
#[derive(Debug)]
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Kind {
    /// Anything but a `use`, such as a call or a type.
    Plain,
    /// A `use`, and the name that it gives, if any.
    Use { name: Option<String>, public: bool },
    /// `use path::*`.
    Glob { public: bool },
}

/// The scopes of a file, of which the first is the file itself.
pub(crate) fn scopes(file: &File) -> Vec<Scope> {
    let mut reader = Reader { scopes: vec![Scope::default()], current: 0 };
    if !is_for_tests(&file.attrs) {
        reader.visit_file(file);
    }
    reader.scopes
}

struct Reader {
    scopes: Vec<Scope>,
    current: usize,
}

impl Reader {
    fn scope(&mut self) -> &mut Scope {
        &mut self.scopes[self.current]
    }

    fn mention(&mut self, path: Vec<String>, at: Span, kind: Kind) {
        self.scope().mentions.push(Mention { path, line: at.start().line, kind });
    }

    /// Each leaf of a `use`, without its braces.
    fn leaves(&mut self, tree: &UseTree, mut path: Vec<String>, public: bool) {
        match tree {
            UseTree::Path(step) => {
                path.push(name(&step.ident));
                self.leaves(&step.tree, path, public);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.leaves(tree, path.clone(), public);
                }
            }
            UseTree::Glob(glob) => {
                self.mention(path, glob.star_token.spans[0], Kind::Glob { public });
            }
            UseTree::Name(leaf) => {
                if leaf.ident != "self" {
                    path.push(name(&leaf.ident));
                }
                let given = path.last().cloned();
                self.mention(path, leaf.ident.span(), Kind::Use { name: given, public });
            }
            UseTree::Rename(leaf) => {
                if leaf.ident != "self" {
                    path.push(name(&leaf.ident));
                }
                let given = (leaf.rename != "_").then(|| name(&leaf.rename));
                self.mention(path, leaf.ident.span(), Kind::Use { name: given, public });
            }
        }
    }

    /// Paths of at least two segments in code that is not parsed: the arguments of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<Ident> = Vec::new();
        // How many `:` stand before this token.
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) if colons == 2 => {
                    // Without a segment before it, `::name` is another crate.
                    if !path.is_empty() {
                        path.push(ident);
                    }
                }
                TokenTree::Ident(ident) => {
                    self.flush(&mut path);
                    path.push(ident);
                }
                TokenTree::Group(group) => {
                    self.flush(&mut path);
                    self.tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.flush(&mut path),
            }
            colons = 0;
        }
        self.flush(&mut path);
    }

    fn flush(&mut self, path: &mut Vec<Ident>) {
        if path.len() > 1 {
            let at = path[0].span();
            self.mention(path.iter().map(name).collect(), at, Kind::Plain);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        let ident = match item {
            Item::Const(item) => Some(&item.ident),
            Item::Enum(item) => Some(&item.ident),
            Item::Fn(item) => Some(&item.sig.ident),
            Item::Macro(item) => item.ident.as_ref(),
            Item::Static(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::TraitAlias(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            Item::Union(item) => Some(&item.ident),
            _ => None,
        };
        self.scope().items.extend(ident.map(name));
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes = match item {
            TraitItem::Const(item) => &item.attrs,
            TraitItem::Fn(item) => &item.attrs,
            TraitItem::Type(item) => &item.attrs,
            TraitItem::Macro(item) => &item.attrs,
            _ => return visit::visit_trait_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let name = name(&module.ident);
        if module.content.is_none() {
            self.scope().files.push((name, path_of(&module.attrs)));
            return;
        }
        let outer = self.current;
        self.current = self.scopes.len();
        self.scopes.push(Scope { outer: Some((outer, name)), ..Scope::default() });
        visit::visit_item_mod(self, module);
        self.current = outer;
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        // `use ::name` is another crate.
        if import.leading_colon.is_none() {
            let public = !matches!(import.vis, Visibility::Inherited);
            self.leaves(&import.tree, Vec::new(), public);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let names = path.segments.iter().map(|segment| name(&segment.ident)).collect();
            self.mention(names, path.segments[0].ident.span(), Kind::Plain);
        }
        // The arguments, as in `Option<crate::check::Check>`.
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        visit::visit_macro(self, call);
        self.tokens(call.tokens.clone());
    }

    /// Only an attribute of a list has paths: `#[serde(with = "crate::text::quoted")]`.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let Meta::List(list) = &attribute.meta else { return };
        self.tokens(list.tokens.clone());
        for token in list.tokens.clone() {
            let TokenTree::Literal(literal) = token else { continue };
            let Ok(text) = syn::parse_str::<LitStr>(&literal.to_string()) else { continue };
            let Ok(path) = text.parse_with(Path::parse_mod_style) else { continue };
            if path.segments.len() > 1 {
                let path = path.segments.iter().map(|segment| name(&segment.ident)).collect();
                self.mention(path, literal.span(), Kind::Plain);
            }
        }
    }

    /// `pub(in crate::info)` is no import.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn name(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// The value of `#[path = "…"]`.
fn path_of(attributes: &[Attribute]) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("path"))?;
    let syn::Expr::Lit(value) = &attribute.meta.require_name_value().ok()?.value else {
        return None;
    };
    match &value.lit {
        syn::Lit::Str(path) => Some(path.value()),
        _ => None,
    }
}

/// Whether code with these attributes is compiled for tests alone.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let cfg = attribute.path().is_ident("cfg");
        cfg && attribute.parse_args::<Meta>().is_ok_and(|condition| needs_test(&condition))
    })
}

/// Whether a `cfg` condition is false outside of tests.
fn needs_test(condition: &Meta) -> bool {
    let Meta::List(list) = condition else { return condition.path().is_ident("test") };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    parts.is_ok_and(|parts| {
        (list.path.is_ident("all") && parts.iter().any(needs_test))
            || (list.path.is_ident("any") && parts.iter().all(needs_test))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
