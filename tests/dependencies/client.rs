//! How dependencies are asked.

use std::process::{Command, Stdio};
use std::time::Duration;

use management_axum::{Builder, Config, Dependency, Management, ShowDetails, Status};
use support::Lines;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::unbounded_channel;

use super::{Connection, PATIENCE, Peer, answer, json};

/// Asks again each time.
fn users(url: &str) -> Dependency {
    Dependency::new(url).timeout(PATIENCE).ttl(Duration::ZERO)
}

fn with(dependency: Dependency) -> Management {
    builder(dependency).build().unwrap()
}

fn builder(dependency: Dependency) -> Builder {
    Management::builder().service_dependency("users", dependency).health_budget(PATIENCE)
}

async fn status(management: &Management) -> Status {
    management.check("users").await.unwrap().status()
}

/// The values of a header in the head of a request.
fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

#[tokio::test]
async fn what_is_sent() {
    let peer = Peer::up().await;
    let management = with(users(&format!("http://{}/a/b?c=d#e", peer.address)));
    assert_eq!(status(&management).await, Status::Up);
    let requests = peer.requests();
    let [head] = &requests[..] else { panic!("{requests:?}") };
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("GET /a/b?c=d HTTP/1.1"));
    let mut names: Vec<_> =
        lines.filter_map(|line| Some(line.split_once(": ")?.0.to_owned())).collect();
    names.sort();
    assert_eq!(names, ["accept", "accept-encoding", "host", "management-cascade", "user-agent"]);
    assert_eq!(values(head, "host"), [peer.address.to_string()]);
    let user_agent = concat!("management-core/", env!("CARGO_PKG_VERSION"));
    assert_eq!(values(head, "user-agent"), [user_agent]);
    assert_eq!(values(head, "management-cascade"), ["1"]);
    assert_eq!(values(head, "accept-encoding"), ["gzip"]);
    assert_eq!(
        values(head, "accept"),
        [
            "application/json, application/vnd.spring-boot.actuator.v3+json;q=0.9, application/health+json;q=0.8, text/plain;q=0.5, */*;q=0.1"
        ]
    );
}

#[tokio::test]
async fn headers_of_the_program() {
    let peer = Peer::up().await;
    let dependency = users(&peer.url())
        .header("authorization", "Bearer 7f3a")
        .header("X-Tenant", "a")
        .header("x-tenant", "b")
        .header("Accept", "application/health+json")
        .header("user-agent", "ours")
        .header("Management-Cascade", "0");
    assert_eq!(status(&with(dependency)).await, Status::Up);
    let head = peer.requests().pop().unwrap();
    assert_eq!(values(&head, "authorization"), ["Bearer 7f3a"]);
    assert_eq!(values(&head, "x-tenant"), ["a", "b"]);
    assert_eq!(values(&head, "accept"), ["application/health+json"]);
    assert_eq!(values(&head, "user-agent"), ["ours"]);
    assert_eq!(values(&head, "management-cascade"), ["1"], "or circles would not end");
}

#[tokio::test]
async fn user_information_is_basic_authentication() {
    let peer = Peer::up().await;
    let url = peer.url().replace("http://", "http://Aladdin:open%20sesame@");
    assert_eq!(status(&with(users(&url))).await, Status::Up);
    let head = peer.requests().pop().unwrap();
    assert_eq!(values(&head, "authorization"), ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]);
    assert!(head.starts_with("GET /health HTTP/1.1\r\n"), "{head}");
    assert_eq!(values(&head, "host"), [peer.address.to_string()]);

    let both = users(&url).header("authorization", "Bearer 7f3a");
    assert_eq!(status(&with(both)).await, Status::Up);
    let head = peer.requests().pop().unwrap();
    assert_eq!(values(&head, "authorization"), ["Bearer 7f3a"], "what is given last counts");
}

