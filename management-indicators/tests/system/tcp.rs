//! Servers that accept connections, or do not.

use std::time::Duration;

use management_core::Status;
use management_indicators::{dns, tcp};
use tokio::net::{TcpListener, TcpSocket};

use crate::{assert_health, run};

#[tokio::test]
async fn a_server_that_accepts() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost"] {
        let health = run(tcp::check("smtp", format!("{host}:{port}"))).await;
        assert_health(&health, Status::Up, "");
        assert!(health.details()["latencyMs"].is_f64(), "{health:?}");
        assert_health(&tcp::ping(format!("{host}:{port}")).await, Status::Up, "");
    }
}

#[tokio::test]
async fn a_port_without_a_server() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    drop(server);
    let why = "cannot connect: Connection refused (os error ";
    assert_health(&run(tcp::check("smtp", &address)).await, Status::Down, why);
    assert_health(&tcp::ping(&address).await, Status::Down, why);
}

#[tokio::test]
async fn a_name_that_does_not_resolve() {
    // An empty label is refused without a name server.
    let health = run(tcp::check("smtp", "a..b:25")).await;
    assert_health(&health, Status::Down, "cannot look up its name: ");
    assert_health(&run(dns::check("dns", "a..b")).await, Status::Down, "cannot look up the name: ");
}

#[tokio::test]
async fn a_server_that_never_answers() {
    let dead = TcpSocket::new_v4().unwrap();
    dead.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = dead.local_addr().unwrap();
    // Once two wait to be accepted, the next one gets no answer.
    let _dead = dead.listen(1).unwrap();
    let connect = || std::net::TcpStream::connect(address).unwrap();
    let _waiting = (connect(), connect());
    let check = tcp::check("smtp", address.to_string()).timeout(Duration::from_millis(200));
    assert_health(&run(check).await, Status::Down, "timed out after 200ms while connecting");
}
