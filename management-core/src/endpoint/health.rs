//! How the service is: `/health`, the probes and single checks.

use http::StatusCode;
use http::request::Parts;

use super::query::Query;
use super::reply::{Content, Reply};
use super::{Endpoint, Respond, json, routes};
use crate::check::Kind;
use crate::dependency::CASCADE;
use crate::management::Management;
use crate::name::AVAILABILITY;
use crate::report::{Answered, Component, LeftOut, Pending, Question};
use crate::status::Status;

impl Endpoint {
    pub(super) fn question(&self, question: Question, request: &Parts) -> Respond {
        let management = &self.shared.management;
        let method = &request.method;
        let details = management.inner().exposure.show_details.to(request);
        if request.uri.query().is_some() || is_cascading(management, request) {
            return self.part_of(question, request, details);
        }
        if question == Question::Health {
            self.shared.advice.give(request, management, &LeftOut::default());
        }
        let epoch = management.inner().signals.epoch();
        if let Some(reply) = self.shared.kept.get(question, details, epoch) {
            return Respond::ready(reply.to(method));
        }
        let pending = management.ask(question, &LeftOut::default());
        let verbose = question == Question::Health;
        match pending.now() {
            Ok(answered) => {
                management.note(question, &answered);
                let reply = judged(management, question, &answered, verbose, details);
                self.shared.kept.put(question, details, epoch, answered.until, &reply);
                Respond::ready(reply.to(method))
            }
            Err(pending) => {
                let management = management.clone();
                Respond::later(method, async move {
                    let answered = pending.wait().await;
                    management.note(question, &answered);
                    judged(&management, question, &answered, verbose, details)
                })
            }
        }
    }

    /// An answer that may be about a part of the checks.
    fn part_of(&self, question: Question, request: &Parts, details: bool) -> Respond {
        let management = self.shared.management.clone();
        let query = Query::parse(request.uri.query().unwrap_or_default());
        let verbose = query.verbose || question == Question::Health;
        let dependencies = is_cascading(&management, request);
        let is_whole = query.left_out.is_empty() && !dependencies;
        let left_out = LeftOut { names: query.left_out, dependencies };
        if question == Question::Health {
            self.shared.advice.give(request, &management, &left_out);
        }
        let pending = management.ask(question, &left_out);
        Respond::later(&request.method, async move {
            let answered = settle(pending).await;
            if is_whole {
                management.note(question, &answered);
            }
            judged(&management, question, &answered, verbose, details)
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
        let management = self.shared.management.clone();
        if name == AVAILABILITY {
            let details = management.inner().exposure.show_details.to(request);
            let said = management.availability().component_always();
            return Respond::ready(single(&management, &said, details).to(method));
        }
        let Some(slot) = management.find(&name) else {
            return Respond::ready(Reply::not_found().to(method));
        };
        if slot.about.kind == Kind::Dependency && is_cascading(&management, request) {
            let why = "a service dependency is not asked on behalf of another service";
            return Respond::ready(Reply::problem(StatusCode::NOT_FOUND, why).to(method));
        }
        let details = management.inner().exposure.show_details.to(request);
        let pending = management.ask_one(&slot);
        Respond::later(method, async move {
            let answered = settle(pending).await;
            let Some(component) = answered.report.components().first() else {
                return Reply::not_found();
            };
            single(&management, component, details)
        })
    }
}

/// Whether another service asks, which this one may need in turn.
///
/// It is answered from own checks alone and no call is started for it, so that circles of services end,
/// one probe costs one call for each own dependency, and no circle can hold itself down.
fn is_cascading(management: &Management, request: &Parts) -> bool {
    management.inner().has_dependencies && request.headers.contains_key(CASCADE)
}

async fn settle(pending: Pending) -> Answered {
    match pending.now() {
        Ok(answered) => answered,
        Err(pending) => pending.wait().await,
    }
}

/// The body and the code of an answer about one check alone.
fn single(management: &Management, component: &Component, details: bool) -> Reply {
    let code = management.inner().exposure.codes.of(component.status());
    Reply { code, content: Content::Json, body: json::component(component, details) }
}

/// The body and the code of a question's answer.
fn judged(
    management: &Management,
    question: Question,
    answered: &Answered,
    verbose: bool,
    details: bool,
) -> Reply {
    let report = &answered.report;
    let status = report.status();
    // Not to know, or not to want requests, must not restart a pod.
    let code = if question == Question::Liveness && status != Status::Down {
        StatusCode::OK
    } else {
        management.inner().exposure.codes.of(status)
    };
    let body = if verbose { json::report(report, details) } else { json::status(status) };
    Reply { code, content: Content::Json, body }
}
