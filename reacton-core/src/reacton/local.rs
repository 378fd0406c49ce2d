//! Reactons made at run time: private to one store, named by a small `Copy` handle.

use std::any::Any;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::graph::{Body, CellId, SourceOps, SourceRef, same_held};
use crate::id::Head;
use crate::id::RefId;
use crate::panics::Kept;
use crate::reacton::access::sealed::{AcceptsWrites, Located, Place};
use crate::reacton::access::{Readable, Writable};
use crate::store::code::Derive;
use crate::store::reader::Reader;
use crate::store::{ReactonStore, WeakStore};
use crate::value::Scalar;
use crate::value::{Comparable, Value};

/// A writable reacton made at run time by [`ReactonStore::reacton`]. It belongs to that store and is never shared.
pub struct LocalReacton<T: 'static> {
    handle: Handle<T>,
}

/// A computed made at run time by [`ReactonStore::computed`]. Its closure may capture.
pub struct LocalComputed<T: 'static> {
    handle: Handle<T>,
}

/// A reacton that only the library writes. A program can read it, subscribe to it, and use it in computeds and effects.
///
/// It stays readable after the isolate has ended, and then returns a final value.
pub struct ReadOnly<T: 'static> {
    handle: Handle<T>,
    gone: fn() -> T,
}

/// The cell of a local. The number of the store distinguishes it from a cell of another store.
struct Handle<T> {
    cell: CellId,
    store: u64,
    /// Makes the handle neither `Send` nor `Sync`; the compiler's error names the store.
    of: PhantomData<(fn() -> T, WeakStore)>,
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T: 'static> Handle<T> {
    fn new(cell: CellId, store: &ReactonStore) -> Self {
        Self { cell, store: store.number(), of: PhantomData }
    }

    fn find(&self, store: &ReactonStore) -> Option<Place> {
        (self.store == store.number() && store.is_alive(self.cell)).then_some(Place(self.cell))
    }

    /// The cell, which may have been removed.
    #[track_caller]
    #[inline]
    fn place(&self, store: &ReactonStore) -> Place {
        if self.store != store.number() {
            self.refuse(store);
        }
        Place(self.cell)
    }

    #[track_caller]
    fn expect(&self, store: &ReactonStore) -> Place {
        self.find(store).unwrap_or_else(|| self.refuse(store))
    }

    #[cold]
    #[track_caller]
    fn refuse(&self, store: &ReactonStore) -> ! {
        let why = if self.store != store.number() {
            "with another store than the one that made it".into()
        } else if store.is_ended() {
            "after its store was disposed".into()
        } else {
            // The borrow ends here, because the panic hook is user code and may use the store.
            let words = store.graph_ref().removed_with_its_run(self.cell);
            words.map_or_else(
                || "after it was removed".into(),
                |words| format!("after it was removed: {words}"),
            )
        };
        panic!("a local reacton was used {why}")
    }
}

macro_rules! local {
    ($name:ident) => {
        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}

        impl<T> std::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.handle.cell)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: 'static> Readable for $name<T> {
            type Value = T;
        }
    };
}

local!(LocalReacton);
local!(LocalComputed);
local!(ReadOnly);

/// Wrong use of a local is a mistake of the program, so the panic names the caller's line.
macro_rules! located {
    ($name:ident) => {
        impl<T: 'static> Located for $name<T> {
            type Held = T;

            #[track_caller]
            fn cell(&self, store: &ReactonStore) -> Option<Place> {
                Some(self.handle.expect(store))
            }

            #[track_caller]
            #[inline]
            fn place(&self, store: &ReactonStore) -> Option<Place> {
                Some(self.handle.place(store))
            }

            #[track_caller]
            fn absent(&self, store: &ReactonStore) -> T {
                self.handle.refuse(store)
            }

            fn id(&self) -> Option<RefId> {
                None
            }

            fn is(&self, _: usize, _: Option<&dyn Any>) -> bool {
                false
            }
        }
    };
}

located!(LocalReacton);
located!(LocalComputed);

impl<T: 'static> AcceptsWrites for LocalReacton<T> {}
#[diagnostic::do_not_recommend]
impl<T: 'static> Writable for LocalReacton<T> {}

impl<T: 'static> Located for ReadOnly<T> {
    type Held = T;

    #[track_caller]
    fn cell(&self, store: &ReactonStore) -> Option<Place> {
        // With another store it would seem to have ended.
        self.handle.place(store);
        self.handle.find(store)
    }

    fn absent(&self, _: &ReactonStore) -> T {
        (self.gone)()
    }

    fn id(&self) -> Option<RefId> {
        None
    }

    fn is(&self, _: usize, _: Option<&dyn Any>) -> bool {
        false
    }
}

impl<T: 'static> ReadOnly<T> {
    /// Creates one in `store`; `gone` returns the value to read once its cell is removed or its store disposed.
    pub(crate) fn new(store: &ReactonStore, value: T, gone: fn() -> T) -> Self
    where
        T: PartialEq,
    {
        let cell = if store.is_ended() {
            CellId::NONE
        } else {
            // The library owns it, whichever run is in progress.
            store.graph().add_plain(Plain::<T>::source(), value)
        };
        Self { handle: Handle::new(cell, store), gone }
    }

    /// The same cell, writable for the library.
    pub(crate) fn writer(self) -> LocalReacton<T> {
        LocalReacton { handle: self.handle }
    }

    pub(crate) fn is_in(self, store: &ReactonStore) -> bool {
        self.handle.find(store).is_some()
    }
}

