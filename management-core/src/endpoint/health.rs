//! `/health`, the probes, groups and single checks.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;

use super::lines::{Excluded, Lines};
use super::query::Query;
use super::reply::{Content, Reply};
use super::{Endpoint, Respond, actuator, health_json, json, negotiate, routes};
use crate::check::kind::CheckKind;
use crate::check::name::{AVAILABILITY, RUNTIME};
use crate::check::probe::Probe;
use crate::config::dialect::{Dialect, Spoken};
use crate::config::route::Route;
use crate::dependency::CASCADE;
use crate::management::Management;
use crate::report::ask::{Answered, LeftOut};
use crate::report::component::Component;
use crate::report::health_group::{CustomGroups, GroupKind, HealthGroup};

/// How an answer is written.
struct Style {
    content: Content,
    /// The name of the answer in the last line of a text.
    label: Cow<'static, str>,
    verbose: bool,
    details: bool,
    dialects: BTreeSet<Dialect>,
}

impl Endpoint {
    /// The answer about a group.
    pub(super) fn group(&self, group: &Arc<HealthGroup>, request: &Parts) -> Respond {
        let management = &self.shared.management;
        let method = &request.method;
        let content = negotiate::content(&request.headers);
        if content != Content::Json
            || request.uri.query().is_some()
            || !self.dialects(group).is_empty()
            || is_cascading(management, request)
        {
            return self.part_of(group, content, None, request);
        }
        let details = group
            .show_details(&management.inner().exposure)
            .to(request, self.is_on_management_port());
        if group.kind == GroupKind::Health {
            self.shared.advice.give(request, management, &LeftOut::default());
        }
        management.compute_instant_checks(group);
        let epoch = management.inner().signals.epoch(details);
        if let Some(reply) = self.shared.cache.get(group.kind, details, epoch) {
            return Respond::ready(reply.to(method));
        }
        let pending = management.ask_computed(group);
        let label = group.name.clone();
        let style = Style { content, label, verbose: false, details, dialects: BTreeSet::new() };
        match pending.now() {
            Ok(answered) => {
                management.note(group, &answered);
                let reply = style.reply(management, group, &answered, &Excluded::default());
                self.shared.cache.put(group.kind, details, epoch, answered.until, &reply);
                Respond::ready(reply.to(method))
            }
            Err(pending) => {
                let (management, group) = (management.clone(), Arc::clone(group));
                Respond::later(method, async move {
                    let answered = pending.wait().await;
                    management.note(&group, &answered);
                    style.reply(&management, &group, &answered, &Excluded::default())
                })
            }
        }
    }

    fn dialects<'a>(&'a self, group: &'a HealthGroup) -> &'a BTreeSet<Dialect> {
        let exposure = &self.shared.management.inner().exposure;
        group.dialects(exposure, self.is_on_management_port())
    }

    /// A group at one of Kubernetes' own paths.
    pub(super) fn kubernetes(
        &self,
        label: &'static str,
        group: &Arc<HealthGroup>,
        request: &Parts,
    ) -> Respond {
        let content = negotiate::kubernetes_content(&request.headers);
        self.part_of(group, content, Some(label), request)
    }

    /// The answer about a group, of which the request may leave out a part. `kubernetes` is the label at one of Kubernetes'
    /// own paths.
    fn part_of(
        &self,
        group: &Arc<HealthGroup>,
        content: Content,
        kubernetes: Option<&'static str>,
        request: &Parts,
    ) -> Respond {
        let management = self.shared.management.clone();
        let group = Arc::clone(group);
        let query = Query::parse(request.uri.query().unwrap_or_default());
        let details = group
            .show_details(&management.inner().exposure)
            .to(request, self.is_on_management_port());
        let style = Style {
            content,
            label: kubernetes.map_or_else(|| group.name.clone(), Cow::from),
            verbose: query.verbose,
            details,
            dialects: match kubernetes {
                None => self.dialects(&group).clone(),
                // kubelet asks these paths.
                Some(_) => BTreeSet::new(),
            },
        };
        let dependencies = is_cascading(&management, request);
        let is_whole = query.left_out.is_empty() && !dependencies;
        let left_out = LeftOut { names: query.left_out, dependencies };
        if group.kind == GroupKind::Health {
            self.shared.advice.give(request, &management, &left_out);
        }
        let pending = management.ask(&group, &left_out);
        Respond::later(&request.method, async move {
            let answered = pending.answer().await;
            if is_whole {
                management.note(&group, &answered);
            }
            let excluded = if left_out.names.is_empty() || content != Content::Lines {
                Excluded::default()
            } else {
                Excluded::new(&left_out.names, &group, &management.registered())
            };
            style.reply(&management, &group, &answered, &excluded)
        })
    }

    pub(super) fn named(&self, request: &Parts) -> Respond {
        let method = &request.method;
        let Some(name) = routes::name_in(request.uri.path()) else {
            return Respond::ready(Reply::not_found().to(method));
        };
        if let Some(probe) = routes::probe(&name) {
            return self.respond(probe, request);
        }
        let management = &self.shared.management;
        let content = negotiate::content(&request.headers);
        if let Some(group) = management.groups().custom().get(&*name) {
            return self.part_of(group, content, None, request);
        }
        self.one(management.groups().health(), name, content, request)
    }

