//! What checks take as parameters.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::error::Mistake;

/// At most one value of each type.
#[derive(Default)]
pub(crate) struct State {
    values: HashMap<TypeId, Stored>,
    pub(crate) mistakes: Vec<Mistake>,
}

struct Stored {
    value: Arc<dyn Any + Send + Sync>,
    ty: &'static str,
    place: &'static Location<'static>,
}

impl State {
    pub(crate) fn insert<T: Send + Sync + 'static>(
        &mut self,
        value: T,
        place: &'static Location<'static>,
    ) {
        match self.values.entry(TypeId::of::<T>()) {
            Entry::Vacant(entry) => {
                let ty = type_name::<T>();
                entry.insert(Stored { value: Arc::new(value), ty, place });
            }
            Entry::Occupied(first) => self.mistakes.push(Mistake::doubled_state(
                type_name::<T>(),
                first.get().place,
                place,
            )),
        }
    }

    /// The types there are, in words.
    pub(crate) fn told(&self) -> String {
        let mut types: Vec<_> = self.values.values().map(|stored| stored.ty).collect();
        types.sort_unstable();
        match &*types {
            [] => "no state".into(),
            types => format!("none but `{}`", types.join("`, `")),
        }
    }

    /// What was stored as `T`, else as `Arc<T>`.
    fn find<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        if let Some(stored) = self.values.get(&TypeId::of::<T>()) {
            return Arc::clone(&stored.value).downcast().ok();
        }
        let stored = self.values.get(&TypeId::of::<Arc<T>>())?;
        stored.value.downcast_ref::<Arc<T>>().cloned()
    }
}

/// Finds the state of one function, and notes what is missing.
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

    /// State for a parameter `Option<&T>`, which does without.
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

/// One parameter's state. Empty only where `build()` fails and nothing is ever called.
#[derive(Debug)]
pub struct Bound<T>(Option<Arc<T>>);

impl<T> Bound<T> {
    /// The state itself.
    pub fn get(&self) -> &T {
        self.0.as_deref().expect("`build()` refuses a function whose state is missing")
    }
}

impl<T> Clone for Bound<T> {
    fn clone(&self) -> Self {
        Bound(self.0.clone())
    }
}

/// State that may be absent.
#[derive(Debug)]
pub struct Absent<T>(Option<Arc<T>>);

impl<T> Absent<T> {
    /// The state itself, where the builder has it.
    pub fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }
}

impl<T> Clone for Absent<T> {
    fn clone(&self) -> Self {
        Absent(self.0.clone())
    }
}

/// What a parameter `T` can take. It is `Clone` and nothing else, but for its error.
#[diagnostic::on_unimplemented(
    message = "a parameter takes state of type `{Self}` by value, which needs `Clone`: take `&{Self}`",
    label = "take `&{Self}`"
)]
pub trait ByValue: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> ByValue for T {}

/// One parameter's state, to be cloned for each run.
///
/// The clone is a pointer so that a type without one is complained of once, at the parameter.
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
