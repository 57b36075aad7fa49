use super::*;
use crate::config::environment::Environment;
use crate::error::Mistakes;
use crate::management::Management;

fn read(json: &str) -> Result<Config, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn refused(json: &str) -> String {
    read(json).expect_err(json)
}

#[test]
fn a_mistake_names_its_key() {
    for (json, message) in [
        (
            r#"{"timeuot": "1s"}"#,
            "`timeuot`: unknown key `timeuot` at line 1 column 10; did you mean `timeout`?",
        ),
        (r#"{"timeout": "2 parsecs"}"#, "`timeout`: \"2 parsecs\" is not a duration"),
        (r#"{"timeout": 2}"#, "`timeout`: 2 is not a duration (it has no unit): write it like"),
        (r#"{"retry": 2}"#, "`retry`: 2 is not a duration (it has no unit): write it like"),
        (
            r#"{"fail_after": "3"}"#,
            "`fail_after`: \"3\" is not a number of runs: write a whole number like 3",
        ),
        (r#"{"fail_after": -1}"#, "`fail_after`: -1 is not a number of runs"),
        (
            r#"{"checks": {"db": {"fail_after": 4294967296}}}"#,
            "`checks.db.fail_after`: 4294967296 is not a number of runs",
        ),
        (
            r#"{"service_dependencies": {"users": {"url": "h", "fail_after": 2.5}}}"#,
            "`service_dependencies.users.fail_after`: 2.5 is not a number of runs",
        ),
        (r#"{"prefix": 7}"#, "`prefix`: invalid type: integer `7`"),
        (r#"{"critical": "yes"}"#, "`critical`: invalid type: string \"yes\""),
        (r#"{"checks": {"db": {"ttl": "x"}}}"#, "`checks.db.ttl`: \"x\" is not a duration"),
        (
            r#"{"checks": {"db": {"tll": "1s"}}}"#,
            "`checks.db.tll`: unknown key `tll` at line 1 column 24; did you mean `ttl`?",
        ),
        (r#"{"show_details": "perhaps"}"#, "`show_details`: unknown variant `perhaps`"),
        (
            r#"{"status_codes": {"SICK": 503}}"#,
            "`status_codes`: unknown variant `SICK`, expected one of `UP`",
        ),
        (
            r#"{"groups": {"a": {"includes": []}}}"#,
            "`groups.a.includes`: unknown key `includes` at line 1 column 28; did you mean `include`?",
        ),
        (r#"{"groups": {"a": {"include": "db"}}}"#, "`groups.a.include`: invalid type: string"),
        (
            r#"{"groups": {"a": {"show_details": "perhaps"}}}"#,
            "`groups.a.show_details`: unknown variant `perhaps`",
        ),
        (
            r#"{"groups": {"a": {"status_codes": {"SICK": 503}}}}"#,
            "`groups.a.status_codes`: unknown variant `SICK`",
        ),
        (r#"{"kubernetes_paths": 1}"#, "`kubernetes_paths`: invalid type: integer `1`"),
        (
            r#"{"endpoints": {"inof": false}}"#,
            "unknown value `inof` at line 1 column 21; did you mean `info`?",
        ),
        (
            r#"{"cascade": {"readyness": []}}"#,
            "unknown value `readyness` at line 1 column 24; did you mean `readiness`?",
        ),
        (
            r#"{"service_dependencies": {"users": {"url": "h", "timeout": "soon"}}}"#,
            "`service_dependencies.users.timeout`: \"soon\" is not a duration",
        ),
        (
            r#"{"service_dependencies": {"users": {"uri": "h"}}}"#,
            "`service_dependencies.users.uri`: unknown key `uri` at line 1 column 41; did you mean `url`?",
        ),
        (r#"{"service_dependencies": {"users": {}}}"#, "missing field `url`"),
        (r#"{"service_dependencies": {"users": 7}}"#, "a URL, or a map with a `url`"),
    ] {
        let error = refused(json);
        assert!(error.contains(message), "{json}: {error}");
    }
}

#[test]
fn durations_are_humantime() {
    let config = read(r#"{"timeout": "1m 30s", "ttl": "0s", "interval": null}"#).unwrap();
    assert_eq!(config.timeout, Some(Duration::from_secs(90)));
    assert_eq!((config.ttl, config.interval), (Some(Duration::ZERO), None));
}

#[test]
fn the_environment_comes_before_the_configuration_and_the_builder_before_both() {
    let environment = Environment::from([
        ("MANAGEMENT_PREFIX", "/environment"),
        ("MANAGEMENT_TIMEOUT", "2s"),
        ("MANAGEMENT_CRITICAL", "False"),
        ("MANAGEMENT_MASK", r#"["x-environment"]"#),
        ("MANAGEMENT_STATUS_CODES", r#"{"DEGRADED": 503}"#),
        ("MANAGEMENT_CHECKS", r#"{"db": {"ttl": "2s"}}"#),
        (
            "MANAGEMENT_GROUPS",
            r#"{"a": {"include": ["db"], "show_details": "always", "status_codes": {"DEGRADED": 503}}}"#,
        ),
        ("MANAGEMENT_KUBERNETES_PATHS", "true"),
    ]);
    let given = read(
        r#"{"prefix": "/given", "mask": ["x-given"], "timeout": "3s", "interval": "9s", "valid_for": "300s",
            "status_codes": {"DEGRADED": 200, "UNKNOWN": 200},
            "checks": {"db": {"interval": "9s", "critical": false}, "cache": {"enabled": false}},
            "groups": {"a": {"exclude": ["cache"], "include": ["queue"], "show_details": "never",
                "status_codes": {"DEGRADED": 200, "UNKNOWN": 200}}, "b": {}},
            "kubernetes_paths": false}"#,
    );
    let mut mistakes = Mistakes::default();
    let environment = Config::from_environment(&environment, &mut mistakes);
    assert!(mistakes.into_result().is_ok());
    let own =
        Config { prefix: Some("/own".into()), mask: vec!["x-own".into()], ..Config::default() };
    let merged = own.or(environment).or(given.unwrap());
    assert_eq!(merged.prefix.as_deref(), Some("/own"));
    assert_eq!(merged.mask, ["x-own", "x-environment", "x-given"]);
    assert_eq!(merged.timeout, Some(Duration::from_secs(2)));
    assert_eq!(merged.interval, Some(Duration::from_secs(9)));
    assert_eq!(merged.critical, Some(false));
    assert_eq!(merged.valid_for, Some(Duration::from_secs(300)));
    let codes: Vec<_> = merged.status_codes.into_iter().collect();
    assert_eq!(codes, [(Status::Degraded, 503), (Status::Unknown, 200)]);
    let db = &merged.checks["db"];
    assert_eq!((db.ttl, db.interval), (Some(Duration::from_secs(2)), None));
    assert_eq!(db.critical, Some(false));
    assert_eq!(merged.checks["cache"].enabled, Some(false));
    assert_eq!((merged.groups.len(), merged.kubernetes_paths), (2, Some(true)));
    let group = &merged.groups["a"];
    assert!(group.include.iter().eq(["db", "queue"]) && group.exclude.iter().eq(["cache"]));
    let codes: Vec<_> = group.status_codes.clone().into_iter().collect();
    assert_eq!(codes, [(Status::Degraded, 503), (Status::Unknown, 200)]);
    assert_eq!(format!("{:?}", group.show_details), "Some(always)");
}

#[test]
fn thresholds_are_merged() {
    let beat = r#""interval": "30s", "retry": "3s", "fail_after": 2"#;
    let own = read(r#"{"ttl": "1s", "checks": {"db": {"ttl": "1s"}, "cache": {"retry": "1s"}}}"#);
    let given = format!(r#"{{{beat}, "checks": {{"db": {{{beat}}}, "cache": {{{beat}}}}}}}"#);
    let merged = own.unwrap().or(read(&given).unwrap());
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    // The default is for checks that have an interval of their own.
    assert_eq!((merged.ttl, merged.interval, merged.retry), (seconds(1), None, seconds(3)));
    let (db, cache) = (&merged.checks["db"], &merged.checks["cache"]);
    assert_eq!((db.ttl, db.interval, db.retry), (seconds(1), None, None));
    assert_eq!((cache.interval, cache.retry), (seconds(30), seconds(1)));
    assert_eq!([merged.fail_after, db.fail_after, cache.fail_after], [Some(2); 3]);
    assert_eq!(read(r#"{"fail_after": null}"#).unwrap().fail_after, None);
}

#[test]
fn values_of_headers_are_not_shown() {
    for json in [r#""hunter2""#, r#"{"authorization": 2072}"#, r#"{"x": ["hunter2"]}"#] {
        let users = format!(r#"{{"url": "h", "headers": {json}}}"#);
        let error = refused(&format!(r#"{{"service_dependencies": {{"users": {users}}}}}"#));
        assert!(error.contains("`service_dependencies.users.headers`: the "), "{error}");
        assert!(!error.contains("hunter2") && !error.contains("2072"), "{error}");
    }
    let environment =
        Environment::from([("MANAGEMENT_SERVICE_DEPENDENCIES", "\"http://u:hunter2@h\"")]);
    let error = Management::builder().build_in(&environment).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}