/// Neither where they are good nor where they are in the way.
#[tokio::test]
async fn secrets_are_told_to_nobody() {
    let lines = Lines::default();
    let _guard = lines.capture();
    // What comes back is no secret of ours to keep, but nobody is to see it either.
    let peer = Peer::closing("HTTP/1.1 200 OK\r\nauthorization: Bearer hunter2\r\n\r\nno").await;
    let url = peer.url().replace("http://", "http://user:hunter2@") + "?token=hunter2";
    let dependency = users(&url).header("authorization", "Bearer hunter2");
    let mut told = vec![format!("{dependency:?}")];
    let detailed = builder(dependency).show_details(ShowDetails::always());
    told.push(format!("{detailed:?}"));
    let management = detailed.build().unwrap();
    let app = management_axum::router(&management);
    for path in ["/z/health", "/z/health/users"] {
        told.push(support::get(&app, path).await.body);
    }
    told.push(format!("{management:?} {:?}", management.health().await));
    assert!(values(&peer.requests()[0], "authorization").contains(&"Bearer hunter2"));
    told.extend(lines.take());

    // Nor where they cannot be sent, connected to or read.
    let config: Config = serde_json::from_value(serde_json::json!({
        "service_dependencies": {
            "a": {"url": "http://user:hunter2@127.0.0.1:1/", "headers": {"x": "hunter2"}},
        },
    }))
    .unwrap();
    told.push(format!("{config:?}"));
    told.push(format!(
        "{:?}",
        Management::builder().config(config).build().unwrap().health().await
    ));
    for dependency in [
        Dependency::new("http://user:hunter2@h:99999/"),
        Dependency::new("ftp://user:hunter2@h/"),
        Dependency::new("user:hunter2@"),
        Dependency::new("h").header("x", "hunter2\n"),
        Dependency::new("h").header("x y", "hunter2"),
    ] {
        let error = builder(dependency).build().unwrap_err();
        told.push(format!("{error} {error:?}"));
    }
    told.extend(lines.take());
    let told = told.join("\n");
    assert!(!told.contains("hunter2"), "{told}");
    assert!(told.contains(&format!("http://***@{}/health?token=***", peer.address)), "{told}");
}

#[tokio::test]
async fn connections_are_kept() {
    let peer = Peer::up().await;
    let management = builder(users(&peer.url()))
        // Of the same host, and asked once the first has been answered.
        .service_dependency("others", users(&peer.url()))
        .build()
        .unwrap();
    for _ in 0..3 {
        assert_eq!(status(&management).await, Status::Up);
        assert_eq!(management.check("others").await.unwrap().status(), Status::Up);
    }
    assert_eq!((peer.requests().len(), peer.connections()), (6, 1));
}

