//! An index of the queued items by reacton, for [`is_stale`](crate::ReactonStore::is_stale): it reads each item once.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use super::extension::Extension;
use super::item::Item;
use crate::id::{RefId, RefMap};

/// The version of a change, as the layer above compares it: of two, the larger one is newer.
pub type ChangeStamp = (u64, u64);

/// Changes that another thread merges while they are queued. The index asks for them each time.
pub trait Merging: Send + Sync {
    /// The version of the merged change of `id`, if there is one.
    fn stamp(&self, id: RefId) -> Option<ChangeStamp>;
    /// Its value, for [`Extension::decode`].
    fn payload(&self, id: RefId) -> Option<Box<dyn Any>>;
}

/// Up to this many merged lists are asked one by one; beyond, only those of sources that share the reacton.
const ASKED: usize = 16;

/// The number of reactons that may be listed beyond the number of queued items.
const SPARE: usize = 64;

/// The index. Items are numbered in order of arrival. An item that has been applied since is recognised by its number,
/// so applying one costs nothing here.
#[derive(Default)]
pub struct Contents {
    /// The number of the last item that was indexed.
    looked: u64,
    by_id: RefMap<Changes>,
    /// By source, with the number of the item that applies the merged changes.
    merging: BTreeMap<u64, (u64, Arc<dyn Merging>)>,
}

/// The queued changes of one reacton.
#[derive(Default)]
struct Changes {
    /// The number of the last queued closure that writes it.
    written: Option<u64>,
    /// For each source, the changes that are newer than all behind them. So the first is the newest.
    sent: BTreeMap<u64, VecDeque<Sent>>,
}

impl Changes {
    fn forget_taken(&mut self, taken: u64) {
        self.written = self.written.filter(|number| *number > taken);
        self.sent.retain(|_, sent| {
            while sent.front().is_some_and(|first| first.number <= taken) {
                sent.pop_front();
            }
            !sent.is_empty()
        });
    }

    fn is_empty(&self) -> bool {
        self.written.is_none() && self.sent.is_empty()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sent {
    number: u64,
    /// The index of the change in the item.
    index: usize,
    stamp: ChangeStamp,
}

/// Where the newest queued value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newest {
    /// A closure writes it: the item of this number.
    Written { number: u64 },
    /// It is the change with this index in the item of this number.
    Sent { number: u64, index: usize, source: u64 },
    /// It is among the merged changes of this source.
    Merged { source: u64 },
}

impl Contents {
    /// Lists that the item is a closure that writes `id`.
    pub fn writes(&mut self, id: RefId) {
        let number = self.looked;
        self.by_id.entry(id).or_default().written = Some(number);
    }

    /// Lists a change of `id` from `source` in this version. `index` finds its value in the item.
    pub fn change(&mut self, source: u64, id: RefId, stamp: ChangeStamp, index: usize) {
        let sent = self.by_id.entry(id).or_default().sent.entry(source).or_default();
        // An older one is applied first, so it is never the newest of the queue.
        while sent.back().is_some_and(|last| last.stamp <= stamp) {
            sent.pop_back();
        }
        sent.push_back(Sent { number: self.looked, index, stamp });
    }

    /// Lists that the item applies the merged changes of `source`.
    pub fn merging(&mut self, source: u64, list: Arc<dyn Merging>) {
        self.merging.insert(source, (self.looked, list));
    }

    /// Indexes the items that are new. `staged` holds the items after the first `taken`.
    pub(super) fn look(&mut self, staged: &VecDeque<Item>, taken: u64) {
        if self.looked <= taken {
            // No item in the index is still queued.
            self.by_id = RefMap::default();
            self.merging.clear();
            self.looked = taken;
        }
        let known = usize::try_from(self.looked - taken).unwrap_or(usize::MAX);
        for item in staged.range(known.min(staged.len())..) {
            self.looked += 1;
            item.list(self);
        }
        if self.by_id.len() > staged.len() + SPARE {
            self.by_id.retain(|_, changes| {
                changes.forget_taken(taken);
                !changes.is_empty()
            });
        }
    }

    /// Whether a closure that writes `id` is queued, or a change of it that would be accepted now.
    pub(super) fn brings(
        &mut self,
        id: RefId,
        taken: u64,
        extension: Option<&dyn Extension>,
    ) -> bool {
        let mut is_written = false;
        self.accepted(id, taken, extension, |_, newest| {
            is_written = matches!(newest, Newest::Written { .. });
            true
        })
    }

    /// Whether a closure that writes `id` is queued.
    pub(super) fn is_written(&self, id: RefId, taken: u64) -> bool {
        self.by_id.get(&id).is_some_and(|changes| changes.written.is_some_and(|at| at > taken))
    }

    /// The place of the newest value of `id` that would be accepted now.
    pub(super) fn newest(
        &mut self,
        id: RefId,
        taken: u64,
        extension: Option<&dyn Extension>,
    ) -> Option<Newest> {
        let (mut written, mut sent) = (None, None::<(ChangeStamp, Newest)>);
        self.accepted(id, taken, extension, |stamp, newest| {
            match stamp {
                None => written = Some(newest),
                Some(stamp) if sent.is_none_or(|(other, _)| stamp > other) => {
                    sent = Some((stamp, newest));
                }
                Some(_) => {}
            }
            false
        });
        match (written, sent) {
            // The item that is applied last decides: a closure overwrites what was applied before it.
            (
                Some(Newest::Written { number }),
                Some((_, newest @ Newest::Sent { number: other, .. })),
            ) if other > number => Some(newest),
            (written, sent) => written.or(sent.map(|(_, newest)| newest)),
        }
    }

    /// Calls `f` with the newest change of each source that would be accepted, until `f` returns true.
    fn accepted(
        &mut self,
        id: RefId,
        taken: u64,
        extension: Option<&dyn Extension>,
        mut f: impl FnMut(Option<ChangeStamp>, Newest) -> bool,
    ) -> bool {
        if let Some(changes) = self.by_id.get_mut(&id) {
            changes.forget_taken(taken);
            if let Some(number) = changes.written
                && f(None, Newest::Written { number })
            {
                return true;
            }
            for (source, sent) in &changes.sent {
                if let (Some(Sent { number, index, stamp }), Some(extension)) =
                    (sent.front(), extension)
                    && extension.accepts(*source, id, *stamp)
                    && f(
                        Some(*stamp),
                        Newest::Sent { number: *number, index: *index, source: *source },
                    )
                {
                    return true;
                }
            }
        }
        let Some(extension) = extension else { return false };
        let mut asks = |source: u64, (number, list): &(u64, Arc<dyn Merging>)| {
            *number > taken
                && list.stamp(id).is_some_and(|stamp| {
                    extension.accepts(source, id, stamp)
                        && f(Some(stamp), Newest::Merged { source })
                })
        };
        if self.merging.len() <= ASKED {
            return self.merging.iter().any(|(source, list)| asks(*source, list));
        }
        let sources = extension.sources(id).into_iter();
        sources
            .filter_map(|source| Some((source, self.merging.get(&source)?)))
            .any(|(source, list)| asks(source, list))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The value among the merged changes of `source`.
    pub(super) fn merged(&self, source: u64, id: RefId) -> Option<Box<dyn Any>> {
        self.merging.get(&source).and_then(|(_, list)| list.payload(id))
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").field("reactons", &self.by_id.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
