//! Which other crates the public signatures name: their versions are part of our own.
//!
//! Each source file is parsed. A path in a public signature belongs to the crate that its first segment names, directly
//! or through a `use`. Macro calls such as `pin_project!` are parsed as items where they consist of items.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{
    Attribute, Field, ImplItem, Item, ItemImpl, ItemUse, Signature, TypePath, UseTree, Visibility,
};

/// What axum has in its own signatures, and crates of version 1 or later.
const OF_CORE: [&str; 5] = ["bytes", "http", "serde", "serde_json", "tokio"];
const OF_AXUM: [&str; 7] =
    ["axum", "bytes", "http", "management_core", "tokio", "tower_layer", "tower_service"];

/// The only function that is documented to be outside of the promise.
const OUTSIDE: (&str, &str) = ("resource", "opentelemetry_sdk");

/// All external crates that a source may name.
const KNOWN: [&str; 28] = [
    "axum",
    "bytes",
    "fastrand",
    "form_urlencoded",
    "getrandom",
    "http",
    "http_body_util",
    "humantime",
    "hyper",
    "hyper_util",
    "inventory",
    "management_core",
    "opentelemetry",
    "opentelemetry_sdk",
    "percent_encoding",
    "pin_project_lite",
    "reqwest",
    "rustix",
    "rustls",
    "serde",
    "serde_json",
    "strsim",
    "tokio",
    "tower_http",
    "tower_layer",
    "tower_service",
    "tracing",
    "tracing_core",
];

/// A crate in a public signature: the item, and the crate.
type Found = BTreeSet<(String, String)>;

/// What a file imports: the name, and the crate it is from.
#[derive(Default)]
struct Imports(BTreeMap<String, String>);

impl Imports {
    fn add(&mut self, tree: &UseTree, root: Option<&str>) {
        let root_of = |ident: &syn::Ident| root.map_or_else(|| ident.to_string(), str::to_owned);
        match tree {
            UseTree::Path(path) => self.add(&path.tree, Some(&root_of(&path.ident))),
            UseTree::Name(name) => {
                self.0.insert(name.ident.to_string(), root_of(&name.ident));
            }
            UseTree::Rename(name) => {
                self.0.insert(name.rename.to_string(), root_of(&name.ident));
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add(tree, root)),
            UseTree::Glob(_) => {}
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add(&item.tree, None);
    }
}

/// The external crates that the paths of one item name.
struct Paths<'a> {
    imports: &'a Imports,
    crates: BTreeSet<String>,
}

