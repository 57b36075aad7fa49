//! The environment variables that set a [`Config`].

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::service_link;
use crate::error::{Mistake, Mistakes};
use crate::line::line;
use crate::text;
use crate::text::similar::most_similar;
use crate::text::strict;

/// The syntax of a variable's value.
#[derive(Clone, Copy)]
enum Syntax {
    Text,
    Flag,
    Number,
    Json,
}

/// Each key and its variables. The first variable that is set counts.
const VARIABLES: [(&str, &[&str], Syntax); 36] = [
    ("prefix", &["MANAGEMENT_PREFIX"], Syntax::Text),
    ("endpoints", &["MANAGEMENT_ENDPOINTS"], Syntax::Json),
    ("kubernetes_paths", &["MANAGEMENT_KUBERNETES_PATHS"], Syntax::Flag),
    ("public_url", &["MANAGEMENT_PUBLIC_URL"], Syntax::Text),
    ("trust_forwarded", &["MANAGEMENT_TRUST_FORWARDED"], Syntax::Flag),
    ("timeout", &["MANAGEMENT_TIMEOUT"], Syntax::Text),
    ("ttl", &["MANAGEMENT_TTL"], Syntax::Text),
    ("interval", &["MANAGEMENT_INTERVAL"], Syntax::Text),
    ("retry", &["MANAGEMENT_RETRY"], Syntax::Text),
    ("valid_for", &["MANAGEMENT_VALID_FOR"], Syntax::Text),
    ("critical", &["MANAGEMENT_CRITICAL"], Syntax::Flag),
    ("fail_after", &["MANAGEMENT_FAIL_AFTER"], Syntax::Number),
    ("checks", &["MANAGEMENT_CHECKS"], Syntax::Json),
    ("probe_budget", &["MANAGEMENT_PROBE_BUDGET"], Syntax::Text),
    ("health_budget", &["MANAGEMENT_HEALTH_BUDGET"], Syntax::Text),
    ("listen", &["MANAGEMENT_LISTEN"], Syntax::Text),
    ("drain_delay", &["MANAGEMENT_DRAIN_DELAY"], Syntax::Text),
    ("drain_timeout", &["MANAGEMENT_DRAIN_TIMEOUT"], Syntax::Text),
    ("stall_limit", &["MANAGEMENT_STALL_LIMIT"], Syntax::Text),
    ("show_details", &["MANAGEMENT_SHOW_DETAILS"], Syntax::Text),
    ("mask", &["MANAGEMENT_MASK"], Syntax::Json),
    ("status_codes", &["MANAGEMENT_STATUS_CODES"], Syntax::Json),
    ("dialects", &["MANAGEMENT_DIALECTS"], Syntax::Json),
    ("listener_dialects", &["MANAGEMENT_LISTENER_DIALECTS"], Syntax::Json),
    ("groups", &["MANAGEMENT_GROUPS"], Syntax::Json),
    ("service_dependencies", &["MANAGEMENT_SERVICE_DEPENDENCIES"], Syntax::Json),
    ("cascade", &["MANAGEMENT_CASCADE"], Syntax::Json),
    ("preferred_url_scheme", &["PREFERRED_URL_SCHEME", "SCHEME"], Syntax::Text),
    ("dependency_ca_file", &["MANAGEMENT_DEPENDENCY_CA_FILE"], Syntax::Text),
    (
        "dependency_client_certificate_file",
        &["MANAGEMENT_DEPENDENCY_CLIENT_CERTIFICATE_FILE"],
        Syntax::Text,
    ),
    (
        "dependency_environment_proxies",
        &["MANAGEMENT_DEPENDENCY_ENVIRONMENT_PROXIES"],
        Syntax::Flag,
    ),
    ("info_keys", &["MANAGEMENT_INFO_KEYS"], Syntax::Json),
    ("service_instance_id", &["MANAGEMENT_SERVICE_INSTANCE_ID"], Syntax::Flag),
    ("service_instance_id_folder", &["MANAGEMENT_SERVICE_INSTANCE_ID_FOLDER"], Syntax::Text),
    ("process_command_line", &["MANAGEMENT_PROCESS_COMMAND_LINE"], Syntax::Flag),
    ("machine_id", &["MANAGEMENT_MACHINE_ID"], Syntax::Flag),
];