impl ReactonStore {
    /// Makes a reacton that is private to this store.
    ///
    /// # Panics
    /// If the store is disposed. Using the handle with another store, after
    /// [`remove`](ReactonStore::remove) or after `dispose` panics too.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// let store = ReactonStore::new();
    /// let width = store.reacton(80);
    /// store.set(&width, 120);
    /// assert_eq!(store.get(&width), 120);
    /// ```
    #[track_caller]
    pub fn reacton<T: PartialEq + 'static>(&self, value: T) -> LocalReacton<T> {
        if self.is_ended() {
            refuse(value);
        }
        let mut graph = self.graph();
        let cell = graph.add_plain(Plain::<T>::source(), value);
        graph.add_to_run(cell);
        LocalReacton { handle: Handle::new(cell, self) }
    }

    /// Makes a reacton that is private to this store and whose values are compared by `eq`.
    ///
    /// # Panics
    /// If the store is disposed.
    #[track_caller]
    pub fn reacton_with<T: 'static>(
        &self,
        value: T,
        eq: impl Fn(&T, &T) -> bool + 'static,
    ) -> LocalReacton<T> {
        if self.is_ended() {
            refuse((value, eq));
        }
        let body = Body::Source(SourceRef::Own(Rc::new(Compared { eq, of: PhantomData })));
        LocalReacton { handle: Handle::new(self.add_cell(body, Some(Value::new(value))), self) }
    }

    /// Makes a computed that is private to this store. Its closure may capture variables, and runs when the value is
    /// first read.
    ///
    /// As with an [`effect`](ReactonStore::effect), a run owns what it makes: all of it is removed before the next run.
    ///
    /// # Panics
    /// If the store is disposed.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// let store = ReactonStore::new();
    /// let side = store.reacton(3);
    /// let area = store.computed(move |cx| cx.get(&side) * cx.get(&side));
    /// assert_eq!(store.get(&area), 9);
    /// ```
    #[track_caller]
    pub fn computed<T: PartialEq + 'static>(
        &self,
        f: impl Fn(&Reader<'_>) -> T + 'static,
    ) -> LocalComputed<T> {
        if self.is_ended() {
            refuse(f);
        }
        self.local_computed(Rc::new(Computing { f, of: PhantomData }))
    }

    /// A computed of this store, which the current run owns.
    pub(crate) fn local_computed<T: 'static>(&self, derived: Rc<dyn Derive>) -> LocalComputed<T> {
        let mut graph = self.graph();
        let cell = graph.add_derived(derived);
        graph.add_to_run(cell);
        LocalComputed { handle: Handle::new(cell, self) }
    }
}

/// Panics because a local of `value` cannot be made.
#[cold]
#[track_caller]
pub(crate) fn refuse<T>(value: T) -> ! {
    let _kept = Kept::new(value);
    panic!("a local was made in a store that is disposed")
}

/// A local that compares with `PartialEq`: it needs no data of its own, so no allocation.
struct Plain<T>(PhantomData<fn() -> T>);

impl<T: PartialEq + 'static> Plain<T> {
    fn source() -> &'static dyn SourceOps {
        const { &Self(PhantomData) }
    }
}

impl<T: PartialEq + 'static> SourceOps for Plain<T> {
    fn head(&self) -> Option<&Head> {
        None
    }

    fn same(&self, old: &Value, new: &dyn Any) -> bool {
        matches!((old.get::<T>(), new.downcast_ref::<T>()), (Some(old), Some(new)) if old.same(new))
    }

    fn same_held(&self, old: &Value, new: &Value) -> bool {
        same_held(Some(T::same), old, new)
    }

    fn initial(&self) -> Option<Value> {
        None
    }

    fn is_scalar(&self) -> bool {
        Scalar::is::<T>()
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}

struct Compared<T, E> {
    eq: E,
    of: PhantomData<fn() -> T>,
}

impl<T: 'static, E: Fn(&T, &T) -> bool + 'static> SourceOps for Compared<T, E> {
    fn head(&self) -> Option<&Head> {
        None
    }

    fn same(&self, old: &Value, new: &dyn Any) -> bool {
        matches!((old.get::<T>(), new.downcast_ref::<T>()), (Some(old), Some(new)) if (self.eq)(old, new))
    }

    fn same_held(&self, old: &Value, new: &Value) -> bool {
        matches!((old.get::<T>(), new.get::<T>()), (Some(old), Some(new)) if (self.eq)(old, new))
    }

    fn initial(&self) -> Option<Value> {
        None
    }

    fn is_scalar(&self) -> bool {
        false
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}

struct Computing<T, F> {
    f: F,
    of: PhantomData<fn() -> T>,
}

impl<T: PartialEq + 'static, F: Fn(&Reader<'_>) -> T + 'static> Derive for Computing<T, F> {
    fn head(&self) -> Option<&Head> {
        None
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<F>()
    }

    fn compute(&self, reader: &Reader<'_>) -> bool {
        reader.store_result((self.f)(reader))
    }
}
