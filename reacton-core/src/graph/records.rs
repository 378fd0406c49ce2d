//! The records of the open transaction: the state of each written reacton before it.

use crate::graph::{Cell, CellId, Graph, Role, Written};
use crate::value::Scalar;
use crate::value::Value;

/// The state of a reacton before the open transaction.
pub(crate) struct Record {
    pub(crate) cell: CellId,
    /// `None` if the value was edited in place.
    pub(crate) before: Option<Value>,
    pub(crate) version: u64,
    /// Announced by `touch`: observers are called even if the final value is equal.
    pub(crate) announced: bool,
    /// Edited in place: counts as changed even if the final value is equal, and even if the old value is still held.
    pub(crate) edited: bool,
    /// Entries of other stores were joined to it. If that is all, it is no transaction of this store.
    pub(crate) joined: bool,
}

impl Record {
    const EMPTY: Self = Self {
        cell: CellId::NONE,
        before: None,
        version: 0,
        announced: false,
        edited: false,
        joined: false,
    };

    /// Whether only other stores have written it.
    pub(crate) fn is_only_joined(&self) -> bool {
        self.joined && !self.edited
    }

    /// Whether the reacton counts as unchanged if its final value is equal.
    pub(crate) fn is_compared(&self) -> bool {
        !self.announced && !self.edited
    }
}

#[derive(Default)]
pub(crate) struct Records {
    sources: Vec<Record>,
    /// The records of computeds that ran again. Kept until the observers have been called.
    derived: Vec<Record>,
    /// Values installed since the last commit in cells that another extension watches.
    installed: Vec<Written>,
    /// Empty, with the memory of the list of the last commit.
    written: Vec<Written>,
}

/// The memory of a longer list is not kept.
const KEPT: usize = 1024;

/// What a cell holds.
pub(crate) enum HeldBy {
    /// A member that counts as never written.
    Nothing,
    /// A value in this version.
    Value(Value, u64),
}

#[derive(Clone, Copy)]
pub(crate) enum RecordKind {
    Source,
    Derived,
}

impl Records {
    pub(crate) fn has_derived(&self) -> bool {
        !self.derived.is_empty()
    }

    /// The remembered values.
    pub(crate) fn into_values(self) -> impl Iterator<Item = Value> {
        self.sources.into_iter().chain(self.derived).filter_map(|record| record.before)
    }

    /// Remembers the scalar that `cell` holds, unless the transaction has already written it. The record is filled in
    /// place: built elsewhere, it would be copied right after it was stored in parts.
    #[inline]
    pub(crate) fn note_scalar<T: 'static>(&mut self, id: CellId, cell: &mut Cell) {
        let next = self.sources.len();
        if (cell.record as usize) < next {
            return;
        }
        let Some(Value::Scalar(old)) = &cell.value else { return };
        let Some(old) = old.get::<T>().and_then(Scalar::new) else { return };
        cell.record = u32::try_from(next).expect("a transaction writes fewer than 2^32 reactons");
        self.sources.push(Record::EMPTY);
        let record = &mut self.sources[next];
        record.cell = id;
        record.version = cell.version;
        record.before.get_or_insert_with(|| Value::Scalar(old));
    }

    fn of(&mut self, kind: RecordKind) -> &mut Vec<Record> {
        match kind {
            RecordKind::Source => &mut self.sources,
            RecordKind::Derived => &mut self.derived,
        }
    }
}

impl Graph {
    /// A cell, and the records of the open transaction.
    #[inline]
    pub(crate) fn cell_and_records(&mut self, id: CellId) -> Option<(&mut Cell, &mut Records)> {
        let cell = self.cells.get_mut(id.index() as usize).filter(|cell| cell.is(id))?;
        Some((cell, &mut self.records))
    }

