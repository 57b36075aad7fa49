//! The names in modules, and what a path leads to.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::source::{Kind, Mention};

#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) file: usize,
    pub(crate) parent: Option<usize>,
    pub(crate) names: BTreeMap<String, Vec<Name>>,
    /// The paths before `::*`.
    pub(crate) globs: Vec<Vec<String>>,
    pub(crate) mentions: Vec<Mention>,
}

/// What a name in a module means. One name can be a module, a function and a macro at once.
#[derive(Debug)]
pub(crate) enum Name {
    Item,
    Module(usize),
    Use { path: Vec<String>, public: bool },
}

impl Module {
    pub(crate) fn new(
        file: usize,
        parent: Option<usize>,
        items: Vec<String>,
        mentions: Vec<Mention>,
    ) -> Self {
        let mut names: BTreeMap<String, Vec<Name>> = BTreeMap::new();
        let mut globs = Vec::new();
        for item in items {
            names.entry(item).or_default().push(Name::Item);
        }
        for mention in &mentions {
            let path = mention.path.clone();
            match &mention.kind {
                Kind::Use { name: Some(name), public } => {
                    let meaning = Name::Use { path, public: *public };
                    names.entry(name.clone()).or_default().push(meaning);
                }
                Kind::Glob { .. } => globs.push(path),
                Kind::Use { name: None, .. } | Kind::Plain => {}
            }
        }
        Self { file, parent, names, globs, mentions }
    }
}

/// What a path leads to.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Module(usize),
    /// An item of this file.
    Item(usize),
    /// An item of another crate.
    Outside,
}

/// One resolution of a path.
pub(crate) struct Walk<'a> {
    modules: &'a [Module],
    /// The files whose `use` was followed.
    pub(crate) through: BTreeSet<usize>,
    /// The names that were looked up, since re-exports can form a circle.
    seen: HashSet<(usize, String)>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(modules: &'a [Module]) -> Self {
        Walk { modules, through: BTreeSet::new(), seen: HashSet::new() }
    }

    /// What a path in a module leads to: several places if a name has several meanings, none if it is empty.
    pub(crate) fn follow(&mut self, module: usize, path: &[String]) -> Vec<Place> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let mut places = match &**first {
            "crate" => vec![Place::Module(0)],
            "self" => vec![Place::Module(module)],
            "super" => vec![self.parent(module)],
            name => self.find(module, name),
        };
        if places.is_empty() {
            return vec![Place::Outside];
        }
        for name in rest {
            places = places.into_iter().flat_map(|place| self.step(place, name)).collect();
        }
        places
    }

    fn step(&mut self, place: Place, name: &str) -> Vec<Place> {
        match place {
            Place::Module(module) if name == "super" => vec![self.parent(module)],
            Place::Module(module) => {
                let found = self.find(module, name);
                // Macros define items, too.
                if found.is_empty() { vec![Place::Item(self.modules[module].file)] } else { found }
            }
            // A variant or an associated item.
            Place::Item(_) | Place::Outside => vec![place],
        }
    }

    fn find(&mut self, module: usize, name: &str) -> Vec<Place> {
        if !self.seen.insert((module, name.into())) {
            return Vec::new();
        }
        let Module { file, names, globs, .. } = &self.modules[module];
        let mut places = Vec::new();
        for meaning in names.get(name).into_iter().flatten() {
            match meaning {
                Name::Item => places.push(Place::Item(*file)),
                Name::Module(named) => places.push(Place::Module(*named)),
                Name::Use { path, .. } => {
                    self.through.insert(*file);
                    places.extend(self.follow(module, path));
                }
            }
        }
        if places.is_empty() {
            for glob in globs {
                for place in self.follow(module, glob) {
                    if let Place::Module(within) = place {
                        places.extend(self.find(within, name));
                    }
                }
            }
        }
        places
    }

    /// The file of a place, if it is in the crate.
    pub(crate) fn file(&self, place: Place) -> Option<usize> {
        match place {
            Place::Module(module) => Some(self.modules[module].file),
            Place::Item(file) => Some(file),
            Place::Outside => None,
        }
    }

    fn parent(&self, module: usize) -> Place {
        self.modules[module].parent.map_or(Place::Outside, Place::Module)
    }
}
