//! The path of the endpoints.

/// Returns `prefix` with one slash before it and none after it, or the mistake in it.
pub(crate) fn normalize(prefix: &str) -> Result<String, String> {
    let path = prefix.trim_matches('/');
    if path.is_empty() {
        return Ok(String::new());
    }
    for segment in path.split('/') {
        let complaint = if segment.is_empty() {
            "has an empty segment: remove one of its slashes"
        } else if matches!(segment, "." | "..") {
            "has a segment `.` or `..`, which clients resolve before they send it: remove the segment"
        } else if segment.starts_with([':', '*']) {
            "has a segment that begins with `:` or `*`, like a wildcard: begin it with another character"
        } else if !segment.bytes().all(is_path_byte) {
            "contains a character that is not allowed in a path: use ASCII letters, digits and `-._~`, and \
             percent-encode the rest"
        } else {
            continue;
        };
        return Err(format!("the prefix {prefix:?} {complaint}"));
    }
    Ok(format!("/{path}"))
}

/// The `pchar` of RFC 3986, section 3.3.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn slashes_around_do_not_matter() {
        for (given, kept) in [
            ("", ""),
            ("/", ""),
            ("//", ""),
            ("z", "/z"),
            ("/z", "/z"),
            ("z/", "/z"),
            ("/z/", "/z"),
            ("a/b", "/a/b"),
            ("/a/b/", "/a/b"),
            ("/a%20b", "/a%20b"),
        ] {
            assert_eq!(normalize(given).as_deref(), Ok(kept), "{given}");
        }
    }

    #[test]
    fn what_no_router_can_mount_is_refused() {
        for given in ["a//b", "/{id}", "/a b", "/ü", "/a?b", "/a#b", "/../a", "/:id", "/*all", "\n"]
        {
            let complaint = normalize(given).unwrap_err();
            assert!(complaint.contains(&format!("{given:?}")), "{complaint}");
        }
    }
}