    /// The record of `id` among the sources or the computeds; a new one holds this value.
    pub(crate) fn record(
        &mut self,
        id: CellId,
        before: Option<Value>,
        kind: RecordKind,
    ) -> Option<&mut Record> {
        let next = self.records.of(kind).len();
        let cell = self.cell_mut(id)?;
        let (mut at, version) = (cell.record as usize, cell.version);
        if at >= next {
            at = next;
            cell.record =
                u32::try_from(next).expect("a transaction writes fewer than 2^32 reactons");
            let record = Record { cell: id, before, version, ..Record::EMPTY };
            self.records.of(kind).push(record);
        }
        self.records.of(kind).get_mut(at)
    }

    pub(crate) fn record_of(&mut self, id: CellId) -> Option<&mut Record> {
        let at = self.cell(id)?.record;
        self.records.sources.get_mut(at as usize)
    }

    /// Remembers the value of `id`, unless the transaction has already written it.
    pub(crate) fn remember(&mut self, id: CellId) {
        let before = self.cell(id).and_then(|cell| cell.value.clone());
        self.record(id, before, RecordKind::Source);
    }

    /// Records that the open transaction edited `id` in place.
    pub(crate) fn note_edit(&mut self, id: CellId) {
        if let Some(record) = self.record(id, None, RecordKind::Source) {
            record.edited = true;
        }
    }

    /// Records that entries of other stores were joined to `id`.
    pub(crate) fn note_joined(&mut self, id: CellId, announced: bool) {
        if let Some(record) = self.record(id, None, RecordKind::Source) {
            record.joined = true;
            record.announced |= announced;
        }
    }

    /// For a value that was lent and not edited, in this version of `id`: puts it into the record of that version if
    /// the record has lost its value. Otherwise returns it.
    pub(crate) fn note_unedited(
        &mut self,
        id: CellId,
        value: Value,
        version: u64,
    ) -> Option<Value> {
        match self.record_of(id) {
            Some(record)
                if record.before.is_none() && record.version == version && !record.edited =>
            {
                record.before = Some(value);
                None
            }
            _ => Some(value),
        }
    }

    /// Drops the value from before if the cell holds the same one, so that it can be edited in place. Returns whether
    /// there was one.
    pub(crate) fn release_noted(&mut self, id: CellId) -> bool {
        let Some(cell) = self.cell(id) else { return false };
        let Some(record) = self.records.sources.get(cell.record as usize) else { return false };
        let is_noted = match (&record.before, &cell.value) {
            (Some(before), Some(now)) => before.is_same_allocation(now),
            _ => false,
        };
        if is_noted && let Some(record) = self.record_of(id) {
            record.before = None;
        }
        is_noted
    }

    /// Remembers the value of a computed, which gets its old version back when it returns to this value.
    pub(crate) fn remember_derived(&mut self, id: CellId, before: Value) {
        self.record(id, Some(before), RecordKind::Derived);
    }

    #[inline]
    pub(crate) fn derived_record(&self, id: CellId) -> Option<(Value, u64)> {
        if self.records.derived.is_empty() {
            return None;
        }
        let at = self.cell(id)?.record;
        let record = self.records.derived.get(at as usize)?;
        Some((record.before.clone()?, record.version))
    }

    /// The value of `id` before the open transaction; `None` if it was edited in place.
    #[inline]
    pub(crate) fn committed(&self, id: CellId) -> Option<Value> {
        let cell = self.cell(id)?;
        match self.records.sources.get(cell.record as usize) {
            Some(Record { before: Some(before), .. }) => Some(before.clone()),
            Some(record) if record.version != cell.version => None,
            _ => cell.value.clone(),
        }
    }

    /// What `id` holds as of the last commit, or now. `None` if it is lent, edited in the open transaction, or no more.
    pub(crate) fn held_by(&self, id: CellId, committed: bool) -> Option<HeldBy> {
        let cell = self.cell(id)?;
        if cell.is_absent_member() {
            return Some(HeldBy::Nothing);
        }
        let (value, version) = if committed {
            (self.committed(id)?, self.committed_version(id)?)
        } else {
            (cell.value.clone()?, cell.version)
        };
        Some(HeldBy::Value(value, version))
    }

