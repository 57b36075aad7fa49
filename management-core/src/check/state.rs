//! The state that checks take as parameters.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::check::origin::Origin;
use crate::error::{Mistake, Mistakes};

/// The values passed to the builder, at most one of each type.
#[derive(Default)]
pub(crate) struct State {
    values: HashMap<TypeId, Stored>,
    pub(crate) mistakes: Mistakes,
}

struct Stored {
    value: Arc<dyn Any + Send + Sync>,
    ty: &'static str,
    /// The id of an `Arc` of the type, which the same parameter accepts.
    in_arc: TypeId,
    place: &'static Location<'static>,
    is_taken: AtomicBool,
}

impl State {
    pub(crate) fn insert<T: Send + Sync + 'static>(
        &mut self,
        value: T,
        place: &'static Location<'static>,
    ) {
        let (own, in_arc) = (TypeId::of::<T>(), TypeId::of::<Arc<T>>());
        let is_same = |other: &&Stored| other.in_arc == own;
        let same = self.values.get(&in_arc).or_else(|| self.values.values().find(is_same));
        if let Some(other) = same {
            self.mistakes.push(Mistake::state(format!(
                "`{}` and `{}` are both passed as state, at {} and {}, but a parameter accepts either: remove \
                 one, or wrap it in a type of its own",
                other.ty,
                type_name::<T>(),
                at(other.place),
                at(place),
            )));
            return;
        }
        match self.values.entry(own) {
            Entry::Vacant(entry) => {
                let ty = type_name::<T>();
                let (value, is_taken) = (Arc::new(value), AtomicBool::new(false));
                entry.insert(Stored { value, ty, in_arc, place, is_taken });
            }
            Entry::Occupied(first) => self.mistakes.push(Mistake::state(format!(
                "two values of type `{}` are passed as state, at {} and {}: wrap one in a type of its own",
                type_name::<T>(),
                at(first.get().place),
                at(place),
            ))),
        }
    }

    /// The mistake of a function that takes state of a type that the builder does not have.
    pub(crate) fn missing(&self, what: &str, origin: &Origin, ty: &str) -> Mistake {
        let mut types: Vec<_> = self.values.values().map(|stored| stored.ty).collect();
        types.sort_unstable();
        let given = match &*types {
            [] => "no state".into(),
            types => format!("only `{}`", types.join("`, `")),
        };
        let remedy = if let Some(inner) = extracted(ty) {
            format!("axum's extractors only work in handlers, so take `&{inner}`")
        } else {
            let optional = match type_argument(ty, "core::option::Option<") {
                Some(inner) => format!("; `Option<&{inner}>` is `None` without a `{inner}`"),
                None => String::new(),
            };
            format!("add `.state(value)` with a `{ty}` or an `Arc` of it{optional}")
        };
        Mistake::state(format!(
            "{what} at {origin} takes `{ty}`, but the builder has {given}: {remedy}{}",
            origin.remedy_in_doc_example(),
        ))
    }

    /// The types that no function takes, each with its place, ordered by place.
    pub(crate) fn untaken(&self) -> Vec<String> {
        let untaken =
            self.values.values().filter(|stored| !stored.is_taken.load(Ordering::Relaxed));
        let mut untaken: Vec<_> = untaken.collect();
        untaken.sort_by_key(|stored| (stored.place.file(), stored.place.line(), stored.ty));
        untaken
            .into_iter()
            .map(|stored| format!("`{}` at {}", stored.ty, at(stored.place)))
            .collect()
    }

    /// The value passed as `T`, or else as `Arc<T>`.
    fn find<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        if let Some(value) = self.take(TypeId::of::<T>()) {
            return Arc::clone(value).downcast().ok();
        }
        self.take(TypeId::of::<Arc<T>>())?.downcast_ref::<Arc<T>>().cloned()
    }

    fn take(&self, ty: TypeId) -> Option<&Arc<dyn Any + Send + Sync>> {
        let stored = self.values.get(&ty)?;
        stored.is_taken.store(true, Ordering::Relaxed);
        Some(&stored.value)
    }
}

fn at(place: &Location<'_>) -> String {
    format!("{}:{}", place.file(), place.line())
}

/// `T` if the type is axum's `State<T>` or `Extension<T>`.
fn extracted(ty: &str) -> Option<&str> {
    type_argument(ty, "axum::extract::state::State<")
        .or_else(|| type_argument(ty, "axum::extension::Extension<"))
}

