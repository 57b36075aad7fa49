use super::*;

fn parse(text: &str) -> Result<Exposition, String> {
    Exposition::parse(text.to_owned())
}

fn complaint(text: &str) -> String {
    parse(text).expect_err(text)
}

#[test]
fn valid_text() {
    for text in [
        "",
        "\n \n\t\n",
        "# a comment\n#another\n# HELPER x\n#\n",
        "up 1",
        "up 1\n",
        "  up\t1  \n",
        "up{} 1\nup{a=\"b\"} 0\n",
        "up{ a = \"b\" , c=\"d\", } 1 1700000000000\n",
        "up{a=\"b\"}1\nup {a=\"c\"} 1\n",
        "a:b:c_1{_x9=\"\"} -1.5e-3 -5\n",
        "a NaN\nb +Inf\nc -Inf\nd 1e5\ne .5\nf 0x\n".trim_end_matches("f 0x\n"),
        "a{x=\"\\\\ \\\" \\n ü , } =\"} 1\n",
        "# HELP a\n# HELP b \\\\ and \\n\n# TYPE a counter\na 1\n# TYPE b untyped\nb 2\n",
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n",
        // Another metric than the histogram.
        "# TYPE h histogram\nh_total 1\n",
    ] {
        let valid = parse(text).unwrap_or_else(|why| panic!("{text:?}: {why}"));
        assert!(!valid.is_openmetrics(), "{text:?}");
        assert_eq!(valid.text(Format::Text).trim_end(), text.trim_end(), "{text:?}");
    }
}

#[test]
fn what_is_wrong_with_a_text() {
    for (text, why) in [
        ("a 1\n1a 1\n", "line 2: `1a 1` does not begin with the name of a metric"),
        ("ä 1\n", "line 1: `ä 1` does not begin with the name of a metric"),
        ("a-b 1\n", "line 1: a space is missing before `-b 1`"),
        ("a\n", "line 1: a space is missing before ``"),
        ("a one\n", "line 1: `one` is not a number"),
        ("a 1_000\n", "line 1: `1_000` is not a number"),
        ("a 1 soon\n", "line 1: `soon` is not a timestamp"),
        ("a 1 1.5\n", "line 1: `1.5` is not a timestamp"),
        ("a 1 2 3\n", "line 1: ` 3` follows the end of the sample"),
        ("a 1\r\n", "line 1: `1\r` is not a number"),
        ("a{b=\"c} 1\n", "line 1: the quotes of `c} 1` are not closed"),
        ("a{b=\"c\\\"} 1\n", "line 1: the quotes of `c\\\"} 1` are not closed"),
        ("a{b=c} 1\n", "line 1: `\"` is missing before `c} 1`"),
        ("a{b} 1\n", "line 1: `=` is missing before `} 1`"),
        ("a{b=\"c\"d=\"e\"} 1\n", "line 1: `,` is missing before `d=\"e\"} 1`"),
        ("a{,} 1\n", "line 1: `,} 1` does not begin with the name of a label"),
        ("a{b:c=\"d\"} 1\n", "line 1: `=` is missing before `:c=\"d\"} 1`"),
        ("a{b=\"c\"", "line 1: `,` is missing before ``"),
        ("a{b=\"1\",b=\"2\"} 1\n", "line 1: the label `b` is there twice"),
        ("a{b=\"\\x\"} 1\n", "line 1: `\\x` has a backslash that escapes nothing"),
        ("# HELP a \\t\n", "line 1: `\\t` has a backslash that escapes nothing"),
        ("# HELP a-b c\n", "line 1: a space is missing before `-b c`"),
        ("# TYPE a\n", "line 1: `` is not a type in Prometheus' text format"),
        ("# TYPE a stateset\n", "line 1: `stateset` is not a type in Prometheus' text format"),
        ("# TYPE a gauge\na 1\n# TYPE a gauge\n", "line 3: `a` has two lines `# TYPE`"),
        ("# HELP a b\n# HELP a b\n", "line 2: `a` has two lines `# HELP`"),
        ("a 1\n# TYPE a gauge\n", "line 2: the TYPE of `a` comes after its samples"),
        ("a_sum 1\n# TYPE a summary\n", "line 2: the TYPE of `a` comes after its samples"),
        ("a{b=\"c\"} 1\na{b=\"c\"} 2\n", "line 2: `a{b=\"c\"}` is there twice"),
        (
            "# TYPE h histogram\nh 1\n",
            "line 2: the samples of `h` end with `_bucket`, `_sum`, `_count`, as its TYPE says",
        ),
        (
            "# TYPE h histogram\nh_bucket 1\n",
            "line 2: `h_bucket` needs a label `le` that is a number",
        ),
        (
            "# TYPE h histogram\nh_bucket{le=\"x\"} 1\n",
            "line 2: `h_bucket` needs a label `le` that is a number",
        ),
        ("# TYPE s summary\ns 1\n", "line 2: `s` needs a label `quantile` that is a number"),
        ("a 1 # {} 1\n", "line 1: `# {} 1` follows the end of the sample"),
        ("# EOF\na 1\n", "line 2: nothing follows `# EOF`"),
    ] {
        assert_eq!(complaint(text), why, "{text:?}");
    }
}

