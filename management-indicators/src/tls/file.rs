use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::validity::Validity;
use crate::error::describe;

/// Longer than any chain, so that a wrong path does not fill the memory.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a PEM file. The reason contains nothing of it, since it may contain a private key.
pub(super) fn read(path: &Path) -> Result<Validity, String> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| format!("cannot read the file: {}", describe(&error)))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err("the file contains no certificate".into()),
        Ok(chain) => Validity::of(&chain),
        Err(_) => Err("the file is not valid PEM".into()),
    }
}
