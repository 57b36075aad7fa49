use super::*;
use crate::management::Management;

/// All keys, as `serde` knows them.
fn keys() -> Vec<String> {
    let error =
        serde_json::from_str::<Config>(r#"{"?": 1}"#).expect_err("an unknown key").to_string();
    let (_, keys) = error.split_once("expected one of ").expect("a list of the keys");
    keys.split('`').skip(1).step_by(2).map(String::from).collect()
}

#[test]
fn each_key_has_a_variable_and_a_line_in_the_table() {
    let rows: Vec<_> = include_str!("../../../docs/config.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .collect();
    let documented: Vec<_> = rows.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(documented, keys());
    for (key, variables, syntax) in VARIABLES {
        let (_, row) = rows.iter().find(|(documented, _)| *documented == key).expect(key);
        let cell = row.split(" | ").next().expect("a cell");
        for variable in variables {
            assert!(cell.contains(&format!("`{variable}`")), "{key}: {cell}");
        }
        if cell.contains("(JSON)") {
            assert!(matches!(syntax, Syntax::Json), "{key}");
        }
    }
    let with_variable: Vec<_> = VARIABLES.map(|(key, ..)| key.to_owned()).into();
    assert_eq!([vec!["name".to_owned()], with_variable].concat(), keys());
}

#[test]
fn a_variable_that_cannot_be_read_is_named() {
    for (variable, value, message) in [
        ("MANAGEMENT_TIMEOUT", "soon", "`timeout`: \"soon\" is not a duration"),
        ("MANAGEMENT_TIMEOUT", "two  days\u{202e}", "`timeout`: \"two  days\\u{202e}\" is not"),
        (
            "MANAGEMENT_CHECKS",
            "{",
            "column 1): write it like `{\"db\": {\"timeout\": \"1m 30s\"}}`",
        ),
        ("MANAGEMENT_DIALECTS", "envoy", "write it like `[\"envoy\"]`"),
        ("MANAGEMENT_LISTENER_DIALECTS", r#"["envoi"]"#, "did you mean `envoy`?"),
        ("MANAGEMENT_CHECKS", r#"{"a": {}, "a": {}}"#, "the key \"a\" occurs twice"),
        ("MANAGEMENT_CHECKS", r#"{"db": {"x": 1}}"#, "`checks.db.x`: unknown field `x`"),
        ("MANAGEMENT_FAIL_AFTER", "three", "`fail_after`: \"three\" is not a number of runs"),
        ("MANAGEMENT_FAIL_AFTER", "-1", "`fail_after`: \"-1\" is not a number of runs"),
        ("MANAGEMENT_CRITICAL", "maybe", "it must be `true` or `false`"),
        ("MANAGEMENT_SERVICE_DEPENDENCIES", "[]", "`service_dependencies`: invalid type"),
    ] {
        let environment = Environment::from([(variable, value)]);
        let error = Management::builder().build_in(&environment).unwrap_err();
        assert!(error.is_invalid());
        let error = error.to_string();
        assert!(error.contains(&format!("the environment variable `{variable}`")), "{error}");
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_flag_has_many_spellings() {
    let spellings = [
        ("true", true),
        ("1", true),
        ("yes", true),
        ("on", true),
        ("YES", true),
        ("On", true),
        ("false", false),
        ("0", false),
        ("no", false),
        ("off", false),
        ("No", false),
        (" OFF ", false),
    ];
    for (text, flag) in spellings {
        let environment = Environment::from([("MANAGEMENT_MACHINE_ID", text)]);
        let mut mistakes = Mistakes::default();
        let config = Config::from_environment(&environment, &mut mistakes);
        assert!(mistakes.into_result().is_ok(), "{text}");
        assert_eq!(config.machine_id, Some(flag), "{text}");
    }
    for text in ["2", "y", "enabled", "yes no"] {
        let environment = Environment::from([("MANAGEMENT_MACHINE_ID", text)]);
        assert!(Management::builder().build_in(&environment).is_err(), "{text}");
    }
}

#[test]
fn contradictions_in_the_environment_are_reported() {
    let environment = Environment::from([("MANAGEMENT_TTL", "1s"), ("MANAGEMENT_INTERVAL", "2s")]);
    let error = Management::builder().build_in(&environment).unwrap_err().to_string();
    assert!(error.contains("the environment's defaults: `ttl` and `interval`"), "{error}");
    let environment = Environment::from([("MANAGEMENT_FAIL_AFTER", "0")]);
    let error = Management::builder().build_in(&environment).unwrap_err().to_string();
    assert!(error.contains("the environment's defaults: `fail_after` is zero"), "{error}");
}

#[test]
fn the_scheme_has_two_variables() {
    for (variables, scheme) in [
        ([("PREFERRED_URL_SCHEME", "https"), ("SCHEME", "http")], "https"),
        ([("PREFERRED_URL_SCHEME", ""), ("SCHEME", "https")], "https"),
    ] {
        let config =
            Config::from_environment(&Environment::from(variables), &mut Mistakes::default());
        assert_eq!(config.preferred_url_scheme.as_deref(), Some(scheme));
    }
}
