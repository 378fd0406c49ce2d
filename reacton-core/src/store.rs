//! The store of one thread: the graph, the inbox, the phase and the extension behind one handle.

pub(crate) mod code;
pub(crate) mod contents;
pub(crate) mod extension;
pub(crate) mod incoming;
pub(crate) mod item;
pub(crate) mod lifecycle;
pub(crate) mod peers;
pub(crate) mod phase;
pub(crate) mod reader;
pub(crate) mod site;
pub(crate) mod staleness;
pub(crate) mod turn_state;
mod unread;

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::graph::{Body, CellId, Graph, call_each};
use crate::id::RefId;
use crate::panics::FirstPanic;
use crate::value::Value;

use extension::Extension;
use item::Inbox;
use peers::Peers;
use phase::Phase;
use site::next_site;
use staleness::Staleness;
use turn_state::TurnState;

/// The values, the dependency graph and the observers of one thread.
///
/// A `ReactonStore` is a cheap handle: its clones are handles of the same store. It is neither `Send` nor `Sync`. Other
/// threads use a [`StoreHandle`](crate::StoreHandle), or share reactons with the store through an isolate.
///
/// Observers receive the store as an argument. An observer that captures a clone of its own store keeps the store alive
/// until [`dispose`](Self::dispose).
///
/// # Examples
/// ```
/// # use reacton_core::ReactonStore;
/// let store = ReactonStore::new();
/// let count = store.reacton(0);
/// store.subscribe(&count, |_, count| println!("{count}"));
/// store.set(&count, 1); // prints 1
/// assert_eq!(store.get(&count), 1);
/// ```
#[derive(Clone)]
pub struct ReactonStore {
    inner: Rc<ThreadBoundStore>,
}

/// Everything that is not `Send` is behind one `Rc` of this, so that moving a store to another thread causes one error
/// with this name, not one for each field.
struct ThreadBoundStore {
    graph: RefCell<Graph>,
    phase: Phase,
    /// The extension; if there are several, one that calls them all.
    extension: RefCell<Option<Rc<dyn Extension>>>,
    inbox: Inbox,
    turn_state: TurnState,
    staleness: Staleness,
    /// In a simulation, the stores that run while this one waits.
    peers: RefCell<Option<Arc<dyn Peers>>>,
    number: u64,
    /// Its name among all stores of all processes. 0 until it is needed.
    site: Cell<u64>,
    /// See [`counts_as`](ReactonStore::counts_as). 0 as long as it is the site.
    counts_as: Cell<u64>,
    disposed: Cell<bool>,
}

/// A borrow of the graph, never held while user code runs.
pub(crate) type Borrowed<'s> = RefMut<'s, Graph>;

/// A handle of a store that does not keep the store alive. Made by [`ReactonStore::downgrade`].
#[derive(Clone)]
pub struct WeakStore {
    inner: Weak<ThreadBoundStore>,
}

impl WeakStore {
    /// The store, if one of its handles still exists.
    #[must_use]
    pub fn upgrade(&self) -> Option<ReactonStore> {
        self.inner.upgrade().map(|inner| ReactonStore { inner })
    }
}

impl fmt::Debug for WeakStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakStore")
    }
}

impl Default for ReactonStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ReactonStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReactonStore({})", self.inner.number)
    }
}

