//! The dependency graph of one store: cells and edges in two slabs, linked by 32-bit indices.
//!
//! Nothing in here runs user code. The store borrows the graph for the length of one call, takes counted
//! handles out of it, lets go, and only then calls what a user wrote; so no borrow is ever met twice.
//!
//! The layout follows alien-signals (<https://github.com/stackblitz/alien-signals>): an edge stands in two
//! doubly linked lists, those of its reader's sources and of its source's readers. What differs is how a
//! change is found: each cell carries the version of its value, each edge the version that its reader saw,
//! and a reader has to run if and only if the two differ. A value that returns to what it was before the
//! transaction gets its old version back, and then nobody has to run.

mod declared;
mod edges;
mod names;
mod records;
mod runs;
pub(crate) mod table;
mod teardown;
mod walk;
mod writes;
mod written;

use std::any::Any;
use std::borrow::Cow;
use std::ops::Deref;
use std::rc::Rc;

use crate::id::ReactonRef;
use crate::ops::compute::Derive;
use crate::ops::lint::Reported;
use crate::ops::ownership::Ownership;
use crate::reacton::declare::Head;
use crate::store::ReactonStore;
use crate::store::reader::Reader;
use crate::value::Scalar;
use crate::value::{Same, Value};

use declared::Declared;
pub(crate) use declared::{Found, LastToken, Token};
pub(crate) use names::{Named, joined};
pub(crate) use records::{Kind as RecordKind, Record, Records};
pub(crate) use runs::{Run, Stamp};
pub(crate) use teardown::{Deferred, drop_cells};
pub(crate) use walk::{Glance, Step, Walk};
pub(crate) use writes::Writes;
pub(crate) use written::Roles;
pub use written::{Role, Written};

/// No cell, no edge.
const NONE: u32 = u32::MAX;

/// The room that a store makes when it gets its first cell.
const FIRST_CELLS: usize = 64;

/// A cell of one store: its place, and above that its generation, which tells it from a later one in the same place.
// One number, so that it travels in one register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct CellId(u64);

/// A cell, in a type that may stand in the signature of a public trait.
#[derive(Debug, PartialEq, Eq)]
pub struct Place(pub(crate) CellId);

impl CellId {
    /// No cell of any store.
    pub(crate) const NOBODY: Self = Self::new(NONE, 0);

    const fn new(index: u32, generation: u32) -> Self {
        Self((generation as u64) << 32 | index as u64)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half is the index")]
    const fn index(self) -> u32 {
        self.0 as u32
    }

    const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// What a writable cell knows of its values.
pub(crate) trait Source {
    fn head(&self) -> Option<&Head>;
    /// Whether a write of `new` over `old` changes nothing.
    fn same(&self, old: &Value, new: &dyn Any) -> bool;
    /// The same for two values that are both held.
    fn same_held(&self, old: &Value, new: &Value) -> bool;
    /// Whether there is anything to compare by; otherwise every write is a change.
    fn is_compared(&self) -> bool {
        true
    }
    /// The value of a store that never held another one; only a declaration has one.
    fn initial(&self) -> Option<Value>;
    /// Which member of which family it is, if it is one.
    fn member(&self) -> Option<MemberOf<'_>> {
        None
    }
    /// Whether this is the key of the member. Calls user code.
    fn is_key(&self, _: &dyn Any) -> bool {
        false
    }
    /// Whether its values are scalars that are compared by `==` or not at all: then no write to it runs user code.
    fn is_scalar(&self) -> bool;
    /// What to call it in a message if it has no head.
    fn type_name(&self) -> &'static str;
}

/// A member of a family.
pub(crate) struct MemberOf<'s> {
    pub(crate) family: &'s Head,
    /// Of the family's static.
    pub(crate) address: usize,
    pub(crate) key: &'s dyn Any,
    pub(crate) token: Token,
}

/// A cell to be removed once the observers have been told.
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    /// It has had its last value.
    Told(CellId),
    /// A member that nobody has written, or of a computed family; removed if nothing reads it by then.
    Unread(CellId),
}

/// Compares through a function pointer; where there is none, every write is a change.
pub(crate) fn same_held<T: 'static>(same: Same<T>, old: &Value, new: &Value) -> bool {
    match (same, old.get::<T>(), new.get::<T>()) {
        (Some(same), Some(old), Some(new)) => same(old, new),
        _ => false,
    }
}

