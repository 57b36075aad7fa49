//! Chooses the format of metrics by `Accept`.

use http::HeaderMap;
use http::header::ACCEPT;

use super::negotiate::{parts, range};
use crate::metrics::format::Format;

/// OpenMetrics if the client names it and likes it better than text, else text. Also, in thousandths, how much the client
/// likes what it names of the two.
pub(super) fn format(headers: &HeaderMap) -> (Format, u16) {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    // How precisely the best range names each, and in thousandths how much the client likes it.
    let (mut openmetrics, mut text) = ((0, 0), (0, 0));
    for line in lines.flat_map(|line| parts(line, ',')) {
        let Some((kind, subtype, quality)) = range(line) else { continue };
        let name = format!("{kind}/{subtype}").to_ascii_lowercase();
        match (&*name, version(line)) {
            ("application/openmetrics-text", None | Some("1.0.0")) => {
                openmetrics = openmetrics.max((3, quality));
            }
            ("text/plain", None | Some("0.0.4")) => text = text.max((3, quality)),
            ("text/*", _) => text = text.max((2, quality)),
            ("*/*", _) => text = text.max((1, quality)),
            _ => {}
        }
    }
    let liked = |(precision, quality): (u8, u16)| (quality, precision);
    let is_preferred = openmetrics.1 > 0 && liked(openmetrics) > liked(text);
    let format = if is_preferred { Format::OpenMetrics } else { Format::Text };
    let named = [openmetrics, text].into_iter().filter(|(precision, _)| *precision == 3);
    (format, named.map(|(_, quality)| quality).max().unwrap_or_default())
}

/// The version that a range asks for.
fn version(range: &str) -> Option<&str> {
    let parameters = parts(range, ';').skip(1).filter_map(|part| part.split_once('='));
    let mut versions = parameters.filter(|(key, _)| key.trim().eq_ignore_ascii_case("version"));
    versions.next().map(|(_, version)| version.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
        application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
        text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

    const PROMETHEUS_2: &str = "application/openmetrics-text;version=1.0.0,\
        application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

    #[test]
    fn who_gets_what() {
        for (accept, is_openmetrics) in [
            (PROMETHEUS_3, true),
            (PROMETHEUS_2, true),
            ("application/openmetrics-text", true),
            ("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", true),
            ("application/openmetrics-text; version=\"1.0.0\"", true),
            ("application/openmetrics-text, */*", true),
            ("application/openmetrics-text;q=0.1", true),
            ("text/plain;q=0.5, application/openmetrics-text;q=0.6", true),
            ("text/plain;version=1.0.0, application/openmetrics-text;q=0.6", true),
            ("text/plain;q=0, */*, application/openmetrics-text;q=0.6", true),
            ("text/*;q=0.5, text/plain;q=0.1, application/openmetrics-text;q=0.2", true),
            ("*/*", false),
            ("", false),
            ("text/plain", false),
            ("text/plain;version=0.0.4;q=0.2, */*;q=0.1", false),
            ("text/plain, application/openmetrics-text", false),
            ("application/openmetrics-text, text/plain", false),
            ("text/*;q=0.3, application/openmetrics-text;q=0.2", false),
            ("application/openmetrics-text;version=0.0.1", false),
            ("application/openmetrics-text;version=2.0.0", false),
            ("application/openmetrics-text;q=0", false),
            ("application/openmetrics-text;q=0, */*;q=0", false),
            ("application/openmetrics-text;q=1.5", false),
            ("application/*", false),
            ("application/json, text/html", false),
            ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily", false),
            ("q=;;,", false),
        ] {
            let headers = [(ACCEPT, HeaderValue::from_str(accept).unwrap())].into_iter().collect();
            assert_eq!(format(&headers).0 == Format::OpenMetrics, is_openmetrics, "{accept:?}");
        }
        assert_eq!(format(&HeaderMap::new()), (Format::Text, 0));
        let several = ["*/*;q=0.1", "\u{ff}/*", "application/openmetrics-text;q=0.2"];
        let several =
            several.map(|line| (ACCEPT, HeaderValue::from_bytes(line.as_bytes()).unwrap()));
        assert_eq!(format(&several.into_iter().collect()), (Format::OpenMetrics, 200));
    }
}
