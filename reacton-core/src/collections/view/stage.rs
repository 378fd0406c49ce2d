//! The computation of a view: each run applies the changes since the last run to its rows.

use std::cell::{Cell, RefCell};
use std::panic::resume_unwind;

use super::origin::Plan;
use super::rows::{Edits, Notes, Rows};
use crate::collections::changes::KeyedChanges;
use crate::collections::pending::Observers;
use crate::collections::tree::Tree;
use crate::id::Head;
use crate::merge::Compose;
use crate::panics::{FirstPanic, guarded};
use crate::store::code::Derive;
use crate::store::reader::Reader;
use crate::value::Same;

pub(super) struct Stage<K, V: 'static, S> {
    plan: Plan<K, V, S>,
    /// The rows after a run that panicked. Some of the changes may be applied to them.
    kept: RefCell<Rows<K, V, S>>,
    /// Between two runs: the notes of a run that panicked, which no observer has received.
    notes: Cell<Option<Box<Notes<K, V, S>>>>,
    /// The receivers of the changes: other views, subscriptions, folds, streams.
    pub(super) observers: Observers<Edits<K, V, S>>,
}

/// The result of a run.
struct Edit<K, V, S> {
    rows: Rows<K, V, S>,
    has_changed: bool,
    /// The rows that have entered and left the visible part, if something needs them.
    notes: Option<Box<Notes<K, V, S>>>,
    /// The same, by key.
    edits: Edits<K, V, S>,
}

impl<K: Ord + Clone + 'static, V: 'static, S: Ord + Clone + 'static> Stage<K, V, S> {
    pub(super) fn new(plan: Plan<K, V, S>) -> Self {
        let kept = RefCell::new(Rows::new(plan.sort.clone(), plan.head));
        Self { plan, kept, notes: Cell::new(None), observers: Observers::default() }
    }

    /// How rows are compared. Known after the first run.
    pub(super) fn same(&self) -> Same<V> {
        self.plan.origin.same()
    }

    /// Begins with the notes of the last run if it panicked, or with none.
    fn take_notes(&self, edit: &mut Edit<K, V, S>) {
        let notes = self.notes.take();
        edit.notes = Some(notes.unwrap_or_else(|| Box::new(Notes::new(false))));
    }

    fn run(&self, reader: &Reader<'_>, edit: &mut Edit<K, V, S>) {
        let origin = &self.plan.origin;
        // Other dependencies of the rows are read first, because a computed among them may write to the source.
        let is_new = origin.begin(reader) || edit.has_changed;
        // Usually it is one row, and no list is needed.
        let (mut first, mut others) = (None, Vec::new());
        let has_news = !is_new
            && origin.news(reader, &mut |key, new| match first {
                None => first = Some((key, new)),
                Some(_) => others.push((key, new)),
            });
        if !has_news {
            return self.make_anew(reader, edit);
        }
        let same = self.same();
        if self.plan.head.is_some() || self.observers.are_there() {
            self.take_notes(edit);
        }
        let mut touched = false;
        for (key, new) in first.into_iter().chain(others) {
            touched |= edit.rows.put(key, new, same, edit.notes.as_deref_mut());
        }
        edit.has_changed |= if edit.notes.is_some() { self.settle(edit) } else { touched };
    }

    /// Makes edits of the notes. Returns whether there are some.
    fn settle(&self, Edit { notes, edits, .. }: &mut Edit<K, V, S>) -> bool {
        let same = self.same();
        if let Some(settled) = notes.as_mut().and_then(|notes| notes.settle(&Tree::new())) {
            *edits = settled;
            edits.drop_equal(&mut |old, new| old.is_as(new, same));
        }
        !edits.is_empty()
    }

    fn make_anew(&self, reader: &Reader<'_>, edit: &mut Edit<K, V, S>) {
        let Plan { origin, sort, head } = &self.plan;
        let mut all = Vec::new();
        origin.everything(reader, &mut |key, placed| all.push((key, placed)));
        let new = Rows::of(all, sort.clone(), *head);
        self.take_notes(edit);
        if let Some(notes) = edit.notes.as_mut().filter(|_| self.observers.are_there()) {
            notes.append(edit.rows.difference(&new));
            let _former = std::mem::replace(&mut edit.rows, new);
            edit.has_changed |= self.settle(edit);
            return;
        }
        let _notes = edit.notes.take();
        edit.has_changed = edit.has_changed || !edit.rows.is_same(&new, self.same());
        let _former = std::mem::replace(&mut edit.rows, new);
    }
}

impl<K: Ord + Clone + 'static, V: 'static, S: Ord + Clone + 'static> Derive for Stage<K, V, S> {
    fn head(&self) -> Option<&Head> {
        None
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<super::View<K, V, S>>()
    }

    fn compute(&self, reader: &Reader<'_>) -> bool {
        let last = reader.take_result();
        // The first result is new, and so is one after a panic.
        let has_changed = last.is_none();
        let rows = last.unwrap_or_else(|| {
            self.kept.replace(Rows::new(self.plan.sort.clone(), self.plan.head))
        });
        let mut edit = Edit { rows, has_changed, notes: None, edits: KeyedChanges::new() };
        let result = guarded(|| self.run(reader, &mut edit));
        let Edit { rows, has_changed, notes, edits } = edit;
        if notes.is_some() {
            self.notes.set(notes);
        }
        let mut panics = FirstPanic::NONE;
        panics.keep(result.err());
        panics.guard(|| self.plan.origin.end());
        panics.guard(|| {
            if !edits.is_empty() {
                self.observers.tell(edits, false);
            }
        });
        if let Some(payload) = panics.take() {
            let _former = self.kept.replace(rows);
            resume_unwind(payload);
        }
        let same = self.same();
        reader.put_result(rows, has_changed, |before, now| before.returns_to(now, same));
        false
    }
}