/// An example of a value in JSON.
fn sample(key: &str) -> &'static str {
    match key {
        "mask" => r#"["x-tenant-key"]"#,
        "endpoints" => r#"{"info": false}"#,
        "dialects" | "listener_dialects" => r#"["envoy"]"#,
        "checks" => r#"{"db": {"timeout": "1m 30s"}}"#,
        "groups" => r#"{"payments": {"include": ["db"]}}"#,
        "status_codes" => r#"{"DEGRADED": 503}"#,
        "service_dependencies" => r#"{"users": "user-service:9922"}"#,
        "cascade" => r#"{"readiness": ["users"]}"#,
        _ => r#"["app", "service.name"]"#,
    }
}

fn invalid(variable: &str, error: &dyn fmt::Display) -> Mistake {
    let error = text::verbatim(error);
    Mistake::invalid(format!("the environment variable `{variable}`: {error}"))
}

impl Config {
    /// Reads the environment. An invalid value is a mistake that names the variable.
    pub(crate) fn from_environment(environment: &Environment, mistakes: &mut Mistakes) -> Self {
        let mut set = serde_json::Map::new();
        for (key, variables, syntax) in VARIABLES {
            let is_set = |&variable: &&'static str| Some((variable, environment.get(variable)?));
            let Some((variable, text)) = variables.iter().find_map(is_set) else { continue };
            let value = match syntax {
                Syntax::Text => Ok(Value::String(text)),
                Syntax::Flag => match &*text.to_ascii_lowercase() {
                    "true" | "1" | "yes" | "on" => Ok(true.into()),
                    "false" | "0" | "no" | "off" => Ok(false.into()),
                    _ => Err(
                        "it must be `true` or `false`; `1`, `0`, `yes`, `no`, `on` and `off` are \
                              also allowed"
                            .into(),
                    ),
                },
                // Whatever is no number is reported as text.
                Syntax::Number => Ok(text.parse::<u32>().map_or(Value::String(text), Value::from)),
                Syntax::Json => strict::from_str(&text).map_err(|why| {
                    format!("it is not valid JSON ({why}): write it like `{}`", sample(key))
                }),
            };
            // Each key is deserialized by itself, so that the variable of a mistake is known.
            let value = value.and_then(|value: Value| {
                let alone = Value::Object([(key.into(), value.clone())].into_iter().collect());
                <Config as Deserialize>::deserialize(alone)
                    .map(|_| value)
                    .map_err(|why| why.to_string())
            });
            match value {
                Ok(value) => _ = set.insert(key.into(), value),
                Err(why) => mistakes.push(invalid(variable, &why)),
            }
        }
        for variable in environment.named("MANAGEMENT_") {
            let is_read = VARIABLES.iter().any(|(_, variables, _)| variables.contains(&&*variable));
            if !is_read && !service_link::is_one(&variable, environment) {
                let known =
                    VARIABLES.iter().flat_map(|(_, variables, _)| variables.iter().copied());
                let suggestion = match most_similar(&variable, known) {
                    Some(known) => format!("; did you mean `{known}`?"),
                    None => String::new(),
                };
                line!(
                    WARN,
                    [variable = variable.clone()],
                    "unknown environment variable `{variable}`{suggestion}"
                );
            }
        }
        <Config as Deserialize>::deserialize(Value::Object(set)).unwrap_or_else(|why| {
            mistakes.push(invalid("MANAGEMENT_…", &why));
            Config::default()
        })
    }
}

#[cfg(test)]
mod tests;
