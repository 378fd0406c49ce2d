//! The changes of a collection as a stream: what its reader has not taken yet is composed.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::collections::observe::{Changing, Hears};
use crate::merge::Compose;
use crate::ops::subscription::Subscription;
use crate::panics::FirstPanic;
use crate::store::ReactonStore;
use crate::store::item::Mailbox;
use crate::turns::changes::{Changes, Feed};
use crate::turns::remote::{Publisher, RemoteChanges, Which};

/// The entries of a collection that have changed; see [`ReactonStore::stream_changes`].
#[must_use = "a stream does nothing unless it is polled"]
pub struct NetChanges<C> {
    changes: Changes<C>,
}

/// The same in the store of a [`StoreHandle`](crate::StoreHandle); see its
/// [`stream_changes`](crate::StoreHandle::stream_changes).
///
/// Polling it takes no turns: that is done on the store's thread.
#[must_use = "a stream does nothing unless it is polled"]
pub struct RemoteNetChanges<C> {
    changes: RemoteChanges<C>,
}

impl ReactonStore {
    /// The entries of a collection that have changed, as a stream: first everything that is there, as added; then, each time, what has
    /// changed since its reader was given something, as one list in the order of the keys.
    ///
    /// A reader that is slow gets fewer lists, and never has to begin anew: what it has not taken is composed, so that one change for
    /// each key waits at most. An empty collection is not reported.
    ///
    /// Polling it takes turns, and it ends, as that of [`changes`](Self::changes).
    ///
    /// # Panics
    /// If another declaration has the id of the reacton.
    ///
    /// # Examples
    /// ```
    /// # use futures_lite::StreamExt;
    /// # use reacton_core::{Change, Merged, Reacton, ReactonSet, ReactonStore};
    /// # type Chosen = ReactonSet<u32>;
    /// # static CHOSEN: Reacton<Chosen, Merged> = Reacton::<Chosen, Merged>::__new("doc::CHOSEN", ReactonSet::new);
    /// // #[reacton] static CHOSEN: ReactonSet<u32> = ReactonSet::new();
    /// # futures_lite::future::block_on(async {
    /// let store = ReactonStore::new();
    /// store.update(&CHOSEN, |chosen| chosen.insert(1));
    /// let mut changes = store.stream_changes(&CHOSEN);
    /// assert_eq!(changes.next().await, Some(vec![Change::Added { key: 1, new: () }]));
    /// store.update(&CHOSEN, |chosen| chosen.insert(2));
    /// store.update(&CHOSEN, |chosen| chosen.remove(&1));
    /// let both = vec![Change::Removed { key: 1, old: () }, Change::Added { key: 2, new: () }];
    /// assert_eq!(changes.next().await, Some(both));
    /// # });
    /// ```
    #[track_caller]
    pub fn stream_changes<R: Changing>(&self, reacton: &R) -> NetChanges<R::__Changes> {
        let changes = Changes::fed_by(self, |feed| fill(feed, self, reacton));
        NetChanges { changes }
    }
}

/// What waits, as `take` returns it, and what has changed since then; `None` if that comes to nothing.
fn append<C: Compose>(
    hears: Option<&dyn Hears<C>>,
    take: impl FnOnce() -> Option<C>,
    panics: &mut FirstPanic,
) -> Option<C> {
    let hears = hears?;
    let later = hears.hear(panics);
    match (take(), later) {
        (Some(mut earlier), Some(later)) => {
            // What waits stays, should a comparison of keys panic.
            panics.guard(|| earlier.then(&later));
            hears.drop_equal(&mut earlier, panics);
            (!earlier.is_empty()).then_some(earlier)
        }
        (earlier, later) => earlier.or(later),
    }
}

/// Where the changes wait for the reader of a stream.
trait Waiting<C>: 'static {
    fn push(&self, store: &ReactonStore, changes: C);
    /// Takes back what waits.
    fn take(&self, store: &ReactonStore) -> Option<C>;
}

impl<C: 'static> Waiting<C> for Feed<C> {
    fn push(&self, store: &ReactonStore, changes: C) {
        self.push(store, changes);
    }

    fn take(&self, store: &ReactonStore) -> Option<C> {
        self.take(store)
    }
}

impl<C: Send + 'static> Waiting<C> for Publisher<C> {
    fn push(&self, store: &ReactonStore, changes: C) {
        self.publish(store, changes);
    }

    fn take(&self, _: &ReactonStore) -> Option<C> {
        self.take()
    }
}

/// Puts everything that is there into `waiting`, and then what changes.
#[track_caller]
fn fill<R: Changing>(
    waiting: impl Waiting<R::__Changes>,
    store: &ReactonStore,
    reacton: &R,
) -> Subscription {
    let hears = reacton.__observe(store);
    if let Some(everything) = hears.as_ref().and_then(|hears| hears.everything(store)) {
        waiting.push(store, everything);
    }
    store.subscribe(reacton, move |store, _| {
        let mut panics = FirstPanic::NONE;
        if let Some(changes) = append(hears.as_deref(), || waiting.take(store), &mut panics) {
            waiting.push(store, changes);
        }
        panics.resume();
    })
}

impl<C: Compose + Send> Publisher<C> {
    /// Observes a collection, unless the stream was dropped.
    pub(crate) fn begin_net(self, store: &ReactonStore, reacton: &impl Changing<__Changes = C>) {
        self.begin_by(|this| fill(this, store, reacton));
    }
}

impl<C> RemoteNetChanges<C> {
    pub(crate) fn new(mailbox: Mailbox) -> (Publisher<C>, Self) {
        let (publisher, changes) = RemoteChanges::new(Which::Every, mailbox);
        (publisher, Self { changes })
    }
}

impl<C: Compose> Stream for NetChanges<C> {
    type Item = Vec<C::Change>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let changes = Pin::new(&mut self.changes).poll_next(context);
        changes.map(|changes| changes.map(|changes| changes.list()))
    }
}

impl<C: Compose> Stream for RemoteNetChanges<C> {
    type Item = Vec<C::Change>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let changes = Pin::new(&mut self.changes).poll_next(context);
        changes.map(|changes| changes.map(|changes| changes.list()))
    }
}

impl<C> fmt::Debug for NetChanges<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.changes.fmt(f)
    }
}

impl<C> fmt::Debug for RemoteNetChanges<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.changes.fmt(f)
    }
}
