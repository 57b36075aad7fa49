//! From configured dependencies to the checks that ask them.

use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::check::kind::CheckKind;
use crate::check::origin::Origin;
use crate::check::probe::Probe;
use crate::check::settings::DEPENDENCY_TIMEOUT;
use crate::check::{Cascade, Check, Work};
use crate::config::Config;
use crate::dependency::client::{Client, Clients};
use crate::dependency::tls::Options;
use crate::dependency::url::health_url;
use crate::dependency::{Dependency, MAX_TIMEOUT};
use crate::error::{Mistake, Mistakes};
use crate::run::Job;
use crate::text;
use crate::text::similar::unknown;

/// The origin of dependencies from configuration.
const CONFIGURED: Origin = Origin::named("`service_dependencies`");

/// A dependency with valid URLs and headers, before it has a client.
struct Target {
    name: String,
    dependency: Dependency,
    origin: Origin,
    headers: HeaderMap,
    health: Url,
    readiness: Option<Url>,
}

/// One check for each dependency. `prefix` is that of this service.
pub(crate) fn checks(config: &Config, prefix: &str, mistakes: &mut Mistakes) -> Vec<Check> {
    let targets = targets(config, prefix, mistakes);
    // Read even without a dependency, so that a mistake in the files is found early.
    let clients = Clients::new(&Options {
        tls: targets.iter().any(|target| target.health.scheme() == "https"),
        ca_file: config.dependency_ca_file.as_deref(),
        client_certificate_file: config.dependency_client_certificate_file.as_deref(),
        environment_proxies: config.dependency_environment_proxies.unwrap_or(false),
    });
    let checks = clients.and_then(|clients| into_checks(targets, clients, config));
    checks.unwrap_or_else(|why| {
        mistakes.push(Mistake::invalid(format!("the service dependencies cannot be asked: {why}")));
        Vec::new()
    })
}

fn targets(config: &Config, prefix: &str, mistakes: &mut Mistakes) -> Vec<Target> {
    let cascading = cascading(config, mistakes);
    let mut targets = Vec::new();
    for (name, dependency) in &config.service_dependencies {
        let cascades = dependency.readiness || cascading.contains(&name.as_str());
        match target(name, dependency, cascades, config, prefix) {
            Ok(target) => targets.push(target),
            Err(complaints) => {
                let origin = dependency.origin.unwrap_or(CONFIGURED);
                let mistake = |why| {
                    Mistake::invalid(format!("service dependency `{name}` at {origin}: {why}"))
                };
                mistakes.extend(complaints.into_iter().map(mistake));
            }
        }
    }
    targets
}

fn into_checks(
    targets: Vec<Target>,
    mut clients: Clients,
    config: &Config,
) -> Result<Vec<Check>, String> {
    let check = |target: Target| {
        let client = clients.within(timeout(config, &target.name, &target.dependency))?;
        Ok(target.into_check(&client))
    };
    targets.into_iter().map(check).collect()
}

/// The deadline of a dependency.
fn timeout(config: &Config, name: &str, dependency: &Dependency) -> Duration {
    let overriding = config.checks.get(name).and_then(|check| check.timeout);
    let timeout = overriding.or(dependency.settings.timeout).or(config.timeout);
    timeout.unwrap_or(DEPENDENCY_TIMEOUT).min(MAX_TIMEOUT)
}

/// The dependencies that the configuration lets readiness ask.
fn cascading<'a>(config: &'a Config, mistakes: &mut Mistakes) -> Vec<&'a str> {
    let known: Vec<_> = config.service_dependencies.keys().map(String::as_str).collect();
    let mut cascading = Vec::new();
    for (probe, names) in &config.cascade {
        for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
            let unknown = unknown("service dependency", name, &known);
            mistakes.push(Mistake::absent(format!("`cascade` has the {unknown}")));
        }
        let why = match probe {
            Probe::Readiness => {
                cascading.extend(names.iter().map(String::as_str));
                continue;
            }
            Probe::Liveness => "a restart of this service does not repair another one",
            Probe::Startup => "services that start together would wait for each other",
        };
        mistakes.push(Mistake::invalid(format!(
            "`cascade` has `{probe}`, but only `readiness` can ask dependencies: {why}"
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
                     `SCHEME`) is {:?}: set it to http or https",
                    text::quoted_url(scheme)
                ));
            }
            lower
        }
        _ => "http".into(),
    };
    let url = |check| {
        // An invalid scheme is reported above.
        let scheme = if scheme == "https" { "https" } else { "http" };
        health_url(&dependency.url, scheme, prefix, check)
    };
    let (health, readiness) = (url(""), url("readiness"));
    let mut headers = HeaderMap::new();
    for (position, (key, value)) in (1..).zip(&dependency.headers) {
        let Ok(key) = HeaderName::from_str(key) else {
            // The name is not shown: it may be the value, if the two were swapped.
            complaints.push(format!(
                "the name of its header {position} contains a character that is not allowed; are name and value \
                 swapped?"
            ));
            continue;
        };
        let Ok(mut value) = HeaderValue::from_str(value) else {
            complaints.push(format!(
                "the value of its header `{key}` contains a character that is not allowed"
            ));
            continue;
        };
        value.set_sensitive(true);
        headers.append(key, value);
    }
    match (health, readiness) {
        (Ok(health), Ok(readiness)) if complaints.is_empty() => Ok(Target {
            name: name.into(),
            dependency: dependency.clone(),
            origin: dependency.origin.unwrap_or(CONFIGURED),
            headers,
            health,
            readiness: cascades.then_some(readiness),
        }),
        (health, readiness) => {
            // Both have the same mistakes, except for their length.
            complaints.extend(health.err().or(readiness.err()));
            Err(complaints)
        }
    }
}

