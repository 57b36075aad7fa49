//! Which instance of its service this process is, over restarts.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder::Folder;
use crate::config::environment::Environment;
use crate::line::line;

/// How long another process may take to write an id, before this one goes its own way.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many hexadecimal digits a UUID has.
const DIGITS: usize = 32;

/// That `service.instance.id` is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct InstanceId {
    /// Where it is kept; otherwise where systemd says, or in the folder for temporary files.
    pub(crate) folder: Option<PathBuf>,
}

impl InstanceId {
    /// The id that is kept for `service`, or a new one, kept from now on if that can be.
    pub(super) fn read(&self, service: &str, environment: &Environment) -> Option<String> {
        let place = self.place(environment, &std::env::temp_dir());
        let id = place.open().and_then(|folder| kept(&folder, &file_name(service)));
        id.or_else(|why| {
            line!(
                WARN,
                "service.instance.id cannot be kept in {}: {why}; until that is mended, or a folder \
                 that this process can write to is given, each start has another",
                place.path().display(),
            );
            random()
        })
        .inspect_err(|why| line!(WARN, "there is no service.instance.id: {why}"))
        .ok()
    }

    fn place(&self, environment: &Environment, temporary: &Path) -> Place {
        let given = self.folder.clone().or_else(|| {
            // Those of several `StateDirectory=`.
            let folders = environment.get("STATE_DIRECTORY")?;
            folders.split(':').find(|folder| !folder.is_empty()).map(PathBuf::from)
        });
        given.map_or_else(|| Place::Own(temporary.join(own_name())), Place::Given)
    }
}

#[derive(Debug, PartialEq)]
enum Place {
    Given(PathBuf),
    /// Among the files of all users.
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

/// Of this service alone: what could mean something in a path, or be the same to a file system that
/// does not tell cases apart, is written as its bytes' numbers.
fn file_name(service: &str) -> String {
    /// With the prefix, and what is appended to it, well below the 255 bytes of most file systems.
    const LONGEST: usize = 150;
    let mut name = String::from("instance-id-");
    for byte in service.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => {
                let _ = write!(name, "%{byte:02x}");
            }
        }
    }
    if name.len() > LONGEST {
        name.truncate(LONGEST);
        let _ = write!(name, "~{:016x}", fingerprint(service));
    }
    name
}

/// 64-bit FNV-1a, since the one in std may differ between compilers.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn kept(folder: &Folder, name: &str) -> io::Result<String> {
    if let Some(id) = written(folder, name) {
        return Ok(id);
    }
    let _lock = folder.lock(&format!("{name}.lock"), PATIENCE)?;
    // By whoever had the lock before.
    if let Some(id) = written(folder, name) {
        return Ok(id);
    }
    let id = random()?;
    let new = format!("{name}.new");
    // What a process left that died here.
    let _ = folder.remove(&new);
    let mut file = folder.create(&new)?;
    file.write_all(format!("{id}\n").as_bytes())?;
    file.sync_all()?;
    folder.rename(&new, name)?;
    Ok(id)
}

/// What is no id is as good as nothing.
fn written(folder: &Folder, name: &str) -> Option<String> {
    let mut text = String::new();
    folder.read(name).ok()?.take(2 * DIGITS as u64).read_to_string(&mut text).ok()?;
    let id = text.trim();
    let is_id =
        id.len() == DIGITS && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
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
