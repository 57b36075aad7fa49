//! The arguments of an attribute: known, given once, of the right type, and possible.

use std::collections::HashSet;
use std::time::Duration;

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Expr, ExprArray, ExprLit, Ident, Lit, LitStr, Path};

use super::{Mistakes, name};
use crate::args::Args;
use crate::externs;
use crate::role::{Door, Role};

/// The arguments of one attribute, each known to be valid.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) name: Option<LitStr>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) valid_for: Option<Duration>,
    pub(crate) critical: Option<bool>,
    pub(crate) groups: Vec<LitStr>,
    pub(crate) krate: Option<Path>,
}

/// Validates every argument, so that one mistake does not hide the next.
pub(crate) fn arguments(role: Role, door: Door, args: Args) -> syn::Result<Arguments> {
    let mut mistakes = Mistakes::default();
    let mut found = Arguments::default();
    let mut seen: Vec<Ident> = Vec::new();
    let mut has_key = false;
    for (position, arg) in args.0.into_iter().enumerate() {
        let Some(key) = arg.key else {
            has_key = true;
            found.positional(role, position, &arg.value, &mut mistakes);
            continue;
        };
        if seen.contains(&key) {
            mistakes.at(key.span(), format!("`{key}` is given twice: keep one"));
            continue;
        }
        // A key that is given as an argument is not missing as well.
        has_key |= key == "key";
        found.named(role, &key, arg.value, &mut mistakes);
        seen.push(key);
    }
    let span = |wanted: &str| seen.iter().find(|key| *key == wanted).map(Ident::span);
    found.schedule(span, &mut mistakes);
    if role == Role::Info && !has_key {
        mistakes.at(
            Span::call_site(),
            format!("the key of the contribution is missing: write {}", role.named()),
        );
    }
    if span("crate").is_none()
        && let Some(name) = externs::renamed(door.krate())
    {
        mistakes.at(
            Span::call_site(),
            format!(
                "`{}` is called `{name}` in this crate: add `crate = {name}` to the attribute",
                door.krate(),
            ),
        );
    }
    mistakes.into_result()?;
    Ok(found)
}

impl Arguments {
    fn positional(&mut self, role: Role, position: usize, value: &Expr, mistakes: &mut Mistakes) {
        if let Expr::Path(path) = value
            && let Some(word) = path.path.get_ident()
            && (role == Role::Version || !is_constant(word))
        {
            let message = match example(&word.to_string()) {
                Some(good) if role.known().contains(&word.to_string().as_str()) => {
                    format!("`{word}` needs a value: write `{good}`")
                }
                _ if role == Role::Version => unknown(role, word),
                _ => format!("expected a string: write `#[{}(\"{word}\")]`", role.attribute()),
            };
            return mistakes.on(value, message);
        }
        if role == Role::Version {
            return mistakes
                .on(value, "`#[version_provider]` takes no name, since a program has one version");
        }
        if position > 0 {
            return mistakes
                .on(value, format!("only the first argument has no key; {}", takes(role)));
        }
        let Some(text) = string(value) else {
            let problem = unknown_value(value).or_else(|| other_string(value));
            let problem = problem.unwrap_or_else(|| "expected a string literal".into());
            return mistakes.on(value, format!("{problem}: write {}", role.named()));
        };
        match name::complaint(role, &text.value()) {
            Some(complaint) => mistakes.on(text, complaint),
            None => self.name = Some(text.clone()),
        }
    }

    fn named(&mut self, role: Role, key: &Ident, value: Expr, mistakes: &mut Mistakes) {
        let word = key.to_string();
        if !role.known().contains(&word.as_str()) {
            let message = match (role, word.as_str(), string(&value)) {
                (Role::Check(_), "name", Some(name)) | (Role::Info, "key", Some(name)) => {
                    let attribute = role.attribute();
                    format!(
                        "write the {word} first: `#[{attribute}({name:?})]`",
                        name = name.value()
                    )
                }
                _ => unknown(role, key),
            };
            return mistakes.at(key.span(), message);
        }
        match word.as_str() {
            "timeout" => self.timeout = duration(key, &value, false, mistakes),
            "ttl" => self.ttl = duration(key, &value, true, mistakes),
            "interval" => self.interval = duration(key, &value, false, mistakes),
            "valid_for" => self.valid_for = duration(key, &value, false, mistakes),
            "critical" => match literal(&value) {
                Some(Lit::Bool(critical)) => self.critical = Some(critical.value),
                _ => wrong_type(key, &value, mistakes),
            },
            "groups" => match &value {
                Expr::Array(array) => self.groups = groups(role, key, array, mistakes),
                _ => wrong_type(key, &value, mistakes),
            },
            _ => match value {
                Expr::Path(path) if path.qself.is_none() => self.krate = Some(path.path),
                _ => wrong_type(key, &value, mistakes),
            },
        }
    }

    /// The arguments of time, seen together.
    fn schedule(&self, span: impl Fn(&str) -> Option<Span>, mistakes: &mut Mistakes) {
        if let (Some(_), Some(interval)) = (span("ttl"), span("interval")) {
            mistakes.at(
                interval,
                "`ttl` and `interval` exclude each other: with `interval` the check runs in the \
                 background and requests only read its last result",
            );
        }
        // What the attribute leaves open, the builder may set: only `build()` knows it.
        if let (Some(valid_for), Some(at)) = (self.valid_for, span("valid_for")) {
            let (word, beat) = match (self.ttl, self.interval) {
                (None, Some(interval)) => ("interval", interval),
                (ttl, _) => ("ttl", ttl.unwrap_or_default()),
            };
            let needed = beat.saturating_add(self.timeout.unwrap_or_default());
            if valid_for < needed {
                mistakes.at(
                    at,
                    format!(
                        "`valid_for` is {}, but a result is needed for `{word}` plus `timeout`, \
                         at least {}",
                        humantime::format_duration(valid_for),
                        humantime::format_duration(needed),
                    ),
                );
            }
        }
    }
}

