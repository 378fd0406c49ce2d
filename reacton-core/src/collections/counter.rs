//! A number to which all stores add.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::tree::Tree;
use crate::merge::{
    Change, Compose, Edit, Loaded, Merge, MergeByCount, Renamed, Touched, Version, Way, Which,
    Writer,
};

/// A number to which all stores add, as the value of a reacton: `#[reacton] static DONE: Counter = Counter::new();`.
///
/// Numbers that several stores add at the same time are summed. Sums wrap around at the ends of `i64`.
///
/// # Examples
/// ```
/// # use reacton_core::Counter;
/// let mut done = Counter::new();
/// done.add(3);
/// done.add(-1);
/// assert_eq!(done.value(), 2);
/// done.set(10);
/// assert_eq!(done.value(), 10);
/// ```
#[derive(Clone)]
pub struct Counter {
    /// The version of the last `set`. Numbers that were added before it, or without knowledge of it, do not count.
    reset: Version,
    /// The sum that each store has added since then, by the number under which it counts (M5).
    totals: Tree<u64, Total>,
    /// The sum of them.
    value: i64,
    log: Option<Log>,
}

/// The sum that one store has added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Total {
    added: i64,
    version: Version,
}

/// The edits since the last seal.
#[derive(Clone)]
struct Log {
    writer: Writer,
    /// The value before an open edit.
    before: Option<i64>,
    added: bool,
    /// The sum of this store before the edits. `None` if it had added nothing.
    own: Option<Total>,
    /// The totals before the edits, if the counter was set.
    reset: Option<Tree<u64, Total>>,
}

/// The key of the sum of one store: clock and site of the last `set`, and the site of the store. The number of the
/// `set` itself has the site 0. The key consists of plain numbers, because keys are serialized.
type Part = (u64, u64, u64);

fn part(reset: Version, site: u64) -> Part {
    (reset.clock, reset.site, site)
}

/// The site of the number to which a counter was set.
const SET: u64 = 0;

/// Each process that adds to a saved counter has a part of its own. With more than this they are added up.
const MANY: usize = 64;

impl Counter {
    /// A counter of 0.
    #[must_use]
    pub const fn new() -> Self {
        Self { reset: Version::NEVER, totals: Tree::new(), value: 0, log: None }
    }

    /// The sum of all numbers that all stores have added since the last `set`.
    #[must_use]
    #[inline]
    pub const fn value(&self) -> i64 {
        self.value
    }

    /// Adds a number, which may be negative.
    pub fn add(&mut self, number: i64) {
        let site = self.log.as_ref().map_or(SET, |log| log.writer.site);
        if number == 0 {
            return;
        }
        let before = self.totals.get(&site).copied();
        if let Some(log) = &mut self.log {
            if !log.added {
                log.own = before;
            }
            log.added = true;
        }
        let Total { added, version } =
            before.unwrap_or(Total { added: 0, version: Version::NEVER });
        self.totals.insert(site, Total { added: added.wrapping_add(number), version });
        self.value = self.value.wrapping_add(number);
    }

    /// Sets it to a number. Numbers that other stores add at the same time do not count.
    pub fn set(&mut self, number: i64) {
        let mut before = std::mem::take(&mut self.totals);
        if let Some(log) = &mut self.log {
            // If the value is equal at the end, numbers that were added since the last seal are undone together with
            // the `set`.
            if std::mem::take(&mut log.added) && log.reset.is_none() {
                let site = log.writer.site;
                match log.own {
                    Some(own) => drop(before.insert(site, own)),
                    None => drop(before.remove(&site)),
                }
            }
            log.reset.get_or_insert(before);
        }
        self.totals.insert(SET, Total { added: number, version: Version::NEVER });
        self.value = number;
    }

    fn sum(&self) -> i64 {
        self.totals.iter().fold(0, |sum, (_, total)| sum.wrapping_add(total.added))
    }
}

impl Merge for Counter {
    type Key = Part;
    type Item = i64;
    type Changes = Moved;

    fn begin(&mut self, writer: Writer) {
        let unsealed = self.log.take().filter(|_| writer.shares);
        let (added, own, reset) =
            unsealed.map_or((false, None, None), |log| (log.added, log.own, log.reset));
        self.log = Some(Log { writer, before: Some(self.value), added, own, reset });
    }

    fn __noted_in(&self) -> Option<usize> {
        self.log.as_ref()?.before.map(|_| 0)
    }

    fn settle(&mut self) -> Option<Moved> {
        let log = self.log.as_mut()?;
        let before = log.before.take();
        let touched = log.added || log.reset.is_some();
        if !log.writer.shares {
            self.log = None;
        }
        let moved = Moved { old: before?, new: self.value };
        // What has arrived is a change if the value differs.
        (touched || !moved.is_empty()).then_some(moved)
    }

    fn replace(&mut self, other: Self) {
        self.set(other.value);
    }

    fn restore(&mut self, other: &Self) {
        if self.value != other.value {
            self.set(other.value);
        }
    }

    fn everything(&self) -> Moved {
        Moved { old: 0, new: self.value }
    }

    fn seal(&mut self, version: Version, show: &mut dyn FnMut(Edit<&Part, &i64>)) {
        let Some(log) = self.log.as_mut() else { return };
        let site = log.writer.site;
        let (added, reset) = (std::mem::take(&mut log.added), log.reset.take().is_some());
        if reset {
            self.reset = version;
        }
        let sealed = [(SET, reset), (site, added)];
        for (site, _) in sealed.into_iter().filter(|(_, is_touched)| *is_touched) {
            if let Some((_, total)) = self.totals.get_mut(&site) {
                total.version = version;
                show(Edit::Put(&part(self.reset, site), &total.added));
            }
        }
    }

