//! Completes the URL of a dependency.

use std::net::Ipv6Addr;

use reqwest::Url;

use crate::text;

/// The URL of a dependency's health.
///
/// A URL without a path is taken for a service like this one, whose health is under `prefix`. `check` is the probe to ask,
/// or empty for the whole health.
pub(crate) fn health_url(
    given: &str,
    scheme: &str,
    prefix: &str,
    check: &str,
) -> Result<Url, String> {
    complete(given, scheme, |path| {
        let mut path = match path {
            "" | "/" => format!("{prefix}/health"),
            path => path.to_owned(),
        };
        if !check.is_empty() {
            if !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(check);
        }
        path
    })
}

/// The URL of a page, which is asked as it is.
pub(crate) fn page_url(given: &str) -> Result<Url, String> {
    let scheme = if given.contains("://") { "" } else { "http" };
    let url = complete(given, scheme, str::to_owned)?;
    if scheme.is_empty() {
        return Ok(url);
    }
    Err(format!(
        "{:?} is not a URL: it has no scheme: write it like `https://host/path`",
        text::quoted_url(given)
    ))
}

/// Makes a URL of a text. `path` is given the path, which may be empty, and returns the one to ask.
fn complete(given: &str, scheme: &str, path: impl FnOnce(&str) -> String) -> Result<Url, String> {
    let url = given.trim();
    let complain = |why: String| format!("{:?} is not a URL: {why}", text::quoted_url(given));
    let (given_scheme, rest) = url.split_once("://").unwrap_or((scheme, url));
    let scheme = given_scheme.to_ascii_lowercase();
    if url.is_empty() {
        return Err(complain("it is empty".into()));
    }
    if !matches!(&*scheme, "http" | "https") {
        return Err(complain(format!(
            "its scheme is {:?}, but must be http or https",
            text::quoted_url(given_scheme)
        )));
    }
    if let Some(bad) = rest.chars().find(|c| c.is_whitespace() || c.is_control() || *c == '\\') {
        return Err(complain(format!("it contains {}", describe(bad))));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    if matches!(authority, "http" | "https") && target.starts_with("//") {
        return Err(complain(format!("write `{authority}://`")));
    }
    let target = target.split('#').next().unwrap_or_default();
    let (given_path, query) = match target.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (target, String::new()),
    };
    let authority = authority_of(authority).map_err(|why| {
        if target.contains('@') && !authority.contains('@') {
            let why = "it contains a `/`, `?` or `#` before its `@`: percent-encode the password";
            return complain(why.into());
        }
        complain(why)
    })?;
    let url = format!("{scheme}://{authority}{}{query}", path(given_path));
    // This checks everything else, such as hosts in other scripts.
    let url = Url::parse(&url).map_err(|why| complain(why.to_string()))?;
    http::Uri::try_from(url.as_str()).map_err(|why| complain(why.to_string()))?;
    Ok(url)
}

/// A character that a URL cannot contain, in words.
fn describe(character: char) -> String {
    match character {
        ' ' => "a space".into(),
        '\t' => "a tab".into(),
        '\n' => "a line break".into(),
        '\\' => "a backslash".into(),
        other => format!("the character {other:?}"),
    }
}

/// `[user[:password]@]host[:port]`, with brackets around an IPv6 address.
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
        return Err(format!("its port is {port:?}, but must be from 1 to 65535"));
    }
    Ok(format!("{user}{host}"))
}

#[cfg(test)]
mod tests;
