//! Chooses the body by `Accept`. The status code never depends on it.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};

use super::actuator::Version;
use super::reply::Content;

/// A media type of answers.
struct Offer {
    kind: &'static str,
    subtype: &'static str,
    content: Content,
    /// Whether a client that accepts anything can get it.
    is_usual: bool,
}

impl Offer {
    const fn usual(kind: &'static str, subtype: &'static str, content: Content) -> Self {
        Offer { kind, subtype, content, is_usual: true }
    }

    /// One for those who name it.
    const fn special(subtype: &'static str, content: Content) -> Self {
        Offer { kind: "application", subtype, content, is_usual: false }
    }
}

/// Of two that a client likes equally, the first is sent. Spring Boot Admin also accepts plain JSON, but reads it as if
/// it was from Spring Boot 1.
const OFFERS: [Offer; 5] = [
    Offer::special("vnd.spring-boot.actuator.v3+json", Content::Actuator(Version::V3)),
    Offer::special("vnd.spring-boot.actuator.v2+json", Content::Actuator(Version::V2)),
    Offer::special("health+json", Content::HealthJson),
    Offer::usual("application", "json", Content::Json),
    Offer::usual("text", "plain", Content::Lines),
];

/// The positions of the two that there always are.
const JSON: usize = 3;
const TEXT: usize = 4;

/// The precision of a range without wildcards.
const EXACT: u8 = 3;

/// How much a client likes one media type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    /// In thousandths; 0 means never.
    quality: u16,
    /// The precision of the range: 3 for a type, 2 for `type/*`, 1 for `*/*`.
    precision: u8,
}

/// The body under the prefix: JSON, unless the client prefers another one. A named type is preferred to one
/// that a wildcard covers.
pub(super) fn content(headers: &HeaderMap) -> Content {
    let mut lines = headers.get_all(ACCEPT).iter();
    match lines.next().map(HeaderValue::as_bytes) {
        None => return Content::Json,
        // The usual values take no parsing.
        Some(b"*/*" | b"application/json") if lines.next().is_none() => return Content::Json,
        Some(_) => {}
    }
    let preferences = preferences(headers);
    let offers = OFFERS.iter().zip(preferences).filter(|(_, preference)| preference.quality > 0);
    // Of equals, `max_by_key` takes the last.
    offers
        .rev()
        .max_by_key(|(_, preference)| *preference)
        .map_or(Content::Json, |(offer, _)| offer.content)
}

/// The kind of JSON that the client names, and in thousandths how much it likes that.
#[cfg(all(feature = "actuator", feature = "prometheus"))]
pub(super) fn named_json(headers: &HeaderMap) -> Option<(Content, u16)> {
    let kinds: Vec<_> = OFFERS
        .iter()
        .zip(preferences(headers))
        .filter(|(offer, preference)| {
            let is_json = matches!(offer.content, Content::Actuator(_) | Content::Json);
            is_json && preference.precision == EXACT && preference.quality > 0
        })
        .collect();
    let best = kinds.into_iter().rev().max_by_key(|(_, preference)| preference.quality)?;
    Some((best.0.content, best.1.quality))
}

/// The media type of pages that are always JSON.
pub(super) fn json_content(headers: &HeaderMap) -> Content {
    match content(headers) {
        actuator @ Content::Actuator(_) => actuator,
        _ => Content::Json,
    }
}

/// The body at Kubernetes' own paths: text, unless the client prefers JSON.
pub(super) fn kubernetes_content(headers: &HeaderMap) -> Content {
    let preferences = preferences(headers);
    let (json, text) = (preferences[JSON], preferences[TEXT]);
    if json.quality > text.quality { Content::Json } else { Content::Lines }
}

/// The preference for each offer, by the most precise range that covers it. Ranges that cannot be parsed are
/// ignored.
///
/// A client that accepts another kind of JSON, such as `application/vnd.api+json`, gets ours, unless it names
/// `application/json`.
fn preferences(headers: &HeaderMap) -> [Preference; OFFERS.len()] {
    let mut preferences = [Preference::default(); OFFERS.len()];
    let mut related = Preference::default();
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    for (kind, subtype, quality) in lines.flat_map(|line| parts(line, ',')).filter_map(range) {
        let mut is_special = false;
        for (offer, preference) in OFFERS.iter().zip(&mut preferences) {
            let Some(precision) = offer.precision(kind, subtype) else { continue };
            is_special |= !offer.is_usual;
            if precision > preference.precision {
                *preference = Preference { quality, precision };
            } else if precision == preference.precision {
                preference.quality = preference.quality.max(quality);
            }
        }
        if let Some(precision) = precision_of_related(kind, subtype)
            && !is_special
        {
            related = related.max(Preference { quality, precision });
        }
    }
    let json = &mut preferences[JSON];
    if json.precision < EXACT {
        *json = related.max(*json);
    }
    preferences
}

