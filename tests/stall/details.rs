//! Details for those who operate the service.

use management_axum::{Check, Config, Group, Management, ShowDetails, lifecycle};

use crate::application::Application;
use crate::prober::fetch;
use crate::{LINES, alone};

fn db() -> Check {
    Check::new("db", async || Err::<(), _>("connection refused")).readiness()
}

fn shows(address: std::net::SocketAddr, path: &str) -> bool {
    fetch(address, path).1.contains("connection refused")
}

#[test]
fn the_management_port_alone_shows_them() {
    let _alone = alone();
    let configured: Config =
        serde_json::from_str(r#"{"show_details": "management-port"}"#).unwrap();
    let programmed =
        |builder: management_axum::Builder| builder.show_details(ShowDetails::on_management_port());
    for application in [
        Application::start(1, |builder| programmed(builder).check(db())),
        Application::start(1, |builder| builder.config(configured).check(db())),
    ] {
        for path in
            ["/z/health", "/z/health/db", "/z/health/readiness?verbose", "/z/health/db?verbose"]
        {
            assert!(shows(application.management_address, path), "{path}");
            assert!(!shows(application.address, path), "{path}");
        }
    }
}

#[test]
fn a_probe_can_differ() {
    let _alone = alone();
    let readiness = |group: Group| group.show_details(ShowDetails::on_management_port());
    let application =
        Application::start(1, |builder| builder.group("readiness", readiness).check(db()));
    let path = "/z/health/readiness?verbose";
    assert!(shows(application.management_address, path) && !shows(application.address, path));
    assert!(!shows(application.management_address, "/z/health"));
}

#[test]
fn without_a_port_of_their_own_a_warning_is_logged() {
    let _alone = alone();
    for (is_shown, show_details) in
        [(true, ShowDetails::on_management_port()), (false, ShowDetails::never())]
    {
        let management = Management::builder().show_details(show_details).build().unwrap();
        drop(lifecycle::start_server(&management));
        let lines = LINES.take();
        let is_warned = lines.iter().any(|line| {
            line.starts_with("WARN `show_details` is `management-port`") && line.contains("listen")
        });
        assert_eq!(is_warned, is_shown, "{lines:#?}");
    }
}

#[test]
fn an_unknown_word_is_a_mistake_that_lists_all() {
    let error = serde_json::from_str::<Config>(r#"{"show_details": "management_port"}"#);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("`management-port`") && error.contains("show_details"), "{error}");
}
