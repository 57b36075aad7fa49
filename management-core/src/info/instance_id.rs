//! The id of this instance of the service, which survives restarts.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder::Folder;
use crate::config::environment::Environment;
use crate::line::line;

/// How long this process waits while another one writes an id.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// The number of hexadecimal digits of a UUID.
const UUID_DIGITS: usize = 32;

/// Where `service.instance.id` is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct InstanceId {
    /// The configured folder. Defaults to systemd's `STATE_DIRECTORY`, or else to a folder among the temporary files.
    pub(crate) folder: Option<PathBuf>,
}

impl InstanceId {
    /// Reads the id of `service`, or makes a new one and keeps it if possible.
    pub(super) fn read(&self, service: &str, environment: &Environment) -> Option<String> {
        let place = self.place(environment, &std::env::temp_dir());
        let id = place.open().and_then(|folder| kept(&folder, &file_name(service)));
        id.or_else(|why| {
            line!(
                WARN,
                [attribute = "service.instance.id", error = why.to_string()],
                "service.instance.id cannot be kept in {}: {why}; each start has another id until \
                 `service_instance_id_folder` is a folder to which this process can write",
                place.path().display(),
            );
            random()
        })
        .inspect_err(|why| {
            line!(
                WARN,
                [attribute = "service.instance.id", error = why.to_string()],
                "/info has no service.instance.id: {why}"
            );
        })
        .ok()
    }

    fn place(&self, environment: &Environment, temporary: &Path) -> Place {
        let given = self.folder.clone().or_else(|| {
            // Several `StateDirectory=` are separated by colons.
            let folders = environment.get("STATE_DIRECTORY")?;
            folders.split(':').find(|folder| !folder.is_empty()).map(PathBuf::from)
        });
        given.map_or_else(|| Place::Own(temporary.join(own_name())), Place::Given)
    }
}

#[derive(Debug, PartialEq)]
enum Place {
    Given(PathBuf),
    /// A folder in a place where every user can write.
    Own(PathBuf),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Place::Given(path) | Place::Own(path) => path,
        }
    }

    fn open(&self) -> io::Result<Folder> {
        match self {
            Place::Given(path) => Folder::open(path),
            Place::Own(path) => Folder::open_own(path),
        }
    }
}

fn own_name() -> String {
    #[cfg(unix)]
    return format!("management-{}", rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    "management".into()
}

/// The name of the file of one service. Bytes with a meaning in paths are escaped, and so are capital letters, because some
/// file systems ignore case.
fn file_name(service: &str) -> String {
    /// With suffixes, this is well below the 255 bytes of most file systems.
    const MAX_BYTES: usize = 150;
    let mut name = String::from("instance-id-");
    for byte in service.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => _ = write!(name, "%{byte:02x}"),
        }
    }
    if name.len() > MAX_BYTES {
        name.truncate(MAX_BYTES);
        _ = write!(name, "~{:016x}", fingerprint(service));
    }
    name
}

/// 64-bit FNV-1a. The hash of std can differ between compilers.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn kept(folder: &Folder, name: &str) -> io::Result<String> {
    if let Some(id) = written(folder, name) {
        return Ok(id);
    }
    let _lock = folder.lock(&format!("{name}.lock"), LOCK_TIMEOUT)?;
    // The previous holder of the lock may have written it.
    if let Some(id) = written(folder, name) {
        return Ok(id);
    }
    let id = random()?;
    let new = format!("{name}.new");
    // A process that died at this point leaves the file behind. Usually there is none, and an error of any other kind
    // also makes `create` fail.
    _ = folder.remove(&new);
    let mut file = folder.create(&new)?;
    file.write_all(format!("{id}\n").as_bytes())?;
    file.sync_all()?;
    folder.rename(&new, name)?;
    Ok(id)
}

/// The id in the file, if the content is a valid id.
fn written(folder: &Folder, name: &str) -> Option<String> {
    let mut text = String::new();
    folder.read(name).ok()?.take(2 * UUID_DIGITS as u64).read_to_string(&mut text).ok()?;
    let id = text.trim();
    let is_id =
        id.len() == UUID_DIGITS && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then(|| id.to_owned())
}

/// A UUID of version 4, without hyphens.
fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    #[cfg(any(unix, windows))]
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    #[cfg(not(any(unix, windows)))]
    return Err(io::ErrorKind::Unsupported.into());
    // RFC 9562, section 5.4.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests;
