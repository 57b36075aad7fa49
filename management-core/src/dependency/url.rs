//! From what was configured to the URL that is asked.

use std::net::Ipv6Addr;

use reqwest::Url;

use crate::text;

/// Where a dependency's health is.
///
/// What names a path is asked there; what names none is taken for a service like this one, whose
/// health is under `prefix`. `check` is the probe that is asked, or empty for the whole health.
pub(crate) fn health_url(
    given: &str,
    scheme: &str,
    prefix: &str,
    check: &str,
) -> Result<Url, String> {
    let url = given.trim();
    let complain = |why: String| format!("{:?} is no URL: {why}", text::quoted_url(given));
    let (given_scheme, rest) = url.split_once("://").unwrap_or((scheme, url));
    let scheme = given_scheme.to_ascii_lowercase();
    if url.is_empty() {
        return Err(complain("it is empty".into()));
    }
    if !matches!(&*scheme, "http" | "https") {
        return Err(complain(format!(
            "its scheme is {:?}, and only http and https are asked",
            text::quoted_url(given_scheme)
        )));
    }
    if let Some(bad) = rest.chars().find(|c| c.is_whitespace() || c.is_control() || *c == '\\') {
        return Err(complain(format!("it has a {bad:?} in it")));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    if matches!(authority, "http" | "https") && target.starts_with("//") {
        return Err(complain(format!("write `{authority}://`")));
    }
    let target = target.split('#').next().unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (target, String::new()),
    };
    let authority = authority_of(authority).map_err(|why| {
        if target.contains('@') && !authority.contains('@') {
            let why =
                "what stands before its `@` has a `/`, `?` or `#`: percent-encode the password";
            return complain(why.into());
        }
        complain(why)
    })?;
    let mut url = format!("{scheme}://{authority}");
    match path {
        "" | "/" => url.push_str(&format!("{prefix}/health")),
        path => url.push_str(path),
    }
    if !check.is_empty() {
        if !url.ends_with('/') {
            url.push('/');
        }
        url.push_str(check);
    }
    url.push_str(&query);
    // It knows the rest of what a URL may be, such as hosts of other scripts.
    let url = Url::parse(&url).map_err(|why| complain(why.to_string()))?;
    http::Uri::try_from(url.as_str()).map_err(|why| complain(why.to_string()))?;
    Ok(url)
}

