//! What a name that nobody knows was probably meant to be.

/// Asks whether the most similar of the known names was meant, as `did you mean "db"? `, or is empty.
///
/// A third of the letters may differ, and of a short name one; two that changed places count as one.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let name = name.to_lowercase();
    let length = name.chars().count();
    let distance = |known: &str| {
        let known = known.to_lowercase();
        let other = known.chars().count();
        let longer = other.max(length);
        let allowed = (longer / 3).max(1);
        // What differs in length by more need not be compared, however long it is.
        (longer > 1 && other.abs_diff(length) <= allowed)
            .then(|| strsim::osa_distance(&name, &known))
            .filter(|distance| *distance <= allowed)
    };
    let known = known.into_iter().filter_map(|known| Some((distance(known)?, known)));
    known.min().map(|(_, known)| format!("did you mean {known:?}? ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_name_is_asked_for() {
        for (name, known, meant) in [
            ("db", &["bd", "cache"][..], "bd"),
            ("DB", &["db"], "db"),
            ("databse", &["database", "data", "base"], "database"),
            ("order-queue", &["order_queue", "other_queue"], "order_queue"),
            ("größe", &["groesse", "größen"], "größen"),
        ] {
            let told = did_you_mean(name, known.iter().copied());
            assert_eq!(told, format!("did you mean {meant:?}? "), "{name} of {known:?}");
        }
    }

    #[test]
    fn what_is_not_similar_is_not_asked_for() {
        let long = "x".repeat(100_000);
        for (name, known) in [
            ("db", &["cache", "queue", "bds"][..]),
            ("", &["a"]),
            ("a", &["b"]),
            ("q", &[]),
            (&long, &["x"]),
        ] {
            assert_eq!(did_you_mean(name, known.iter().copied()), "", "{known:?}");
        }
    }
}