/// What a cell is. The handles can be taken out, or counted, so that they are called after the graph is let go.
pub(crate) enum Body {
    Vacant,
    Source(Known),
    Derived(Rc<dyn Derive>),
    /// Nothing while it runs. In the place of a value the cell has where the effect was made.
    Effect(Option<Effect>),
    /// A subscription: it hears one reacton and ends with it.
    Hearing(Option<Hearing>),
}

pub(crate) type Effect = Box<dyn FnMut(&Reader<'_>)>;
pub(crate) type Hearing = Box<dyn FnMut(&ReactonStore, &Value)>;

/// Handle to what a source knows.
#[derive(Clone)]
pub(crate) enum Known {
    /// Nothing of its own: no allocation.
    Plain(&'static dyn Source),
    Own(Rc<dyn Source>),
}

impl Known {
    /// Whether the two are handles of one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Own(this), Self::Own(other)) if Rc::ptr_eq(this, other))
    }
}

impl Deref for Known {
    type Target = dyn Source;

    #[inline]
    fn deref(&self) -> &Self::Target {
        match self {
            Self::Plain(source) => *source,
            Self::Own(source) => &**source,
        }
    }
}

impl Body {
    pub(crate) fn source(&self) -> Option<&Known> {
        match self {
            Self::Source(source) => Some(source),
            _ => None,
        }
    }

    pub(crate) fn head(&self) -> Option<&Head> {
        match self {
            Self::Source(source) => source.head(),
            Self::Derived(derived) => derived.head(),
            Self::Vacant | Self::Effect(_) | Self::Hearing(_) => None,
        }
    }

    /// Which member of which family it is, if it is one.
    pub(crate) fn member(&self) -> Option<MemberOf<'_>> {
        match self {
            Self::Source(source) => source.member(),
            Self::Derived(derived) => derived.member(),
            Self::Vacant | Self::Effect(_) | Self::Hearing(_) => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Vacant => Kind::Vacant,
            Self::Source(_) => Kind::Source,
            Self::Derived(_) => Kind::Derived,
            Self::Effect(_) => Kind::Effect,
            Self::Hearing(_) => Kind::Subscription,
        }
    }
}

/// What a cell is, also while its body is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Vacant,
    Source,
    Derived,
    Effect,
    Subscription,
}

impl Kind {
    fn is_observer(self) -> bool {
        matches!(self, Self::Effect | Self::Subscription)
    }
}

/// How much is known about whether a cell is up to date.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    Clean,
    /// Something that it reads, directly or not, was written to. An observer with this mark is queued.
    Check,
    /// Has to run, whatever its sources say.
    Stale,
}

/// A reacton's or an observer's place in one store.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent flags, a byte each in what would be padding"
)]
pub(crate) struct Cell {
    pub(crate) value: Option<Value>,
    pub(crate) body: Body,
    /// Grows with each change of the value. Of an observer: when it was made, which orders a round.
    pub(crate) version: u64,
    first_source: u32,
    first_reader: u32,
    last_reader: u32,
    generation: u32,
    /// The run that read this cell last, so that repeated reads are recognised.
    stamp: u32,
    /// Its record in the open transaction.
    pub(crate) record: u32,
    pub(crate) kind: Kind,
    pub(crate) mark: Mark,
    pub(crate) running: bool,
    /// A walk stands on this cell; meeting it again means that it leads to itself.
    checking: bool,
    /// The extensions to which its writes are reported.
    pub(crate) watchers: Roles,
    /// Its values are kept in a form that may be handed to another thread.
    pub(crate) counted: bool,
    /// Of a source: how the program writes it.
    pub(crate) writes: Writes,
    // One byte for what cells of different kinds need, so that a cell takes 88 bytes.
    pub(crate) special: Special,
}

/// What is special about a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Special {
    Nothing,
    /// A computed or an effect that has made something in its last run.
    Owner,
    /// One that has made something in an earlier run.
    FormerOwner,
    /// A member of a family that nobody has written: it is removed with its last reader.
    Unwritten,
    /// A member whose first write has begun and may come to nothing.
    Begun,
    /// A member of a computed family: it is removed with its last reader.
    Member,
    /// One that is an [`Owner`](Self::Owner).
    OwningMember,
    /// One that is a [`FormerOwner`](Self::FormerOwner).
    FormerlyOwningMember,
}

impl Cell {
    /// What `record` is where there is none.
    pub(crate) const UNRECORDED: u32 = u32::MAX;

    /// Whether the open transaction has written to it.
    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        self.record != Self::UNRECORDED
    }
}

