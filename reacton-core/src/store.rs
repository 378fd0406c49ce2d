//! The store: where the values of one thread live, and how they are read.

pub(crate) mod contents;
pub(crate) mod extension;
pub(crate) mod incoming;
pub(crate) mod item;
pub(crate) mod phase;
pub(crate) mod reader;
pub(crate) mod staleness;
pub(crate) mod turn_state;
mod unread;

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::graph::{Body, CellId, Deferred, Ending, Found, Graph, Mark, Stamp, drop_cells, joined};
use crate::id::RefId;
use crate::ops::compute::Borrowed;
use crate::ops::ownership::call_each;
use crate::panics::{FirstPanic, Kept, keeping};
use crate::reacton::access::Readable;
use crate::reacton::access::sealed::{Located, Place};
use crate::reacton::declare::Head;
use crate::value::Scalar;
use crate::value::{Lent, Value};

use extension::Extension;
use item::Inbox;
use phase::Phase;
use reader::Reader;
use staleness::Staleness;
use turn_state::TurnState;

/// The values, the dependency graph and the observers of one thread.
///
/// A cheap handle: a clone is the same store. It is neither `Send` nor `Sync`; other threads reach a store
/// through its [`StoreHandle`](crate::StoreHandle), or share reactons with it through an isolate.
///
/// Observers get the store as an argument. One that captures a clone of its own store keeps that store
/// alive until [`dispose`](Self::dispose).
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

/// Everything that is not `Send` stands behind one `Rc` of this, so that moving a store to another thread is
/// one error that shows this name, not one error for each field.
struct ThreadBoundStore {
    graph: RefCell<Graph>,
    phase: Phase,
    /// Its extension; of several, one that stands for all.
    extension: RefCell<Option<Rc<dyn Extension>>>,
    inbox: Inbox,
    turn_state: TurnState,
    staleness: Staleness,
    /// What is done instead of sleeping, where there are no threads to sleep on.
    idle_step: RefCell<Option<Rc<dyn Fn() -> bool>>>,
    number: u64,
    disposed: Cell<bool>,
}

/// What a read of a computed found when it was up to date.
enum Fetched {
    Scalar(Scalar),
    /// A value of another form, or the panic that stands in its place.
    Held(Value),
    /// It is up to date already, is running, or is gone.
    Nothing,
}

/// A store that may be gone by the time it is needed.
#[derive(Clone)]
pub struct WeakStore {
    inner: Weak<ThreadBoundStore>,
}

