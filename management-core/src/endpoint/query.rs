//! The query of a request.

use std::collections::BTreeSet;

/// The parameters that the endpoints know.
pub(super) struct Query {
    /// Whether to show the components of a probe.
    pub(super) verbose: bool,
    /// The checks to leave out of the answer.
    pub(super) left_out: BTreeSet<String>,
}

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        let mut parsed = Query { verbose: false, left_out: BTreeSet::new() };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "verbose" => parsed.verbose = !matches!(&*value, "false" | "0"),
                "exclude" => {
                    parsed.left_out.insert(value.into_owned());
                }
                _ => {}
            }
        }
        parsed
    }
}
