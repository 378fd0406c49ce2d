//! The changes of a collection as a stream. Changes that its reader has not taken are composed.

use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::collections::observe::{Changing, Hears};
use crate::collections::pieces::Pieces;
use crate::merge::Compose;
use crate::ops::subscription::Subscription;
use crate::panics::{FirstPanic, contained, guarded};
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
/// Polling it takes no turns. The store's own thread must take them.
#[must_use = "a stream does nothing unless it is polled"]
pub struct RemoteNetChanges<C> {
    changes: RemoteChanges<C>,
}

impl ReactonStore {
    /// Returns a stream of the changes of a collection. The first item has all entries as added. Each later item is a
    /// list of the changes since the one before, in the order of the keys.
    ///
    /// If a reader falls behind, the changes that it has not taken are composed into one list, with at most one change
    /// for each key. So it never has to read the whole collection again. For an empty collection there is no first
    /// item.
    ///
    /// Polling it takes turns, and it ends, as the stream of [`changes`](Self::changes) does.
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

/// Appends later changes to those that wait. If they cannot be composed, because a comparison or a copy of a key panics,
/// they wait behind them.
fn append<C: Compose>(
    waiting: &impl Waiting<C>,
    store: &ReactonStore,
    hears: &dyn Hears<C>,
    panics: &mut FirstPanic,
) {
    let Some(later) = hears.hear(panics) else { return };
    let mut all = Pieces::NONE;
    while let Some(earlier) = waiting.take(store) {
        all.append(earlier, panics);
    }
    if all.is_empty() {
        return waiting.push(store, later);
    }
    all.append(later, panics);
    match all.composed(panics) {
        Ok(None) => {}
        Ok(Some(mut all)) => {
            hears.drop_equal(&mut all, panics);
            if !all.is_empty() {
                waiting.push(store, all);
            }
        }
        Err(pieces) => pieces.into_iter().for_each(|piece| waiting.push(store, piece)),
    }
}

/// Polls a stream of changes and lists them. If the copy of a key panics, the changes are put back.
fn poll_list<C: Compose, S: Stream<Item = C> + Unpin>(
    stream: &mut S,
    context: &mut Context<'_>,
    give_back: impl FnOnce(&S, C),
) -> Poll<Option<Vec<C::Change>>> {
    loop {
        let Some(changes) = ready!(Pin::new(&mut *stream).poll_next(context)) else {
            return Poll::Ready(None);
        };
        match guarded(|| changes.list()) {
            Ok(list) => {
                contained(|| drop(changes));
                // It is empty if only sort keys of a view have changed, and no place.
                if !list.is_empty() {
                    return Poll::Ready(Some(list));
                }
            }
            Err(payload) => {
                give_back(stream, changes);
                resume_unwind(payload);
            }
        }
    }
}

/// The changes that the reader of a stream has not taken.
trait Waiting<C>: 'static {
    fn push(&self, store: &ReactonStore, changes: C);
    /// Takes the first changes back.
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

/// Puts all entries into `waiting`, and then the later changes.
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
        let Some(hears) = &hears else { return };
        let mut panics = FirstPanic::NONE;
        append(&waiting, store, &**hears, &mut panics);
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
        poll_list(&mut self.changes, context, Changes::give_back)
    }
}

impl<C: Compose> Stream for RemoteNetChanges<C> {
    type Item = Vec<C::Change>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        poll_list(&mut self.changes, context, RemoteChanges::give_back)
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