impl Offer {
    /// How precisely a range names it, if it does.
    fn precision(&self, kind: &str, subtype: &str) -> Option<u8> {
        if kind == "*" && subtype == "*" {
            return self.is_usual.then_some(1);
        }
        if !kind.eq_ignore_ascii_case(self.kind) {
            return None;
        }
        if subtype == "*" {
            return self.is_usual.then_some(2);
        }
        subtype.eq_ignore_ascii_case(self.subtype).then_some(EXACT)
    }
}

/// How precisely a range names JSON that is not `application/json`, if it does: by the structured
/// suffix of RFC 6839, as in `application/vnd.spring-boot.actuator.v3+json` and `application/*+json`.
fn precision_of_related(kind: &str, subtype: &str) -> Option<u8> {
    let subtype = subtype.to_ascii_lowercase();
    match (&*kind.to_ascii_lowercase(), subtype.strip_suffix("+json")) {
        ("application", Some("*")) => Some(2),
        ("application", Some(_)) => Some(EXACT),
        ("text", _) if subtype == "json" => Some(EXACT),
        _ => None,
    }
}

/// The parts between separators. One in a quoted string does not separate.
pub(super) fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |character| {
        let was_escaped = std::mem::replace(&mut is_escaped, false);
        match character {
            '"' if !was_escaped => is_quoted = !is_quoted,
            '\\' if is_quoted => is_escaped = !was_escaped,
            _ => {}
        }
        character == separator && !is_quoted
    })
}

/// The type, the subtype and the quality of a media range.
pub(super) fn range(range: &str) -> Option<(&str, &str, u16)> {
    let mut parts = parts(range, ';').map(str::trim);
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
        use Content::{HealthJson as Health, Json, Lines};
        const V3: Content = Content::Actuator(Version::V3);
        const V2: Content = Content::Actuator(Version::V2);
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
            // Spring Boot Admin, and others who name a format.
            (
                "application/vnd.spring-boot.actuator.v3+json, application/vnd.spring-boot.actuator.v2+json, \
                 application/vnd.spring-boot.actuator.v1+json, application/json",
                V3,
                Json,
            ),
            ("application/vnd.spring-boot.actuator.v3+json, text/plain;q=0.5", V3, Lines),
            ("Application/Vnd.Spring-Boot.Actuator.V2+JSON", V2, Lines),
            ("application/vnd.spring-boot.actuator.v2+json, application/json;q=0.9", V2, Json),
            ("application/vnd.spring-boot.actuator.v2+json;q=0.5, application/json", Json, Json),
            ("application/vnd.spring-boot.actuator.v1+json", Json, Json),
            ("application/vnd.spring-boot.actuator.v3+json;q=0, */*", Json, Lines),
            ("application/health+json", Health, Lines),
            ("application/health+json, application/json;q=0.5", Health, Json),
            ("application/health+json;q=0.2, text/plain", Lines, Lines),
            // JSON of another name.
            ("application/vnd.api+json, text/plain;q=0.5", Json, Json),
            ("application/*+json, text/plain;q=0.1", Json, Json),
            ("text/plain;q=0.1, Application/Health+JSON;version=1;q=0.2", Health, Lines),
            ("application/vnd.x+json", Json, Json),
            ("application/vnd.x+json, text/plain", Json, Lines),
            ("text/json, text/plain;q=0.9", Json, Json),
            ("application/vnd.x+json;q=0.5, text/plain", Lines, Lines),
            ("application/vnd.x+json;q=0.1, text/plain;q=0.5, */*;q=0.1", Lines, Lines),
            ("application/vnd.x+json;q=0.1, */*;q=0.8, text/plain;q=0.5", Json, Json),
            ("application/*+json, text/plain", Lines, Lines),
            ("application/*+json, text/*", Json, Lines),
            ("application/vnd.x+json;q=0, text/plain;q=0.1", Lines, Lines),
            ("application/vnd.x+json;q=0, */*", Json, Lines),
            ("application/vnd.x+json;q=0, application/json", Json, Json),
            ("application/json;q=0, application/vnd.x+json, text/plain;q=0.5", Lines, Lines),
            ("application/json;q=0.1, application/vnd.x+json, text/plain;q=0.5", Lines, Lines),
            ("application/*;q=0, application/vnd.x+json, text/plain;q=0.5", Json, Json),
            ("application/vnd.x+xml, text/plain;q=0.5", Lines, Lines),
            ("application/xjson, image/x+json, text/plain;q=0.1", Lines, Lines),
            ("application/vnd.x+json;q=2, text/plain;q=0.1", Lines, Lines),
            // What is quoted parts nothing.
            ("application/vnd.x+json;a=\"b,\\\";c\";q=0.1, text/plain;q=0.2", Lines, Lines),
            ("text/plain;a=\", application/json;q=1\";q=0.2, application/*+json;q=0.3", Json, Json),
            ("text/plain;a=\", */*", Lines, Lines),
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
