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