impl WeakStore {
    /// The store, if one of its handles is left.
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
                idle_step: RefCell::default(),
                number: STORES.fetch_add(1, Ordering::Relaxed),
                disposed: Cell::new(false),
            }),
        }
    }

    /// The value of `reacton`, cloned.
    ///
    /// # Panics
    /// If `reacton` is a computed that panicked, with the same panic, or one that leads to itself, with the
    /// names along the way; if two declarations share one id, with both places; if it is a local of another
    /// store, or was removed.
    #[track_caller]
    pub fn get<R: Readable>(&self, reacton: &R) -> R::Value
    where
        R::Value: Clone,
    {
        self.with(reacton, Clone::clone)
    }

    /// Lends the value of `reacton` to `f`. It stays what it is while `f` runs, whatever `f` writes.
    ///
    /// # Panics
    /// As [`get`](Self::get) does.
    #[track_caller]
    pub fn with<R: Readable, U>(&self, reacton: &R, f: impl FnOnce(&R::Value) -> U) -> U {
        self.read(reacton, None, f)
    }

    #[track_caller]
    #[inline]
    pub(crate) fn read<R: Readable, U>(
        &self,
        reacton: &R,
        run: Option<Stamp>,
        f: impl FnOnce(&R::Value) -> U,
    ) -> U {
        if let Some(Place(cell)) = look_up(reacton, self, run) {
            if Scalar::is::<R::Value>() {
                let scalar = self.graph().read_scalar::<R::Value>(cell, run);
                if let Some(value) = scalar.as_ref().and_then(Scalar::get) {
                    return f(value);
                }
                return self.read_freshened(reacton, cell, run, f);
            } else if let Some(counted) = { self.graph().read_counted(cell, run) } {
                let lent = Lent::<R::Value>::new(Value::Counted(counted));
                return f(self.expect_value(&lent));
            }
        }
        self.read_any(reacton, run, f)
    }

    /// Reads what is no scalar that stands ready. Apart from `read`, so that the compiler inlines the rest of that.
    #[track_caller]
    #[inline(never)]
    fn read_freshened<R: Readable, U>(
        &self,
        reacton: &R,
        cell: CellId,
        run: Option<Stamp>,
        f: impl FnOnce(&R::Value) -> U,
    ) -> U {
        match self.fetch_scalar::<R::Value>(cell, run) {
            Fetched::Scalar(scalar) => {
                if let Some(value) = scalar.get() {
                    return f(value);
                }
            }
            Fetched::Held(value) => return self.lend(value, f),
            Fetched::Nothing => {}
        }
        self.read_any(reacton, run, f)
    }

    /// Brings a computed up to date, and returns its value, noted as read by `run`; a scalar without what other values need.
    #[inline(never)]
    fn fetch_scalar<T: 'static>(&self, id: CellId, run: Option<Stamp>) -> Fetched {
        let graph = self.graph();
        if graph.cell(id).is_none_or(|cell| cell.mark == Mark::Clean || cell.running) {
            return Fetched::Nothing;
        }
        let mut graph = self.freshen(graph, id);
        let fetched = match graph.read_scalar::<T>(id, run) {
            Some(scalar) => Fetched::Scalar(scalar),
            None => graph.take_note(id, run).map_or(Fetched::Nothing, Fetched::Held),
        };
        self.settle_after_run(graph);
        fetched
    }

    /// A computed has run, and may have written.
    #[inline]
    fn settle_after_run(&self, graph: Borrowed<'_>) {
        if !self.phase().may_tell() {
            // Whoever is outermost does it.
            return;
        }
        let settled = graph.is_settled();
        drop(graph);
        if settled {
            self.notify_if_refused();
        } else {
            self.settle();
        }
    }

    #[cold]
    fn lend<T: 'static, U>(&self, value: Value, f: impl FnOnce(&T) -> U) -> U {
        f(self.expect_value(&Lent::<T>::new(value)))
    }

    #[inline(never)]
    #[track_caller]
    fn read_any<R: Readable, U>(
        &self,
        reacton: &R,
        run: Option<Stamp>,
        f: impl FnOnce(&R::Value) -> U,
    ) -> U {
        // No closure: it would be the place of a panic.
        let value = match look_up(reacton, self, run) {
            Some(Place(cell)) => self.fetch(cell, run),
            None => None,
        };
        match value {
            Some(value) => f(self.expect_value(&Lent::<R::Value>::new(value))),
            None => keeping(reacton.absent(self), |value| f(value)).1,
        }
    }

    /// The up-to-date value of a cell, noted as read by `run`. `None` if the cell is gone.
    #[track_caller]
    pub(crate) fn fetch(&self, id: CellId, run: Option<Stamp>) -> Option<Value> {
        let mut graph = self.graph();
        let cell = graph.cell(id)?;
        if cell.mark == Mark::Clean && !cell.running && cell.value.is_some() {
            return graph.take_note(id, run);
        }
        // A source without a value has lent it to an `update`; a computed without one is marked.
        if cell.mark == Mark::Clean || cell.running {
            drop(graph);
            self.refuse_read(id, run);
        }
        let mut graph = self.freshen(graph, id);
        // Its reader gets what it was when it was read.
        let value = graph.take_note(id, run);
        self.settle_after_run(graph);
        value
    }

    #[cold]
    #[track_caller]
    fn refuse_read(&self, id: CellId, run: Option<Stamp>) -> ! {
        let mut graph = self.graph();
        let words = if graph.cell(id).is_some_and(|cell| cell.running) {
            if let Some(reader) = run.and_then(|stamp| graph.reader_of(stamp)) {
                graph.meet_cycle(reader, id);
            }
            let names = graph.cycle(id);
            drop(graph);
            format!(
                "a computed depends on itself: {}; break the cycle, or read one of them `untracked`",
                joined(&names)
            )
        } else {
            graph.miss(id);
            if let Some(stamp) = run {
                graph.track(stamp, id);
            }
            let name = graph.name(id);
            drop(graph);
            format!(
                "`{name}` was read inside its own `update`, which has its value: read it before, or use the argument"
            )
        };
        panic!("{words}")
    }

    /// The cell of a static that this store has met before.
    #[inline]
    pub(crate) fn known_cell(&self, id: RefId, address: usize) -> Option<CellId> {
        match self.graph().find(id, address) {
            Found::Cell(cell) => Some(cell),
            Found::Twin(_) | Found::Missing => None,
        }
    }

    /// The cell of a declaration, made on first need. `None` if the store is disposed.
    #[track_caller]
    pub(crate) fn declared_cell(
        &self,
        head: &Head,
        address: usize,
        make: impl FnOnce() -> (Body, Option<Value>, bool),
    ) -> Option<CellId> {
        if self.is_over() {
            return None;
        }
        if let Some(cell) = self.find_declared(head, address) {
            return Some(cell);
        }
        // The initial value is user code: it may read, write, or make this very cell.
        let (body, value, counted) = make();
        if self.is_over() {
            return None;
        }
        if let Some(cell) = self.find_declared(head, address) {
            return Some(cell);
        }
        let mut graph = self.graph();
        let cell = graph.add(body, value, counted);
        graph.declare(head.rref.id(), address, cell);
        Some(cell)
    }

    #[track_caller]
    fn find_declared(&self, head: &Head, address: usize) -> Option<CellId> {
        let found = self.graph().find(head.rref.id(), address);
        match found {
            Found::Cell(cell) => Some(cell),
            Found::Twin(first) => self.refuse_twin(&first, head),
            Found::Missing => None,
        }
    }

    /// What a store that holds nothing else computes for the static or member `computed`. The value does not pass through the
    /// cell: the computation may dispose this store too.
    #[track_caller]
    pub(crate) fn compute_alone<T: 'static>(
        &self,
        computed: &impl Located<Held = T>,
        compute: impl FnOnce(&Reader<'_>) -> T,
    ) -> T {
        let cell = computed.cell(self).map_or(CellId::NOBODY, |Place(cell)| cell);
        let stamp = self.graph().begin(cell, |_| true).map_or(Stamp::MIN, |(stamp, _)| stamp);
        self.phase().computing(|| compute(&Reader::new(self, cell, stamp)))
    }

    /// Forgets `reacton`: its value, its edges and the subscriptions to it. The next read starts afresh.
    ///
    /// Effects that read it go on, without it. If it is shared with an isolate, this is also a write of its
    /// initial value, which the other stores see.
    ///
    /// # Panics
    /// If it is a local of another store, or was removed before. If it is shared in a direction in which this store does not
    /// write it.
    #[track_caller]
    pub fn remove(&self, reacton: &impl Readable) {
        let Some(Place(id)) = reacton.found(self) else { return };
        self.refuse_if_refused(id);
        let (watched, running) = match self.graph_ref().cell(id) {
            Some(cell) => (!cell.watchers.is_empty(), cell.running),
            None => return,
        };
        // A computed that removes itself goes on running: its cell has to stay to be found if it reads itself.
        let mut panics = FirstPanic::default();
        if watched || running {
            let taken = self.graph().forget_readers(id);
            panics.guard(|| self.release(id, move || drop_cells(taken).resume()));
        } else {
            panics.guard(|| self.end(id));
        }
        panics.guard(|| {
            if watched {
                self.write(id, Kept::new(reacton.absent(self)));
            } else {
                self.settle();
            }
        });
        panics.resume();
    }

    /// Ends the store: every value, closure and edge is freed, and its isolates end.
    ///
    /// Afterwards writes do nothing, reads of statics give initial values, and using a local panics. Idempotent.
    pub fn dispose(&self) {
        if self.is_over() {
            return;
        }
        // Cleanups may still read and write; what they make anew is cleaned up when all is over.
        let cleanups = self.graph().take_cleanups();
        let mut first = FirstPanic::NONE;
        call_each(&mut first, cleanups);
        if !self.inner.disposed.replace(true) {
            let extension = self.inner.extension.borrow_mut().take();
            // All of this may run user code when it is dropped: first take it out, then let the graph go.
            let taken = || std::mem::take(&mut *self.graph());
            self.inner.end(&mut first, extension, taken);
        }
        first.resume();
    }

    /// Whether the store is disposed. In a worker also as soon as its isolate was disposed, in the middle of a
    /// callback, so that long work can end sooner; and once a shutdown has drained it, so that a worker that takes
    /// its own turns knows when to return. That is not before it asks for a turn after its last transaction: until then it
    /// has something to do.
    pub fn is_disposed(&self) -> bool {
        self.is_stopped() || self.extension().is_some_and(|extension| extension.has_ended(self))
    }

    /// Whether nothing is taken in any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_over() || self.inner.inbox.is_cancelled()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.inner.disposed.get()
    }

    /// A handle that does not keep the store alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakStore {
        WeakStore { inner: Rc::downgrade(&self.inner) }
    }

    /// A cell of something made at run time, which belongs to the run that is going on.
    pub(crate) fn add_cell(&self, body: Body, value: Option<Value>) -> CellId {
        let mut graph = self.graph();
        let cell = graph.add(body, value, false);
        graph.add_to_run(cell);
        cell
    }

    /// Removes a cell as soon as the observers that are queued have been told.
    pub(crate) fn end_cell(&self, cell: CellId) {
        self.graph().ending.push(Ending::Told(cell));
        self.settle();
    }

    /// Removes the cells whose observers have been told, and the unwritten members that nobody reads.
    pub(crate) fn end_cells(&self, first: &mut FirstPanic) {
        while let Some(cell) = { self.graph().next_ending() } {
            first.keep(self.end_guarded(cell).take());
        }
    }

    /// Calls `drop`, which drops what the cell `id` held. Its `Drop` is user code: it may write, and so displace a value whose
    /// `Drop` writes.
    ///
    /// Such drops are nested up to a fixed depth. What is beyond waits until these have ended, so that it costs no stack.
    #[inline]
    pub(crate) fn release(&self, id: CellId, drop: impl FnOnce() + 'static) {
        if self.may_drop() {
            self.drop_now(drop);
        } else {
            self.drop_later(id, drop);
        }
    }

    /// Whether drops are not yet nested too deep.
    #[inline]
    pub(crate) fn may_drop(&self) -> bool {
        self.phase().drops() < NESTED_DROPS
    }

    /// Calls `drop` as one of the drops that are nested.
    #[inline]
    pub(crate) fn drop_now(&self, drop: impl FnOnce()) {
        let depth = self.phase().drops() + 1;
        if depth < NESTED_DROPS {
            self.phase().dropping(depth, drop);
        } else {
            self.drop_innermost(drop);
        }
    }

    /// Calls `drop` at the depth beyond which drops are deferred, and then those that were deferred meanwhile.
    #[cold]
    fn drop_innermost(&self, drop: impl FnOnce()) {
        let mut first = FirstPanic::NONE;
        first.guard(|| self.phase().dropping(NESTED_DROPS, drop));
        first.keep(self.release_deferred().take());
        first.resume();
    }

    /// Calls `drop` when the drops that are nested have ended.
    #[cold]
    pub(crate) fn drop_later(&self, id: CellId, drop: impl FnOnce() + 'static) {
        self.graph().deferred.push(Deferred { cell: id, drop: Box::new(drop) });
    }

    /// Drops what was deferred, each whatever the drops of the others do, and what is deferred by these drops. Returns the first
    /// panic.
    ///
    /// A round drops what was deferred in the round before. A chain in which each drop ends a cell or replaces the value of
    /// a cell takes a round for each cell: only more rounds than that, and than the limit, count as a loop.
    fn release_deferred(&self) -> FirstPanic {
        let mut first = FirstPanic::NONE;
        let (limit, cells) = (self.phase().limit() as usize, self.graph_ref().room());
        for _ in 0..limit.saturating_add(cells) {
            let round = std::mem::take(&mut self.graph().deferred);
            if round.is_empty() {
                return first;
            }
            for deferred in round {
                first.guard(|| self.phase().dropping(NESTED_DROPS, deferred.drop));
            }
        }
        let names = {
            let mut graph = self.graph();
            let rest = std::mem::take(&mut graph.deferred);
            let names = names(rest.iter().map(|deferred| graph.name(deferred.cell).into_owned()));
            graph.abandoned.extend(rest);
            names
        };
        first.guard(|| {
            assert!(
                names.is_empty(),
                "drops never settle: after more than {limit} in a row each still writes a value whose `Drop` writes: `{names}`; do \
                 not write in `Drop` to what holds the value",
            );
        });
        first
    }

    pub(crate) fn is_alive(&self, cell: CellId) -> bool {
        self.graph_ref().cell(cell).is_some()
    }

    #[inline]
    pub(crate) fn number(&self) -> u64 {
        self.inner.number
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

    pub(crate) fn idle_step(&self) -> Option<Rc<dyn Fn() -> bool>> {
        self.inner.idle_step.borrow().clone()
    }

    pub(crate) fn set_idle_step(&self, idle: Rc<dyn Fn() -> bool>) {
        let displaced = self.inner.idle_step.replace(Some(idle));
        drop(displaced);
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

/// What is read in a run becomes an edge, so it needs a cell; another read makes none of what need not have one.
#[track_caller]
#[inline]
fn look_up<R: Readable>(reacton: &R, store: &ReactonStore, run: Option<Stamp>) -> Option<Place> {
    if run.is_some() { reacton.place(store) } else { reacton.peek(store) }
}

/// Drops of values that may be nested: a `Drop` that writes displaces a value whose `Drop` writes, and so on.
const NESTED_DROPS: u32 = 16;

/// The names of reactons, each once, as they stand in a message between quotes.
pub(crate) fn names(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.dedup();
    names.join("`, `")
}

impl Inbox {
    /// A store that applies what arrives here.
    #[must_use]
    pub fn into_store(self) -> ReactonStore {
        ReactonStore::around(self)
    }
}

impl ThreadBoundStore {
    /// Notifies the layer above, closes the inbox, and drops all that the store holds: each whatever the others do.
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
            // A panic in what the program gave to the store is not worth aborting for: this may be the end of a thread.
            let (extension, graph) = (self.extension.take(), self.graph.take());
            let mut panicked = FirstPanic::NONE;
            self.end(&mut panicked, extension, || graph);
            drop(panicked);
        }
    }
}