/// `T` if the type is `Name<T>`, as `type_name` writes it.
fn type_argument<'a>(ty: &'a str, name: &str) -> Option<&'a str> {
    ty.strip_prefix(name)?.strip_suffix('>')
}

/// Finds the state of one function, and collects the types that are missing.
pub struct Bind<'a> {
    state: &'a State,
    pub(crate) missing: Vec<&'static str>,
}

impl<'a> Bind<'a> {
    pub(crate) fn new(state: &'a State) -> Self {
        Bind { state, missing: Vec::new() }
    }

    /// State for a parameter `&T`.
    pub fn borrowed<T: Send + Sync + 'static>(&mut self) -> Bound<T> {
        let found = self.state.find();
        if found.is_none() {
            self.missing.push(type_name::<T>());
        }
        Bound(found)
    }

    /// State for a parameter `Option<&T>`, which may be missing.
    pub fn optional<T: Send + Sync + 'static>(&mut self) -> Absent<T> {
        Absent(self.state.find())
    }

    /// State for a parameter `T`.
    pub fn owned<T: ByValue + Send + Sync + 'static>(&mut self) -> Owned<T> {
        Owned { state: self.borrowed(), clone: T::clone }
    }
}

impl fmt::Debug for Bind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bind").field("missing", &self.missing).finish_non_exhaustive()
    }
}

/// The state of one parameter. Empty only if `build()` fails, and then no function is called.
#[derive(Debug)]
pub struct Bound<T>(Option<Arc<T>>);

impl<T> Bound<T> {
    /// The state itself.
    pub fn get(&self) -> &T {
        self.0.as_deref().expect("`build()` fails if state is missing")
    }
}

impl<T> Clone for Bound<T> {
    fn clone(&self) -> Self {
        Bound(self.0.clone())
    }
}

/// The state of one parameter, which may be missing.
#[derive(Debug)]
pub struct Absent<T>(Option<Arc<T>>);

impl<T> Absent<T> {
    /// The state itself, if the builder has it.
    pub fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }
}

impl<T> Clone for Absent<T> {
    fn clone(&self) -> Self {
        Absent(self.0.clone())
    }
}

/// The types that a parameter can take by value: every type that is `Clone`.
///
/// The trait exists for the compiler's message about other types.
#[diagnostic::on_unimplemented(
    message = "a parameter cannot take `{Self}` by value, because the type is not `Clone`: take `&{Self}`",
    label = "take `&{Self}`"
)]
pub trait ByValue: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> ByValue for T {}

/// The state of one parameter, which each run clones.
///
/// `clone` is a function pointer, so that the compiler reports a type that is not `Clone` once, at the parameter.
#[derive(Debug)]
pub struct Owned<T> {
    state: Bound<T>,
    clone: fn(&T) -> T,
}

impl<T> Owned<T> {
    /// A clone of the state.
    pub fn get(&self) -> T {
        (self.clone)(self.state.get())
    }
}

impl<T> Clone for Owned<T> {
    fn clone(&self) -> Self {
        Owned { state: self.state.clone(), clone: self.clone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::management::Management;

    #[test]
    fn a_value_and_an_arc_of_its_type_are_one_too_many() {
        let arc = || Arc::new(1_u8);
        for (builder, types) in [
            (Management::builder().state(1_u8).state(arc()), "`u8` and `alloc::sync::Arc<u8>`"),
            (Management::builder().state(arc()).state(1_u8), "`alloc::sync::Arc<u8>` and `u8`"),
        ] {
            let error = builder.build().unwrap_err();
            assert!(error.is_state(), "{error}");
            let text = error.to_string();
            assert!(text.contains(&format!("{types} are both passed as state, at ")), "{text}");
            assert_eq!(text.matches("state.rs:").count(), 2, "{text}");
        }
        // A parameter that finds one of these finds none of the others.
        let others = Management::builder().state(1_u8).state(Arc::new(arc())).state(Box::new(1_u8));
        assert!(others.build().is_ok());
    }

    #[test]
    fn state_that_no_function_takes_is_listed() {
        let mut state = State::default();
        state.insert(1_u8, Location::caller());
        state.insert(Arc::new(2_u16), Location::caller());
        state.insert(3_u32, Location::caller());
        let mut bind = Bind::new(&state);
        assert_eq!((*bind.borrowed::<u16>().get(), bind.owned::<u32>().get()), (2, 3));
        bind.borrowed::<u64>();
        let untaken = state.untaken();
        assert!(matches!(&*untaken, [one] if one.starts_with("`u8` at ")), "{untaken:?}");
    }
}
