//! From what was configured to checks that ask.

use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::client::{Client, Options};
use super::url::health_url;
use super::{Dependency, TIMEOUT};
use crate::check::{Cascade, Check, Kind, Origin, Work};
use crate::config::Config;
use crate::error::Mistake;
use crate::health::Health;
use crate::runner::Job;
use crate::text;

/// Where the dependencies that the program does not give come from.
const CONFIGURED: Origin = Origin::named("`service_dependencies`");

/// A dependency whose URLs and headers are good, to be asked once there is a client.
struct Target {
    name: String,
    dependency: Dependency,
    origin: Origin,
    headers: HeaderMap,
    health: Url,
    readiness: Option<Url>,
}

/// One check for each dependency that is configured. `prefix` is the own one.
pub(crate) fn checks(config: &Config, prefix: &str, mistakes: &mut Vec<Mistake>) -> Vec<Check> {
    let cascading = cascading(config, mistakes);
    let mut targets = Vec::new();
    for (name, dependency) in &config.service_dependencies {
        let cascades = cascading.contains(&name.as_str());
        match target(name, dependency, cascades, config, prefix) {
            Ok(target) => targets.push(target),
            Err(complaints) => {
                let origin = dependency.origin.unwrap_or(CONFIGURED);
                let told =
                    |why: &String| Mistake::settings("service dependency", name, &origin, why);
                mistakes.extend(complaints.iter().map(told));
            }
        }
    }
    if targets.is_empty() {
        return Vec::new();
    }
    let timeouts = config.service_dependencies.iter().map(|(name, dependency)| {
        let overriding = config.checks.get(name).and_then(|check| check.timeout);
        overriding.or(dependency.settings.timeout).or(config.timeout).unwrap_or(TIMEOUT)
    });
    let client = Client::new(&Options {
        tls: targets.iter().any(|target| target.health.scheme() == "https"),
        ca_file: config.dependency_ca_file.as_deref(),
        client_certificate_file: config.dependency_client_certificate_file.as_deref(),
        environment_proxies: config.dependency_environment_proxies.unwrap_or(false),
        longest_timeout: timeouts.max().unwrap_or(TIMEOUT).min(Duration::from_secs(24 * 60 * 60)),
    });
    match client {
        Ok(client) => targets.into_iter().map(|target| target.into_check(&client)).collect(),
        Err(why) => {
            let why = format!("service dependencies cannot be asked: {why}");
            mistakes.push(Mistake::invalid(why));
            Vec::new()
        }
    }
}

/// The dependencies that readiness asks.
fn cascading<'a>(config: &'a Config, mistakes: &mut Vec<Mistake>) -> Vec<&'a str> {
    let mut cascading = Vec::new();
    for (kind, names) in &config.cascade {
        for name in names {
            if !config.service_dependencies.contains_key(name) {
                let there: Vec<_> =
                    config.service_dependencies.keys().map(|name| format!("`{name}`")).collect();
                let there = if there.is_empty() { "none".into() } else { there.join(", ") };
                mistakes.push(Mistake::absent_dependency(name, &there));
            }
        }
        let why = match kind {
            Kind::Readiness => {
                cascading.extend(names.iter().map(String::as_str));
                continue;
            }
            Kind::Liveness => {
                "a dependency that fails would restart this service, which mends nothing"
            }
            Kind::Startup => "services that start together would wait for each other for ever",
            Kind::Health | Kind::Dependency => "`/health` asks every dependency anyhow",
        };
        mistakes.push(Mistake::invalid(format!(
            "`cascade` names `{kind}`, and only `readiness` can ask dependencies: {why}"
        )));
    }
    cascading
}

fn target(
    name: &str,
    dependency: &Dependency,
    cascades: bool,
    config: &Config,
    prefix: &str,
) -> Result<Target, Vec<String>> {
    let mut complaints = Vec::new();
    let scheme = match (&config.preferred_url_scheme, dependency.url.contains("://")) {
        (Some(scheme), false) => {
            let lower = scheme.trim().to_ascii_lowercase();
            if !matches!(&*lower, "http" | "https") {
                complaints.push(format!(
                    "it has no scheme, and `preferred_url_scheme` (`PREFERRED_URL_SCHEME`, else \
                     `SCHEME`) is {scheme:?}: set it to http or https"
                ));
            }
            lower
        }
        _ => "http".into(),
    };
    let url = |check| {
        // Told once, above.
        let scheme = if scheme == "https" { "https" } else { "http" };
        health_url(&dependency.url, scheme, prefix, check)
    };
    let mut urls = [url(""), url("readiness")].into_iter();
    let (health, readiness) = (urls.next(), urls.next());
    if let Some(Err(why)) = &health {
        complaints.push(why.clone());
    }
    let mut headers = HeaderMap::new();
    for (key, value) in &dependency.headers {
        let Ok(key) = HeaderName::from_str(key) else {
            complaints.push(format!(
                "the header name {key:?} cannot be: it has a character that none has"
            ));
            continue;
        };
        let Ok(mut value) = HeaderValue::from_str(value) else {
            complaints
                .push(format!("the value of its header `{key}` has a character that none has"));
            continue;
        };
        value.set_sensitive(true);
        headers.append(key, value);
    }
    match (health, readiness) {
        (Some(Ok(health)), Some(Ok(readiness))) if complaints.is_empty() => Ok(Target {
            name: name.into(),
            dependency: dependency.clone(),
            origin: dependency.origin.unwrap_or(CONFIGURED),
            headers,
            health,
            readiness: cascades.then_some(readiness),
        }),
        _ => Err(complaints),
    }
}

impl Target {
    fn into_check(self, client: &Client) -> Check {
        let Target { name, dependency, origin, headers, health, readiness } = self;
        let job = |url: Url| {
            let (client, headers) = (client.clone(), headers.clone());
            Job::future(move || {
                let (client, url, headers) = (client.clone(), url.clone(), headers.clone());
                async move {
                    let health: Health = client.ask(&url, &headers).await;
                    health
                }
            })
        };
        let mut check = Check::with(name, Work::Job(job(health.clone())), origin);
        check.kind = Some(Kind::Dependency);
        check.settings = dependency.settings;
        check.url = Some(shown(&health));
        check.cascade =
            readiness.map(|readiness| Cascade { own: Some((shown(&readiness), job(readiness))) });
        check
    }
}

/// A URL as the log and the details may have it.
fn shown(url: &Url) -> String {
    text::tidy(url)
}