pub(crate) struct Graph {
    cells: Vec<Cell>,
    edges: Vec<edges::Edge>,
    free_cell: Option<u32>,
    free_edge: Option<u32>,
    declared: Declared,
    pub(crate) ending: Vec<Ending>,
    /// Observers to be told in the next round, each with its age.
    pub(crate) queue: Vec<(u64, CellId)>,
    /// The computeds and effects that are running now, outermost first: the path of a cycle, and the owner of
    /// what is made.
    pub(crate) running: Vec<Run>,
    /// Values that a run has displaced, to be dropped when it is over, outside of the graph.
    pub(crate) displaced: Vec<Value>,
    /// What is dropped once the drops that are going on have ended: they are nested too deep.
    pub(crate) deferred: Vec<Deferred>,
    /// What is dropped when the store ends: each drop of these wrote something whose drop writes again.
    pub(crate) abandoned: Vec<Deferred>,
    /// The last version that was given out.
    versions: u64,
    /// Who read whom in the middle of the run of the latter.
    cycles: Vec<(CellId, CellId)>,
    pub(crate) records: Records,
    pub(crate) reported: Reported,
    pub(crate) ownership: Ownership,
    stamps: Stamp,
    /// Of the walks that are going on, outermost first.
    frames: Vec<walk::Frame>,
    /// Scratch of `mark_readers`.
    pending: Vec<u32>,
    /// Counts what may have changed an edge that a walk has passed, or pulled away one that it stands on.
    upheavals: u64,
}

impl Default for Graph {
    fn default() -> Self {
        Self {
            cells: Vec::new(),
            edges: Vec::new(),
            free_cell: None,
            free_edge: None,
            declared: Declared::default(),
            ending: Vec::new(),
            queue: Vec::new(),
            running: Vec::new(),
            displaced: Vec::new(),
            deferred: Vec::new(),
            abandoned: Vec::new(),
            versions: 0,
            cycles: Vec::new(),
            records: Records::default(),
            reported: Reported::default(),
            ownership: Ownership::default(),
            stamps: Stamp::MIN,
            frames: Vec::new(),
            pending: Vec::new(),
            upheavals: 0,
        }
    }
}

impl Graph {
    pub(crate) fn add(&mut self, body: Body, value: Option<Value>, counted: bool) -> CellId {
        let version = self.next_version();
        let (id, cell) = self.new_cell();
        cell.version = version;
        cell.kind = body.kind();
        if cell.kind == Kind::Derived {
            cell.mark = Mark::Stale;
        }
        cell.writes = body.source().map_or(Writes::Compared, |source| Writes::of(&**source));
        cell.value = value;
        cell.body = body;
        cell.counted = counted;
        id
    }

    /// Writes are no longer reported to the extension of this role.
    pub(crate) fn forget_watcher(&mut self, role: Role) {
        for cell in &mut self.cells {
            cell.watchers.remove(role);
        }
    }

    /// From now on the program may not write this source, or may again.
    pub(crate) fn refuse_writes(&mut self, id: CellId, refused: bool) {
        if let Some(cell) = self.cell_mut(id) {
            cell.writes = cell.writes.with_refusal(refused);
        }
    }

    #[inline]
    pub(crate) fn is_refused(&self, id: CellId) -> bool {
        self.cell(id).is_some_and(|cell| cell.writes.is_refused())
    }

    /// The reacton of a cell that the program may not write.
    pub(crate) fn refused(&self, id: CellId) -> Option<ReactonRef> {
        let cell = self.cell(id).filter(|cell| cell.writes.is_refused())?;
        Some(cell.body.head()?.rref)
    }

