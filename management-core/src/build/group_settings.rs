//! The mistakes in what is set for groups.

use crate::build::names;
use crate::check::Check;
use crate::check::kind::CheckKind;
use crate::check::name::{self, OWN_COMPONENTS};
use crate::check::probe::Probe;
use crate::config::Config;
use crate::config::exposure::Codes;
use crate::config::group::Group;
use crate::error::Mistake;
use crate::text;
use crate::text::similar::{unknown, unknown_with_remedy};

/// One group that is set, and the checks it is set for.
struct Validation<'a> {
    name: &'a str,
    group: &'a Group,
    /// Sorted by name. Those that are switched off are among them.
    checks: &'a [Check],
    config: &'a Config,
    mistakes: Vec<Mistake>,
}

/// The mistakes in every group that is set. `checks` are sorted by name, and contain those that are
/// switched off.
pub(crate) fn mistakes(config: &Config, checks: &[Check]) -> Vec<Mistake> {
    let mistakes = config.groups.iter().flat_map(|(name, group)| {
        let mut validation = Validation { name, group, checks, config, mistakes: Vec::new() };
        let probe = Probe::named(name);
        validation.name(probe);
        validation.status_codes();
        validation.members();
        validation.dialects(probe);
        if let Some(probe) = probe {
            validation.dependencies(probe);
        }
        if probe == Some(Probe::Startup) {
            validation.startup();
        }
        validation.mistakes
    });
    mistakes.collect()
}

impl Validation<'_> {
    fn name(&mut self, probe: Option<Probe>) {
        if self.name == "health" {
            self.complain(
                "`/health` has every check: set `show_details` and `status_codes` for all answers, or choose \
                 another name for a group",
            );
        } else if let Some(complaint) = name::complaint(self.name).filter(|_| probe.is_none()) {
            self.complain(&format!("the name {complaint}: choose another"));
        }
        if let Some(check) = names::find(self.checks, self.name) {
            let origin = self.group.origin.as_ref();
            self.mistakes.push(names::check_named_like_group(self.name, &check.origin, origin));
        }
    }

    fn status_codes(&mut self) {
        for (&status, &code) in &self.group.status_codes {
            if let Err(complaint) = Codes::new().set(status, code) {
                self.complain(&complaint);
            }
        }
    }

    fn dialects(&mut self, probe: Option<Probe>) {
        let is_of_kubelet = matches!(probe, Some(Probe::Liveness | Probe::Startup));
        if is_of_kubelet && self.group.dialects.as_ref().is_some_and(|set| !set.is_empty()) {
            self.complain(
                "it has no dialect, since kubelet restarts what fails there: give the client a group of its own",
            );
        }
    }

    /// The members that have to exist, and names of optional ones that no check can have.
    fn members(&mut self) {
        let group = self.group;
        for member in &group.optional {
            let complaint =
                name::complaint(member).filter(|_| !OWN_COMPONENTS.contains(&&**member));
            if let Some(complaint) = complaint {
                let member = quoted(member);
                self.complain(&format!("no check can have the name `{member}`: it {complaint}"));
            }
        }
        let included = group.include.iter().map(|member| (member, "includes"));
        let excluded = group.exclude.iter().map(|member| (member, "excludes"));
        for (member, verb) in included.chain(excluded) {
            if self.exists(member) {
                continue;
            }
            let (name, known) = (quoted(member), names::known(self.checks));
            let unknown = match verb {
                "includes" => {
                    let remedy = "`optional` accepts a check that may not exist";
                    unknown_with_remedy("check", &name, &known, remedy)
                }
                _ => unknown("check", &name, &known),
            };
            let text = format!("{}{verb} the {unknown}", self.place(" "));
            self.mistakes.push(Mistake::absent(text));
        }
    }

    fn exists(&self, member: &str) -> bool {
        OWN_COMPONENTS.contains(&member)
            || names::find(self.checks, member).is_some()
            // The mistake of a dependency that cannot be asked is reported already.
            || self.config.service_dependencies.contains_key(member)
    }

    /// A probe that asked other services would fail with them.
    fn dependencies(&mut self, probe: Probe) {
        for member in self.group.include.union(&self.group.optional) {
            let dependency = names::find(self.checks, member)
                .filter(|check| check.kind == Some(CheckKind::Dependency));
            let cascades = |check: &&Check| probe == Probe::Readiness && check.cascade.is_some();
            let Some(dependency) = dependency.filter(|check| !cascades(check)) else { continue };
            let why = match probe {
                Probe::Readiness => {
                    "if this service can answer nothing without it, let readiness ask it with \
                     `Dependency::readiness`"
                }
                Probe::Startup => {
                    "services that start together would wait for each other; put it into a group of another \
                     name"
                }
                Probe::Liveness => {
                    "a restart of this service does not repair the other one; put it into a group of another \
                     name"
                }
            };
            let complaint = format!("includes the service dependency `{}`: {why}", dependency.name);
            self.mistakes.push(Mistake::invalid(format!("{}{complaint}", self.place(" "))));
        }
    }

    /// Only a startup check is done once it has succeeded. Any other could stop what has started.
    fn startup(&mut self) {
        for member in self.group.include.union(&self.group.optional) {
            let other = names::find(self.checks, member).filter(|check| {
                !matches!(check.kind, Some(CheckKind::Startup | CheckKind::Dependency))
            });
            if let Some(check) = other {
                let text = format!(
                    "{}includes `{}`, which is not a startup check: make it one, since startup asks each \
                     check until its first success",
                    self.place(" "),
                    check.name,
                );
                self.mistakes.push(Mistake::invalid(text));
            }
        }
    }

    fn complain(&mut self, complaint: &str) {
        self.mistakes.push(Mistake::invalid(format!("{}{complaint}", self.place(": "))));
    }

    /// How a message about the group begins.
    fn place(&self, separator: &str) -> String {
        let name = text::short(self.name);
        match &self.group.origin {
            Some(origin) => format!("the group {name:?} at {origin}{separator}"),
            None => format!("the group {name:?} of `groups`{separator}"),
        }
    }
}

/// A name in a message, which has no room for a long one.
fn quoted(name: &str) -> String {
    text::short(name).escape_debug().collect()
}
