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
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::sync::Barrier;
    use std::thread;

    use super::*;
    use crate::info::folder::tests::Scratch;

    const SERVICE: &str = "orders";

    fn read(folder: &Path, service: &str) -> String {
        let instance = InstanceId { folder: Some(folder.into()) };
        instance.read(service, &Environment::default()).unwrap()
    }

    fn assert_is_id(id: &str) {
        assert_eq!(id.len(), 32, "{id}");
        assert!(id.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{id}");
        assert_eq!(&id[12..13], "4", "the version of {id}");
        assert!("89ab".contains(&id[16..17]), "the variant of {id}");
    }

    #[test]
    fn an_id_survives() {
        let scratch = Scratch::new();
        let folder = scratch.path().join("not/there/yet");
        let id = read(&folder, SERVICE);
        assert_is_id(&id);
        assert_eq!(read(&folder, SERVICE), id);
        assert_ne!(read(&folder, "other"), id);
        fs::remove_dir_all(&folder).unwrap();
        assert_ne!(read(&folder, SERVICE), id);
    }

    #[cfg(unix)]
    #[test]
    fn an_id_is_for_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let scratch = Scratch::new();
        read(scratch.path(), SERVICE);
        let about = fs::metadata(scratch.path().join("instance-id-orders")).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn names_are_files_in_the_folder() {
        let scratch = Scratch::new();
        let folder = scratch.path().join("folder");
        let long = "x".repeat(10_000);
        let names = [
            SERVICE,
            "",
            ".",
            "..",
            "../orders",
            "../../etc/x",
            "/etc/x",
            "a/b",
            "a\\b",
            "a\0b",
            "Orders",
            "ORDERS",
            "größe",
            "GRÖSSE",
            "a b",
            "a%20b",
            "con",
            "nul.",
            "nul",
            "orders.new",
            "orders.lock",
            &long,
            &long[1..],
            &format!("{long}/.."),
        ];
        let ids: HashSet<_> = names.iter().map(|name| read(&folder, name)).collect();
        assert_eq!(ids.len(), names.len(), "each has an id of its own");
        for name in names {
            assert!(ids.contains(&read(&folder, name)), "{name} has kept its id");
        }
        let outside: Vec<_> = fs::read_dir(scratch.path()).unwrap().collect();
        assert_eq!(outside.len(), 1, "{outside:?}");
        let folded: HashSet<_> = names.iter().map(|name| file_name(name).to_lowercase()).collect();
        assert_eq!(folded.len(), names.len(), "where case makes no difference, too");
    }

    #[test]
    fn a_fingerprint_stays() {
        // From the reference of FNV: https://datatracker.ietf.org/doc/html/rfc9923
        assert_eq!(fingerprint(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fingerprint("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn garbage_is_replaced() {
        let valid = "0123456789abcdef0123456789abcdef";
        for garbage in [
            "".as_bytes(),
            b"\n",
            b"garbage",
            &valid.as_bytes()[1..],
            b"0123456789ABCDEF0123456789ABCDEF",
            b"01234567-89ab-cdef-0123-456789abcdef",
            format!("{valid}\n{valid}").as_bytes(),
            format!("{valid}{}", " ".repeat(1000) + "x").as_bytes().split_at(33).0,
            b"\xff\xfe",
            &[b'a'; 100_000],
        ]
        .into_iter()
        .filter(|garbage| garbage.trim_ascii() != valid.as_bytes())
        {
            let scratch = Scratch::new();
            fs::write(scratch.path().join("instance-id-orders"), garbage).unwrap();
            let id = read(scratch.path(), SERVICE);
            assert_is_id(&id);
            assert_eq!(read(scratch.path(), SERVICE), id);
        }
    }

    #[test]
    fn what_a_dead_process_left_is_in_nobodys_way() {
        let scratch = Scratch::new();
        fs::write(scratch.path().join("instance-id-orders.new"), "half").unwrap();
        fs::write(scratch.path().join("instance-id-orders.lock"), "").unwrap();
        let id = read(scratch.path(), SERVICE);
        assert_eq!(read(scratch.path(), SERVICE), id);
    }

    #[test]
    fn those_who_start_at_once_agree() {
        const THREADS: usize = 8;
        for round in 0..100 {
            let scratch = Scratch::new();
            if round % 2 == 0 {
                fs::write(scratch.path().join("instance-id-orders"), "garbage").unwrap();
            }
            let barrier = Barrier::new(THREADS);
            let start = || {
                barrier.wait();
                read(scratch.path(), SERVICE)
            };
            let ids: HashSet<_> = thread::scope(|scope| {
                let started: Vec<_> = (0..THREADS).map(|_| scope.spawn(start)).collect();
                started.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(ids.len(), 1, "round {round}");
            assert_eq!(read(scratch.path(), SERVICE), *ids.iter().next().unwrap());
        }
    }

    #[test]
    fn without_a_place_an_id_lasts_as_long_as_the_process() {
        let scratch = Scratch::new();
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        // Not even root can write there.
        for folder in [file.clone(), file.join("below"), "/proc/self".into(), "/proc/none".into()] {
            let id = read(&folder, SERVICE);
            assert_is_id(&id);
            assert_ne!(read(&folder, SERVICE), id, "{}", folder.display());
        }
    }

    #[test]
    fn what_cannot_be_replaced_is_left() {
        for name in ["instance-id-orders", "instance-id-orders.new", "instance-id-orders.lock"] {
            let scratch = Scratch::new();
            fs::create_dir(scratch.path().join(name)).unwrap();
            assert_is_id(&read(scratch.path(), SERVICE));
            assert!(scratch.path().join(name).is_dir(), "{name}");
        }
    }

    #[test]
    fn a_lock_that_never_ends_holds_nobody_up() {
        let scratch = Scratch::new();
        let folder = Folder::open(scratch.path()).unwrap();
        let _lock = folder.lock("instance-id-orders.lock", Duration::ZERO).unwrap();
        assert_is_id(&read(scratch.path(), SERVICE));
    }

    #[cfg(unix)]
    #[test]
    fn a_planted_link_is_not_followed() {
        use std::os::unix::fs::symlink;
        let scratch = Scratch::new();
        let (folder, target) = (scratch.path().join("folder"), scratch.path().join("target"));
        let planted = "0123456789abcdef0123456789abcdef";
        for name in ["instance-id-orders", "instance-id-orders.new"] {
            fs::create_dir(&folder).unwrap();
            fs::write(&target, planted).unwrap();
            symlink(&target, folder.join(name)).unwrap();
            let id = read(&folder, SERVICE);
            assert_ne!(id, planted);
            assert_eq!(read(&folder, SERVICE), id, "the link is replaced");
            assert_eq!(fs::read_to_string(&target).unwrap(), planted, "its target is not");
            fs::remove_dir_all(&folder).unwrap();
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_planted_pipe_is_replaced() {
        use rustix::fs::{CWD, FileType, mknodat};
        let scratch = Scratch::new();
        let pipe = scratch.path().join("instance-id-orders");
        mknodat(CWD, &pipe, FileType::Fifo, 0o600.into(), 0).unwrap();
        let id = read(scratch.path(), SERVICE);
        assert_eq!(read(scratch.path(), SERVICE), id);
    }

    #[test]
    fn where_it_is_kept() {
        let temporary = Path::new("/tmp");
        let given = InstanceId { folder: Some("/given".into()) };
        let open = InstanceId::default();
        let systemd = Environment::from([("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")]);
        let none = Environment::default();
        assert_eq!(given.place(&systemd, temporary), Place::Given("/given".into()));
        assert_eq!(open.place(&systemd, temporary), Place::Given("/var/lib/a".into()));
        assert_eq!(open.place(&none, temporary), Place::Own(temporary.join(own_name())));
    }
}
