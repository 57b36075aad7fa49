//! The most memory that an answer of a dependency takes.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use management_axum::{Dependency, Health, Management, Status};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1024 * 1024;

/// The limit for one answer. With the feature `preserve_order` of `serde_json`, which a client of a service may enable, values
/// are more than twice as large.
const LIMIT: usize = 4 * MIB;

const HEAD: &str = "HTTP/1.1 200 OK\r\n";
const LENGTH: &str = "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n";
const NO_LENGTH: &str = "HTTP/1.1 200 OK\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const GZIP: &str = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";

/// Serves one connection after the other. It allocates what it sends beforehand, so that the measurement does not
/// count it.
fn peer(serve: impl Fn(&mut TcpStream) -> io::Result<()> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            // A client that has read enough hangs up.
            drop(read_head(&mut stream).and_then(|()| serve(&mut stream)));
        }
    });
    address
}

fn read_head(stream: &mut TcpStream) -> io::Result<()> {
    let mut last = [0; 4];
    while last != *b"\r\n\r\n" {
        last.rotate_left(1);
        stream.read_exact(&mut last[3..])?;
    }
    Ok(())
}

/// Sends a beginning, and then a block `times` times.
fn sending(beginning: &'static str, block: Vec<u8>, times: usize) -> SocketAddr {
    peer(move |stream| {
        stream.write_all(beginning.as_bytes())?;
        for _ in 0..times {
            stream.write_all(&block)?;
        }
        Ok(())
    })
}

/// 250 MiB of zeros in 250 KiB.
fn bomb() -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; MIB]).unwrap();
    // The block ends at a whole byte, so it can be repeated.
    encoder.flush().unwrap();
    let block = encoder.get_ref();
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let bomb = [&head[..], &block.repeat(250)].concat();
    assert!(bomb.len() < 300 * 1024, "{}", bomb.len());
    bomb
}

/// The health of a dependency at this address, and the memory that one answer of `/health` took.
fn measured(address: SocketAddr) -> (Health, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let patience = Duration::from_secs(60);
        let dependency = Dependency::new(format!("http://{address}/health")).timeout(patience);
        let management = Management::builder()
            .service_dependency("users", dependency)
            .health_budget(patience)
            .build()
            .unwrap();
        let app = management_axum::router(&management);
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        support::get(&app, "/z/health").await;
        let peak = MEMORY.peak_usage().saturating_sub(before);
        let users = management.check("users").await.unwrap();
        (users.health().clone(), peak)
    })
}

/// One test, since all share the memory that is measured.
#[test]
fn memory_stays_flat() {
    let too_long = "its answer is longer than 64 KiB";
    let no_head = "no valid answer: message head is too large";
    let block = vec![b' '; MIB];
    let chunk = [format!("{MIB:x}\r\n").as_bytes(), &block, b"\r\n"].concat();
    let small_chunk = b"1\r\n \r\n".repeat(MIB / 6);
    let hints = b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n".repeat(1000);
    let mut arrays = [&b"{\"status\":["[..], &b"[],".repeat(21_800), b"[]]}"].concat();
    arrays.resize(64 * 1024, b' ');
    let no_text = "its answer has no top-level `status` that is a string";
    let deep = "its answer is not valid JSON: it is nested deeper than 32 levels";
    let peers = [
        ("100 MiB with their length", sending(LENGTH, block.clone(), 100), too_long),
        ("100 MiB without a length", sending(NO_LENGTH, block, 100), too_long),
        ("100 MiB in chunks", sending(CHUNKED, chunk, 100), too_long),
        ("100 MiB in chunks of one byte", sending(CHUNKED, small_chunk, 600), too_long),
        ("250 MiB in 250 KiB of gzip", sending(GZIP, bomb(), 1), too_long),
        ("100 MiB of headers", sending(HEAD, b"x: y\r\n".repeat(MIB / 6), 100), no_head),
        ("100 MiB of one header", sending("HTTP/1.1 200 OK\r\nx: ", vec![b'x'; MIB], 100), no_head),
        ("3 MiB of early hints", sending("", hints, 100), "no valid answer: connection closed"),
        ("64 KiB of arrays", sending(NO_LENGTH, arrays, 1), no_text),
        ("64 KiB of brackets", sending(NO_LENGTH, vec![b'['; 64 * 1024], 1), deep),
    ];
    // The first use of the runtime and of the client allocates what is kept.
    measured(sending(NO_LENGTH, b"ok".to_vec(), 1));
    for (what, address, why) in peers {
        let (health, peak) = measured(address);
        println!("{what}: {} KiB", peak / 1024);
        assert_eq!(health.status(), Status::Down, "{what}");
        let said = health.reason().unwrap();
        assert!(said.starts_with(why), "{what}: {said}");
        assert!(peak < LIMIT, "{what}: {} KiB", peak / 1024);
    }
}
