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
mod tests;