    /// The cells that the open transaction has written so far and the extension of this role watches.
    pub(crate) fn open_cells_for(&self, role: Role) -> Vec<CellId> {
        let is_watched =
            |id: &CellId| self.cell(*id).is_some_and(|cell| cell.watchers.contains(role));
        self.records.sources.iter().map(|record| record.cell).filter(is_watched).collect()
    }

    /// The version of `id` before the open transaction.
    #[inline]
    pub(crate) fn committed_version(&self, id: CellId) -> Option<u64> {
        let cell = self.cell(id)?;
        let record = self.records.sources.get(cell.record as usize);
        Some(record.map_or(cell.version, |record| record.version))
    }

    #[inline]
    pub(crate) fn has_records(&self) -> bool {
        !self.records.sources.is_empty() || !self.records.installed.is_empty()
    }

    /// Records an installed value if an extension other than the installing one watches the cell.
    #[inline]
    pub(crate) fn note_installed(&mut self, id: CellId, changed: bool, announced: bool) {
        if let Some(cell) = self.cell(id).filter(|cell| cell.watchers.are_beyond_links())
            && let Some(written) = Written::new(id, cell, changed, announced)
        {
            self.records.installed.push(written);
        }
    }

    /// Takes the values installed since the last commit.
    #[inline]
    pub(crate) fn take_installed(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.records.installed)
    }

    pub(crate) fn take_sources(&mut self) -> Vec<Record> {
        let records = std::mem::take(&mut self.records.sources);
        self.close(&records);
        records
    }

    /// An empty list for what a commit has written.
    pub(crate) fn take_written(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.records.written)
    }

    /// Keeps the memory of the lists of a commit, which have been emptied, for the next one.
    pub(crate) fn keep_memory(&mut self, records: Vec<Record>, mut written: Vec<Written>) {
        let Records { sources, written: kept, .. } = &mut self.records;
        if sources.capacity() == 0 && records.capacity() <= KEPT {
            *sources = records;
        }
        if written.capacity() <= KEPT {
            written.clear();
            *kept = written;
        }
    }

    /// Dropping the result may run user code.
    pub(crate) fn take_derived(&mut self) -> Vec<Record> {
        let records = std::mem::take(&mut self.records.derived);
        self.close(&records);
        records
    }

    fn close(&mut self, records: &[Record]) {
        for record in records {
            if let Some(cell) = self.cell_mut(record.cell) {
                cell.record = Cell::UNRECORDED;
            }
        }
    }

    /// Completes the records of scalars up to the first other one, and returns how many these are.
    pub(crate) fn settle_scalars(
        &mut self,
        records: &[Record],
        written: &mut Vec<Written>,
    ) -> usize {
        for (at, record) in records.iter().enumerate() {
            let (
                Some(cell @ Cell { writes, value: Some(Value::Scalar(now)), .. }),
                Some(Value::Scalar(before)),
            ) = (self.cell(record.cell), &record.before)
            else {
                return at;
            };
            if cell.is_recorded() {
                // User code has written it since the commit began.
                return at;
            }
            let Some(same) = writes.same_scalar(*before, *now) else { return at };
            let same = same && record.is_compared();
            written.extend(self.net_change(record, same));
        }
        records.len()
    }

    /// Completes one record; `Some` if an extension watches the reacton.
    pub(crate) fn net_change(&mut self, record: &Record, same: bool) -> Option<Written> {
        let cell = self.cell(record.cell)?;
        let mut version = cell.version;
        if cell.is_recorded() {
            // The cell already holds a value of the next transaction.
            let next = self.record_of(record.cell)?;
            if same {
                next.version = record.version;
            }
            version = next.version;
        } else if same && version != record.version {
            version = record.version;
            self.changed_to(record.cell, version);
        }
        let cell = self.cell(record.cell).filter(|cell| !cell.watchers.is_empty())?;
        let changed = version != record.version;
        if record.is_only_joined() {
            self.note_installed(record.cell, changed, record.announced);
            return None;
        }
        Written::new(record.cell, cell, changed, record.announced)
    }
}