impl Paths<'_> {
    fn first(&mut self, path: &syn::Path) {
        let first = path.segments[0].ident.to_string();
        let root = self.imports.0.get(&first).unwrap_or(&first);
        if KNOWN.contains(&root.as_str()) {
            self.crates.insert(root.clone());
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        self.first(&ty.path);
        visit::visit_type_path(self, ty);
    }

    fn visit_trait_bound(&mut self, bound: &'ast syn::TraitBound) {
        self.first(&bound.path);
        visit::visit_trait_bound(self, bound);
    }

    // A body may use whatever it likes.
    fn visit_block(&mut self, _: &'ast syn::Block) {}

    // Derives and the documentation are not signatures.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

/// The public items of one file.
struct Items<'a> {
    imports: &'a Imports,
    /// The types that are public somewhere in the crate.
    public: &'a BTreeSet<String>,
    found: Found,
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

impl Items<'_> {
    fn check(&mut self, name: &str, visit: impl FnOnce(&mut Paths<'_>)) {
        let mut paths = Paths { imports: self.imports, crates: BTreeSet::new() };
        visit(&mut paths);
        self.found.extend(paths.crates.into_iter().map(|other| (name.to_owned(), other)));
    }

    fn signature(&mut self, signature: &Signature) {
        self.check(&signature.ident.to_string(), |paths| paths.visit_signature(signature));
    }

    fn fields<'f>(&mut self, name: &str, fields: impl Iterator<Item = &'f Field>) {
        for field in fields.filter(|field| is_public(&field.vis)) {
            self.check(name, |paths| paths.visit_type(&field.ty));
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(item) if is_public(&item.vis) => self.signature(&item.sig),
            Item::Struct(item) if is_public(&item.vis) => {
                let name = item.ident.to_string();
                self.check(&name, |paths| paths.visit_generics(&item.generics));
                self.fields(&name, item.fields.iter());
            }
            Item::Enum(item) if is_public(&item.vis) => {
                let name = item.ident.to_string();
                self.check(&name, |paths| paths.visit_item_enum(item));
            }
            Item::Trait(item) if is_public(&item.vis) => {
                let name = item.ident.to_string();
                self.check(&name, |paths| paths.visit_item_trait(item));
            }
            Item::Type(item) if is_public(&item.vis) => {
                let name = item.ident.to_string();
                self.check(&name, |paths| paths.visit_item_type(item));
            }
            Item::Const(item) if is_public(&item.vis) => {
                self.check(&item.ident.to_string(), |paths| paths.visit_type(&item.ty));
            }
            Item::Impl(item) => self.implementation(item),
            Item::Mod(item) if !is_test(&item.attrs) => {
                item.content.iter().flat_map(|(_, items)| items).for_each(|item| self.item(item));
            }
            Item::Macro(item) => {
                if let Ok(file) = syn::parse2::<syn::File>(item.mac.tokens.clone()) {
                    file.items.iter().for_each(|item| self.item(item));
                }
            }
            _ => {}
        }
    }

    fn implementation(&mut self, item: &ItemImpl) {
        let syn::Type::Path(own) = &*item.self_ty else { return };
        let name = own.path.segments[own.path.segments.len() - 1].ident.to_string();
        if !self.public.contains(&name) {
            return;
        }
        if let Some((of, _)) = &item.trait_ {
            self.check(&name, |paths| {
                paths.first(of);
                paths.visit_path(of);
                paths.visit_generics(&item.generics);
            });
        }
        for member in &item.items {
            match member {
                ImplItem::Fn(member) if item.trait_.is_some() || is_public(&member.vis) => {
                    self.signature(&member.sig);
                }
                ImplItem::Type(member) => self.check(&name, |paths| paths.visit_type(&member.ty)),
                _ => {}
            }
        }
    }
}

/// The names of the public types of a file.
fn public_types(items: &[Item], types: &mut BTreeSet<String>) {
    for item in items {
        match item {
            Item::Struct(item) if is_public(&item.vis) => {
                types.insert(item.ident.to_string());
            }
            Item::Enum(item) if is_public(&item.vis) => {
                types.insert(item.ident.to_string());
            }
            Item::Mod(item) => {
                item.content.iter().for_each(|(_, items)| public_types(items, types));
            }
            Item::Macro(item) => {
                if let Ok(file) = syn::parse2::<syn::File>(item.mac.tokens.clone()) {
                    public_types(&file.items, types);
                }
            }
            _ => {}
        }
    }
}

fn found_in(sources: &[String]) -> Found {
    let files: Vec<_> = sources.iter().map(|source| syn::parse_file(source).unwrap()).collect();
    let mut public = BTreeSet::new();
    files.iter().for_each(|file| public_types(&file.items, &mut public));
    let mut found = Found::new();
    for file in &files {
        let mut imports = Imports::default();
        imports.visit_file(file);
        let mut items = Items { imports: &imports, public: &public, found: Found::new() };
        file.items.iter().for_each(|item| items.item(item));
        found.append(&mut items.found);
    }
    found
}

fn sources_below(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_below(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}

fn found_in_crate(name: &str) -> Found {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src");
    let mut paths = Vec::new();
    sources_below(&folder, &mut paths);
    let sources: Vec<_> = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(sources.len() > 10, "{name}: {sources:?}");
    found_in(&sources)
}

/// What is found beyond the allowed crates.
fn beyond(found: &Found, allowed: &[&str]) -> Vec<(String, String)> {
    let is_beyond = |(_, other): &&(String, String)| !allowed.contains(&other.as_str());
    found.iter().filter(is_beyond).cloned().collect()
}

#[test]
fn public_signatures_name_only_the_public_dependencies() {
    let (item, other) = OUTSIDE;
    let outside = [(item.to_owned(), other.to_owned())];
    let core = found_in_crate("management-core");
    assert_eq!(beyond(&core, &OF_CORE), outside);
    let axum = found_in_crate("management-axum");
    assert_eq!(beyond(&axum, &OF_AXUM), []);
    // Both find what is there.
    for (found, item, other) in
        [(&core, "subscribe", "tokio"), (&core, "respond", "http"), (&axum, "Draining", "axum")]
    {
        assert!(found.contains(&(item.to_owned(), other.to_owned())), "{item} {found:?}");
    }
}

#[test]
fn another_crate_is_noticed_wherever_it_is() {
    for source in [
        "pub fn layer() -> tower_http::trace::TraceLayer { loop {} }",
        "use tower_http::trace::TraceLayer; pub fn layer() -> TraceLayer { loop {} }",
        "use tower_http::{trace as t}; pub fn layer(_: &[Option<t::TraceLayer>]) {}",
        "use tower_http::trace; pub fn layer() -> impl Iterator<Item = trace::TraceLayer> { x }",
        "use tower_http::trace::T; pub fn layer<A>(_: A) where A: T {}",
        "pub struct Public { pub layer: tower_http::trace::TraceLayer }",
        "pub struct Public(pub tower_http::trace::TraceLayer);",
        "pub enum Public { One(tower_http::trace::TraceLayer) }",
        "pub trait Public: tower_http::Trace {}",
        "pub trait Public { fn layer(&self) -> tower_http::Trace; }",
        "pub type Public = tower_http::Trace;",
        "pub struct Public; impl Public { pub fn layer(&self, _: tower_http::Trace) {} }",
        "pub struct Public; impl tower_http::Trace for Public {}",
        "pub struct Public; impl Layer for Public { type Service = tower_http::Trace; }",
        "pin_project! { pub struct Public { pub layer: tower_http::Trace } }",
    ] {
        let found = found_in(&[source.to_owned()]);
        let others: Vec<_> = beyond(&found, &OF_AXUM).into_iter().map(|(_, other)| other).collect();
        assert_eq!(others, ["tower_http"], "{source}");
    }
}

#[test]
fn what_is_not_public_may_name_any_crate() {
    for source in [
        "fn layer() -> tower_http::Trace { loop {} }",
        "pub(crate) fn layer() -> tower_http::Trace { loop {} }",
        "pub fn layer() { let layer: tower_http::Trace = loop {}; }",
        "pub struct Public { layer: tower_http::Trace }",
        "struct Private; impl Private { pub fn layer(&self, _: tower_http::Trace) {} }",
        "struct Private; impl tower_http::Trace for Private {}",
        "#[cfg(test)] mod tests { pub fn layer() -> tower_http::Trace { loop {} } }",
    ] {
        assert_eq!(beyond(&found_in(&[source.to_owned()]), &OF_AXUM), [], "{source}");
    }
}