    /// What was added since the newest reset. The clock of that is of an earlier process, so a counter that was set is set again in this
    /// one.
    fn __loaded(rows: &mut Vec<(Part, i64)>, version: Version) -> Loaded {
        let newest = rows.iter().map(|((clock, site, _), _)| (*clock, *site)).max();
        let Some(newest) = newest else { return Loaded::AsTheyAre };
        let counted = rows.iter().filter(|((clock, site, _), _)| (*clock, *site) == newest);
        let sum = counted.fold(0_i64, |sum, (_, added)| sum.wrapping_add(*added));
        let was_set = newest != Version::NEVER.stamp();
        if !was_set && rows.len() <= MANY {
            return Loaded::AsTheyAre;
        }
        *rows = vec![(part(if was_set { version } else { Version::NEVER }, SET), sum)];
        Loaded::Replaced
    }

    fn revert(&mut self) {
        let Some(log) = self.log.as_mut() else { return };
        log.added = false;
        if let Some(before) = log.reset.take() {
            self.totals = before;
            self.value = self.sum();
        }
    }

    fn blank(&mut self) {
        *self = Self::new();
    }

    fn join(&mut self, edit: Edit<Part, i64>, version: Version) -> bool {
        // No entry of a counter is ever removed.
        let Edit::Put((clock, reset_by, site), added) = edit else { return false };
        let reset = Version { clock, site: reset_by };
        if reset < self.reset {
            return false;
        }
        // What the open transaction has set stays above what arrives (rule 19).
        let open = self.log.as_mut().and_then(|log| log.reset.as_mut());
        let is_below = open.is_some();
        let totals = open.unwrap_or(&mut self.totals);
        if reset > self.reset {
            (self.reset, *totals) = (reset, Tree::new());
        } else if totals.get(&site).is_some_and(|total| total.version >= version) {
            return false;
        }
        totals.insert(site, Total { added, version });
        if !is_below {
            self.value = self.sum();
        }
        true
    }

    fn show(&self, which: Which<'_, Part>, show: &mut dyn FnMut(Edit<&Part, &i64>, Version)) {
        for (site, total) in self.totals.iter() {
            let part = part(self.reset, *site);
            if matches!(which, Which::All)
                || matches!(which, Which::Keys(keys) if keys.contains(&part))
            {
                show(Edit::Put(&part, &total.added), total.version);
            }
        }
    }

    fn disown(&mut self, key: &Part) {
        let site = key.2;
        if *key == part(self.reset, site)
            && let Some((_, total)) = self.totals.get_mut(&site)
        {
            total.version = Version::NEVER;
        }
    }

    fn sweep(&mut self, clock: u64) {
        if clock < u64::MAX {
            return;
        }
        // Nothing that another store has added arrives any more.
        let total = Total { added: self.value, version: Version::NEVER };
        let totals = Tree::from_sorted([(SET, total)]);
        *self = Self { reset: Version::NEVER, totals, value: self.value, log: None };
    }

    fn newest_clock(&self) -> u64 {
        let clocks = self.totals.iter().map(|(_, total)| total.version.clock);
        clocks.fold(self.reset.clock, u64::max)
    }

    const __RECORDS_ENTRIES: bool = true;

    const __COUNTS: bool = true;

    fn __touched(changes: &Moved) -> Option<Box<dyn Touched<Self>>> {
        Some(Box::new(Added(changes.new.wrapping_sub(changes.old))))
    }
}

/// What edits of this store have added, for undo: what other stores have added meanwhile stays.
#[derive(Clone)]
struct Added(i64);

impl Touched<Counter> for Added {
    fn append(&mut self, later: &dyn Touched<Counter>) {
        if let Some(Self(later)) = later.as_any().downcast_ref() {
            self.0 = self.0.wrapping_add(*later);
        }
    }

    fn drop_equal(&mut self, _: &mut dyn FnMut(&i64, &i64) -> bool) {}

    fn is_empty(&self) -> bool {
        self.0 == 0
    }

    fn replay(&self, counter: &mut Counter, way: Way) -> Renamed {
        counter.add(way.of(self.0.wrapping_neg(), self.0));
        Renamed::new()
    }

    fn boxed(&self) -> Box<dyn Touched<Counter>> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl MergeByCount for Counter {
    fn counted(&self, key: &Part) -> Option<Arc<i64>> {
        let total = self.totals.get(&key.2).filter(|_| *key == part(self.reset, key.2))?;
        Some(Arc::new(total.added))
    }

    fn join_counted(&mut self, part: Part, added: Arc<i64>, version: Version) -> bool {
        self.join(Edit::Put(part, *added), version)
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Counter {
    /// Whether both have the same value. The sums of single stores are not compared.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Counter {}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counter({})", self.value)
    }
}

/// The change of a counter, from one value to a later one.
#[derive(Debug, Clone)]
pub struct Moved {
    old: i64,
    new: i64,
}

impl Compose for Moved {
    type Value = i64;
    type Change = Change<(), i64>;

    fn then(&mut self, later: &Self) {
        self.new = later.new;
    }

    fn drop_equal(&mut self, same: &mut dyn FnMut(&i64, &i64) -> bool) {
        if same(&self.old, &self.new) {
            self.new = self.old;
        }
    }

    fn is_empty(&self) -> bool {
        self.old == self.new
    }

    fn list(&self) -> Vec<Self::Change> {
        let Self { old, new } = *self;
        if self.is_empty() { Vec::new() } else { vec![Change::Replaced { key: (), old, new }] }
    }
}

#[cfg(test)]
mod tests;
