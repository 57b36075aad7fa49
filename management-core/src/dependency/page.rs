//! Pages that `management-indicators` asks for, with the same client as for dependencies.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderMap;
use tokio::time::timeout;

use super::client::{Client, Clients, FAILURE_BODY_TIMEOUT, check_encoding, describe, redirect};
use super::tls::Options;
use super::url::page_url;
use super::{MAX_BODY_BYTES, MAX_TIMEOUT};
use crate::sync::Mutex;

/// The clients of all pages without TLS. They also work on a machine without certificates.
static PLAIN: Mutex<Option<Clients>> = Mutex::new(None);
static SECURE: Mutex<Option<Clients>> = Mutex::new(None);

/// A page that can be asked for.
#[derive(Clone)]
pub struct Target(Url);

impl Target {
    /// The page at a URL. The error says what is wrong with the URL, or that the machine has no certificates.
    pub fn new(url: &str) -> Result<Self, String> {
        let url = page_url(url)?;
        with_clients(&url, |_| Ok(()))?;
        Ok(Target(url))
    }

    /// Asks for the page. The timeout is that of the whole exchange, and bounds how long it connects.
    pub async fn get(&self, timeout: Duration) -> Result<Page, String> {
        let client: Client =
            with_clients(&self.0, |clients| clients.within(timeout.min(MAX_TIMEOUT)))?;
        client.get(&self.0, &HeaderMap::new()).await.map(Page)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may contain secrets.
        f.debug_struct("Target").finish_non_exhaustive()
    }
}

fn with_clients<T>(
    url: &Url,
    with: impl FnOnce(&mut Clients) -> Result<T, String>,
) -> Result<T, String> {
    let tls = url.scheme() == "https";
    let mut clients = if tls { &SECURE } else { &PLAIN }.lock();
    match &mut *clients {
        Some(clients) => with(clients),
        None => with(clients.insert(Clients::new(&Options { tls, ..Options::default() })?)),
    }
}

/// The answer of a page, whose body is not read yet.
pub struct Page(reqwest::Response);

impl Page {
    /// The code of the answer.
    pub fn code(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// Why the answer is a failure if it redirects.
    pub fn redirect(&self) -> Option<String> {
        redirect(&self.0)
    }

    /// Whether the first 64 KiB of the body contain a text.
    pub async fn contains(mut self, text: &str) -> Result<bool, String> {
        check_encoding(&self.0)?;
        let mut read = Vec::new();
        while let Some(chunk) = self.0.chunk().await.map_err(|error| describe(&error))? {
            let left = MAX_BODY_BYTES - read.len();
            read.extend_from_slice(&chunk[..chunk.len().min(left)]);
            if read.len() == MAX_BODY_BYTES {
                break;
            }
        }
        Ok(String::from_utf8_lossy(&read).contains(text))
    }

    /// Reads a short body, so that the next exchange can use the same connection.
    pub async fn finish(mut self) {
        let mut left = MAX_BODY_BYTES;
        let rest = async {
            while let Ok(Some(chunk)) = self.0.chunk().await {
                match left.checked_sub(chunk.len()) {
                    Some(fewer) => left = fewer,
                    None => break,
                }
            }
        };
        // The code has been read, which is all that is needed.
        _ = timeout(FAILURE_BODY_TIMEOUT, rest).await;
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("code", &self.code()).finish_non_exhaustive()
    }
}