/// `[user[:password]@]host[:port]`, with a bare IPv6 address put in brackets.
fn authority_of(authority: &str) -> Result<String, String> {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (format!("{user}@"), host),
        None => (String::new(), authority),
    };
    if host.parse::<Ipv6Addr>().is_ok() {
        return Ok(format!("{user}[{host}]"));
    }
    let after_address = host.rfind(']').map_or(0, |end| end + 1);
    let (name, port) = match host[after_address..].split_once(':') {
        Some((name, port)) => (&host[..after_address + name.len()], Some(port)),
        None => (host, None),
    };
    if name.is_empty() {
        return Err("it has no host".into());
    }
    if let Some(port) = port
        && !port.parse::<u16>().is_ok_and(|port| port > 0)
    {
        return Err(format!("its port is {port:?}, and ports are from 1 to 65535"));
    }
    Ok(format!("{user}{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn asks(given: &str, health: &str, readiness: &str) {
        for (check, expected) in [("", health), ("readiness", readiness)] {
            let url = health_url(given, "http", "/z", check);
            assert_eq!(url.as_ref().map(Url::as_str), Ok(expected), "{given}");
        }
    }

    #[track_caller]
    fn refuses(given: &str, why: &str) {
        let complaint = health_url(given, "http", "/z", "").unwrap_err();
        assert!(complaint.contains(why), "{given:?}: {complaint}");
    }

    // The rows of the table at `Builder::service_dependency`, one by one.

    #[test]
    fn an_http_url_is_asked_as_it_is() {
        asks(
            "http://h:9090/admin/health",
            "http://h:9090/admin/health",
            "http://h:9090/admin/health/readiness",
        );
    }

    #[test]
    fn an_https_url_is_asked_as_it_is() {
        asks(
            "https://h:9090/admin/health",
            "https://h:9090/admin/health",
            "https://h:9090/admin/health/readiness",
        );
    }

    #[test]
    fn a_host_with_a_port_is_asked_under_the_own_prefix() {
        asks("h:8000", "http://h:8000/z/health", "http://h:8000/z/health/readiness");
        for (prefix, url) in
            [("/admin", "https://h:8000/admin/health"), ("", "https://h:8000/health")]
        {
            assert_eq!(health_url("h:8000", "https", prefix, "").unwrap().as_str(), url);
        }
    }

    #[test]
    fn a_host_alone_is_asked_under_the_own_prefix() {
        asks("h", "http://h/z/health", "http://h/z/health/readiness");
        asks("http://h", "http://h/z/health", "http://h/z/health/readiness");
    }

    #[test]
    fn a_host_with_a_path_is_asked_there() {
        asks("h:8000/admin", "http://h:8000/admin", "http://h:8000/admin/readiness");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        refuses("local:://host", "its scheme is \"local:\"");
    }

    #[test]
    fn what_is_empty_is_refused() {
        refuses("", "it is empty");
        refuses("  ", "it is empty");
    }

    #[test]
    fn ipv6() {
        asks("[::1]:8000", "http://[::1]:8000/z/health", "http://[::1]:8000/z/health/readiness");
        asks("[::1]", "http://[::1]/z/health", "http://[::1]/z/health/readiness");
        asks("::1", "http://[::1]/z/health", "http://[::1]/z/health/readiness");
        asks("https://[fe80::2]/h", "https://[fe80::2]/h", "https://[fe80::2]/h/readiness");
        refuses("[::1", "its port is");
        refuses("[::1]:http", "its port is \"http\"");
        refuses("[nonsense]:80", "IPv6");
    }

    #[test]
    fn a_slash_at_the_end_is_kept_where_there_is_a_path() {
        asks("http://h/health/", "http://h/health/", "http://h/health/readiness");
        asks("h:8000/", "http://h:8000/z/health", "http://h:8000/z/health/readiness");
    }

    #[test]
    fn user_information_is_kept_and_not_told() {
        asks("u:p@h:1", "http://u:p@h:1/z/health", "http://u:p@h:1/z/health/readiness");
        asks("https://u:p@h/x", "https://u:p@h/x", "https://u:p@h/x/readiness");
        for given in [
            "u:secret@h:99999",
            "ftp://u:secret@h",
            "http://u:se@cret@",
            "u:secret/x@h",
            "http://u:secret?x@h",
            "h:99999/x?token=secret",
            "my host?password=secret",
            "http://u:my secret@h",
            "u:secret@h/x?to=http://h",
            "h x?token=my secret&a=1",
        ] {
            let complaint = health_url(given, "http", "/z", "").unwrap_err();
            assert!(!complaint.contains("cret"), "{complaint}");
        }
    }

    #[test]
    fn the_input_is_quoted_as_it_was_given() {
        for (given, complaint) in [
            ("not a url at all", "\"not a url at all\" is no URL: it has a ' ' in it"),
            (" two  spaces\n", "\" two  spaces\\n\" is no URL: it has a ' ' in it"),
            ("http://h/x?a=b c", "\"http://h/x?a=b c\" is no URL: it has a ' ' in it"),
            ("h/a\tb", "\"h/a\\tb\" is no URL: it has a '\\t' in it"),
            ("http://u:p@h/a b", "\"http://***@h/a b\" is no URL: it has a ' ' in it"),
            (
                "FTP://H/x",
                "\"FTP://H/x\" is no URL: its scheme is \"FTP\", and only http and https are asked",
            ),
            (" ", "\" \" is no URL: it is empty"),
        ] {
            assert_eq!(health_url(given, "http", "/z", "").unwrap_err(), complaint);
        }
    }

    #[test]
    fn the_scheme_may_be_in_upper_case() {
        asks("HTTPS://H/Health", "https://h/Health", "https://h/Health/readiness");
    }

    #[test]
    fn ports_out_of_range_are_refused() {
        for port in ["0", "65536", "99999", "-1", "http", "", " 80"] {
            refuses(&format!("h:{port}"), if port == " 80" { "' '" } else { "its port is" });
            refuses(&format!("http://h:{port}/x"), if port == " 80" { "' '" } else { "port" });
        }
        asks("h:65535", "http://h:65535/z/health", "http://h:65535/z/health/readiness");
    }

    #[test]
    fn white_space_around_does_not_matter_and_inside_is_refused() {
        asks("  h:8000\n", "http://h:8000/z/health", "http://h:8000/z/health/readiness");
        refuses("my host", "' '");
        refuses("http://h/a b", "' '");
        refuses("http://h/a\tb", "'\\t'");
        refuses("http://h\\@evil", "'\\\\'");
    }

    #[test]
    fn hosts_of_other_scripts_are_asked_in_punycode() {
        asks(
            "bücher.example:80",
            "http://xn--bcher-kva.example/z/health",
            "http://xn--bcher-kva.example/z/health/readiness",
        );
    }

    #[test]
    fn a_host_whose_name_begins_with_http_is_a_host() {
        asks("httpbin:1", "http://httpbin:1/z/health", "http://httpbin:1/z/health/readiness");
        asks("h:80/@me", "http://h/@me", "http://h/@me/readiness");
        refuses("http:h:80", "its port is");
        refuses("http//h/x", "write `http://`");
    }

    #[test]
    fn a_query_stays_behind_and_a_fragment_is_not_sent() {
        asks("http://h/x?a=1#top", "http://h/x?a=1", "http://h/x/readiness?a=1");
        asks("h?a=1", "http://h/z/health?a=1", "http://h/z/health/readiness?a=1");
    }

    #[test]
    fn other_schemes_and_paths_alone_are_refused() {
        refuses("ftp://h/x", "only http and https");
        refuses("http://", "no host");
        refuses("/z/health", "no host");
        refuses("http://:80/x", "no host");
        refuses("http://u@/x", "no host");
        refuses(&format!("http://h/{}", "x".repeat(70_000)), "too long");
    }
}
