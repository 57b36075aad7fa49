//! The variables that Kubernetes sets in every container for each Service of its namespace. Those of a Service `management`
//! or `management-api` resemble the variables of this library.

use crate::config::environment::Environment;

/// Whether Kubernetes has set this variable, which begins with `MANAGEMENT_`.
///
/// The names of variables of a Service `management` are known. A variable belongs to another Service only if the host
/// variable of that Service is set as well.
pub(crate) fn is_one(variable: &str, environment: &Environment) -> bool {
    // Kubernetes sets this variable to a URL. A number is an attempt to set the port of the endpoints.
    if variable == "MANAGEMENT_PORT" && is_port(&environment.get(variable).unwrap_or_default()) {
        return false;
    }
    let separators = variable.match_indices('_').map(|(at, _)| at);
    separators.map(|at| variable.split_at(at)).any(|(service, rest)| {
        let is_service = || {
            service == "MANAGEMENT" || environment.get(&format!("{service}_SERVICE_HOST")).is_some()
        };
        is_of_service(rest) && is_service()
    })
}

/// Whether this is the end of a variable of a Service, after the name of the Service.
fn is_of_service(rest: &str) -> bool {
    if rest == "_SERVICE_HOST" || rest == "_PORT" {
        return true;
    }
    if let Some(port) = rest.strip_prefix("_SERVICE_PORT") {
        return port.is_empty() || port.strip_prefix('_').is_some_and(is_name);
    }
    let Some((port, rest)) = rest.strip_prefix("_PORT_").and_then(|rest| rest.split_once('_'))
    else {
        return false;
    };
    let (protocol, what) = rest.split_once('_').unwrap_or((rest, ""));
    is_port(port)
        && matches!(protocol, "TCP" | "UDP" | "SCTP")
        && (rest == protocol || matches!(what, "PROTO" | "PORT" | "ADDR"))
}

fn is_port(text: &str) -> bool {
    !text.starts_with('+') && text.parse::<u16>().is_ok()
}

/// Whether a variable can contain this name of a port.
fn is_name(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !text.is_empty() && text.bytes().all(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_a_service_management() {
        for (variable, value) in [
            ("MANAGEMENT_PORT", "tcp://10.96.0.7:8081"),
            ("MANAGEMENT_SERVICE_HOST", "10.96.0.7"),
            ("MANAGEMENT_SERVICE_PORT", "8081"),
            ("MANAGEMENT_SERVICE_PORT_HTTP", "8081"),
            ("MANAGEMENT_SERVICE_PORT_HTTP_2", "8081"),
            ("MANAGEMENT_PORT_8081_TCP", "tcp://10.96.0.7:8081"),
            ("MANAGEMENT_PORT_8081_TCP_PROTO", "tcp"),
            ("MANAGEMENT_PORT_8081_TCP_PORT", "8081"),
            ("MANAGEMENT_PORT_8081_TCP_ADDR", "10.96.0.7"),
            ("MANAGEMENT_PORT_53_UDP", "udp://10.96.0.7:53"),
            ("MANAGEMENT_PORT_53_UDP_PORT", "53"),
            ("MANAGEMENT_PORT_9_SCTP_ADDR", "10.96.0.7"),
        ] {
            assert!(is_one(variable, &Environment::from([(variable, value)])), "{variable}");
        }
    }

    #[test]
    fn variables_of_a_service_whose_name_begins_with_management() {
        let host = ("MANAGEMENT_API_SERVICE_HOST", "10.96.0.8");
        for variable in [
            "MANAGEMENT_API_SERVICE_HOST",
            "MANAGEMENT_API_SERVICE_PORT_WEB",
            "MANAGEMENT_API_PORT",
            "MANAGEMENT_API_PORT_80_TCP_ADDR",
        ] {
            assert!(is_one(variable, &Environment::from([host, (variable, "x")])), "{variable}");
        }
        let alone = Environment::from([("MANAGEMENT_API_PORT", "tcp://10.96.0.8:80")]);
        assert!(!is_one("MANAGEMENT_API_PORT", &alone));
    }

    #[test]
    fn other_variables() {
        for (variable, value) in [
            // An attempt to set the port of the endpoints.
            ("MANAGEMENT_PORT", "8081"),
            ("MANAGEMENT_PORTS", "tcp://10.96.0.7:8081"),
            ("MANAGEMENT_TIMOUT", "1s"),
            ("MANAGEMENT_LISTEN_PORT", "8081"),
            ("MANAGEMENT_SERVICE", "x"),
            ("MANAGEMENT_SERVICE_HOSTS", "x"),
            ("MANAGEMENT_SERVICE_PORTS", "x"),
            ("MANAGEMENT_SERVICE_PORT_", "x"),
            ("MANAGEMENT_SERVICE_PORT_http", "x"),
            ("MANAGEMENT_SERVICE_INSTANCEID", "true"),
            ("MANAGEMENT_SERVICE_DEPENDENCY", "{}"),
            ("MANAGEMENT_PORT_8081", "x"),
            ("MANAGEMENT_PORT_HTTP_TCP", "x"),
            ("MANAGEMENT_PORT_99999_TCP", "x"),
            ("MANAGEMENT_PORT_8081_HTTP", "x"),
            ("MANAGEMENT_PORT_8081_TCP_", "x"),
            ("MANAGEMENT_PORT_8081_TCP_HOST", "x"),
        ] {
            assert!(!is_one(variable, &Environment::from([(variable, value)])), "{variable}");
        }
    }
}
