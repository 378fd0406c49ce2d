//! What becomes of isolates and pools when their handles are dropped: they end, are detached, or stay with their scope.

use std::rc::Rc;

use reacton_core::wiring::{OpenScope, Wiring};
use reacton_core::{FirstPanic, ReactonStore, WeakStore};

use super::handle::IsolateStore;
use super::pool::Pool;
use crate::hub::Hub;

impl IsolateStore {
    /// From now on the isolate ends with this scope, if it has not ended before.
    pub(super) fn within(mut self, scope: Option<OpenScope>) -> Self {
        if let Some((store, scope)) = self.store.upgrade().zip(scope) {
            let kept = Self::new(&store, Rc::clone(&self.isolate));
            Wiring::of(&store).at_end_of(scope, move || drop(kept));
            self.scope = Some(scope);
        }
        self
    }
}

impl Pool {
    /// As [`IsolateStore::within`].
    pub(super) fn within(mut self, scope: Option<OpenScope>) -> Self {
        if let Some((store, scope)) = self.store.upgrade().zip(scope) {
            let mut kept = Self::new(&store, Rc::clone(&self.shared));
            for member in &self.members {
                kept.admit(IsolateStore::new(&store, Rc::clone(&member.isolate)));
            }
            Wiring::of(&store).at_end_of(scope, move || drop(kept));
            self.scope = Some(scope);
        }
        self
    }
}

/// Whether a handle is dropped in the closure of the scope in which its isolate was spawned, which keeps another one.
fn stays(store: &WeakStore, scope: Option<OpenScope>) -> bool {
    let open = store.upgrade().and_then(|store| Wiring::of(&store).scope());
    scope.is_some() && scope == open
}

impl Drop for IsolateStore {
    fn drop(&mut self) {
        if stays(&self.store, self.scope) {
            return;
        }
        if self.detached {
            self.isolate.disown();
            // It may have ended already.
            if let Some((store, hub)) = self.hub()
                && self.isolate.is_gone(&hub)
            {
                let mut panics = FirstPanic::default();
                panics.guard(|| self.isolate.end_reactons(&store));
                panics.resume();
            }
            return;
        }
        if let Some(store) = self.store.upgrade() {
            in_one_batch(&store, |_, panics| {
                panics.guard(|| self.dispose());
                panics.guard(|| self.isolate.end_reactons(&store));
            });
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.detached {
            return;
        }
        if stays(&self.store, self.scope) {
            self.members.iter_mut().for_each(|member| member.scope = self.scope);
            return;
        }
        if let Some(store) = self.store.upgrade() {
            in_one_batch(&store, |store, panics| {
                panics.guard(|| self.dispose());
                for member in self.members.drain(..) {
                    panics.guard(|| drop(member));
                }
                if let Some(hub) = Hub::find(store) {
                    panics.guard(|| self.shared.dismiss(store, &hub));
                }
            });
        }
    }
}

/// Ends something in one batch, so that an observer of a status is called after all of it.
fn in_one_batch(store: &ReactonStore, end: impl FnOnce(&ReactonStore, &mut FirstPanic)) {
    let mut panics = FirstPanic::default();
    let mut within = FirstPanic::default();
    panics.guard(|| store.batch(|store| end(store, &mut within)));
    panics.guard(|| within.resume());
    panics.resume();
}
