//! Finds the workload of a pod from the pod's name.

/// The workload that created a pod.
#[derive(Debug, PartialEq)]
pub(super) enum Workload<'a> {
    Deployment {
        name: &'a str,
        replica_set: &'a str,
    },
    StatefulSet {
        name: &'a str,
    },
    CronJob {
        name: &'a str,
        job: &'a str,
    },
    Job {
        name: &'a str,
    },
    /// A `DaemonSet`, a `Job` or a bare `ReplicaSet`, whose pods have the same form of name.
    Unknown {
        name: &'a str,
    },
}

impl<'a> Workload<'a> {
    /// The workload of `pod`. `index` is its `JOB_COMPLETION_INDEX`, if it has one. In that case `pod` may also be the host
    /// name of the pod, which lacks the random suffix.
    pub(super) fn of_pod(pod: &'a str, index: Option<&str>) -> Option<Self> {
        /// Kubernetes cuts longer names, and then a hyphen may not separate two parts.
        const MAX_BYTES: usize = 63;
        if pod.len() >= MAX_BYTES {
            return None;
        }
        if let Some(index) = index {
            let named = strip_random(pod).filter(|rest| strip_part(rest, index).is_some());
            return Some(Workload::of_job(strip_part(named.unwrap_or(pod), index)?));
        }
        if let Some(owner) = strip_random(pod) {
            return Some(match split(owner) {
                Some((name, hash)) if is_template_hash(hash) => {
                    Workload::Deployment { name, replica_set: owner }
                }
                _ => match Workload::of_job(owner) {
                    Workload::Job { name } => {
                        Workload::Unknown { name: strip_likely_hash(pod).unwrap_or(name) }
                    }
                    known => known,
                },
            });
        }
        let (name, last) = split(pod)?;
        if is_ordinal(last) {
            return Some(Workload::StatefulSet { name });
        }
        strip_likely_hash(pod).map(|name| Workload::Unknown { name })
    }

    fn of_job(job: &'a str) -> Self {
        match split(job) {
            Some((name, minutes)) if is_minutes(minutes) => Workload::CronJob { name, job },
            _ => Workload::Job { name: job },
        }
    }

    /// The name from the manifest.
    pub(super) fn name(&self) -> &'a str {
        match *self {
            Workload::Deployment { name, .. }
            | Workload::StatefulSet { name }
            | Workload::CronJob { name, .. }
            | Workload::Job { name }
            | Workload::Unknown { name } => name,
        }
    }

    /// The attributes that are certain.
    pub(super) fn attributes(&self) -> Vec<(&'static str, &'a str)> {
        match *self {
            Workload::Deployment { name, replica_set } => {
                vec![("k8s.deployment.name", name), ("k8s.replicaset.name", replica_set)]
            }
            Workload::StatefulSet { name } => vec![("k8s.statefulset.name", name)],
            Workload::CronJob { name, job } => {
                vec![("k8s.cronjob.name", name), ("k8s.job.name", job)]
            }
            Workload::Job { name } => vec![("k8s.job.name", name)],
            Workload::Unknown { .. } => vec![],
        }
    }
}

fn split(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('-').filter(|(rest, _)| !rest.is_empty())
}

fn strip_part<'a>(name: &'a str, part: &str) -> Option<&'a str> {
    split(name).filter(|&(_, last)| last == part).map(|(rest, _)| rest)
}

/// The name without the five random characters that Kubernetes appends to the name of the workload.
fn strip_random(pod: &str) -> Option<&str> {
    const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let (owner, random) = split(pod)?;
    (random.len() == 5 && random.bytes().all(|byte| SAFE.contains(&byte))).then_some(owner)
}

/// The name without a part that looks like a hash and without a random suffix, which controllers other than those of
/// Kubernetes append. The digit distinguishes a hash from a word of nine letters.
fn strip_likely_hash(pod: &str) -> Option<&str> {
    let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let (owner, random) = split(pod)?;
    let (name, hash) = split(owner)?;
    let has_digit = hash.bytes().any(|byte| byte.is_ascii_digit());
    (random.len() == 5 && is_word(random) && hash.len() == 9 && is_word(hash) && has_digit)
        .then_some(name)
}

/// Whether a text is the hash of a pod template: a 32-bit number in decimal, with ten of the safe characters as digits. A
/// hash shorter than this is rare, one in 40,000, while `db` is a usual suffix of a name.
fn is_template_hash(text: &str) -> bool {
    (6..=10).contains(&text.len()) && text.bytes().all(|byte| b"456789bcdf".contains(&byte))
}