    /// A check at one of Kubernetes' own paths.
    pub(super) fn kubernetes_check(&self, group: &Arc<HealthGroup>, request: &Parts) -> Respond {
        match routes::name_in(request.uri.path()) {
            Some(name) => {
                let content = negotiate::kubernetes_content(&request.headers);
                self.one(group, name, content, request)
            }
            None => Respond::ready(Reply::not_found().to(&request.method)),
        }
    }

    /// One check alone, as a part of a group.
    fn one(
        &self,
        group: &Arc<HealthGroup>,
        name: Cow<'_, str>,
        content: Content,
        request: &Parts,
    ) -> Respond {
        let method = &request.method;
        let management = &self.shared.management;
        let style = || Style {
            content,
            label: Cow::Owned(name.to_string()),
            verbose: Query::parse(request.uri.query().unwrap_or_default()).verbose,
            dialects: BTreeSet::new(),
            // `show_details` of a probe applies to the answers of the probe alone.
            details: management
                .inner()
                .exposure
                .show_details
                .to(request, self.is_on_management_port()),
        };
        let own = match &*name {
            name if !group.has_own(name) => None,
            AVAILABILITY => Some(management.availability().component_always()),
            RUNTIME => management.runtime_lag().component_always(),
            _ => None,
        };
        if let Some(component) = own {
            return Respond::ready(style().single(group, &component).to(method));
        }
        let Some(check) = management.find(&name) else {
            return Respond::ready(Reply::not_found().to(method));
        };
        if !group.can_have(&check) {
            let why = format!("this check is not part of {}; /healthz has every check", group.name);
            return Respond::ready(Reply::problem(StatusCode::NOT_FOUND, &why).to(method));
        }
        if check.about.kind == CheckKind::Dependency && is_cascading(management, request) {
            let why = "service dependencies are not asked on behalf of another service";
            return Respond::ready(Reply::problem(StatusCode::NOT_FOUND, why).to(method));
        }
        let (style, group) = (style(), Arc::clone(group));
        let pending = management.ask_one(&group, &check);
        Respond::later(method, async move {
            let answered = pending.answer().await;
            let Some(component) = answered.report.components().first() else {
                return Reply::not_found();
            };
            style.single(&group, component)
        })
    }
}

/// Whether another service asks, which this one may depend on in turn.
///
/// The answer then contains no service dependencies and starts no calls. So circles of services end, a probe
/// costs one call for each dependency, and no circle can keep itself down.
fn is_cascading(management: &Management, request: &Parts) -> bool {
    management.inner().has_dependencies && request.headers.contains_key(CASCADE)
}

impl Style {
    /// The code and the body of an answer about a group.
    fn reply(
        &self,
        management: &Management,
        group: &HealthGroup,
        answered: &Answered,
        excluded: &Excluded,
    ) -> Reply {
        let report = &answered.report;
        let usual = group.codes().of(report.status());
        let drains = group.drains(management.availability());
        let spoken = Spoken::of(&self.dialects, report.status(), usual, drains);
        let code = spoken.code.unwrap_or(usual);
        let details = self.details;
        // Probers need no more than the status.
        let is_brief = matches!(group.kind, GroupKind::Probe(_)) && !self.verbose;
        let body = match (self.content, group.kind) {
            (Content::HealthJson, _) => {
                let shown = if is_brief { &[] } else { report.components() };
                health_json::report(report.status(), shown, details, code)
            }
            (Content::Actuator(version), GroupKind::Health) => {
                let groups = management.groups().custom();
                let switched_off = &management.inner().exposure.switched_off;
                let groups = actuator_groups(switched_off, &groups);
                actuator::report(report, details, &groups, version)
            }
            (Content::Actuator(version), _) if !is_brief => {
                actuator::report(report, details, &[], version)
            }
            (Content::Lines, _) => {
                let mut lines = self.lines(group, usual);
                // `ok` does not say what Consul's warning is about.
                lines.verbose |= code != usual;
                lines.report(report, excluded)
            }
            (_, GroupKind::Health) => json::report(report, details, &management.groups().custom()),
            _ if is_brief => json::status(report.status()),
            _ => json::report(report, details, &CustomGroups::new()),
        };
        Reply::new(code, self.content, body).spoken(spoken)
    }

    /// The code and the body of an answer about one check.
    fn single(&self, group: &HealthGroup, component: &Component) -> Reply {
        let code = group.codes().of(component.status());
        let body = match self.content {
            Content::Lines => self.lines(group, code).single(component),
            Content::Actuator(version) => actuator::component(component, self.details, version),
            Content::HealthJson => {
                health_json::report(component.status(), [component], self.details, code)
            }
            _ => json::component(component, self.details),
        };
        Reply::new(code, self.content, body)
    }

    fn lines<'a>(&'a self, group: &'a HealthGroup, code: StatusCode) -> Lines<'a> {
        let Style { label, verbose, details, .. } = self;
        Lines { label, code, codes: group.codes(), verbose: *verbose, details: *details }
    }
}

/// The groups that have paths of their own, for Actuator's format.
fn actuator_groups<'a>(switched_off: &BTreeSet<Route>, custom: &'a CustomGroups) -> Vec<&'a str> {
    let probes = [
        (Probe::Liveness, Route::Liveness),
        (Probe::Readiness, Route::Readiness),
        (Probe::Startup, Route::Startup),
    ];
    let probes = probes.into_iter().filter(|(_, route)| !switched_off.contains(route));
    let has_custom = !switched_off.contains(&Route::Named);
    let custom = custom.keys().filter(|_| has_custom).map(String::as_str);
    probes.map(|(probe, _)| probe.as_str()).chain(custom).collect()
}
