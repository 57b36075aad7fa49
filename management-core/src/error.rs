use std::fmt;
use std::panic::Location;

use crate::check::origin::Origin;
use crate::check::{self, Check};
#[cfg(feature = "dependencies")]
use crate::dependency::Dependency;
use crate::text;

/// Mistakes in what was registered or configured, all of them together.
///
/// Both `Display` and `Debug` list the mistakes in words, since most programs return this from
/// `main`, which prints errors with `Debug`.
pub struct Error {
    mistakes: Vec<Mistake>,
}

/// One mistake.
pub(crate) struct Mistake {
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    NameTaken,
    State,
    Absent,
    Invalid,
}

impl Error {
    /// Whether a name was given twice: to two checks, to a check and a group, or to two contributors.
    pub fn is_name_taken(&self) -> bool {
        self.has(Kind::NameTaken)
    }

    /// Whether the state of a check is missing, or there are two values of one type.
    pub fn is_state(&self) -> bool {
        self.has(Kind::State)
    }

    /// Whether a check that was required, replaced, left out, configured or put into a group is not there,
    /// or a service dependency that `cascade` names.
    pub fn is_absent(&self) -> bool {
        self.has(Kind::Absent)
    }

    /// Whether a name, a duration or another value cannot be.
    pub fn is_invalid(&self) -> bool {
        self.has(Kind::Invalid)
    }

