//! The names whose values are secret: passwords, tokens, keys and so on.

/// Secret anywhere in a word of a name.
const PARTS: [&str; 24] = [
    "password",
    "passkey",
    "userpass",
    "bindpw",
    "csrf",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "credential",
    "apikey",
    "accesskey",
    "accountkey",
    "authkey",
    "encryptionkey",
    "masterkey",
    "privatekey",
    "sharedkey",
    "signingkey",
    "signature",
    "sessionid",
    "sessid",
];

/// Endings of words that only begin like a part: `tokenizer`, `secretary`, `passwordless`.
const OTHER_WORDS: [&str; 4] = ["iz", "is", "ar", "less"];

/// Secret as a whole word: `api-key` is secret, `keywords` is not.
const WORDS: [&str; 20] = [
    "pass",
    "cred",
    "creds",
    "pw",
    KEY,
    "auth",
    "authorization",
    "bearer",
    "sig",
    "hmac",
    "cookie",
    "cookies",
    "jwt",
    "otp",
    "psk",
    "pin",
    "session",
    "private",
    "dsn",
    "totp",
];

const KEY: &str = "key";

/// Words before `key` or `token` that make it harmless: `primary_key`, `unexpected token`.
const HARMLESS: [&str; 19] = [
    "cache",
    "duplicate",
    "expected",
    "foreign",
    "idempotency",
    "index",
    "missing",
    "object",
    "partition",
    "primary",
    "public",
    "routing",
    "row",
    "sort",
    "such",
    "tenant",
    "unexpected",
    "unique",
    "unknown",
];

/// Last words of names that describe a secret without containing it: `token_type`.
const ABOUT_ONE: [&str; 42] = [
    "age",
    "bucket",
    "left",
    "ref",
    "used",
    "version",
    "algorithm",
    "at",
    "attempts",
    "count",
    "dir",
    "enabled",
    "error",
    "errors",
    "expiration",
    "expired",
    "expires",
    "expiry",
    "file",
    "host",
    "in",
    "len",
    "length",
    "limit",
    "max",
    "method",
    "min",
    "mode",
    "name",
    "path",
    "policy",
    "port",
    "provider",
    "required",
    "retries",
    "rs",
    "server",
    "service",
    "size",
    "timeout",
    "ttl",
    "type",
];

/// The names whose values are secret: the usual ones, and those that a program adds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Each in the form of [`words`].
    added: Vec<String>,
}

impl Names {
    pub(crate) fn adding<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Names { added: names.into_iter().map(words).filter(|name| !name.is_empty()).collect() }
    }

    /// Whether a name can be recognized: it needs a letter or a digit.
    pub(crate) fn can_have(name: &str) -> bool {
        name.contains(char::is_alphanumeric)
    }

    /// Whether the program has added no names.
    pub(crate) fn are_usual(&self) -> bool {
        self.added.is_empty()
    }

    /// Whether the values of this name are secret.
    pub(crate) fn have(&self, name: &str) -> bool {
        is_secret(name) || self.have_added(name)
    }

    /// Whether the program has added this name or some of its words, in any spelling.
    pub(crate) fn have_added(&self, name: &str) -> bool {
        if self.added.is_empty() {
            return false;
        }
        let name = format!(" {} ", words(name));
        let joined = |words: &str| words.replace(' ', "");
        self.added
            .iter()
            .any(|added| name.contains(&format!(" {added} ")) || joined(&name) == joined(added))
    }

    /// The number of words of the longest added name.
    pub(crate) fn max_words(&self) -> usize {
        self.added.iter().map(|added| added.split(' ').count()).max().unwrap_or(0)
    }
}