/// Whether a text is the ordinal of a pod in a set. It is shorter than a random suffix.
fn is_ordinal(text: &str) -> bool {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number && text.len() < 5 && (text == "0" || !text.starts_with('0'))
}

/// Whether a text is the scheduled time of a job, in minutes since 1970, between 2017 and 2054. This range excludes dates
/// such as `20250131`.
fn is_minutes(text: &str) -> bool {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number && text.parse().is_ok_and(|minutes: u32| (25_000_000..44_444_444).contains(&minutes))
}

#[cfg(test)]
mod tests {
    use super::Workload::{CronJob, Deployment, Job, StatefulSet, Unknown};
    use super::*;

    #[test]
    fn names_of_pods() {
        let long = format!("{}-5d4f8c7b9-x7k2p", "a".repeat(47));
        assert_eq!(long.len(), 63);
        for (pod, workload) in [
            ("api-5d4f8c7b9-x7k2p", Some(Deployment { name: "api", replica_set: "api-5d4f8c7b9" })),
            (
                "users-api-v2-75675f5897-7ci7o",
                None, // `i` and `o` are not safe characters
            ),
            (
                "users-api-v2-75675f5897-7cg7d",
                Some(Deployment { name: "users-api-v2", replica_set: "users-api-v2-75675f5897" }),
            ),
            ("a-9bcdf4-zzzzz", Some(Deployment { name: "a", replica_set: "a-9bcdf4" })),
            ("web-0", Some(StatefulSet { name: "web" })),
            ("users-db-12", Some(StatefulSet { name: "users-db" })),
            ("web-01", None),
            ("web-9999", Some(StatefulSet { name: "web" })),
            ("web-10000", None),
            ("web-24567", Some(Unknown { name: "web" })),
            ("web-", None),
            ("web", None),
            ("-0", None),
            ("-x7k2p", None),
            ("", None),
            ("node-exporter-x7k2p", Some(Unknown { name: "node-exporter" })),
            ("backup-db-x7k2p", Some(Unknown { name: "backup-db" })),
            ("api-5d4f8c7b9ff-x7k2p", Some(Unknown { name: "api-5d4f8c7b9ff" })),
            ("api-5d4f8c7b3-x7k2p", Some(Unknown { name: "api" })),
            ("5d4f8c7b9-x7k2p", Some(Unknown { name: "5d4f8c7b9" })),
            ("report-29912345-x7k2p", Some(CronJob { name: "report", job: "report-29912345" })),
            ("report-20261122-x7k2p", Some(Unknown { name: "report-20261122" })),
            (
                "report-48765489-x7k2p",
                Some(Deployment { name: "report", replica_set: "report-48765489" }),
            ),
            ("api-5d4f8c7b9-x7k2", None),
            ("ip-10-0-1-23.ec2.internal", None),
            ("5f1c2ab34d9e", None),
            // As flask-management-endpoints knows them, but for words of nine letters.
            ("shop-abc123def-a1b2c", Some(Unknown { name: "shop" })),
            ("shop-abc123def-x7k2p", Some(Unknown { name: "shop" })),
            ("log-collector-x7k2p", Some(Unknown { name: "log-collector" })),
            ("log-collector-a1b2c", None),
            (&long, None),
            (&long[1..], Some(Deployment { name: &long[1..47], replica_set: &long[1..57] })),
        ] {
            assert_eq!(Workload::of_pod(pod, None), workload, "{pod}");
        }
    }

    #[test]
    fn names_of_pods_of_indexed_jobs() {
        for (pod, index, workload) in [
            ("import-3-x7k2p", "3", Some(Job { name: "import" })),
            ("import-3", "3", Some(Job { name: "import" })),
            ("import-3", "4", None),
            ("import-24567", "24567", Some(Job { name: "import" })),
            ("import-3-24567", "3", Some(Job { name: "import" })),
            ("nightly-29912345-0", "0", Some(CronJob { name: "nightly", job: "nightly-29912345" })),
            (
                "nightly-29912345-0-x7k2p",
                "0",
                Some(CronJob { name: "nightly", job: "nightly-29912345" }),
            ),
        ] {
            assert_eq!(Workload::of_pod(pod, Some(index)), workload, "{pod}");
        }
    }
}