impl Target {
    fn into_check(self, client: &Client) -> Check {
        let Target { name, dependency, origin, headers, health, readiness } = self;
        let job = |url: Url| {
            let (client, headers) = (client.clone(), headers.clone());
            Job::future(move || {
                let (client, url, headers) = (client.clone(), url.clone(), headers.clone());
                async move { client.ask(&url, &headers).await }
            })
        };
        let mut check = Check::with(name, Work::Job(job(health.clone())), origin);
        check.kind = Some(CheckKind::Dependency);
        check.settings = dependency.settings;
        check.url = Some(shown(&health));
        check.cascade =
            readiness.map(|readiness| Cascade { own: Some((shown(&readiness), job(readiness))) });
        check
    }
}

/// A URL for the log and for details.
fn shown(url: &Url) -> String {
    text::tidy(url)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpSocket, TcpStream};

    use super::*;
    use crate::build::builder::Builder;
    use crate::check::status::Status;
    use crate::dependency::resolver::Resolver;
    use crate::management::Management;
    use crate::sync::Mutex;

    /// Held while no name server answers.
    static SILENCE: Mutex<()> = Mutex::new(());

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_name_server_that_never_answers() {
        let (answer, silence) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        std::thread::spawn(move || {
            let _held = SILENCE.lock();
            begun.send(()).unwrap();
            // Until the other end is dropped.
            assert!(silence.recv().is_err());
        });
        has_begun.recv().unwrap();
        let resolver = Resolver::with(|_| {
            drop(SILENCE.lock());
            Ok(Vec::new())
        });
        let mut clients = Clients::resolving(&Options::default(), resolver).unwrap();
        let patience = Duration::from_millis(200);
        let client = clients.within(patience).unwrap();
        let config = Config::default();
        let dependency = Dependency::new("nowhere").timeout(patience);
        let lost = target("lost", &dependency, false, &config, "/z").unwrap();
        let management = Management::builder()
            .check(lost.into_check(&client))
            .check(Check::new("beside", async || ()))
            .build()
            .unwrap();
        for _ in 0..3 {
            let report = management.health().await;
            let [beside, lost] = report.components() else { panic!("{report:?}") };
            assert_eq!((beside.status(), lost.status()), (Status::Up, Status::Down));
            assert!(lost.duration().unwrap() <= patience, "{lost:?}");
            let why = lost.health().reason().unwrap();
            assert!(why.contains("timed out") || why.contains("looking up its name"), "{why}");
        }
        drop(answer);
    }

    /// A connection gets a share of its deadline for each address of a name. Were that share taken from
    /// another dependency's longer deadline, the second address would never be tried in time.
    #[tokio::test]
    async fn a_dead_address_is_given_up_in_time_whatever_others_allow_themselves() {
        let dead = TcpSocket::new_v4().unwrap();
        dead.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = dead.local_addr().unwrap().port();
        // Once two wait to be accepted, whoever comes then gets no answer at all.
        let _dead = dead.listen(1).unwrap();
        let connect = || TcpStream::connect(("127.0.0.1", port));
        let _waiting = (connect().await.unwrap(), connect().await.unwrap());
        let alive = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = alive.accept().await.unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.write_all(answer).await.unwrap();
            std::future::pending::<()>().await;
        });
        let resolver =
            Resolver::with(|_| Ok(vec![([127, 0, 0, 1], 0).into(), ([127, 0, 0, 2], 0).into()]));
        let clients = Clients::resolving(&Options::default(), resolver).unwrap();
        let mut config = Config::default();
        let two = Dependency::new(format!("two:{port}")).timeout(Duration::from_secs(2));
        let patient = Dependency::new("patient:1").timeout(Duration::from_secs(60));
        config.service_dependencies = [("patient".into(), patient), ("two".into(), two)].into();
        let mut mistakes = Mistakes::default();
        let targets = targets(&config, "/z", &mut mistakes);
        let checks = into_checks(targets, clients, &config).unwrap();
        assert!(mistakes.into_result().is_ok());
        let management = checks.into_iter().fold(Management::builder(), Builder::check);
        let two = management.build().unwrap().check("two").await.unwrap();
        assert_eq!(two.status(), Status::Up, "{two:?}");
    }

    #[test]
    fn what_is_too_long_for_a_probe_alone_is_told() {
        let mut config = Config::default();
        let long = Dependency::new(format!("http://h/{}", "x".repeat(65_525 - 9)));
        config.service_dependencies = [("long".into(), long)].into();
        let mut mistakes = Mistakes::default();
        assert!(targets(&config, "/z", &mut mistakes).is_empty());
        assert_eq!(mistakes.into_iter().count(), 1);
    }

    #[test]
    fn each_deadline_has_a_client_of_its_own() {
        let mut clients = Clients::new(&Options::default()).unwrap();
        for seconds in [2, 2, 10] {
            clients.within(Duration::from_secs(seconds)).unwrap();
        }
        assert_eq!(clients.count(), 2);
    }
}