    /// Adds a source that needs nothing of its own and compares its values by `==`.
    // The value is made when its place is there, and both are known to be empty: else all of it goes through the
    // stack, which takes longer than the rest.
    #[inline]
    pub(crate) fn add_plain<T: 'static>(
        &mut self,
        source: &'static dyn Source,
        value: T,
    ) -> CellId {
        let (id, cell) = self.new_cell();
        cell.kind = Kind::Source;
        cell.writes = if Scalar::is::<T>() { Writes::Scalar } else { Writes::Compared };
        cell.value.get_or_insert_with(|| Value::new(value));
        std::mem::forget(std::mem::replace(&mut cell.body, Body::Source(Known::Plain(source))));
        id
    }

    /// Adds a computed, in the same way.
    #[inline]
    pub(crate) fn add_derived(&mut self, derived: Rc<dyn Derive>) -> CellId {
        let version = self.next_version();
        let (id, cell) = self.new_cell();
        cell.version = version;
        cell.kind = Kind::Derived;
        cell.mark = Mark::Stale;
        std::mem::forget(std::mem::replace(&mut cell.body, Body::Derived(derived)));
        id
    }

    /// Adds an effect or a subscription, in the same way.
    #[inline]
    pub(crate) fn add_observer(&mut self, body: Body, value: Option<Value>) -> CellId {
        let version = self.next_version();
        let kind = body.kind();
        let (id, cell) = self.new_cell();
        cell.version = version;
        cell.kind = kind;
        std::mem::forget(std::mem::replace(&mut cell.value, value));
        std::mem::forget(std::mem::replace(&mut cell.body, body));
        id
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "called, it copies the empty cell by `memcpy`: 15 % of making a source"
    )]
    #[expect(clippy::cast_possible_truncation, reason = "there is no room for more than 2^32")]
    fn new_cell(&mut self) -> (CellId, &mut Cell) {
        if let Some(index) = self.free_cell {
            return self.vacant_cell(index);
        }
        if self.cells.len() == self.cells.capacity() {
            self.make_room();
        }
        let index = self.cells.len() as u32;
        self.cells.push(VACANT);
        (CellId::new(index, 0), &mut self.cells[index as usize])
    }

    fn vacant_cell(&mut self, index: u32) -> (CellId, &mut Cell) {
        let cell = &mut self.cells[index as usize];
        self.free_cell = (cell.first_source != NONE).then_some(cell.first_source);
        cell.first_source = NONE;
        (CellId::new(index, cell.generation), cell)
    }

    #[cold]
    fn make_room(&mut self) {
        let more = self.cells.len().max(FIRST_CELLS);
        assert!(self.cells.len() + more < NONE as usize, "a store holds fewer than 2^32 cells");
        self.cells.reserve_exact(more);
    }

    /// The number of cells that there are or have been at one time.
    pub(crate) fn room(&self) -> usize {
        self.cells.len()
    }

    /// `None` once the cell was removed, or all of them were.
    #[inline]
    pub(crate) fn cell(&self, id: CellId) -> Option<&Cell> {
        self.cells.get(id.index() as usize).filter(|cell| cell.is(id))
    }

    #[inline]
    pub(crate) fn cell_mut(&mut self, id: CellId) -> Option<&mut Cell> {
        self.cells.get_mut(id.index() as usize).filter(|cell| cell.is(id))
    }

    /// The value of `id`, noted as read by the run.
    pub(crate) fn take_note(&mut self, id: CellId, run: Option<Stamp>) -> Option<Value> {
        let value = self.cell(id)?.value.clone();
        if let Some(stamp) = run {
            self.track(stamp, id);
        }
        value
    }

    /// The same for a scalar; `None` unless it is there and up to date.
    // Of a known type: the tag and the number are loaded as they were stored. A copy of the whole would load across both, which
    // has to wait until the stores are done.
    #[inline]
    pub(crate) fn read_scalar<T: 'static>(
        &mut self,
        id: CellId,
        run: Option<Stamp>,
    ) -> Option<Scalar> {
        let cell = self.cell(id)?;
        if cell.mark != Mark::Clean || cell.running {
            return None;
        }
        let Some(Value::Scalar(scalar)) = &cell.value else { return None };
        let scalar = Scalar::new(scalar.get::<T>()?)?;
        if let Some(stamp) = run {
            self.track(stamp, id);
        }
        Some(scalar)
    }

    /// The same for anything else.
    #[inline]
    pub(crate) fn read_counted(&mut self, id: CellId, run: Option<Stamp>) -> Option<Rc<dyn Any>> {
        let cell = self.cell(id)?;
        let Some(Value::Counted(counted)) = &cell.value else { return None };
        if cell.mark != Mark::Clean || cell.running {
            return None;
        }
        let counted = Rc::clone(counted);
        if let Some(stamp) = run {
            self.track(stamp, id);
        }
        Some(counted)
    }

    /// The value of a cell in place, if nobody else holds it.
    #[inline]
    pub(crate) fn value_mut<T: 'static>(&mut self, id: CellId) -> Option<&mut T> {
        self.cell_mut(id)?.value.as_mut()?.get_mut()
    }

    /// The next cell whose end is due: one that has had its last value, or an unwritten member that nobody reads.
    pub(crate) fn next_ending(&mut self) -> Option<CellId> {
        while let Some(ending) = self.ending.pop() {
            match ending {
                Ending::Told(cell) => return Some(cell),
                Ending::Unread(id) => {
                    let is_due = |cell: &Cell| cell.ends_unread() && cell.first_reader == NONE;
                    if self.cell(id).is_some_and(is_due) {
                        return Some(id);
                    }
                }
            }
        }
        None
    }

    /// Whether nobody is to be told, and nothing is kept for those who were.
    pub(crate) fn is_settled(&self) -> bool {
        self.queue.is_empty() && self.ending.is_empty() && !self.records.has_derived()
    }

    pub(crate) fn id_at(&self, index: u32) -> CellId {
        CellId::new(index, self.cells[index as usize].generation)
    }

    pub(crate) fn next_version(&mut self) -> u64 {
        self.versions += 1;
        self.versions
    }

    /// The value of `cell` is another one now: everything downstream has to look.
    pub(crate) fn changed(&mut self, id: CellId) {
        let version = self.next_version();
        self.changed_to(id, version);
    }

    /// A computed has come out other than it was. Whatever reads it is marked already: it was itself.
    pub(crate) fn came_out_new(&mut self, id: CellId, version: Option<u64>) {
        let version = version.unwrap_or_else(|| self.next_version());
        if let Some(cell) = self.cell_mut(id) {
            cell.version = version;
            cell.mark = Mark::Clean;
        }
    }

    /// The value of `cell` is the one that had this version before.
    pub(crate) fn changed_to(&mut self, id: CellId, version: u64) {
        self.upheavals += u64::from(!self.frames.is_empty());
        if let Some(cell) = self.cell_mut(id) {
            cell.version = version;
            if cell.first_reader != NONE {
                self.mark_readers(id.index());
            }
        }
    }

    /// Puts a value into a cell, which counts as written. What comes back may run user code when it is dropped: the value that was there,
    /// or this one if the cell is gone.
    #[must_use = "user code may run when this is dropped"]
    pub(crate) fn put(&mut self, id: CellId, value: Value) -> Option<Value> {
        match self.cell_mut(id) {
            Some(cell) => {
                cell.keep_written();
                cell.value.replace(value)
            }
            None => Some(value),
        }
    }

    /// Somebody asked for the value of `id` while it was lent to an `update`: they have to look again when it
    /// is back, though it may come back unchanged.
    pub(crate) fn miss(&mut self, id: CellId) {
        let version = self.next_version();
        if let Some(cell) = self.cell_mut(id) {
            cell.version = version;
        }
    }

    /// Takes a cell out with all its edges; what it held is to be dropped by the caller, outside of the graph.
    /// A computed that read it runs afresh when it is asked next.
    #[must_use = "user code may run when this is dropped"]
    pub(crate) fn take_out(&mut self, id: CellId) -> Vec<Cell> {
        let mut taken = self.forget_readers(id);
        let Some(cell) = self.cell(id) else {
            return taken;
        };
        let first_source = cell.first_source;
        if let Some(head) = cell.body.head().copied() {
            self.forget_declared(head.rref.id(), id);
        }
        self.cut(first_source);
        taken.push(self.vacate(id.index()));
        taken
    }

    /// Ends the subscriptions of `id` and cuts the edges of everybody else who read it.
    #[must_use = "user code may run when this is dropped"]
    pub(crate) fn forget_readers(&mut self, id: CellId) -> Vec<Cell> {
        let mut taken = Vec::new();
        if self.cell(id).is_none() {
            return taken;
        }
        if self.cells[id.index() as usize].first_reader != NONE {
            self.mark_readers(id.index());
        }
        // Whoever reads it again in the run that it is in now reads it for the first time.
        self.cells[id.index() as usize].stamp = 0;
        while let Some(edge) = self.first_reader_edge(id.index()) {
            let reader = self.edge_reader(edge);
            self.unlink(edge);
            let cell = &mut self.cells[reader as usize];
            match cell.kind {
                Kind::Subscription => taken.push(self.vacate(reader)),
                Kind::Derived => cell.mark = Mark::Stale,
                Kind::Vacant | Kind::Source | Kind::Effect => {}
            }
        }
        taken
    }

    fn vacate(&mut self, index: u32) -> Cell {
        if self.cells[index as usize].checking {
            self.forget_frames(index);
        }
        let place = &mut self.cells[index as usize];
        let vacant = Cell {
            generation: place.generation.wrapping_add(1),
            // A vacant place has no sources: the next vacant one stands here.
            first_source: self.free_cell.unwrap_or(NONE),
            ..VACANT
        };
        self.free_cell = Some(index);
        std::mem::replace(place, vacant)
    }

    /// The computed `id` was asked for by `reader` in the middle of its own run.
    pub(crate) fn meet_cycle(&mut self, reader: CellId, id: CellId) {
        if reader != id {
            self.cycles.push((reader, id));
        }
    }

    pub(crate) fn name(&self, id: CellId) -> Cow<'static, str> {
        let Some(cell) = self.cell(id) else { return "a reacton that was removed".into() };
        if let Some(head) = cell.body.head() {
            return head.rref.name().into();
        }
        match &cell.body {
            Body::Source(source) => format!("a local reacton of {}", source.type_name()).into(),
            Body::Derived(derived) => {
                // Of a closure: the path of the function that it stands in.
                format!(
                    "a local computed in {}",
                    derived.type_name().trim_end_matches("::{{closure}}")
                )
                .into()
            }
            Body::Vacant | Body::Effect(_) | Body::Hearing(_) => "an observer".into(),
        }
    }
}

