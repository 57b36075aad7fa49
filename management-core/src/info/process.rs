//! The program and its arguments.

use std::ffi::OsString;

use crate::text;
use crate::text::mask::{MASK, has_known_form, mask};
use crate::text::secret::Names;

/// The attributes that do not change while the process runs.
pub(super) fn read() -> [(&'static str, Option<String>); 5] {
    let path = std::env::current_exe().ok().map(|path| {
        let path = path.to_string_lossy().into_owned();
        // Linux appends this if the file has been replaced since the program was started.
        path.strip_suffix(" (deleted)").map(str::to_owned).unwrap_or(path)
    });
    let name = path.as_deref().and_then(|path| path.rsplit(std::path::is_separator).next());
    let compiler = option_env!("MANAGEMENT_RUSTC");
    [
        ("process.executable.name", name.map(str::to_owned)),
        ("process.executable.path", path),
        // For compiled languages, the convention names the compiler.
        ("process.runtime.name", Some("rustc".into())),
        ("process.runtime.version", compiler.and_then(version).map(str::to_owned)),
        ("process.runtime.description", compiler.map(str::to_owned)),
    ]
}

/// The `1.88.0` of `rustc 1.88.0 (6b00bc388 2025-06-23)`.
fn version(compiler: &str) -> Option<&str> {
    compiler.split_whitespace().nth(1)
}

/// The arguments. Those that could be secret are masked, and a harmless one may be masked as well.
pub(super) fn command_line(
    arguments: impl IntoIterator<Item = OsString>,
    secrets: &Names,
) -> Option<String> {
    const MAX_BYTES: usize = 4096;
    let mut arguments = arguments.into_iter();
    let mut line = text::tidy_with(secrets, arguments.next()?.to_string_lossy());
    let (mut is_secret, mut names_user) = (false, false);
    for argument in arguments {
        let argument = argument.to_string_lossy();
        line.push(' ');
        let shown = if is_secret || has_known_form(&argument) {
            MASK.into()
        } else if names_user {
            mask_user(&argument, secrets)
        } else {
            mask_own(&argument, secrets)
        };
        names_user = matches!(&*argument, "-u" | "-U" | "--user");
        // A masked argument may be an option instead of a value, as in `--auth --password x`.
        is_secret = announces_secret(&argument, secrets);
        line.push_str(&text::tidy_with(secrets, shown));
        if line.len() > MAX_BYTES {
            let mut end = MAX_BYTES;
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    Some(line)
}

/// Whether the next argument is secret, as after `--token`, `-p`, `password` or `Bearer`.
fn announces_secret(argument: &str, secrets: &Names) -> bool {
    let name = argument.trim_start_matches('-');
    matches!(argument, "-p" | "-P")
        || ["bearer", "basic"].iter().any(|scheme| name.eq_ignore_ascii_case(scheme))
        || (is_name(name) && secrets.have(name))
}

fn is_name(text: &str) -> bool {
    text.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
}

/// An argument such as `user:password` without its secret.
fn mask_user(argument: &str, secrets: &Names) -> String {
    let masked = mask_own(argument, secrets);
    match argument.split_once(':') {
        Some((user, _)) if !masked.contains(MASK) => format!("{user}:{MASK}"),
        _ => masked,
    }
}

/// One argument without its secrets.
fn mask_own(argument: &str, secrets: &Names) -> String {
    // As in `mysql -phunter2`. This also masks a port, which does little harm.
    if let Some(rest) = argument.strip_prefix("-p")
        && !rest.is_empty()
    {
        return format!("-p{MASK}");
    }
    // The argument is the whole value, even if it contains spaces.
    if let Some((name, _)) = argument.split_once('=')
        && is_name(name)
        && secrets.have(name)
    {
        return format!("{name}={MASK}");
    }
    let masked = mask(argument, secrets);
    // `user:password@host`, without a scheme.
    if let Some((user, rest)) = masked.split_once(':')
        && let Some(host) = rest.rfind('@')
        && !rest.starts_with("//")
        && !user.contains("://")
    {
        return format!("{user}:{MASK}{}", &rest[host..]);
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(arguments: &[&str]) -> String {
        command_line(arguments.iter().map(OsString::from), &Names::default()).unwrap()
    }

    #[test]
    fn secrets_are_masked() {
        for (arguments, shown) in [
            (&["app"][..], "app"),
            (&["app", "--port", "80", "-v"], "app --port 80 -v"),
            (&["app", "--password=x y"], "app --password=***"),
            (&["app", "--password=x"], "app --password=***"),
            (&["app", "--password", "x", "y"], "app --password *** y"),
            (&["app", "--token", "-x", "y"], "app --token *** y"),
            (&["app", "--auth", "--password", "x", "y"], "app --auth *** *** y"),
            (&["app", "--api-key"], "app --api-key"),
            (&["app", "-p", "x", "y"], "app -p *** y"),
            (&["app", "-phunter2"], "app -p***"),
            (&["app", "-phunter=2"], "app -p***"),
            (&["app", "--password", "MyToken", "x", "y"], "app --password *** *** y"),
            (&["app", "password", "x"], "app password ***"),
            (&["env", "DB_PASSWORD=x=y", "app"], "env DB_PASSWORD=*** app"),
            (&["app", "-Dspring.password=x"], "app -Dspring.password=***"),
            (&["app", "--set", "a=1,password=x"], "app --set a=1,password=***"),
            (&["app", "--db=Server=h;Password=x;"], "app --db=Server=h;Password=***;"),
            (&["app", "-H", "Authorization: Bearer x"], "app -H Authorization: ***"),
            (&["app", "--header=X-Token: x"], "app --header=X-Token: ***"),
            (&["app", "Bearer", "x"], "app Bearer ***"),
            (&["app", "{\"password\": \"x\"}"], "app {\"password\": \"***\"}"),
            (&["app", "http://u:x@h/?token=x&a=1"], "app http://***@h/?token=***&a=1"),
            (&["app", "--db=postgres://u:x@h/d"], "app --db=postgres://***@h/d"),
            (&["app", "postgres://u@h/d?password=x"], "app postgres://***@h/d?password=***"),
            (&["app", "user:x@host:80"], "app user:***@host:80"),
            (&["app", "-u", "user:x@y"], "app -u user:***@y"),
            (&["app", "-u", "alice:hunter2", "a:b"], "app -u alice:*** a:b"),
            (&["app", "--cookie", "sid=1", "--jwt=x"], "app --cookie *** --jwt=***"),
            (&["app", "-P", "x", "Basic", "dTpw"], "app -P *** Basic ***"),
            (&["app", "ghp_0123456789abcdefghij"], "app ***"),
            (&["app", "--keywords", "a", "--author=b"], "app --keywords a --author=b"),
            (&["app", "me@host"], "app me@host"),
            (&["app", "two\nlines"], "app two lines"),
            // The program's own name announces nothing.
            (&["/bin/auth", "serve"], "/bin/auth serve"),
            (&["app", "/etc/keys/app.toml", "serve"], "app /etc/keys/app.toml serve"),
        ] {
            assert_eq!(line(arguments), shown);
        }
    }

    #[test]
    fn names_that_a_program_has_added_are_masked() {
        let names = Names::adding(["x-tenant-key"]);
        let arguments = ["app", "--x-tenant-key", "t-1", "-H", "X-Tenant-Key: t 1", "a"];
        assert_eq!(
            command_line(arguments.map(OsString::from), &names).as_deref(),
            Some("app --x-tenant-key *** -H X-Tenant-Key: *** a")
        );
    }

    #[test]
    fn a_long_line_is_cut() {
        let many = vec!["ü".repeat(100); 1000];
        let line = line(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(line.len() < 4100 && line.ends_with('…'), "{}", line.len());
    }

    #[test]
    fn no_arguments_are_no_line() {
        assert_eq!(command_line([], &Names::default()), None);
    }

    #[cfg(unix)]
    #[test]
    fn arguments_need_not_be_text() {
        use std::os::unix::ffi::OsStringExt;
        let arguments = [b"app".to_vec(), b"--password=\xff".to_vec(), b"\xff:\xfe@\xfd".to_vec()];
        assert_eq!(
            command_line(arguments.map(OsString::from_vec), &Names::default()).as_deref(),
            Some("app --password=*** \u{fffd}:***@\u{fffd}")
        );
    }

    #[test]
    fn this_program_knows_itself() {
        let found: std::collections::HashMap<_, _> = read().into_iter().collect();
        let (name, path) = (&found["process.executable.name"], &found["process.executable.path"]);
        assert!(path.as_ref().unwrap().ends_with(name.as_ref().unwrap()), "{found:?}");
        assert!(name.as_ref().unwrap().starts_with("management_core-"), "{found:?}");
        let version = found["process.runtime.version"].as_deref().unwrap();
        assert_eq!(version.split('.').count(), 3, "{version}");
        let description = found["process.runtime.description"].as_deref().unwrap();
        assert!(description.starts_with(&format!("rustc {version} (")), "{description}");
    }
}