/// Suggests the most similar argument, or else lists all of them.
fn unknown(role: Role, key: &Ident) -> String {
    let word = key.to_string();
    let distance = |known: &&str| strsim::osa_distance(&word, known);
    let similar = role.known().iter().copied().min_by_key(distance);
    // As in `management-core`: a third of the characters may differ.
    match similar.filter(|known| distance(known) <= (known.len().max(word.len()) / 3).max(1)) {
        Some(similar) => format!("unknown argument `{key}`; did you mean `{similar}`?"),
        None => format!("unknown argument `{key}`; {}", takes(role)),
    }
}

fn takes(role: Role) -> String {
    let known: Vec<_> = role.known().iter().map(|key| format!("`{key}`")).collect();
    let first = match role {
        Role::Check(_) => "a name first, then ",
        Role::Info => "a key first, then ",
        Role::Version => "",
    };
    format!("`#[{}]` takes {first}{}", role.attribute(), known.join(", "))
}

/// How a duration is written. `management-core` has the same for configuration; `tests/names.rs` keeps
/// the two alike.
const DURATION: &str = "1m 30s";

/// A good use of the argument.
fn example(key: &str) -> Option<String> {
    Some(match key {
        "timeout" | "ttl" | "interval" | "valid_for" => format!("{key} = \"{DURATION}\""),
        "critical" => "critical = false".into(),
        "groups" => "groups = [\"payments\"]".into(),
        "crate" => "crate = my_management".into(),
        _ => return None,
    })
}

/// What there is to say of a value that the compiler computes only later.
fn unknown_value(value: &Expr) -> Option<String> {
    let value = match value {
        Expr::Path(path) => path.path.to_token_stream().to_string().replace(' ', ""),
        Expr::Macro(call) => {
            format!("{}!(…)", call.mac.path.to_token_stream().to_string().replace(' ', ""))
        }
        Expr::Group(group) => return unknown_value(&group.expr),
        _ => return None,
    };
    Some(format!("the value of `{value}` is not known when attributes are expanded"))
}

/// What there is to say of a literal that is nearly a string.
fn other_string(value: &Expr) -> Option<String> {
    match literal(value)? {
        Lit::ByteStr(_) => Some("expected a string, not bytes".into()),
        Lit::CStr(_) => Some("expected a string, not a C string".into()),
        _ => None,
    }
}

/// Whether a word looks like a constant, and not like a name without its quotes.
fn is_constant(word: &Ident) -> bool {
    let word = word.to_string();
    word.contains(char::is_uppercase) && !word.contains(char::is_lowercase)
}

fn wrong_type(key: &Ident, value: &Expr, mistakes: &mut Mistakes) {
    let expected = match key.to_string().as_str() {
        "critical" => "`true` or `false`",
        "groups" => "a list of strings",
        "crate" => "a path",
        _ => "a string",
    };
    let good = example(&key.to_string()).unwrap_or_default();
    // A crate is a path, which has no value.
    let problem = unknown_value(value).filter(|_| key != "crate");
    let problem = problem.unwrap_or_else(|| format!("`{key}` takes {expected}"));
    mistakes.on(value, format!("{problem}: write `{good}`"));
}

fn duration(
    key: &Ident,
    value: &Expr,
    zero_is_fine: bool,
    mistakes: &mut Mistakes,
) -> Option<Duration> {
    let Some(text) = string(value) else {
        wrong_type(key, value, mistakes);
        return None;
    };
    match humantime::parse_duration(&text.value()) {
        Ok(Duration::ZERO) if !zero_is_fine => {
            let good = example(&key.to_string()).unwrap_or_default();
            mistakes.on(text, format!("`{key}` must be longer than zero: write `{good}`"));
            None
        }
        Ok(duration) => Some(duration),
        Err(error) => {
            mistakes.on(
                text,
                format!(
                    "`{}` is no duration ({error}): write it like \"{DURATION}\"",
                    text.value(),
                ),
            );
            None
        }
    }
}

fn groups(role: Role, key: &Ident, array: &ExprArray, mistakes: &mut Mistakes) -> Vec<LitStr> {
    let mut seen = HashSet::new();
    let mut groups = Vec::new();
    for element in &array.elems {
        let Some(group) = string(element) else {
            wrong_type(key, element, mistakes);
            continue;
        };
        if let Some(complaint) = name::complaint(role, &group.value()) {
            mistakes.on(group, format!("in a group, {complaint}"));
        } else if !seen.insert(group.value()) {
            mistakes.on(group, format!("group `{}` is listed twice: keep one", group.value()));
        } else {
            groups.push(group.clone());
        }
    }
    groups
}

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, attrs }) if attrs.is_empty() => Some(lit),
        // What a declarative macro passes on may stand in invisible delimiters.
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

fn string(value: &Expr) -> Option<&LitStr> {
    match literal(value) {
        Some(Lit::Str(text)) => Some(text),
        _ => None,
    }
}