const VACANT: Cell = Cell {
    value: None,
    body: Body::Vacant,
    version: 0,
    first_source: NONE,
    first_reader: NONE,
    last_reader: NONE,
    generation: 0,
    stamp: 0,
    record: Cell::UNRECORDED,
    kind: Kind::Vacant,
    mark: Mark::Clean,
    running: false,
    checking: false,
    watchers: Roles::NONE,
    counted: false,
    writes: Writes::Compared,
    special: Special::Nothing,
};

impl Cell {
    /// A vacant place has a generation that no handle was given yet.
    #[inline]
    fn is(&self, id: CellId) -> bool {
        self.generation == id.generation()
    }

    #[inline]
    pub(crate) fn is_owner(&self) -> bool {
        matches!(self.special, Special::Owner | Special::OwningMember)
    }

    /// Whether it has made something in one of its runs.
    #[inline]
    pub(crate) fn has_owned(&self) -> bool {
        self.is_owner()
            || matches!(self.special, Special::FormerOwner | Special::FormerlyOwningMember)
    }

    /// Notes whether it owns what it has made in its last run.
    pub(crate) fn set_owner(&mut self, owns: bool) {
        self.special = match (self.ends_unread(), owns) {
            (false, true) => Special::Owner,
            (false, false) => Special::FormerOwner,
            (true, true) => Special::OwningMember,
            (true, false) => Special::FormerlyOwningMember,
        };
    }

