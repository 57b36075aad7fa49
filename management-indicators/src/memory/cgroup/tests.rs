use tempfile::TempDir;

use super::*;

const V2_MOUNT: &str = "29 22 0:25 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

/// A machine with these files.
fn machine(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

#[track_caller]
fn reads(files: &[(&str, &str)], working_set: Option<u64>, limit: Option<u64>) {
    let root = machine(files);
    assert_eq!(Usage::read(root.path()), Usage { working_set, limit });
}

#[test]
fn v2_in_a_container_with_a_namespace() {
    reads(
        &[
            ("proc/self/cgroup", "0::/\n"),
            ("proc/self/mountinfo", V2_MOUNT),
            ("sys/fs/cgroup/memory.max", "1000\n"),
            ("sys/fs/cgroup/memory.current", "900\n"),
            ("sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 300\nactive_file 5\n"),
        ],
        Some(600),
        Some(1_000),
    );
}

#[test]
fn the_smallest_limit_counts_wherever_it_is() {
    let of = |own: &str, around: &str| {
        let root = machine(&[
            ("proc/self/cgroup", "0::/pod/container\n"),
            ("proc/self/mountinfo", V2_MOUNT),
            ("sys/fs/cgroup/pod/container/memory.max", own),
            ("sys/fs/cgroup/pod/container/memory.current", "50"),
            ("sys/fs/cgroup/pod/memory.max", around),
            ("sys/fs/cgroup/pod/memory.current", "70"),
        ]);
        Usage::read(root.path())
    };
    let usage = |working_set, limit| Usage { working_set: Some(working_set), limit };
    assert_eq!(of("100", "200"), usage(50, Some(100)));
    assert_eq!(of("300", "200"), usage(70, Some(200)));
    assert_eq!(of("200", "200"), usage(70, Some(200)));
    assert_eq!(of("max", "200"), usage(70, Some(200)));
    assert_eq!(of("100", "max"), usage(50, Some(100)));
    assert_eq!(of("max", "max"), usage(50, None));
}

#[test]
fn v1_in_a_container_without_a_namespace() {
    let mountinfo = "1 0 0:1 / / rw - overlay overlay rw\n\
        35 31 0:32 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n\
        36 31 0:33 /docker/ab /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory\n";
    reads(
        &[
            ("proc/self/cgroup", "5:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n0::/docker/ab\n"),
            ("proc/self/mountinfo", mountinfo),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "900\n"),
            ("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 200\n"),
        ],
        Some(700),
        Some(1_000),
    );
}

#[test]
fn both_versions_with_memory_in_one() {
    let mountinfo = format!(
        "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n{}",
        V2_MOUNT.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
    );
    // No limit in version 1.
    let files = [
        ("proc/self/cgroup", "4:memory:/user\n1:name=systemd:/user\n0::/user\n"),
        ("proc/self/mountinfo", mountinfo.as_str()),
        ("sys/fs/cgroup/memory/user/memory.limit_in_bytes", "9223372036854771712\n"),
        ("sys/fs/cgroup/memory/user/memory.usage_in_bytes", "900\n"),
        ("sys/fs/cgroup/unified/user/memory.max", "7\n"),
    ];
    reads(&files, Some(900), None);
    // The memory belongs to version 2.
    let mut files = files;
    files[0].1 = "1:name=systemd:/user\n0::/user\n";
    reads(&files, None, Some(7));
}

#[test]
fn a_path_outside_of_the_namespace() {
    for (path, root) in [("/../../other", "/"), ("/../../other", "/pod"), ("/elsewhere", "/pod")] {
        reads(
            &[
                ("proc/self/cgroup", &format!("0::{path}\n")),
                ("proc/self/mountinfo", &V2_MOUNT.replace(" / ", &format!(" {root} "))),
                ("sys/fs/cgroup/memory.max", "100"),
                ("sys/fs/cgroup/memory.current", "50"),
                ("other/memory.max", "1"),
            ],
            Some(50),
            Some(100),
        );
    }
}

#[test]
fn what_is_missing_or_garbage_is_not_known() {
    reads(&[], None, None);
    reads(&[("proc/self/cgroup", "0::/\n")], None, None);
    reads(&[("proc/self/cgroup", "garbage\n:\n\n"), ("proc/self/mountinfo", V2_MOUNT)], None, None);
    for (max, current, stat, expected) in [
        ("garbage", "garbage", "garbage", (None, None)),
        ("-1", "5", "inactive_file garbage", (Some(5), None)),
        ("0", "5", "inactive_file 9", (Some(0), None)),
        ("99999999999999999999", "", "", (None, None)),
        ("10", "x", "", (None, Some(10))),
    ] {
        reads(
            &[
                ("proc/self/cgroup", "0::/\n"),
                ("proc/self/mountinfo", V2_MOUNT),
                ("sys/fs/cgroup/memory.max", max),
                ("sys/fs/cgroup/memory.current", current),
                ("sys/fs/cgroup/memory.stat", stat),
            ],
            expected.0,
            expected.1,
        );
    }
}