/// Whether the values of this name are usually secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = words(name);
    let words: Vec<_> = name.split(' ').collect();
    if words.len() > 1 && words.last().is_some_and(|last| ABOUT_ONE.contains(last)) {
        return false;
    }
    let mut before = "";
    words.iter().any(|word| {
        let before = std::mem::replace(&mut before, word);
        let has_part = PARTS.iter().any(|part| {
            word.split_once(part)
                .is_some_and(|(_, rest)| !OTHER_WORDS.iter().any(|other| rest.starts_with(other)))
        });
        has_part || WORDS.contains(word) && !(*word == KEY && HARMLESS.contains(&before))
    })
}

/// Whether the word before makes the name harmless, as in `unexpected token: }`.
pub(crate) fn is_harmless_after(name: &str, before: &str) -> bool {
    let before = before.to_ascii_lowercase();
    ["key", "token"].iter().any(|word| name.eq_ignore_ascii_case(word))
        && HARMLESS.contains(&&*before)
}

/// Whether a secret of this name may consist of digits.
pub(crate) fn may_be_digits(name: &str) -> bool {
    let name = words(name);
    let last = name.rsplit(' ').next().unwrap_or_default();
    ["pass", "pwd", "pw", "pin", "psk", "otp", "secret"].iter().any(|end| last.ends_with(end))
        || ["password", "passwd", "passcode", "passphrase"].iter().any(|part| last.contains(part))
}

/// Whether a name only ever names a secret, so that the text after it is not the rest of an error message.
pub(crate) fn names_only_secrets(name: &str) -> bool {
    let words = words(name);
    let is_compound = words.ends_with(" key") || words.ends_with(" token");
    is_compound || may_be_digits(name)
}

/// Whether a number of this name may count secrets: `max_tokens`.
pub(crate) fn may_be_count(name: &str) -> bool {
    let last = words(name).rsplit(' ').next().map(str::to_owned).unwrap_or_default();
    ["tokens", "secrets", "sessions", "keys", "cookies"].contains(&&*last)
}

/// The words of a name such as `dbKey`, `db_key` or `DB-KEY`, in lower case and separated by spaces.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len());
    let mut was_lower = false;
    for character in name.chars() {
        let parts = !character.is_alphanumeric() || was_lower && character.is_uppercase();
        if parts && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        if character.is_alphanumeric() {
            words.extend(character.to_lowercase());
        }
        was_lower = character.is_lowercase();
    }
    words.truncate(words.trim_end().len());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_secret() {
        for name in [
            "Password",
            "db_password",
            "dbpassword",
            "PGPASSWORD",
            "password2",
            "PWD",
            "api-key",
            "apiKey",
            "APIKEY",
            "X-Api-Key",
            "AccountKey",
            "SharedAccessKey",
            "x-auth",
            "access_token",
            "X-Amz-Security-Token",
            "sig",
            "SSL_KEY",
            "client-secret",
            "jwt",
            "Cookie",
            "Set-Cookie",
            "Proxy-Authorization",
            "sessionId",
            "JSESSIONID",
            "pin",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "author",
            "authority",
            "keywords",
            "keyboard",
            "compass.id",
            "bypass",
            "passenger",
            "team.author",
            "keyspace",
            "monkey",
            "pinned",
            "design",
            "deployment.environment.name",
            "tokenizer",
            "secretary",
            "passwordless",
            "primary_key",
            "publicKey",
            "x-tenant-key",
            "token_type",
            "password_length",
            "session.timeout",
            "auth-service",
            "auth.rs",
            "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn what_a_program_adds() {
        let names = Names::adding(["x-tenant-key", "Kundennummer", "", "--"]);
        for name in [
            "x-tenant-key",
            "X-Tenant-Key",
            "X_TENANT_KEY",
            "HTTP_X_TENANT_KEY",
            "xTenantKey",
            "xtenantkey",
            "kundennummer",
            "alte-kundennummer",
            "password",
        ] {
            assert!(names.have(name), "{name}");
        }
        for name in ["tenant", "x-tenant", "x-tenant-keys", "kundennummern", "", "-"] {
            assert!(!names.have(name), "{name}");
        }
        assert!(!names.are_usual() && Names::adding([""]).are_usual());
    }
}
