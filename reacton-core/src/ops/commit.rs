//! Commits: at the end of the outermost batch each written reacton is compared with its value from before the batch.
//!
//! If the two are equal, the reacton gets its old version back, and no observer is called. A value that was edited in
//! place is not compared, because no earlier copy exists.

use std::panic::resume_unwind;

use crate::graph::{CellId, Deferred, Record, Role, Written};
use crate::panics::{FirstPanic, guarded, keeping};
use crate::store::{ReactonStore, names};

impl ReactonStore {
    /// Groups writes into one transaction: observers are called once, when the outermost batch ends, and other
    /// stores receive it whole.
    ///
    /// Reads inside `f` return the values that `f` has written. A batch groups writes, it does not roll them back: if
    /// `f` panics, its earlier writes are committed, and the panic is resumed.
    ///
    /// # Panics
    /// As [`set`](Self::set) does, when the outermost batch ends.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// let store = ReactonStore::new();
    /// let (x, y) = (store.reacton(0), store.reacton(0));
    /// store.effect(move |cx| println!("{} {}", cx.get(&x), cx.get(&y))); // prints 0 0
    /// store.batch(|store| {
    ///     store.set(&x, 1);
    ///     store.set(&y, 1);
    /// }); // prints 1 1
    /// ```
    pub fn batch<U>(&self, f: impl FnOnce(&ReactonStore) -> U) -> U {
        let mut panicked = FirstPanic::NONE;
        let result = self.phase().batching(|outermost| {
            let result = guarded(|| f(self));
            if outermost && self.graph_ref().has_records() {
                self.commit_all(&mut panicked);
            }
            result
        });
        if !self.phase().is_open()
            && let Some(extension) = self.extension()
        {
            panicked.guard(|| extension.batch_ended(self));
        }
        panicked.keep(self.notify_observers().take());
        match result {
            Err(payload) => {
                drop(panicked);
                resume_unwind(payload)
            }
            Ok(result) if panicked.is_some() => keeping(result, |_| panicked.resume()).0,
            Ok(result) => result,
        }
    }

    /// Commits a transaction of one write.
    ///
    /// Extensions run user code here: they encode values, and drop replaced ones. What this code writes is committed
    /// after the transaction was sent to all other stores, so that it arrives there later (I11).
    pub(super) fn commit_one(&self, id: CellId, panics: &mut FirstPanic) {
        let graph = self.graph_ref();
        let Some(cell) = graph.cell(id).filter(|cell| !cell.watchers.is_empty()) else { return };
        let Some(head) = cell.body.head() else { return };
        let written = [Written {
            id: head.rref.id(),
            changed: true,
            announced: false,
            by_entries: cell.writes.is_merged(),
            watchers: cell.watchers,
            cell: id,
        }];
        drop(graph);
        let Some(extension) = self.extension() else { return };
        self.phase().committing(|| {
            panics.guard(|| extension.committed(self, &written));
            if self.graph_ref().has_records() {
                self.commit_all(panics);
            }
        });
        panics.guard(|| extension.batch_ended(self));
    }

    /// Commits the open transaction, and then what was written during the commit: by extensions, equality functions,
    /// and the encoding and dropping of values.
    fn commit_all(&self, panicked: &mut FirstPanic) {
        self.phase().committing(|| self.commit_until_settled(panicked));
    }

    fn commit_until_settled(&self, panicked: &mut FirstPanic) {
        let limit = self.phase().limit();
        for _ in 0..limit {
            self.commit(panicked);
            if !self.graph_ref().has_records() {
                return;
            }
        }
        panicked.guard(|| {
            panic!(
                "a transaction never settles: after {limit} commits a `Drop`, an equality function or a serializer still writes to: \
                 `{}`; do not write there to what holds the value",
                self.abandon_commit(),
            )
        });
    }

    /// Commits without user code, and returns the names of the written reactons. The values from before are dropped
    /// when the store ends.
    fn abandon_commit(&self) -> String {
        let records = self.graph().take_sources();
        let written = {
            let mut graph = self.graph();
            records.iter().filter_map(|record| graph.net_change(record, false)).collect::<Vec<_>>()
        };
        if let Some(extension) = self.extension()
            && written.iter().any(|write| write.changed)
        {
            extension.committed(self, &written);
        }
        let mut graph = self.graph();
        let names = names(records.iter().map(|record| graph.name(record.cell).into_owned()));
        let more = graph.take_sources();
        let abandoned = records
            .into_iter()
            .chain(more)
            .map(|record| Deferred { cell: record.cell, drop: Box::new(move || drop(record)) });
        graph.abandoned.extend(abandoned);
        names
    }

    /// Compares the written reactons and reports those that changed to the extensions. If an equality function panics,
    /// its reacton counts as changed.
    fn commit(&self, panicked: &mut FirstPanic) {
        self.report_installed(panicked);
        let (mut records, mut written) = {
            let mut graph = self.graph();
            (graph.take_sources(), graph.take_written())
        };
        let mut rest = records.as_slice();
        loop {
            let settled = self.graph().settle_scalars(rest, &mut written);
            let Some((record, after)) = rest[settled..].split_first() else { break };
            let same = match self.commit_merged(record, panicked) {
                Some(same) => same,
                None => panicked.guard(|| self.came_out_equal(record)).unwrap_or(false),
            };
            written.extend(self.graph().net_change(record, same));
            rest = after;
        }
        if written.iter().any(|write| write.changed)
            && let Some(extension) = self.extension()
        {
            panicked.guard(|| extension.committed(self, &written));
        }
        // What other stores share may have come out as it was although something else has changed.
        let is_sent = written.iter().any(|write| write.changed && write.is_for(Role::Links));
        if !is_sent && written.iter().any(|write| write.by_entries && !write.changed) {
            self.revert_merged(&records, &written);
        }
        panicked.drop_each(records.drain(..));
        self.graph().keep_memory(records, written);
    }

    /// Reports the values of other stores that an extension has installed since the last commit.
    #[inline]
    fn report_installed(&self, panicked: &mut FirstPanic) {
        let installed = self.graph().take_installed();
        if !installed.is_empty()
            && let Some(extension) = self.extension()
        {
            panicked.guard(|| extension.installed(self, &installed));
        }
    }

    /// Whether a written reacton has the value from before the transaction. What user code has written since the commit
    /// began belongs to the next transaction.
    fn came_out_equal(&self, record: &Record) -> bool {
        let Some(before) = record.before.as_ref().filter(|_| record.is_compared()) else {
            return false;
        };
        let graph = self.graph_ref();
        let is_new = graph.committed_version(record.cell) != Some(record.version);
        let source = graph.cell(record.cell).and_then(|cell| cell.body.source()).cloned();
        let found = if is_new { graph.committed(record.cell).zip(source) } else { None };
        drop(graph);
        found.is_some_and(|(now, source)| source.same_held(before, &now))
    }
}
