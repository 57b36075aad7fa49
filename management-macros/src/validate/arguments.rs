//! Validates the arguments of an attribute: their keys, types and values.

use std::collections::HashSet;
use std::time::Duration;

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Expr, ExprArray, ExprLit, Ident, Lit, LitInt, LitStr, Path};

use super::{Mistakes, name};
use crate::args::Args;
use crate::externs;
use crate::role::{Door, Role};

/// The valid arguments of one attribute.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) name: Option<LitStr>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) retry: Option<Duration>,
    pub(crate) valid_for: Option<Duration>,
    pub(crate) critical: Option<bool>,
    pub(crate) fail_after: Option<u32>,
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
        // The mistake of a first argument with a key is reported below.
        has_key |= key == "key" || key == "name";
        found.named(role, &key, arg.value, &mut mistakes);
        seen.push(key);
    }
    let span = |wanted: &str| seen.iter().find(|key| *key == wanted).map(Ident::span);
    found.schedule(span, &mut mistakes);
    if role == Role::Info && !has_key {
        mistakes.at(Span::call_site(), format!("the key is missing: write {}", role.example()));
    }
    if span("crate").is_none()
        && let Some(name) = externs::renamed(door.crate_name())
    {
        mistakes.at(
            Span::call_site(),
            format!(
                "`{}` is called `{name}` in this crate: add `crate = {name}` to the attribute",
                door.crate_name(),
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
            let word = word.to_string();
            let message = match example(&word) {
                Some(good) if role.known().contains(&word.as_str()) => {
                    format!("`{word}` needs a value: write `{good}`")
                }
                _ if role == Role::Version => unknown(role, &word),
                _ => format!("expected a string: write {}", role.with_first(&word)),
            };
            return mistakes.on(value, message);
        }
        if role == Role::Version {
            return mistakes.on(value, NO_NAME);
        }
        if position > 0 {
            return mistakes
                .on(value, format!("only the first argument has no key; {}", takes(role)));
        }
        let Some(text) = string(value) else {
            let problem = unknown_value(value).or_else(|| other_string(value));
            let problem = problem.unwrap_or_else(|| "expected a string literal".into());
            return mistakes.on(value, format!("{problem}: write {}", role.example()));
        };
        match name::complaint(role, &text.value()) {
            Some(complaint) => mistakes.on(text, complaint),
            None => self.name = Some(text.clone()),
        }
    }

    fn named(&mut self, role: Role, key: &Ident, value: Expr, mistakes: &mut Mistakes) {
        let word = key.to_string();
        if !role.known().contains(&word.as_str()) {
            let message = match word.as_str() {
                "name" | "key" if role == Role::Version => NO_NAME.into(),
                "name" | "key" => {
                    let first = string(&value).map(LitStr::value);
                    let good =
                        first.map_or_else(|| role.example(), |first| role.with_first(&first));
                    format!("write the {} first: {good}", role.first_argument())
                }
                _ => unknown(role, &word),
            };
            return mistakes.at(key.span(), message);
        }
        match word.as_str() {
            "timeout" => self.timeout = duration(key, &value, false, mistakes),
            "ttl" => self.ttl = duration(key, &value, true, mistakes),
            "interval" => self.interval = duration(key, &value, false, mistakes),
            "retry" => self.retry = duration(key, &value, false, mistakes),
            "valid_for" => self.valid_for = duration(key, &value, false, mistakes),
            "critical" => match literal(&value) {
                Some(Lit::Bool(critical)) => self.critical = Some(critical.value),
                _ => wrong_type(key, &value, mistakes),
            },
            "fail_after" => match literal(&value) {
                Some(Lit::Int(number)) => self.fail_after = count(key, number, mistakes),
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

    /// Validates the arguments of time together.
    fn schedule(&self, span: impl Fn(&str) -> Option<Span>, mistakes: &mut Mistakes) {
        if let (Some(_), Some(interval)) = (span("ttl"), span("interval")) {
            mistakes.at(
                interval,
                "`ttl` and `interval` exclude each other: remove `ttl` to run in the background, or \
                 `interval` to run on demand",
            );
        }
        if let Some(retry) = span("retry") {
            if span("interval").is_none() {
                mistakes.at(
                    retry,
                    "`retry` needs `interval`: add `interval` to run in the background, or remove `retry`",
                );
            } else if let (Some(longer), Some(interval)) = (self.retry, self.interval)
                && interval < longer
            {
                mistakes.at(
                    retry,
                    format!(
                        "`retry` is {}, longer than `interval`: make it at most {}",
                        humantime::format_duration(longer),
                        humantime::format_duration(interval),
                    ),
                );
            }
        }
        // The builder may set what the attribute does not, so that `build()` checks this again with all values.
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
                        "`valid_for` is {}, less than `{word}` plus `timeout`: make it at least {}",
                        humantime::format_duration(valid_for),
                        humantime::format_duration(needed),
                    ),
                );
            }
        }
    }
}

const NO_NAME: &str = "`#[version_provider]` takes no name, since a program has one version";

