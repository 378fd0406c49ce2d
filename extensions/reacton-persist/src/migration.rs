//! Steps from the values of an older build to those of this one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use reacton_core::{
    Copied, Family, ListItem, Merged, MergedByCount, Reacton, ReactonList, ReactonMap, ReactonRef,
    ZeroCopy,
};
use reacton_isolate::sink::{decode, encode, guarded};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of types that no step was ever stated for.
pub(crate) const FIRST: u32 = 1;

/// From the bytes of one version to those of the next one.
#[doc(hidden)]
pub struct Step(Box<StepFn>);

type StepFn = dyn Fn(&[u8]) -> Result<Vec<u8>, String>;

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Step")
    }
}

impl Step {
    fn new<Old: DeserializeOwned + 'static, New: Serialize + 'static>(
        step: impl Fn(Old) -> New + 'static,
    ) -> Self {
        Self(Box::new(move |bytes| {
            let old = decode(bytes)?;
            let new = guarded(|| Ok(step(old)))?;
            Ok(encode(&new)?.to_vec())
        }))
    }
}

/// What [`Persist::migrate`](crate::Persist::migrate) takes: a reacton that holds a value, a map or a list, or a family.
///
/// A step is for the value; of a map and of a list it is for each item, and of a family for the value of each member.
#[diagnostic::on_unimplemented(
    message = "the values of `{Self}` cannot be migrated",
    label = "this is no reacton of a value, a `ReactonMap` or a `ReactonList`"
)]
pub trait Migrate: 'static {
    #[doc(hidden)]
    fn __of(&self) -> ReactonRef;

    #[doc(hidden)]
    fn __step<Old: DeserializeOwned + 'static, New: Serialize + 'static>(
        step: impl Fn(Old) -> New + 'static,
    ) -> Step {
        Step::new(step)
    }
}

macro_rules! migrate {
    ($([$($parameter:ident)*] $reacton:ty;)*) => {
        $(impl<$($parameter: 'static),*> Migrate for $reacton {
            fn __of(&self) -> ReactonRef {
                self.reacton_ref()
            }
        })*
    };
}

migrate! {
    [T] Reacton<T, Copied>;
    [T] Reacton<T, ZeroCopy>;
    [K T] Family<K, T>;
    [K V] Reacton<ReactonMap<K, V>, Merged>;
    [K V] Reacton<ReactonMap<K, V>, MergedByCount>;
}

macro_rules! migrate_lists {
    ($($mode:ty)*) => {
        $(impl<T: 'static> Migrate for Reacton<ReactonList<T>, $mode> {
            fn __of(&self) -> ReactonRef {
                self.reacton_ref()
            }

            fn __step<Old: DeserializeOwned + 'static, New: Serialize + 'static>(
                step: impl Fn(Old) -> New + 'static,
            ) -> Step {
                Step::new(move |item: ListItem<Old>| in_list(item, &step))
            }
        })*
    };
}

migrate_lists!(Merged MergedByCount);

/// The step for the value that an item of a list holds, if it is in this register.
fn in_list<Old, New>(item: ListItem<Old>, step: impl Fn(Old) -> New) -> Option<ListItem<New>> {
    // The item was just decoded, so nothing else holds the value.
    let new = |old: Arc<Old>| Arc::into_inner(old).map(|old| Arc::new(step(old)));
    Some(match item {
        ListItem::Exists => ListItem::Exists,
        ListItem::At(position) => ListItem::At(position),
        ListItem::New(position, old) => ListItem::New(position, new(old)?),
        ListItem::Holds(old) => ListItem::Holds(new(old)?),
    })
}

/// The steps of one reacton, by the version to which they lead.
#[derive(Debug, Default)]
pub(crate) struct Steps(BTreeMap<u32, Step>);

impl Steps {
    pub(crate) fn add(&mut self, version: u32, step: Step) {
        self.0.insert(version, step);
    }

    /// The version of this build.
    pub(crate) fn version(&self) -> u32 {
        self.0.keys().next_back().map_or(FIRST, |last| FIRST.max(*last))
    }

    /// The bytes of this build for those of another one, or why there are none.
    pub(crate) fn apply(&self, from: u32, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        let version = self.version();
        if from > version {
            return Err(format!(
                "it was written by a newer build: its version is {from}, and this build reads up to {version}"
            ));
        }
        (from + 1..=version).try_fold(bytes, |bytes, to| {
            let step = self.0.get(&to).ok_or_else(|| {
                format!("its version is {from}, and no step of `migrate` leads to version {to}")
            })?;
            (step.0)(&bytes).map_err(|reason| format!("the step to version {to}: {reason}"))
        })
    }
}
