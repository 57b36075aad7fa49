//! What `Accept` has to say about the body. The code never depends on it.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};

use super::reply::Content;

/// Each media type that an answer can have, the first of two that are as welcome.
const OFFERS: [(&str, &str, Content); 2] =
    [("application", "json", Content::Json), ("text", "plain", Content::Lines)];

/// What clients want of one media type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    /// In thousandths; 0 is never.
    quality: u16,
    /// Of the range that says so: a type, `type/*` or `*/*`.
    precision: u8,
}

/// The body under the prefix: JSON, unless something else is wanted more. What is named is wanted more
/// than what a wildcard covers.
pub(super) fn content(headers: &HeaderMap) -> Content {
    let mut lines = headers.get_all(ACCEPT).iter();
    match lines.next().map(HeaderValue::as_bytes) {
        None => return Content::Json,
        // Most of those who say anything say this, and are not kept waiting.
        Some(b"*/*" | b"application/json") if lines.next().is_none() => return Content::Json,
        Some(_) => {}
    }
    let wishes = wishes(headers);
    let offers = OFFERS.iter().zip(wishes).filter(|(_, wish)| wish.quality > 0);
    // Of equals, `max_by_key` takes the last.
    offers.rev().max_by_key(|(_, wish)| *wish).map_or(Content::Json, |((.., content), _)| *content)
}

/// The body at Kubernetes' own paths: text, unless JSON is wanted more.
pub(super) fn kubernetes_content(headers: &HeaderMap) -> Content {
    let [json, text] = wishes(headers);
    if json.quality > text.quality { Content::Json } else { Content::Lines }
}

/// For each offer, what the most precise range says that covers it. What cannot be parsed says nothing.
fn wishes(headers: &HeaderMap) -> [Wish; OFFERS.len()] {
    let mut wishes = [Wish::default(); OFFERS.len()];
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    for (kind, subtype, quality) in lines.flat_map(|line| line.split(',')).filter_map(range) {
        for ((own_kind, own_subtype, _), wish) in OFFERS.iter().zip(&mut wishes) {
            let precision = if kind == "*" && subtype == "*" {
                1
            } else if kind.eq_ignore_ascii_case(own_kind) && subtype == "*" {
                2
            } else if kind.eq_ignore_ascii_case(own_kind)
                && subtype.eq_ignore_ascii_case(own_subtype)
            {
                3
            } else {
                continue;
            };
            if precision > wish.precision {
                *wish = Wish { quality, precision };
            } else if precision == wish.precision {
                wish.quality = wish.quality.max(quality);
            }
        }
    }
    wishes
}

/// The type, the subtype and the quality of a media range.
fn range(range: &str) -> Option<(&str, &str, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let mut quality = 1000;
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        if key.trim().eq_ignore_ascii_case("q") {
            quality = thousandths(value.trim())?;
        }
    }
    Some((kind, subtype, quality))
}

/// A quality, which is 0 to 1 with at most three decimals.
fn thousandths(quality: &str) -> Option<u16> {
    let (whole, decimals) = quality.split_once('.').unwrap_or((quality, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, decimals) {
        ("0", decimals) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        let value = |line: &&[u8]| HeaderValue::from_bytes(line).unwrap();
        lines.iter().map(|line| (ACCEPT, value(line))).collect()
    }

    #[test]
    fn who_gets_what() {
        use Content::{Json, Lines};
        for (accept, prefixed, kubernetes) in [
            ("*/*", Json, Lines),
            ("application/json", Json, Json),
            ("APPLICATION/JSON; charset=utf-8", Json, Json),
            ("application/*", Json, Json),
            ("application/json, */*", Json, Lines),
            ("application/json, */*;q=0.8", Json, Json),
            ("application/json, text/plain, */*", Json, Lines),
            ("text/plain", Lines, Lines),
            ("Text/Plain;charset=utf-8", Lines, Lines),
            ("text/*", Lines, Lines),
            ("text/plain, */*", Lines, Lines),
            // Consul.
            ("text/plain, text/*, */*", Lines, Lines),
            ("text/*, application/json;q=0.9", Lines, Lines),
            ("text/plain;q=0.5, application/json;q=0.4", Lines, Lines),
            ("text/plain;q=0.5, application/json;q=0.501", Json, Json),
            ("text/plain;q=0.5, */*", Json, Json),
            ("text/plain;q=0, */*", Json, Json),
            ("*/*, text/plain; q=0", Json, Json),
            ("application/json;q=0, */*", Lines, Lines),
            ("text/plain;q=0", Json, Lines),
            ("text/plain ; Q=1.000 ,", Lines, Lines),
            // A browser, and things that are nothing of ours.
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Json, Lines),
            ("text/html", Json, Lines),
            ("image/png", Json, Lines),
            // What nobody can parse.
            ("", Json, Lines),
            (";;;,", Json, Lines),
            ("q=q=q", Json, Lines),
            ("text", Json, Lines),
            ("text/plain;q=abc", Json, Lines),
            ("text/plain;q=1.001", Json, Lines),
            ("text/plain;q=0.1234", Json, Lines),
            ("text/plain;q=-1", Json, Lines),
        ] {
            let headers = headers(&[accept.as_bytes()]);
            assert_eq!(content(&headers), prefixed, "{accept:?}");
            assert_eq!(kubernetes_content(&headers), kubernetes, "{accept:?}");
        }
    }

    #[test]
    fn no_line_several_lines_and_lines_that_are_no_text() {
        let nothing = headers(&[]);
        assert_eq!(
            (content(&nothing), kubernetes_content(&nothing)),
            (Content::Json, Content::Lines)
        );
        for lines in [[&b"*/*;q=0.5"[..], b"text/plain"], [b"*/*", b"text/plain"]] {
            assert_eq!(content(&headers(&lines)), Content::Lines, "{lines:?}");
        }
        let broken = headers(&[b"\xff/*"]);
        assert_eq!(
            (content(&broken), kubernetes_content(&broken)),
            (Content::Json, Content::Lines)
        );
    }
}