/// Reports an unknown argument. Suggests the most similar known one, or else lists all of them.
fn unknown(role: Role, key: &str) -> String {
    match most_similar(key, role.known()) {
        Some(known) => format!("unknown argument `{key}`; did you mean `{known}`?"),
        None => format!("unknown argument `{key}`; {}", takes(role)),
    }
}

/// The known word that is most similar to `word`, if at most a third of its characters differ.
fn most_similar<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distances = known.iter().map(|&known| (strsim::osa_distance(word, known), known));
    let (distance, nearest) = distances.min()?;
    (distance <= (nearest.len().max(word.len()) / 3).max(1)).then_some(nearest)
}

/// The arguments that an attribute takes, as a clause.
fn takes(role: Role) -> String {
    let known: Vec<_> = role.known().iter().map(|key| format!("`{key}`")).collect();
    let first = match role {
        Role::Check(_) => "a name first, then ",
        Role::Info => "a key first, then ",
        Role::Version => "",
    };
    format!("`#[{}]` takes {first}{}", role.attribute(), known.join(", "))
}

/// An example of a duration. `management-core` has the same example for configuration, and `tests/names.rs` compares
/// the two.
const DURATION: &str = "1m 30s";

/// A valid use of the argument.
fn example(key: &str) -> Option<String> {
    Some(match key {
        "timeout" | "ttl" | "interval" | "valid_for" => format!("{key} = \"{DURATION}\""),
        // The example of a duration is longer than most intervals.
        "retry" => "retry = \"2s\"".into(),
        "critical" => "critical = false".into(),
        "fail_after" => "fail_after = 3".into(),
        "groups" => "groups = [\"payments\"]".into(),
        "crate" => "crate = my_management".into(),
        _ => return None,
    })
}

/// The problem with a value that the compiler computes after it has expanded attributes.
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

/// The problem with a literal that resembles a string.
fn other_string(value: &Expr) -> Option<String> {
    match literal(value)? {
        Lit::ByteStr(_) => Some("expected a string, not bytes".into()),
        Lit::CStr(_) => Some("expected a string, not a C string".into()),
        _ => None,
    }
}

/// Whether a word looks like a constant, and not like a name whose quotes are missing.
fn is_constant(word: &Ident) -> bool {
    let word = word.to_string();
    word.contains(char::is_uppercase) && !word.contains(char::is_lowercase)
}

fn wrong_type(key: &Ident, value: &Expr, mistakes: &mut Mistakes) {
    let expected = match key.to_string().as_str() {
        "critical" => "`true` or `false`",
        "fail_after" => "a whole number of failures",
        "groups" => "a list of strings",
        "crate" => "a path",
        _ => "a string",
    };
    let good = example(&key.to_string()).unwrap_or_default();
    // The path of `crate` names a crate and not a value.
    let problem = unknown_value(value).filter(|_| key != "crate");
    let problem = problem.unwrap_or_else(|| format!("`{key}` takes {expected}"));
    mistakes.on(value, format!("{problem}: write `{good}`"));
}

fn duration(
    key: &Ident,
    value: &Expr,
    allows_zero: bool,
    mistakes: &mut Mistakes,
) -> Option<Duration> {
    let Some(text) = string(value) else {
        wrong_type(key, value, mistakes);
        return None;
    };
    match humantime::parse_duration(&text.value()) {
        Ok(Duration::ZERO) if !allows_zero => {
            let good = example(&key.to_string()).unwrap_or_default();
            mistakes.on(text, format!("`{key}` must be longer than zero: write `{good}`"));
            None
        }
        Ok(duration) => Some(duration),
        Err(error) => {
            mistakes.on(
                text,
                format!(
                    "`{}` is not a duration ({error}): write it like \"{DURATION}\"",
                    text.value(),
                ),
            );
            None
        }
    }
}

fn count(key: &Ident, number: &LitInt, mistakes: &mut Mistakes) -> Option<u32> {
    let limit = match number.base10_parse::<u32>() {
        Ok(0) => "at least 1".into(),
        Ok(count) => return Some(count),
        Err(_) => format!("at most {}", u32::MAX),
    };
    let good = example(&key.to_string()).unwrap_or_default();
    mistakes.on(number, format!("`{key}` must be {limit}: write `{good}`"));
    None
}

fn groups(role: Role, key: &Ident, array: &ExprArray, mistakes: &mut Mistakes) -> Vec<LitStr> {
    let mut seen = HashSet::new();
    let mut groups = Vec::new();
    for element in &array.elems {
        let Some(group) = string(element) else {
            wrong_type(key, element, mistakes);
            continue;
        };
        if let Some(complaint) = name::group_complaint(role, &group.value()) {
            mistakes.on(group, complaint);
        } else if !seen.insert(group.value()) {
            mistakes.on(group, format!("the group `{}` is listed twice: keep one", group.value()));
        } else {
            groups.push(group.clone());
        }
    }
    groups
}

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, attrs }) if attrs.is_empty() => Some(lit),
        // A declarative macro puts its fragments in invisible delimiters.
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
