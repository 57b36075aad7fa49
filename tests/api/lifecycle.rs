//! What an adapter for another server relies on.

use management_axum::endpoint::Endpoint;
use management_axum::lifecycle::{self, Signal, Signals};
use management_axum::{AvailabilityState, Builder, Management};

use support::Lines;

fn built(set: impl FnOnce(Builder) -> Builder) -> Management {
    set(Management::builder().without_registered()).build().unwrap()
}

#[test]
fn the_third_signal_exits_with_its_number() {
    for (signal, name, code) in
        [(Signal::Terminate, "SIGTERM", 143), (Signal::Interrupt, "SIGINT", 130)]
    {
        assert_eq!(signal.to_string(), name);
        let management = built(|builder| builder);
        let mut signals = Signals::new(&management);
        assert!(signals.receive(signal).is_continue());
        assert_eq!(management.availability().state(), AvailabilityState::Refusing);
        assert_eq!(management.availability().drain_reason().as_deref(), Some(name));
        assert!(signals.receive(signal).is_continue());
        assert_eq!(signals.receive(signal).break_value(), Some(code));
    }
}

#[tokio::test]
async fn the_second_signal_cuts_only_what_can_be_cut() {
    for can_cut in [false, true] {
        let lines = Lines::default();
        let _guard = lines.capture();
        let management = built(|builder| builder);
        let signals = Signals::new(&management);
        let mut signals = if can_cut { signals.can_cut() } else { signals };
        // Without a delay, so that the second signal has no delay to end.
        assert!(signals.receive(Signal::Interrupt).is_continue());
        management.availability().stopping().await;
        assert!(signals.receive(Signal::Terminate).is_continue());
        let cuts = "INFO servers cut what is in flight: a second signal, SIGTERM";
        assert_eq!(lines.take().iter().any(|line| line == cuts), can_cut);
    }
}

#[tokio::test]
async fn a_listener_that_fails_leaves_the_address_to_the_next() {
    let management = built(|builder| builder.listen("127.0.0.1:0"));
    let opening = async {
        let address = lifecycle::take_listen_address(&management)?;
        std::future::pending::<()>().await;
        address.keep();
        Some(())
    };
    {
        let mut opening = std::pin::pin!(opening);
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        assert!(opening.as_mut().poll(&mut context).is_pending());
        assert_eq!(lifecycle::listen_address(&management), None);
    }
    assert_eq!(lifecycle::listen_address(&management).as_deref(), Some("127.0.0.1:0"));
}

#[test]
fn an_endpoint_counts_until_its_last_clone_is_dropped() {
    let management = built(|builder| builder);
    assert!(!lifecycle::has_endpoint(&management));
    let endpoint = Endpoint::new(&management);
    let clone = endpoint.clone();
    drop(endpoint);
    assert!(lifecycle::has_endpoint(&management));
    drop(clone);
    assert!(!lifecycle::has_endpoint(&management));
}

#[test]
fn the_durations_of_a_drain_can_be_read() {
    let seconds = std::time::Duration::from_secs;
    let management = built(|builder| builder.drain_delay(seconds(7)).drain_timeout(seconds(8)));
    let availability = management.availability();
    assert_eq!(availability.drain_delay(), seconds(7));
    assert_eq!(availability.drain_timeout(), seconds(8));
    assert_eq!(availability.drain_elapsed(), None);
    availability.drain("SIGTERM");
    assert!(availability.drain_elapsed().is_some());
}
