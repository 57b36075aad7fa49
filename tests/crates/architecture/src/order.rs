//! An order of the folders, and what breaks it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::tree::{Import, Tree};

/// Which folder may import from which.
///
/// A folder, or a file at the top, is named without its ending: `check` is `check/` or `check.rs`.
#[derive(Debug)]
pub struct Order<'a> {
    /// Files that may import everything, and that no other file imports.
    pub doors: &'a [&'a str],
    /// The folders. Each imports only from itself and from those before it. Those of one row do not import each
    /// other.
    pub rows: &'a [&'a [&'a str]],
}

impl Order<'_> {
    /// What in a tree breaks the order, each as a message. None if the tree follows it.
    pub fn faults(&self, tree: &Tree) -> Vec<String> {
        let mut faults = self.misplaced(tree);
        let mut rest = Vec::new();
        for import in tree.imports() {
            if self.is_door(tree.part(import.from)) {
                continue;
            }
            match self.fault(tree, &import) {
                Some(fault) => faults.push(fault),
                None => rest.push(import),
            }
        }
        faults.extend(cycles(tree, &rest));
        faults
    }

    /// Folders that are not in the order, and entries of the order that are no folder.
    fn misplaced(&self, tree: &Tree) -> Vec<String> {
        let parts: BTreeSet<_> = tree.files().map(|file| tree.part(file)).collect();
        let mut faults = Vec::new();
        for part in &parts {
            if !self.is_door(part) && self.row(part).is_none() {
                faults.push(format!(
                    "`{part}` has no place in the order: add it after all that it imports from"
                ));
            }
        }
        for part in self.doors.iter().chain(self.rows.iter().copied().flatten()) {
            if !parts.contains(part) {
                faults.push(format!("`{part}` is in the order, but the crate has no such module"));
            }
        }
        faults
    }

    fn fault(&self, tree: &Tree, import: &Import) -> Option<String> {
        let door = import.through.iter().copied().chain(import.to);
        if let Some(door) = door.into_iter().find(|&file| self.is_door(tree.part(file))) {
            let remedy = match import.to {
                Some(to) if to != door => {
                    format!("import it from {}, which defines it", tree.path(to))
                }
                Some(_) => "move the item to a file of its own".into(),
                None => "import it from the crate that defines it".into(),
            };
            return Some(format!(
                "{} goes through {}, which is for users of the crate alone: {remedy}",
                place(tree, import),
                tree.path(door),
            ));
        }
        let (from, to) = (tree.part(import.from), tree.part(import.to?));
        // One that has no place has a fault of its own.
        let (above, row) = (self.row(to)?, self.row(from)?);
        if from == to || above < row {
            return None;
        }
        let rule = if above == row {
            format!("`{from}` and `{to}` are in one row of the order, and do not import each other")
        } else {
            let before: Vec<_> = self.rows[..row].iter().copied().flatten().copied().collect();
            let before = if before.is_empty() { "none".into() } else { before.join(", ") };
            format!(
                "`{to}` comes after `{from}` in the order, and a folder imports only from itself and from those \
                 before it: {before}"
            )
        };
        let target = tree.path(import.to?);
        Some(format!("{} is from {target}, but {rule}", place(tree, import)))
    }

    fn is_door(&self, part: &str) -> bool {
        self.doors.contains(&part)
    }

    fn row(&self, part: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.contains(&part))
    }
}

/// The shortest cycle of files through each file that is in one.
fn cycles(tree: &Tree, imports: &[Import]) -> Vec<String> {
    let mut arrows: BTreeMap<usize, BTreeMap<usize, &Import>> = BTreeMap::new();
    for import in imports {
        if let Some(to) = import.to {
            arrows.entry(import.from).or_default().entry(to).or_insert(import);
        }
    }
    let mut known = BTreeSet::new();
    let mut faults = Vec::new();
    for file in tree.files() {
        let Some(cycle) = shortest(file, &arrows) else { continue };
        if !known.insert(cycle.iter().map(|import| import.from).collect::<BTreeSet<_>>()) {
            continue;
        }
        let mut fault =
            String::from("these files import each other; move what they share to another file:");
        for import in cycle {
            let target = tree.path(import.to.unwrap_or(import.from));
            fault += &format!("\n    {} is from {target}", place(tree, import));
        }
        faults.push(fault);
    }
    faults
}

/// The shortest way from a file back to itself.
fn shortest<'a>(
    start: usize,
    arrows: &BTreeMap<usize, BTreeMap<usize, &'a Import>>,
) -> Option<Vec<&'a Import>> {
    let mut came: BTreeMap<usize, &Import> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(file) = next.pop_front() {
        for (&to, &import) in arrows.get(&file).into_iter().flatten() {
            if came.contains_key(&to) {
                continue;
            }
            came.insert(to, import);
            if to == start {
                let mut way = vec![import];
                while way[way.len() - 1].from != start {
                    way.push(came[&way[way.len() - 1].from]);
                }
                way.reverse();
                return Some(way);
            }
            next.push_back(to);
        }
    }
    None
}

/// Where an import stands, and its path.
fn place(tree: &Tree, import: &Import) -> String {
    format!("{}:{}: `{}`", tree.path(import.from), import.line, import.path)
}
