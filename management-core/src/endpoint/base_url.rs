//! The URL under which a client reaches the endpoints.

use http::header::{FORWARDED, HOST};
use http::request::Parts;
use http::uri::Authority;

use super::MountedAt;
use crate::config::exposure::Exposure;
use crate::config::prefix;

/// The URL of the prefix. Without a host that can be trusted to be one, a path.
pub(super) fn base_url(request: &Parts, exposure: &Exposure) -> String {
    let mounted_at = request.extensions.get::<MountedAt>().map_or("", |at| &at.0);
    let path = format!("{mounted_at}{}", exposure.prefix);
    if let Some(public) = &exposure.public_url {
        return format!("{public}{path}");
    }
    let forwarded =
        if exposure.trust_forwarded { Forwarded::of(request) } else { Forwarded::default() };
    let path = format!("{}{path}", forwarded.prefix);
    let own = || {
        let header = request.headers.get(HOST).and_then(|host| host.to_str().ok());
        header.and_then(host).or_else(|| request.uri.authority().and_then(|own| host(own.as_str())))
    };
    let scheme = forwarded.scheme.or(request.uri.scheme_str().and_then(scheme)).unwrap_or("http");
    match forwarded.host.or_else(own) {
        Some(host) => format!("{scheme}://{host}{path}"),
        None => path,
    }
}

/// What a proxy says about the request that it has received.
#[derive(Default)]
struct Forwarded {
    scheme: Option<&'static str>,
    host: Option<String>,
    /// What the proxy has taken from the beginning of the path.
    prefix: String,
}

impl Forwarded {
    /// Of several proxies, the first is the one that the client talked to.
    fn of(request: &Parts) -> Self {
        let header = |name: &str| {
            let value = request.headers.get(name)?.to_str().ok()?;
            Some(value.split(',').next()?.trim())
        };
        let standard = header(FORWARDED.as_str()).unwrap_or_default();
        let parameter = |wanted: &str| {
            let mut pairs = standard.split(';').filter_map(|pair| pair.trim().split_once('='));
            let (_, value) = pairs.find(|(key, _)| key.eq_ignore_ascii_case(wanted))?;
            Some(value.trim_matches('"'))
        };
        let scheme = parameter("proto").or_else(|| header("x-forwarded-proto")).and_then(scheme);
        let named = parameter("host").or_else(|| header("x-forwarded-host")).and_then(host);
        let port = header("x-forwarded-port").and_then(|port| port.parse::<u16>().ok());
        let usual = if scheme == Some("https") { 443 } else { 80 };
        let host = named.map(|host| match port.filter(|port| *port != usual) {
            Some(port) if !has_port(&host) => format!("{host}:{port}"),
            _ => host,
        });
        let prefix = header("x-forwarded-prefix").and_then(|path| prefix::normalize(path).ok());
        Forwarded { scheme, host, prefix: prefix.unwrap_or_default() }
    }
}

fn scheme(scheme: &str) -> Option<&'static str> {
    ["http", "https"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))
}

/// A host, perhaps with a port, that cannot be anything else in a URL.
fn host(host: &str) -> Option<String> {
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(&byte);
    let authority = host.bytes().all(is_harmless).then(|| host.parse::<Authority>().ok())??;
    let port = host.strip_prefix(authority.host())?;
    let is_valid = port.is_empty() || authority.port_u16().is_some();
    (is_valid && !authority.host().is_empty()).then(|| host.to_owned())
}

fn has_port(host: &str) -> bool {
    host.parse::<Authority>().is_ok_and(|authority| authority.port().is_some())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::config::show_details::ShowDetails;

    fn exposure(public_url: Option<&str>, trust_forwarded: bool) -> Exposure {
        Exposure {
            prefix: "/z".into(),
            show_details: ShowDetails::default(),
            codes: crate::config::exposure::Codes::new(),
            switched_off: Default::default(),
            kubernetes_paths: false,
            dialects: Default::default(),
            public_url: public_url.map(Into::into),
            trust_forwarded,
        }
    }

    fn of(uri: &str, headers: &[(&str, &str)], exposure: &Exposure) -> String {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        base_url(&request.body(()).unwrap().into_parts().0, exposure)
    }

    #[test]
    fn the_host_of_the_request() {
        let usual = exposure(None, false);
        for (uri, host, url) in [
            ("/z", "orders:8080", "http://orders:8080/z"),
            ("/z", "[::1]:8080", "http://[::1]:8080/z"),
            ("/z", "ORDERS.example.com", "http://ORDERS.example.com/z"),
            // As of HTTP/2.
            ("https://orders/z", "", "https://orders/z"),
            // What is no host is in no URL.
            ("/z", "", "/z"),
            ("/z", "a/b", "/z"),
            ("/z", "a b", "/z"),
            ("/z", "evil\"><script>", "/z"),
            ("/z", "user:secret@host", "/z"),
            ("/z", "host:port", "/z"),
            ("/z", "%00", "/z"),
        ] {
            let headers: &[_] = if host.is_empty() { &[] } else { &[("host", host)] };
            assert_eq!(of(uri, headers, &usual), url, "{host:?}");
        }
    }

    #[test]
    fn proxies_are_believed_on_demand() {
        let headers = [
            ("host", "10.0.0.7:8080"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "orders.example.com, inner"),
            ("x-forwarded-prefix", "/orders/"),
        ];
        assert_eq!(of("/z", &headers, &exposure(None, false)), "http://10.0.0.7:8080/z");
        let trusting = exposure(None, true);
        assert_eq!(of("/z", &headers, &trusting), "https://orders.example.com/orders/z");
        let public = exposure(Some("https://public.example.com"), true);
        assert_eq!(of("/z", &headers, &public), "https://public.example.com/z");
        for (name, value, url) in [
            (
                "forwarded",
                "for=1.2.3.4;proto=HTTPS;host=\"a.example:8443\", for=2",
                "https://a.example:8443/z",
            ),
            ("forwarded", "Host=a.example", "http://a.example/z"),
            ("forwarded", "host=\"a/b\"", "http://inner/z"),
            ("x-forwarded-proto", "javascript", "http://inner/z"),
            ("x-forwarded-prefix", "/a b", "http://inner/z"),
            ("x-forwarded-port", "8443", "http://inner/z"),
        ] {
            assert_eq!(of("/z", &[("host", "inner"), (name, value)], &trusting), url, "{value}");
        }
        for (port, url) in
            [("8443", "https://a:8443/z"), ("443", "https://a/z"), ("x", "https://a/z")]
        {
            let headers = [
                ("x-forwarded-host", "a"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-port", port),
            ];
            assert_eq!(of("/z", &headers, &trusting), url, "{port}");
        }
    }
}