    /// The text of each mistake: what it is, where it is and how to correct it.
    pub fn mistakes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.mistakes.iter().map(|mistake| mistake.text.as_str())
    }

    fn has(&self, kind: Kind) -> bool {
        self.mistakes.iter().any(|mistake| mistake.kind == kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.mistakes {
            [only] => write!(f, "a mistake in the management endpoints: {}", only.text),
            all => {
                write!(f, "{} mistakes in the management endpoints:", all.len())?;
                for (number, mistake) in (1..).zip(all) {
                    write!(f, "\n  {number}. {}", mistake.text)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// An error, if there was any mistake.
pub(crate) fn refuse(mistakes: Vec<Mistake>) -> Result<(), Error> {
    if mistakes.is_empty() { Ok(()) } else { Err(Error { mistakes }) }
}

/// How a message about a group begins.
fn group_at(group: &str, origin: Option<&Origin>) -> String {
    let group = text::short(group);
    match origin {
        Some(origin) => format!("the group {group:?} at {origin} "),
        None => format!("the group {group:?} of `groups` "),
    }
}

/// `T`, where the type is axum's `State<T>` or `Extension<T>`.
fn extracted(ty: &str) -> Option<&str> {
    argument(ty, "axum::extract::state::State<")
        .or_else(|| argument(ty, "axum::extension::Extension<"))
}

/// `T`, where the type is `Name<T>`, written as `type_name` writes it.
fn argument<'a>(ty: &'a str, name: &str) -> Option<&'a str> {
    ty.strip_prefix(name)?.strip_suffix('>')
}

impl Mistake {
    fn new(kind: Kind, text: String) -> Self {
        Mistake { kind, text }
    }

    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Mistake::new(Kind::Invalid, text.into())
    }

    pub(crate) fn name(what: &str, name: &str, origin: &Origin, complaint: &str) -> Self {
        let name = text::short(name);
        let text =
            format!("the name {name:?} of the {what} at {origin} {complaint}: choose another");
        Mistake::new(Kind::Invalid, text)
    }

    pub(crate) fn settings(what: &str, name: &str, origin: &Origin, complaint: &str) -> Self {
        Mistake::new(Kind::Invalid, format!("{what} `{name}` at {origin}: {complaint}"))
    }

    pub(crate) fn missing_state(what: &str, origin: &Origin, ty: &str, there: &str) -> Self {
        let remedy = if let Some(inner) = extracted(ty) {
            format!("an extractor of axum is for handlers, so take `&{inner}`")
        } else {
            let may_be_absent = match argument(ty, "core::option::Option<") {
                Some(inner) => {
                    format!("; `Option<&{inner}>` is `None` where there is no `{inner}`")
                }
                None => String::new(),
            };
            format!("add `.state(value)` with a `{ty}` or an `Arc` of it{may_be_absent}")
        };
        let text = format!(
            "{what} at {origin} takes `{ty}`, and the builder has {there}: {remedy}{}",
            origin.remedy_in_doc_example(),
        );
        Mistake::new(Kind::State, text)
    }

    pub(crate) fn doubled_state(ty: &str, first: &Location<'_>, second: &Location<'_>) -> Self {
        let text = format!(
            "two values of type `{ty}` are given as state, at {}:{} and {}:{}: wrap one in a type of \
             its own",
            first.file(),
            first.line(),
            second.file(),
            second.line(),
        );
        Mistake::new(Kind::State, text)
    }

    /// A value and an `Arc` of its type, each with its type and place.
    pub(crate) fn state_in_arc_too(
        first: (&str, &Location<'_>),
        second: (&str, &Location<'_>),
    ) -> Self {
        let [(one, first), (other, second)] = [first, second];
        let text = format!(
            "`{one}` and `{other}` are both given as state, at {}:{} and {}:{}, and a parameter finds \
             either: keep one, or wrap one in a type of its own",
            first.file(),
            first.line(),
            second.file(),
            second.line(),
        );
        Mistake::new(Kind::State, text)
    }

    pub(crate) fn same_name(one: &Check, other: &Check) -> Self {
        let (name, first, second) = (&one.name, &one.origin, &other.origin);
        let is_dependency = |check: &Check| check.kind == Some(check::Kind::Dependency);
        if is_dependency(one) != is_dependency(other) {
            let (dependency, check) = if is_dependency(one) { (one, other) } else { (other, one) };
            let text = format!(
                "`{name}` is the name of a service dependency, from {}, and of the check at {}: rename \
                 one",
                dependency.origin, check.origin,
            );
            return Mistake::new(Kind::NameTaken, text);
        }
        let remedy = match (first.krate(), second.krate()) {
            (one, Some(krate)) | (Some(krate), one) if one != Some(krate) => {
                format!("rename one, or leave one out with `.without(\"{krate}/{name}\")`")
            }
            _ => "rename one".into(),
        };
        let text = format!(
            "two checks are named `{name}`, at {first} and {second}: {remedy}{}",
            first.remedy_in_doc_example(),
        );
        Mistake::new(Kind::NameTaken, text)
    }

    pub(crate) fn name_taken(name: &str, by: &Origin) -> Self {
        let text =
            format!("a check named `{name}` is there already, from {by}: unregister it first");
        Mistake::new(Kind::NameTaken, text)
    }

    pub(crate) fn group_named_like_check(
        group: &str,
        member: &str,
        at: &Origin,
        check: &Origin,
    ) -> Self {
        let text = format!(
            "the group `{group}` of check `{member}` at {at} has the name of the check at {check}: \
             rename one, since both would be `/health/{group}`"
        );
        Mistake::new(Kind::NameTaken, text)
    }

    /// `group` is where the program gave it, if it did.
    pub(crate) fn check_named_like_group(
        name: &str,
        check: &Origin,
        group: Option<&Origin>,
    ) -> Self {
        let at = group.map(|group| format!(" at {group}")).unwrap_or_default();
        let text = format!(
            "the check `{name}` at {check} has the name of a group{at}: rename one, since both would be \
             `/health/{name}`"
        );
        Mistake::new(Kind::NameTaken, text)
    }

    /// A mistake in what is set for a group.
    pub(crate) fn group(group: &str, origin: Option<&Origin>, complaint: &str) -> Self {
        Mistake::new(Kind::Invalid, format!("{}{complaint}", group_at(group, origin)))
    }

    /// What is set for a group names a check that is not there.
    pub(crate) fn absent_member(group: &str, origin: Option<&Origin>, complaint: &str) -> Self {
        Mistake::new(Kind::Absent, format!("{}{complaint}", group_at(group, origin)))
    }

    pub(crate) fn same_key(key: &str, first: &Origin, second: &Origin) -> Self {
        let text = format!(
            "two info contributors have the key `{key}`, at {first} and {second}: keep one{}",
            first.remedy_in_doc_example(),
        );
        Mistake::new(Kind::NameTaken, text)
    }

    pub(crate) fn two_versions(first: &Origin, second: &Origin) -> Self {
        let text = format!(
            "two version providers, at {first} and {second}: keep one{}",
            first.remedy_in_doc_example(),
        );
        Mistake::new(Kind::NameTaken, text)
    }

    pub(crate) fn info_key(key: &str) -> Self {
        let text = format!(
            "`info_keys` allows {key:?}, which is no key of `/info`: give `app`, `build`, \
             `trace.attributes`, an attribute such as `service.name`, or the key of a contributor"
        );
        Mistake::new(Kind::Invalid, text)
    }

    pub(crate) fn variable(variable: &str, error: &dyn fmt::Display) -> Self {
        let error = text::verbatim(error);
        Mistake::new(Kind::Invalid, format!("the environment variable `{variable}`: {error}"))
    }

    pub(crate) fn absent_override(name: &str, there: &str) -> Self {
        let text =
            format!("`checks.{name}` is configured, and there is no such check: there are {there}");
        Mistake::new(Kind::Absent, text)
    }

    pub(crate) fn registrations_lost() -> Self {
        let text = "nothing that attributes register can be found in this program, as its target or its linker \
                    has it: give checks to the builder with `.check(Check::new(…))`, and say \
                    `.without_registered()`";
        Mistake::new(Kind::Absent, text.into())
    }

    pub(crate) fn absent(method: &str, name: &str, remedy: &str) -> Self {
        Mistake::new(Kind::Absent, format!("`.{method}({name:?})` finds no such check: {remedy}"))
    }

    #[cfg(feature = "dependencies")]
    pub(crate) fn absent_dependency(name: &str, there: &str) -> Self {
        let text =
            format!("`cascade` names `{name}`, which is no service dependency: there are {there}");
        Mistake::new(Kind::Absent, text)
    }

    #[cfg(feature = "dependencies")]
    pub(crate) fn two_dependencies(name: &str, first: &Dependency, second: &Dependency) -> Self {
        let place = |dependency: &Dependency| {
            dependency.origin.map(|origin| origin.to_string()).unwrap_or_default()
        };
        let text = format!(
            "two service dependencies are named `{name}`, at {} and {}: rename one",
            place(first),
            place(second),
        );
        Mistake::new(Kind::NameTaken, text)
    }
}
