//! Requests per second over loopback sockets, of our endpoints and of bare axum handlers.
//!
//! All take turns, round after round, so that what else the machine does meanwhile hits them alike;
//! ratios are of one round each. Each server has a thread in this process, and all clients share
//! another one.

mod apps;
mod driver;
mod server;
mod wire;

use std::io;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use apps::App;
use driver::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::task::JoinSet;
use wire::Connection;

const CONNECTIONS: [usize; 2] = [16, 256];
const ROUNDS: usize = 19;
const TURN: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    driver::run(measure)
}

fn measure() -> Outcome<()> {
    let servers = server::start_all()?;
    wire::compare(&servers)?;
    println!("each server on a thread of this process, all clients on another");
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    for connections in CONNECTIONS {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let mut round = Vec::new();
            for &(app, port) in &servers {
                round.push((app, runtime.block_on(turn(app, port, connections))?));
            }
            rounds.push(round);
        }
        print(connections, &rounds);
    }
    Ok(())
}

/// Requests per second of each app in one round.
type Round = Vec<(App, f64)>;

fn print(connections: usize, rounds: &[Round]) {
    println!();
    let title = format!("{connections} connections");
    println!("{title:36} {:>25}   {:>22}  to", "requests/s", "ratio");
    for app in App::ALL {
        let Spread { median, least, most } =
            Spread::of(rounds.iter().filter_map(|round| rate(round, app)));
        let mut row = format!("{:36} {median:>8.0} ({least:>6.0}..{most:>6.0})", app.name());
        for &floor in app.floors() {
            let ratios =
                rounds.iter().filter_map(|round| Some(rate(round, app)? / rate(round, floor)?));
            let Spread { median, least, most } = Spread::of(ratios);
            println!("{row}   {median:>6.3} ({least:>5.3}..{most:>5.3})  {}", floor.name());
            row = " ".repeat(row.len());
        }
        if app.floors().is_empty() {
            println!("{row}");
        }
    }
}

fn rate(round: &Round, app: App) -> Option<f64> {
    round.iter().find(|(other, _)| *other == app).map(|&(_, rate)| rate)
}

struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// Of an odd number of values.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (values[0], values[values.len() - 1]);
        Spread { median: values[values.len() / 2], least, most }
    }
}

/// Requests per second in one turn: each client sends the next request when it has its answer.
async fn turn(app: App, port: u16, connections: usize) -> Outcome<f64> {
    let length = Connection::open(app, port)?.ask()?.len();
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut client = Client::open(app, port, length).await?;
        // Has been accepted when it has an answer: the queue of those that have not is short.
        client.ask().await?;
        clients.push(client);
    }
    let end = Instant::now() + TURN;
    let mut clients: JoinSet<_> = clients.into_iter().map(|client| client.ask_until(end)).collect();
    let mut answers = 0;
    while let Some(client) = clients.join_next().await {
        answers += client??;
    }
    Ok(f64::from(answers) / TURN.as_secs_f64())
}

struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Client {
    async fn open(app: App, port: u16, length: usize) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, request: wire::request(app), answer: vec![0; length] })
    }

    async fn ask(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.request).await?;
        self.stream.read_exact(&mut self.answer).await?;
        if self.answer.starts_with(wire::OK) {
            Ok(())
        } else {
            Err(io::Error::other("an answer is not a 200"))
        }
    }

    /// How many answers there are before the end.
    async fn ask_until(mut self, end: Instant) -> io::Result<u32> {
        let mut answers = 0;
        loop {
            self.ask().await?;
            if Instant::now() >= end {
                return Ok(answers);
            }
            answers += 1;
        }
    }
}
