//! What a check says of itself, made fit for a log line and a body.

use std::fmt::{self, Write};

/// The longest text that is kept, in bytes.
const LONGEST: usize = 1024;

/// `text` on one line, without credentials and at most 1 KiB long.
pub(crate) fn tidy(text: impl fmt::Display) -> String {
    // A text is cut before it is looked through: an error may hold a whole page.
    let mut all = Capped { text: String::new(), limit: 8 * LONGEST };
    // The only error is that the cap is reached, and what came before it is kept.
    let cut = write!(all, "{text}").is_err();
    let mut line = one_line(&all.text);
    if cut {
        // Of a URL that the cut parted from its `@`, nobody can tell what is secret.
        let last = line.rfind(' ').map_or(0, |space| space + 1);
        if let Some(scheme) = line[last..].find("://") {
            line.truncate(last + scheme);
        }
    }
    let mut line = mask_urls(&line);
    if line.len() > LONGEST || cut {
        const ELLIPSIS: char = '…';
        let mut end = line.len().min(LONGEST - ELLIPSIS.len_utf8());
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        line.push(ELLIPSIS);
    }
    line
}

/// As [`tidy`], for what should be a URL and may be none: without a scheme, or with a space in it. Of a
/// query, nothing is shown.
pub(crate) fn tidy_url(url: &str) -> String {
    // What comes behind a space would be taken for another word.
    let url: String = url.trim().chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
    let mut tidied =
        if url.contains("://") { tidy(url) } else { tidy(format_args!("://{url}")).split_off(3) };
    if let Some(query) = tidied.find('?') {
        tidied.truncate(query);
        tidied.push_str("?…");
    }
    tidied
}

struct Capped {
    text: String,
    limit: usize,
}

impl Write for Capped {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let mut end = part.len().min(self.limit - self.text.len());
        while !part.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&part[..end]);
        if end < part.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Replaces the user information of every URL, and the secrets of its query, by `***`.
fn mask_urls(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        masked.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>'))
            .unwrap_or(after.len());
        // A list of URLs without spaces: the next scheme ends this one.
        let end = after[..end].find("://").unwrap_or(end);
        let (url, tail) = after.split_at(end);
        mask_url(url, &mut masked);
        rest = tail;
    }
    masked.push_str(rest);
    masked
}

/// Masks what follows `scheme://`.
fn mask_url(url: &str, masked: &mut String) {
    let authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
    // A password may hold what should have been percent-encoded, so that an `@` behind a `/` ends the
    // user information after all. Rather too much is masked than too little.
    let last = url.rfind('@').filter(|&at| at < authority_end || url[..at].contains(':'));
    let rest = match last {
        Some(at) => {
            masked.push_str("***");
            &url[at..]
        }
        None => url,
    };
    for part in rest.split_inclusive(['?', '&', ';', '#']) {
        match part.split_once('=') {
            Some((key, value)) if is_secret(key) => {
                masked.push_str(key);
                masked.push_str("=***");
                masked.extend(value.chars().last().filter(|last| "?&;#".contains(*last)));
            }
            _ => masked.push_str(part),
        }
    }
}

/// Whether what goes by this name is not to be shown.
pub(crate) fn is_secret(key: &str) -> bool {
    /// Wherever they stand in a name.
    const PARTS: [&str; 11] = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "credential",
        "apikey",
        "accesskey",
        "privatekey",
        "signature",
    ];
    /// As a word of their own: `api-key` is secret, and `keywords` are not.
    const WORDS: [&str; 15] = [
        "pass",
        "pw",
        "key",
        "auth",
        "authorization",
        "sig",
        "hmac",
        "cookie",
        "cookies",
        "jwt",
        "psk",
        "pin",
        "session",
        "private",
        "dsn",
    ];
    let lower = key.to_ascii_lowercase();
    PARTS.iter().any(|part| lower.contains(part)) || words(key).any(|word| WORDS.contains(&&*word))
}

