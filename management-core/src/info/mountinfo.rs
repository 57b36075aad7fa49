//! The mounts of this process, from `proc_pid_mountinfo(5)`.

/// One line of `/proc/self/mountinfo`.
#[derive(Debug, PartialEq)]
pub struct Mount {
    /// The folder or file of the file system that is mounted.
    pub root: String,
    /// The mount point.
    pub point: String,
    /// `overlay`, `cgroup2`, …
    pub kind: String,
    /// Those of the file system, such as the controllers of a `cgroup`, separated by commas.
    pub options: String,
}

/// Parses the lines, and skips those that are invalid.
pub fn parse(text: &str) -> Vec<Mount> {
    text.lines().filter_map(mount).collect()
}

fn mount(line: &str) -> Option<Mount> {
    // The first part ends with any number of optional fields.
    let (fields, source) = line.split_once(" - ")?;
    let mut fields = fields.split(' ').skip(3);
    let mut source = source.split(' ');
    Some(Mount {
        root: unescape(fields.next()?),
        point: unescape(fields.next()?),
        kind: source.next()?.to_owned(),
        options: source.nth(1).unwrap_or_default().to_owned(),
    })
}

/// The kernel writes white space and the backslash in a path as three octal digits.
fn unescape(path: &str) -> String {
    const ESCAPES: [(&str, &str); 4] =
        [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let (escape, meant) = ESCAPES
            .into_iter()
            .find(|(escape, _)| rest.starts_with(escape))
            .unwrap_or(("\\", "\\"));
        plain.push_str(meant);
        rest = &rest[escape.len()..];
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let text = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw\n\
                    nonsense\n\n\
                    1 2 3:4 / - ext4 x rw\n\
                    37 35 0:5 /a\\040b\\134040 /c\\x rw - cgroup2 cgroup rw\n";
        let mount = |root: &str, point: &str, kind: &str| Mount {
            root: root.into(),
            point: point.into(),
            kind: kind.into(),
            options: "rw".into(),
        };
        assert_eq!(
            parse(text),
            [mount("/mnt1", "/mnt2", "ext3"), mount("/a b\\040", "/c\\x", "cgroup2")]
        );
    }
}