const OPENMETRICS: &str = "\
# HELP requests Of \\\"all\\\" \\\\ kinds.
# TYPE requests counter
# UNIT requests_seconds seconds
requests_total{code=\"200\"} 5 1700000000.5 # {trace=\"a b\"} 0.5 1700000000
requests_created{code=\"200\"} 1600000000.25
# TYPE target info
target_info{env=\"prod\"} 1
# TYPE feature stateset
feature{feature=\"a\"} 1
# TYPE sizes gaugehistogram
sizes_bucket{le=\"+Inf\"} 1
sizes_gcount 1
# TYPE took histogram
took_bucket{le=\"1.0\"} 1 # {} 1
took_bucket{le=\"+Inf\"} 1
took_sum 1
took_count 1
# TYPE some unknown
some 1
other 2
# EOF
";

#[test]
fn openmetrics() {
    let valid = parse(OPENMETRICS).unwrap();
    assert!(valid.is_openmetrics());
    assert_eq!(format!("{}# EOF\n", valid.text(Format::OpenMetrics)), OPENMETRICS);
    let rewritten = valid.text(Format::Text);
    assert_eq!(
        rewritten,
        "\
# HELP requests_total Of \"all\" \\\\ kinds.
# TYPE requests_total counter
requests_total{code=\"200\"} 5 1700000000500
# TYPE target_info gauge
target_info{env=\"prod\"} 1
# TYPE feature gauge
feature{feature=\"a\"} 1
sizes_bucket{le=\"+Inf\"} 1
sizes_gcount 1
# TYPE took histogram
took_bucket{le=\"1.0\"} 1
took_bucket{le=\"+Inf\"} 1
took_sum 1
took_count 1
# TYPE some untyped
some 1
other 2
"
    );
    parse(rewritten).unwrap();
    for name in ["requests", "requests_total", "target", "took", "took_bucket", "other"] {
        assert!(valid.has(name), "{name}");
    }
    assert!(!valid.has("request") && !valid.has("EOF"));
    // Without a line feed at its end, too.
    assert!(parse(OPENMETRICS.trim_end()).unwrap().is_openmetrics());
}

#[test]
fn what_is_wrong_with_openmetrics() {
    for (text, why) in [
        ("\n", "line 1: `` does not begin with the name of a metric"),
        ("a  1\n", "line 1: OpenMetrics has one space between two parts"),
        ("a{b=\"c\"}1\n", "line 1: a space is missing before `1`"),
        (
            "a{b=\"c\", d=\"e\"} 1\n",
            "line 1: ` d=\"e\"} 1` does not begin with the name of a label",
        ),
        ("a 1 \n", "line 1: `` is not a timestamp"),
        ("a 1 inf\n", "line 1: `inf` is not a timestamp"),
        (
            "# a comment\n",
            "line 1: only `# HELP`, `# TYPE`, `# UNIT` and `# EOF` may begin with `#`",
        ),
        ("# TYPE a untyped\n", "line 1: `untyped` is not a type in OpenMetrics"),
        (
            "# TYPE a counter\na 1\n",
            "line 2: the samples of `a` end with `_total`, `_created`, as its TYPE says",
        ),
        ("# TYPE a gauge\na 1 # {} 1\n", "line 2: `a` cannot have an exemplar"),
        ("a_total 1 # 1\n", "line 1: an exemplar has no labels"),
        ("a_total 1 # {}\n", "line 1: a space is missing before ``"),
        ("a_total 1 # {} x\n", "line 1: `x` is not a number"),
        ("a_total 1 # {} 1 2 3\n", "line 1: ` 3` follows the end of the sample"),
    ] {
        assert_eq!(complaint(&format!("{text}# EOF\n")), why, "{text:?}");
    }
}