/// Gzip has an end of its own, and chunks have one after it.
#[tokio::test]
async fn connections_are_kept_after_bodies_in_chunks() {
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let peer = Peer::answering(chunks).await;
    let management = with(users(&peer.url()));
    for _ in 0..3 {
        assert_eq!(status(&management).await, Status::Up);
    }
    assert_eq!((peer.requests().len(), peer.connections()), (3, 1));
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closes_is_no_failure() {
    let peer = Peer::closing(json(r#"{"status":"UP"}"#)).await;
    let management = with(users(&peer.url()));
    for _ in 0..3 {
        assert_eq!(status(&management).await, Status::Up);
    }
    assert_eq!((peer.requests().len(), peer.connections()), (3, 3));
}

/// The server closes it when the next request is already on its way.
#[tokio::test]
async fn a_kept_connection_that_the_server_closes_too_late_is_no_failure() {
    let peer = Peer::new(async |mut connection: Connection| {
        connection.request().await?;
        connection.stream.write_all(&json(r#"{"status":"UP"}"#)).await?;
        connection.request().await.map(drop)
    })
    .await;
    let management = with(users(&peer.url()));
    for _ in 0..3 {
        assert_eq!(status(&management).await, Status::Up);
    }
    assert_eq!((peer.requests().len(), peer.connections()), (5, 3));
}

/// Or they would be kept, and one for each run.
#[tokio::test]
async fn a_connection_is_closed_when_its_run_is_late() {
    let (closed, mut is_closed) = unbounded_channel();
    let peer = Peer::new(move |mut connection: Connection| {
        let closed = closed.clone();
        async move {
            connection.request().await?;
            let end = connection.request().await;
            closed.send(end.is_err()).unwrap();
            end.map(drop)
        }
    })
    .await;
    let management = with(users(&peer.url()).timeout(Duration::from_millis(100)));
    for _ in 0..2 {
        assert_eq!(status(&management).await, Status::Down);
        assert!(is_closed.recv().await.unwrap());
    }
    assert_eq!(peer.connections(), 2);
}

/// A redirect's target, and nothing else that an answer names, is ever connected to.
#[tokio::test]
async fn nothing_that_an_answer_names_is_asked() {
    let other = Peer::up().await;
    let headers = format!(
        "location: {0}\r\nrefresh: 0; url={0}\r\nalt-svc: h2=\"{1}\"\r\nset-cookie: a=b\r\n",
        other.url(),
        other.address,
    );
    for code in ["200 OK", "302 Found", "307 Temporary Redirect"] {
        let peer = Peer::answering(answer(code, &headers, r#"{"status":"UP"}"#)).await;
        let management = with(users(&peer.url()));
        for _ in 0..2 {
            let is_ok = code.starts_with("200");
            assert_eq!(status(&management).await, if is_ok { Status::Up } else { Status::Down });
        }
        for head in peer.requests() {
            assert_eq!(values(&head, "cookie"), [""; 0], "cookies are not kept");
            assert_eq!(values(&head, "referer"), [""; 0]);
        }
        assert_eq!(peer.requests().len(), 2);
    }
    assert_eq!(other.connections(), 0);
}

/// Runs `depends` in an environment of its own, and tells the component's status.
async fn depends(url: &str, set: &[(&str, String)], obeyed: bool) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_depends"));
    command.arg(url).arg(obeyed.to_string()).stderr(Stdio::inherit());
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
        command.env_remove(name);
    }
    // Set by CGI, where `HTTP_PROXY` is a header of the request.
    command.env_remove("REQUEST_METHOD").envs(set.iter().cloned());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn proxies_of_the_environment_are_obeyed_if_asked() {
    let peer = Peer::up().await;
    let proxy = Peer::answering(answer("502 Bad Gateway", "", "")).await;
    let url = format!("http://{}", proxy.address);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        assert_eq!(depends(&peer.url(), &[(name, url.clone())], false).await, "UP");
    }
    assert_eq!((peer.requests().len(), proxy.connections()), (3, 0));

    assert_eq!(
        depends(&peer.url(), &[("HTTP_PROXY", url.clone())], true).await,
        "DOWN answered 502"
    );
    assert_eq!(peer.requests().len(), 3);
    let asked = proxy.requests().pop().unwrap();
    assert!(asked.starts_with(&format!("GET {} HTTP/1.1\r\n", peer.url())), "{asked}");
    let directly = [("HTTP_PROXY", url), ("NO_PROXY", "127.0.0.1".into())];
    assert_eq!(depends(&peer.url(), &directly, true).await, "UP");
    assert_eq!((peer.requests().len(), proxy.connections()), (4, 1));
}

#[tokio::test]
async fn credentials_from_a_netrc_are_not_sent() {
    let peer = Peer::up().await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".netrc");
    std::fs::write(&file, "machine 127.0.0.1 login user password hunter2\n").unwrap();
    let set = [("HOME", home.path().display().to_string()), ("NETRC", file.display().to_string())];
    assert_eq!(depends(&peer.url(), &set, false).await, "UP");
    assert_eq!(values(&peer.requests()[0], "authorization"), [""; 0]);
}
