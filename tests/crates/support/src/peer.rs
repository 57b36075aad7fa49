//! Services to depend on.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A service on a port of its own that others depend on. It keeps the heads of the requests that it gets.
#[derive(Debug)]
pub struct Peer {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Reads the head of each request, and leaves the rest of the connection to `talk`.
    pub async fn with<F, Fut>(talk: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heads, talk) = (Arc::clone(&asked), Arc::new(talk));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (heads, talk) = (Arc::clone(&heads), Arc::clone(&talk));
                tokio::spawn(async move {
                    let Some(head) = head_of(&mut stream).await else { return };
                    heads.lock().unwrap().push(head);
                    talk(stream).await;
                });
            }
        });
        Peer { address, asked }
    }

    /// Answers each request with these bytes.
    pub async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = Arc::new(answer.into());
        Peer::with(move |mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                // The client may have read enough, and hung up.
                let _ = stream.write_all(&answer).await;
            }
        })
        .await
    }

    /// Answers 200 with this JSON.
    pub async fn json(body: &str) -> Self {
        Peer::saying(answer(200, "application/json", body)).await
    }

    /// Answers 200 and `UP`.
    pub async fn up() -> Self {
        Peer::json(r#"{"status":"UP"}"#).await
    }

    /// The heads of all requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The method and the target of all requests so far.
    pub fn targets(&self) -> Vec<String> {
        let asked = self.asked();
        let lines = asked.iter().filter_map(|head| head.lines().next());
        lines.map(|line| line.trim_end_matches(" HTTP/1.1").to_owned()).collect()
    }

    /// The value of this header in the only request.
    pub fn header(&self, name: &str) -> Option<String> {
        let asked = self.asked();
        let [head] = &asked[..] else { panic!("asked {} times", asked.len()) };
        head.lines().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }
}

/// The bytes of a whole answer.
pub fn answer(code: u16, media_type: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {code} Told\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: \
         close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn head_of(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
