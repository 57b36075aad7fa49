//! Reads files that may be missing, endless or not regular, without waiting and up to a limit.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

const MAX_LINE_CHARS: usize = 1024;

const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// The trimmed first line, unless it is empty or contains a control character.
pub(super) fn first_line(path: &Path) -> Option<String> {
    const BYTES_PER_CHAR: u64 = 4;
    let start = start(path, MAX_LINE_CHARS as u64 * BYTES_PER_CHAR)?;
    let line: String = start.lines().next()?.chars().take(MAX_LINE_CHARS).collect();
    let line = line.trim();
    (!line.is_empty() && !line.contains(char::is_control)).then(|| line.to_owned())
}

/// The first mebibyte.
pub(super) fn text(path: &Path) -> Option<String> {
    start(path, MAX_TEXT_BYTES)
}

fn start(path: &Path, limit: u64) -> Option<String> {
    let file = open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Without this flag, opening a named pipe without a writer would block.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::info::folder::tests::Scratch;

    #[test]
    fn the_first_line_is_read() {
        let scratch = Scratch::new();
        for (content, line) in [
            (&b"one\ntwo\n"[..], Some("one".into())),
            (b"  one  ", Some("one".into())),
            (b"one\r\ntwo", Some("one".into())),
            (b"", None),
            (b"\nsecond", None),
            (b"   \n", None),
            (b"a\0b", None),
            (b"a\xffb", Some("a\u{fffd}b".into())),
            ("ü".repeat(2000).as_bytes(), Some("ü".repeat(1024))),
        ] {
            let path = scratch.path().join("file");
            std::fs::write(&path, content).unwrap();
            assert_eq!(first_line(&path), line, "{content:?}");
        }
        assert_eq!(first_line(&scratch.path().join("absent")), None);
    }

    #[test]
    fn a_text_has_an_end() {
        let scratch = Scratch::new();
        let path = scratch.path().join("file");
        std::fs::write(&path, "x".repeat(3 * 1024 * 1024)).unwrap();
        assert_eq!(text(&path).unwrap().len() as u64, MAX_TEXT_BYTES);
    }

    #[test]
    fn only_a_regular_file_is_read() {
        let scratch = Scratch::new();
        assert_eq!(first_line(scratch.path()), None);
        #[cfg(target_os = "linux")]
        {
            let pipe = scratch.path().join("pipe");
            rustix::fs::mknodat(
                rustix::fs::CWD,
                &pipe,
                rustix::fs::FileType::Fifo,
                0o600.into(),
                0,
            )
            .unwrap();
            assert_eq!(first_line(&pipe), None);
            assert_eq!(text(Path::new("/dev/zero")), None);
        }
    }
}
