//! Instructions per request of our endpoints and of bare axum handlers.
//!
//! Each app is served by a child of one thread under callgrind, and asked over one connection from
//! here, where nothing is counted. Two children per app, asked a different number of times, so that
//! what it takes to start drops out.
//!
//! Where the instructions go: `callgrind_annotate` on the profiles whose directory is printed last.

mod apps;
mod callgrind;
mod driver;
mod server;
mod wire;

use std::env;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{self, Child, ExitCode};
use std::thread;
use std::time::Duration;

use apps::App;
use callgrind::Callgrind;
use driver::Outcome;
use wire::Connection;

const FEW: u32 = 500;
const MANY: u32 = 2_500;

/// Between an answer and the next request, so that the server always sleeps when one comes. Else it is
/// chance how often a server looks for events.
const PAUSE: Duration = Duration::from_micros(200);

/// Followed by an app's name, it makes this executable that app's server.
const SERVE: &str = "--serve";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &arguments[..] {
        [serve, name] if serve == SERVE => driver::conclude(serve_until_stdin_ends(name)),
        _ => driver::run(measure),
    }
}

fn measure() -> Outcome<()> {
    let callgrind = Callgrind::find()?;
    wire::compare(&server::start_all()?)?;

    println!("{:36} {:>20}   {:>5}  {:6}  to", "", "instructions/request", "ratio", "wanted");
    let mut measured = Vec::new();
    for app in App::ALL {
        let few = count(&callgrind, app, FEW)?;
        let many = count(&callgrind, app, MANY)?;
        let each = (many - few) as f64 / f64::from(MANY - FEW);
        print(app, each, &measured);
        measured.push((app, each));
    }
    println!("\nprofiles for callgrind_annotate: {}", Callgrind::profiles().display());
    Ok(())
}

fn print(app: App, each: f64, measured: &[(App, f64)]) {
    let mut row = format!("{:36} {each:>20.0}", app.name());
    for (floor, instructions) in measured.iter().filter(|(other, _)| app.floors().contains(other)) {
        let ratio = each / instructions;
        let wanted = wanted(app, *floor).map_or_else(String::new, |most| format!("≤ {most:.2}"));
        println!("{row}   {ratio:>5.3}  {wanted:6}  {}", floor.name());
        row = " ".repeat(row.len());
    }
    if app.floors().is_empty() {
        println!("{row}");
    }
}

/// The most that we want to take of what the floor takes.
fn wanted(app: App, floor: App) -> Option<f64> {
    match (app, floor) {
        (App::Run | App::Liveness, App::FloorLiveness) => Some(1.05),
        (App::Health, App::FloorLiveness) => Some(1.1),
        (App::HealthInstant | App::HealthIdle | App::HealthBeating, App::FloorSerialised) => {
            Some(1.3)
        }
        _ => None,
    }
}

/// The instructions of a server of this app from its start to its end, so many requests in between.
fn count(callgrind: &Callgrind, app: App, requests: u32) -> Outcome<u64> {
    callgrind.count(&[SERVE, app.name()], |child| {
        let mut connection = Connection::open(app, port_of(child)?)?;
        for _ in 0..requests {
            connection.ask()?;
            thread::sleep(PAUSE);
        }
        Ok(())
    })
}

fn port_of(child: &mut Child) -> Outcome<u16> {
    let mut line = String::new();
    let output = child.stdout.as_mut().ok_or("the child has no standard output")?;
    BufReader::new(output).read_line(&mut line)?;
    Ok(line.trim().parse()?)
}

fn serve_until_stdin_ends(name: &str) -> Outcome<()> {
    let app = App::ALL.into_iter().find(|app| app.name() == name).ok_or("no app of this name")?;
    thread::spawn(|| {
        let end = io::stdin().read_to_end(&mut Vec::new());
        process::exit(i32::from(end.is_err()));
    });
    server::serve(app, |port| println!("{port}"))
}
