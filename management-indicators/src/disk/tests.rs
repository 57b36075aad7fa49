use management_core::{Management, Status};

use super::*;

fn judge(space: Space, down: &str, warn: Option<&str>) -> (Status, String) {
    let mut limits = Limits::new("/data".into(), down).unwrap();
    limits.warn = warn.map(|warn| Threshold::parse(warn).unwrap());
    let health = limits.judge(Ok(space));
    (health.status(), health.reason().unwrap_or_default().into())
}

fn space() -> Space {
    Space { free: 900, total: 1_000, free_inodes: 90, total_inodes: 100, read_only: None }
}

#[test]
fn the_lowest_threshold_that_is_missed_decides() {
    let at = |free, warn| judge(Space { free, ..space() }, "5%", warn);
    assert_eq!(at(50, Some("10%")), (Status::Degraded, "5.0% free, less than 10%".into()));
    assert_eq!(at(100, Some("10%")), (Status::Up, String::new()));
    assert_eq!(at(49, Some("10%")), (Status::Down, "4.9% free, less than 5%".into()));
    assert_eq!(at(50, None), (Status::Up, String::new()));
    assert_eq!(at(99, Some("100B")), (Status::Degraded, "99 B free, less than 100B".into()));
}

#[test]
fn a_share_is_that_of_inodes_as_well() {
    let at = |free_inodes, down| judge(Space { free_inodes, ..space() }, down, Some("10%"));
    assert_eq!(at(4, "5%"), (Status::Down, "4.0% of the inodes free, less than 5%".into()));
    assert_eq!(at(4, "5B"), (Status::Degraded, "4.0% of the inodes free, less than 10%".into()));
    assert_eq!(at(0, "5B"), (Status::Down, "no inodes left".into()));
    assert_eq!(at(10, "5%"), (Status::Up, String::new()));
}

#[test]
fn a_file_system_that_counts_no_inodes() {
    let space = Space { free_inodes: 0, total_inodes: 0, ..space() };
    let limits = Limits::new("/data".into(), "5%").unwrap();
    let health = limits.judge(Ok(space));
    assert_eq!(health.status(), Status::Up);
    // Their order is that of serde_json, which depends on its features.
    let mut keys: Vec<_> = health.details().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["free", "path", "threshold", "total"]);
}

#[test]
fn no_share_of_a_file_system_without_a_size() {
    let (status, why) = judge(Space::default(), "5%", None);
    assert_eq!((status, &*why), (Status::Unknown, "the file system does not tell its size"));
}

#[tokio::test]
async fn arguments_that_are_not_valid_are_errors_of_build() {
    for (check, why) in [
        (check("disk", "/", "5"), "the threshold \"5\" is not valid, since it has no unit"),
        (check("disk", "/", "5%").warn_below("x"), "the threshold \"x\" is not valid"),
        (check("disk", "/", "5%").warn_below("5%"), "`warn_below` is 5%, but `DOWN` begins at 5%"),
        (check("disk", "", "5%"), "the path is empty"),
    ] {
        let error = Management::builder().check(check).build().unwrap_err().to_string();
        assert!(error.contains("check `disk` at ") && error.contains(why), "{error}");
        assert!(error.contains("disk/tests.rs:"), "{error}");
    }
    let built = Management::builder().check(check("disk", "/", "").warn_below("-1MB")).build();
    let error = built.unwrap_err().to_string();
    assert!(error.contains("\"\" is not valid") && error.contains("\"-1MB\" is not"), "{error}");
    assert!(ping("/", "120%").await.reason().unwrap().contains("it is more than 100%"));
}

#[tokio::test]
async fn a_missing_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mount");
    let management = Management::builder().check(check("disk", &path, "0B")).build().unwrap();
    let component = management.check("disk").await.unwrap();
    let why = "cannot read the file system: No such file or directory (os error 2)";
    // It is not critical.
    assert_eq!(management.health().await.status(), Status::Degraded);
    assert_eq!((component.status(), component.health().reason()), (Status::Down, Some(why)));
    assert_eq!(ping(&path, "0B").await.reason(), Some(why));
    let critical = Management::builder().check(check("disk", &path, "0B").critical(true)).build();
    assert_eq!(critical.unwrap().health().await.status(), Status::Down);
}
