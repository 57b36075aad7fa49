//! The files and modules of a crate, and what every path in them resolves to.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use crate::resolve::{Module, Name, Walk};
use crate::source::{self, Kind, Mention};

/// The files of a crate and the modules in them.
#[derive(Debug)]
pub struct Tree {
    /// What stands before each file's name in a message.
    root: String,
    files: Vec<String>,
    modules: Vec<Module>,
}

/// An import of one file by another. Files are numbered as [`Tree::path`] knows them.
#[derive(Debug)]
pub struct Import {
    /// The file that imports.
    pub from: usize,
    /// The line of the path.
    pub line: usize,
    /// The path as written, without braces.
    pub path: String,
    /// The file that defines the item. What another crate defines has none.
    pub to: Option<usize>,
    /// The files whose re-exports led there.
    pub through: BTreeSet<usize>,
}

impl Tree {
    /// The crate in `root`, which has a `lib.rs`. Messages name files as `name/lib.rs`.
    ///
    /// # Panics
    ///
    /// If a file cannot be read or parsed.
    pub fn read(root: &Path, name: &str) -> Self {
        let mut sources = BTreeMap::new();
        gather(root, "", &mut sources);
        Self::grow(format!("{name}/"), &sources)
    }

    /// A crate of files given as path and source.
    ///
    /// # Panics
    ///
    /// If a file is missing or cannot be parsed.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let sources = files.iter().map(|&(path, source)| (path.into(), source.into())).collect();
        Self::grow(String::new(), &sources)
    }

    /// The path of a file, as messages name it.
    pub fn path(&self, file: usize) -> String {
        format!("{}{}", self.root, self.files[file])
    }

    /// The first part of a file's path: `check` for `check/name.rs`, `error` for `error.rs`.
    pub fn part(&self, file: usize) -> &str {
        let first = self.files[file].split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The numbers of all files.
    pub fn files(&self) -> std::ops::Range<usize> {
        0..self.files.len()
    }

    /// Every import of one file by another. A path that is no `use` counts where no `use` has the same target.
    pub fn imports(&self) -> Vec<Import> {
        let (mut imports, mut plain) = (Vec::new(), Vec::new());
        for (at, module) in self.modules.iter().enumerate() {
            for mention in &module.mentions {
                let found = self.resolve(at, mention);
                if mention.kind == Kind::Plain { &mut plain } else { &mut imports }.extend(found);
            }
        }
        let of = |import: &Import| (import.from, import.to, import.through.clone());
        let mut known: HashSet<_> = imports.iter().map(of).collect();
        plain.retain(|import| known.insert(of(import)));
        imports.extend(plain);
        imports.sort_by_key(|import| (import.from, import.line));
        imports
    }

    fn grow(root: String, sources: &BTreeMap<String, String>) -> Self {
        let mut tree = Self { root, files: Vec::new(), modules: Vec::new() };
        tree.add(sources, "lib.rs".into(), "", None);
        tree
    }

    /// Adds a file and its modules; `folder` has the files of its child modules.
    fn add(
        &mut self,
        sources: &BTreeMap<String, String>,
        path: String,
        folder: &str,
        parent: Option<usize>,
    ) -> usize {
        let text = sources.get(&path).unwrap_or_else(|| panic!("{path} is missing"));
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let beside = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let (file, first) = (self.files.len(), self.modules.len());
        self.files.push(path);
        let mut folders: Vec<String> = Vec::new();
        let mut declared = Vec::new();
        for scope in source::scopes(&parsed) {
            let (parent, folder) = match scope.outer {
                None => (parent, folder.to_owned()),
                Some((outer, name)) => {
                    let (module, folder) = (self.modules.len(), join(&folders[outer], &name));
                    let names = &mut self.modules[first + outer].names;
                    names.entry(name).or_default().push(Name::Module(module));
                    (Some(first + outer), folder)
                }
            };
            folders.push(folder);
            declared.push(scope.files);
            self.modules.push(Module::new(file, parent, scope.items, scope.mentions));
        }
        for (scope, files) in declared.into_iter().enumerate() {
            for (name, at) in files {
                let folder = join(&folders[scope], &name);
                let (path, folder) = match at {
                    Some(at) => (join(&beside, &at), beside.clone()),
                    None if sources.contains_key(&format!("{folder}.rs")) => {
                        (format!("{folder}.rs"), folder)
                    }
                    None => (format!("{folder}/mod.rs"), folder),
                };
                let module = self.add(sources, path, &folder, Some(first + scope));
                let names = &mut self.modules[first + scope].names;
                names.entry(name).or_default().push(Name::Module(module));
            }
        }
        first
    }

    /// The imports that one path in a module makes, of other files.
    fn resolve(&self, module: usize, mention: &Mention) -> Vec<Import> {
        let from = self.modules[module].file;
        if mention.kind == Kind::Plain
            && mention.path.len() == 1
            && !self.is_exported(module, &mention.path[0])
        {
            // A name that a `use` gave, which counts where the `use` is.
            return Vec::new();
        }
        let mut walk = Walk::new(&self.modules);
        let places = walk.follow(module, &mention.path);
        walk.through.remove(&from);
        let mut targets: BTreeSet<_> = places.into_iter().map(|place| walk.file(place)).collect();
        targets.remove(&Some(from));
        let mut path = mention.path.join("::");
        let public = match mention.kind {
            Kind::Plain => false,
            Kind::Use { public, .. } => public,
            Kind::Glob { public } => {
                path += "::*";
                public
            }
        };
        // A module that re-exports what its children define does not need it itself.
        targets.retain(|to| !(public && to.is_some_and(|to| self.is_below(to, from))));
        let import = |to| Import {
            from,
            line: mention.line,
            path: path.clone(),
            to,
            through: walk.through.clone(),
        };
        targets.into_iter().map(import).collect()
    }

    /// Whether the module exports the name from elsewhere.
    fn is_exported(&self, module: usize, name: &str) -> bool {
        let names = self.modules[module].names.get(name);
        names.is_some_and(|names| {
            names.iter().any(|name| matches!(name, Name::Use { public: true, .. }))
        })
    }

    fn is_below(&self, file: usize, module: usize) -> bool {
        let module = self.files[module]
            .strip_suffix("mod.rs")
            .map_or_else(|| self.files[module].replace(".rs", "/"), str::to_owned);
        self.files[file].starts_with(&module)
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.into() } else { format!("{folder}/{name}") }
}

/// The Rust files below a folder.
fn gather(folder: &Path, prefix: &str, sources: &mut BTreeMap<String, String>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().expect("a name in UTF-8");
        let inside = join(prefix, name);
        if path.is_dir() {
            gather(&path, &inside, sources);
        } else if name.ends_with(".rs") {
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            sources.insert(inside, text);
        }
    }
}
