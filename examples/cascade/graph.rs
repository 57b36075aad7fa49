//! Graphs of services, and how they are described.

use std::collections::{BTreeMap, BTreeSet};

/// The most services, and the most edges: all are in this one process, with its file descriptors.
const MOST: usize = 180;

/// Services, and which of them each one needs.
#[derive(Debug)]
pub struct Graph {
    /// Its description.
    pub name: String,
    /// Each service, and those that it needs.
    pub needs: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// The graph of a description, as in the usage; or what is wrong with it.
    pub fn parse(description: &str) -> Result<Self, String> {
        let number = |word: &str| match word.parse() {
            Ok(number @ 1..=MOST) => Ok(number),
            _ => Err(format!("`{word}` is no number from 1 to {MOST}")),
        };
        let edge = |edge: &str| match edge.split_once('-') {
            Some((a, b)) if !a.is_empty() && !b.is_empty() => Ok((a.to_owned(), b.to_owned())),
            _ => Err(format!("`{edge}` is no edge like `A-B`")),
        };
        let edges = match *description.split_whitespace().collect::<Vec<_>>() {
            ["pair"] => layers(&[1, 1]),
            ["chain", length] => layers(&vec![1; number(length)?]),
            ["circle", length] => {
                let length = number(length)?;
                let mut edges = layers(&vec![1; length]);
                edges.push((length.to_string(), 1.to_string()));
                edges
            }
            ["diamond", width, depth] => {
                layers(&[&[1], &*vec![number(width)?; number(depth)?], &[1]].concat())
            }
            [edges] if edges.contains('-') => {
                edges.split(',').map(edge).collect::<Result<_, _>>()?
            }
            _ => Vec::new(),
        };
        let mut needs = BTreeMap::<_, BTreeSet<_>>::new();
        for (one, other) in edges {
            needs.entry(other.clone()).or_default();
            needs.entry(one).or_default().insert(other);
        }
        let graph = Graph { name: description.into(), needs };
        match graph.edges() {
            0 => Err(format!("`{description}` describes no graph")),
            1..=MOST if graph.needs.len() <= MOST => Ok(graph),
            _ => Err(format!("`{description}` has more than {MOST} services or edges")),
        }
    }

    /// How often one service needs another.
    pub fn edges(&self) -> usize {
        self.needs.values().map(BTreeSet::len).sum()
    }
}

/// The edges between layers, where each service needs all services of the next layer.
fn layers(widths: &[usize]) -> Vec<(String, String)> {
    let mut edges = Vec::new();
    let mut first = 1;
    for pair in widths.windows(2) {
        if edges.len() > MOST {
            break;
        }
        let next = first + pair[0];
        for one in first..next {
            let others = next..next + pair[1];
            edges.extend(others.map(|other| (one.to_string(), other.to_string())));
        }
        first = next;
    }
    edges
}