/// The words of a name like `dbKey`, `db_key` or `DB-KEY`, in lower case.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut parted = String::with_capacity(name.len());
    let mut was_lower = false;
    for character in name.chars() {
        if was_lower && character.is_ascii_uppercase() {
            parted.push(' ');
        }
        was_lower = character.is_ascii_lowercase();
        parted.push(if character.is_alphanumeric() { character } else { ' ' });
    }
    parted.to_ascii_lowercase().split(' ').map(String::from).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_one_line() {
        assert_eq!(tidy("a\r\n  b\tc\u{0}d\u{1b}[31m\n"), "a b c d [31m");
        assert_eq!(tidy(""), "");
    }

    #[test]
    fn text_is_cut_between_characters() {
        let long = tidy("ü".repeat(3000));
        assert!(long.len() <= LONGEST && long.len() > LONGEST - 4, "{}", long.len());
        assert!(long.ends_with("ü…"));
        assert_eq!(tidy("x".repeat(1024)), "x".repeat(1024));
        assert_eq!(tidy("x".repeat(1025)).len(), 1024);
        assert!(tidy("x ".repeat(1_000_000)).ends_with('…'));
        assert!(tidy(format!("{}{}", " ".repeat(10_000), "end")).len() <= LONGEST);
    }

    #[test]
    fn credentials_are_masked() {
        for (said, kept) in [
            ("postgres://user:secret@db:5432/app", "postgres://***@db:5432/app"),
            ("postgres://user:s@cr@t@db/app", "postgres://***@db/app"),
            ("amqp://user:s/cr?t@mq:5672/x", "amqp://***@mq:5672/x"),
            ("https://ghp_token@example.org", "https://***@example.org"),
            ("https://example.org/@me?x=a@b", "https://example.org/@me?x=a@b"),
            ("amqp://guest:12/34@mq", "amqp://***@mq"),
            ("postgres://us/er:1234@h/db", "postgres://***@h/db"),
            ("http://[::1]:80/x", "http://[::1]:80/x"),
            (
                "sqlserver://h:1433;user=sa;password=hunter2;x=1",
                "sqlserver://h:1433;user=sa;password=***;x=1",
            ),
            ("https://h/cb#access_token=abc&a=1", "https://h/cb#access_token=***&a=1"),
            ("https://h/blob?sv=1&sig=xyz", "https://h/blob?sv=1&sig=***"),
            ("GET \"http://a:b@c/\" failed", "GET \"http://***@c/\" failed"),
            ("mongodb://u:p@a:1,mongodb://v:q@b:2", "mongodb://***@a:1,mongodb://***@b:2"),
            ("db://h/x?sslmode=on&Password=hunter2&a=1", "db://h/x?sslmode=on&Password=***&a=1"),
            ("no url: a@b", "no url: a@b"),
            ("://", "://"),
        ] {
            assert_eq!(tidy(said), kept, "{said}");
        }
    }

    #[test]
    fn what_looks_secret() {
        for name in [
            "Password",
            "db_password",
            "dbpassword",
            "PWD",
            "api-key",
            "apiKey",
            "APIKEY",
            "x-auth",
            "access_token",
            "sig",
            "SSL_KEY",
            "client-secret",
            "jwt",
            "Cookie",
            "sessionId",
            "pin",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "author",
            "keywords",
            "compass.id",
            "bypass",
            "team.author",
            "keyspace",
            "monkey",
            "pinned",
            "design",
            "deployment.environment.name",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn a_url_at_the_cut_is_masked() {
        let text = format!("{} postgres://user:{}@db/", "x".repeat(1000), "s".repeat(100));
        assert!(!tidy(text).contains("ss"), "the password must not be shown");
        let text = format!("down {} postgres://user:{}@db/", " ".repeat(8150), "s".repeat(100));
        assert_eq!(tidy(text), "down postgres…");
    }
}