    /// Whether it is removed with its last reader.
    #[inline]
    pub(crate) fn ends_unread(&self) -> bool {
        matches!(
            self.special,
            Special::Unwritten
                | Special::Member
                | Special::OwningMember
                | Special::FormerlyOwningMember
        )
    }

    /// From now on a member of a computed family stays without a reader, or does not any more.
    fn hold_member(&mut self, held: bool) {
        self.special = match (self.special, held) {
            (Special::Member, true) => Special::Nothing,
            (Special::OwningMember, true) => Special::Owner,
            (Special::FormerlyOwningMember, true) => Special::FormerOwner,
            (Special::Nothing, false) => Special::Member,
            (Special::Owner, false) => Special::OwningMember,
            (Special::FormerOwner, false) => Special::FormerlyOwningMember,
            (other, _) => other,
        };
    }

    #[inline]
    pub(crate) fn is_unwritten(&self) -> bool {
        self.special == Special::Unwritten
    }

    /// Notes that a source is written.
    #[inline]
    pub(crate) fn keep_written(&mut self) {
        self.special = Special::Nothing;
    }

    /// Notes that a source is about to be written, so that it is kept meanwhile. Returns whether it is the first write of a
    /// member, which may come to nothing.
    #[inline]
    pub(crate) fn begin_write(&mut self) -> bool {
        let first = matches!(self.special, Special::Unwritten | Special::Begun);
        if first {
            self.special = Special::Begun;
        }
        first
    }
}

#[cfg(test)]
impl Graph {
    /// Edges that are linked, for tests of what is left behind.
    pub(crate) fn live_edges(&self) -> usize {
        let mut free = 0;
        let mut next = self.free_edge;
        while let Some(edge) = next {
            free += 1;
            next = self.edges[edge as usize].next_free();
        }
        self.edges.len() - free
    }

    pub(crate) fn live_cells(&self) -> usize {
        self.cells.iter().filter(|cell| cell.kind != Kind::Vacant).count()
    }
}

#[cfg(test)]
mod tests;
