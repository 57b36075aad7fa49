//! The URL at which clients reach the service.

use http::Uri;

/// Returns the URL without a slash at its end, or the mistake in it, which does not repeat a secret.
pub(crate) fn normalize(url: &str) -> Result<String, String> {
    let example = "write it like \"https://orders.example.com\" or \"https://example.com/orders\"";
    let complain = |why: &str| Err(format!("`public_url` {why}; {example}"));
    let Ok(uri) = url.parse::<Uri>() else {
        return complain("is not a URL");
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return complain("has no scheme or no host");
    };
    if !matches!(scheme, "http" | "https") {
        return complain("has another scheme than http or https");
    }
    if authority.as_str().contains('@') {
        return complain("contains a user, which every client would be shown");
    }
    if url.contains(['?', '#']) {
        return complain("has a query or a fragment, behind which no path can be");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn urls_and_mistakes() {
        for (given, kept) in [
            ("https://orders.example.com", "https://orders.example.com"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("https://example.com/orders/", "https://example.com/orders"),
        ] {
            assert_eq!(normalize(given).as_deref(), Ok(kept));
        }
        for (given, why) in [
            ("orders.example.com", "no scheme"),
            ("/orders", "no scheme"),
            ("ftp://a", "another scheme"),
            ("https://user:hunter2@a", "contains a user"),
            ("https://a?b=hunter2", "a query"),
            ("https://a/#hunter2", "a fragment"),
            ("https://a b", "not a URL"),
            ("", "not a URL"),
        ] {
            let complaint = normalize(given).unwrap_err();
            assert!(complaint.contains(why) && !complaint.contains("hunter2"), "{complaint}");
        }
    }
}