impl ReactonStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::around(Inbox::new())
    }

    /// A store that applies what arrives in `inbox`.
    fn around(inbox: Inbox) -> Self {
        static STORES: AtomicU64 = AtomicU64::new(0);
        Self {
            inner: Rc::new(ThreadBoundStore {
                graph: RefCell::default(),
                phase: Phase::default(),
                extension: RefCell::default(),
                inbox,
                turn_state: TurnState::default(),
                staleness: Staleness::default(),
                peers: RefCell::default(),
                number: STORES.fetch_add(1, Ordering::Relaxed),
                site: Cell::new(0),
                counts_as: Cell::new(0),
                disposed: Cell::new(false),
            }),
        }
    }

    /// Ends the store: every value, closure and edge is freed, and its isolates end.
    ///
    /// Afterwards writes do nothing, reads of statics return initial values, and using a local panics. Idempotent.
    pub fn dispose(&self) {
        if self.is_ended() {
            return;
        }
        // Cleanups may still read and write. What they create is cleaned up later.
        let cleanups = self.graph().take_cleanups();
        let mut first = FirstPanic::NONE;
        call_each(&mut first, cleanups);
        if !self.inner.disposed.replace(true) {
            let extension = self.inner.extension.borrow_mut().take();
            // Dropping these may run user code, so they are taken out and the borrow of the graph ends first.
            let taken = || std::mem::take(&mut *self.graph());
            self.inner.end(&mut first, extension, taken);
        }
        first.resume();
    }

    /// A handle that does not keep the store alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakStore {
        WeakStore { inner: Rc::downgrade(&self.inner) }
    }

    /// Adds a cell that was made at run time, which the current run owns.
    pub(crate) fn add_cell(&self, body: Body, value: Option<Value>) -> CellId {
        let mut graph = self.graph();
        let cell = graph.add(body, value, false);
        graph.add_to_run(cell);
        cell
    }

    pub(crate) fn is_alive(&self, cell: CellId) -> bool {
        self.graph_ref().cell(cell).is_some()
    }

    #[inline]
    pub(crate) fn number(&self) -> u64 {
        self.inner.number
    }

    /// A number that no other store has, in any process.
    pub(crate) fn site(&self) -> u64 {
        if self.inner.site.get() == 0 {
            self.inner.site.set(next_site());
        }
        self.inner.site.get()
    }

    /// The number under which this store adds to counters (M5): that of a worker which has ended, or its site.
    pub(crate) fn counts_as(&self) -> u64 {
        match self.inner.counts_as.get() {
            0 => self.site(),
            name => name,
        }
    }

    pub(crate) fn set_counts_as(&self, name: u64) {
        self.inner.counts_as.set(name);
    }

    /// The graph, for the length of one expression: never across user code.
    #[inline]
    pub(crate) fn graph(&self) -> RefMut<'_, Graph> {
        self.inner.graph.borrow_mut()
    }

    #[inline]
    pub(crate) fn graph_ref(&self) -> Ref<'_, Graph> {
        self.inner.graph.borrow()
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.inner.phase
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        &self.inner.inbox
    }

    pub(crate) fn turn_state(&self) -> &TurnState {
        &self.inner.turn_state
    }

    pub(crate) fn staleness(&self) -> &Staleness {
        &self.inner.staleness
    }

    /// Whether `id` was reported as stale: then its next value is announced.
    #[inline]
    pub(crate) fn is_reported(&self, id: RefId) -> bool {
        self.staleness().is_reported(id, || self.version_of(id))
    }
}

/// The names of reactons, each once, joined for a message that puts quotes around them.
pub(crate) fn names(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.dedup();
    names.join("`, `")
}

impl Inbox {
    /// A store that applies the items of this inbox.
    #[must_use]
    pub fn into_store(self) -> ReactonStore {
        ReactonStore::around(self)
    }
}

impl ThreadBoundStore {
    /// Notifies the extension, closes the inbox, and drops everything in the store, even if one of the drops panics.
    fn end(
        &self,
        first: &mut FirstPanic,
        extension: Option<Rc<dyn Extension>>,
        graph: impl FnOnce() -> Graph,
    ) {
        if let Some(extension) = &extension {
            first.guard(|| extension.disposed());
        }
        first.keep(self.inbox.close().take());
        let mut graph = graph();
        call_each(first, graph.take_cleanups());
        first.keep(graph.drop_all().take());
        first.guard(|| drop(extension));
    }
}

impl Drop for ThreadBoundStore {
    fn drop(&mut self) {
        if !self.disposed.get() {
            // This may be the end of a thread, where another panic would abort the process: a panic in the user's
            // values is not worth that.
            let (extension, graph) = (self.extension.take(), self.graph.take());
            let mut panicked = FirstPanic::NONE;
            self.end(&mut panicked, extension, || graph);
            drop(panicked);
        }
    }
}
