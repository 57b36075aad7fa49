//! The signals that a process receives.

use std::fmt;
use std::ops::ControlFlow;

use crate::line::line;
use crate::management::Management;
use crate::report::availability::Availability;

/// A signal that ends a process. [`Display`](fmt::Display) is its name, such as `SIGTERM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// SIGTERM, which an orchestrator sends. The drain has its delay.
    Terminate,
    /// SIGINT, which Ctrl-C sends. The drain has no delay: no load balancer is in front of the service.
    Interrupt,
}

impl Signal {
    fn number(self) -> i32 {
        match self {
            Signal::Terminate => 15,
            Signal::Interrupt => 2,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Signal::Terminate => "SIGTERM",
            Signal::Interrupt => "SIGINT",
        })
    }
}

/// Translates the signals that a process receives into the steps of a drain.
///
/// The first signal begins the drain. The second one ends its delay; if the delay is over and the server
/// [can cut](Self::can_cut), it cuts the requests in flight. The third one ends the process.
///
/// ```
/// use management_core::Management;
/// use management_core::lifecycle::{Signal, Signals};
///
/// let management = Management::new()?;
/// let mut signals = Signals::new(&management);
/// assert!(signals.receive(Signal::Terminate).is_continue());
/// assert!(management.availability().is_draining());
/// assert!(signals.receive(Signal::Terminate).is_continue());
/// assert_eq!(signals.receive(Signal::Terminate).break_value(), Some(143));
/// # Ok::<_, management_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "signals have no effect unless they are received"]
pub struct Signals {
    availability: Availability,
    can_cut: bool,
    next: Next,
}

/// What the next signal does.
#[derive(Debug)]
enum Next {
    Drain,
    Hurry,
    Exit,
}

impl Signals {
    /// No signal has been received yet.
    pub fn new(management: &Management) -> Self {
        let availability = management.availability().clone();
        Signals { availability, can_cut: false, next: Next::Drain }
    }

    /// The server cuts requests in flight once
    /// [`Availability::cutting`](crate::Availability::cutting) is ready.
    pub fn can_cut(mut self) -> Self {
        self.can_cut = true;
        self
    }

    /// Does what the next signal has to do. `Break` contains the code with which the process has to exit at once.
    pub fn receive(&mut self, signal: Signal) -> ControlFlow<i32> {
        let Signals { availability, can_cut, next } = self;
        *next = match next {
            Next::Drain => {
                let more = if *can_cut { "; the next signal cuts what is in flight" } else { "" };
                let is_urgent = signal == Signal::Interrupt;
                availability.drain_on_signal(&signal.to_string(), is_urgent, more);
                Next::Hurry
            }
            Next::Hurry => {
                let why = format!("a second signal, {signal}");
                if *can_cut && availability.is_stopping() {
                    availability.cut(why);
                } else {
                    availability.stop(why);
                }
                Next::Exit
            }
            Next::Exit => {
                line!(
                    WARN,
                    [signal = signal.to_string()],
                    "exiting at once: a third signal, {signal}"
                );
                return ControlFlow::Break(128 + signal.number());
            }
        };
        ControlFlow::Continue(())
    }
}
