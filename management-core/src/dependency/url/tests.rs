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
    for (prefix, url) in [("/admin", "https://h:8000/admin/health"), ("", "https://h:8000/health")]
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
fn user_information_is_kept_and_not_shown() {
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
        ("not a url at all", "\"not a url at all\" is not a URL: it contains a space"),
        (" two  spaces\n", "\" two  spaces\\n\" is not a URL: it contains a space"),
        ("http://h/x?a=b c", "\"http://h/x?a=b c\" is not a URL: it contains a space"),
        ("h/a\tb", "\"h/a\\tb\" is not a URL: it contains a tab"),
        ("http://u:p@h/a b", "\"http://***@h/a b\" is not a URL: it contains a space"),
        (
            "FTP://H/x",
            "\"FTP://H/x\" is not a URL: its scheme is \"FTP\", but must be http or https",
        ),
        (" ", "\" \" is not a URL: it is empty"),
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
        refuses(&format!("h:{port}"), if port == " 80" { "a space" } else { "its port is" });
        refuses(&format!("http://h:{port}/x"), if port == " 80" { "a space" } else { "port" });
    }
    asks("h:65535", "http://h:65535/z/health", "http://h:65535/z/health/readiness");
}

#[test]
fn white_space_around_does_not_matter_and_inside_is_refused() {
    asks("  h:8000\n", "http://h:8000/z/health", "http://h:8000/z/health/readiness");
    refuses("my host", "it contains a space");
    refuses("http://h/a b", "it contains a space");
    refuses("http://h/a\tb", "it contains a tab");
    refuses("http://h/a\nb", "it contains a line break");
    refuses("http://h/a\u{7}b", "it contains the character '\\u{7}'");
    refuses("http://h\\@evil", "it contains a backslash");
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
    refuses("ftp://h/x", "but must be http or https");
    refuses("http://", "no host");
    refuses("/z/health", "no host");
    refuses("http://:80/x", "no host");
    refuses("http://u@/x", "no host");
    refuses(&format!("http://h/{}", "x".repeat(70_000)), "too long");
}

#[test]
fn a_page_is_asked_as_it_is() {
    for (given, asked) in [
        ("https://billing", "https://billing/"),
        ("https://billing/", "https://billing/"),
        ("http://u:p@h:81/ping?a=b#c", "http://u:p@h:81/ping?a=b"),
    ] {
        assert_eq!(page_url(given).as_ref().map(Url::as_str), Ok(asked), "{given}");
    }
    for (given, why) in [
        ("billing/ping", "it has no scheme"),
        ("", "it is empty"),
        ("ftp://h/", "its scheme is \"ftp\""),
        ("https://", "it has no host"),
        ("https://u:hunter2@h:port/", "its port is"),
    ] {
        let complaint = page_url(given).unwrap_err();
        assert!(complaint.contains(why), "{given:?}: {complaint}");
        assert!(!complaint.contains("hunter2"), "{complaint}");
    }
}
