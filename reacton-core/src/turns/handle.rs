//! Handles: any thread reads and writes a store, and receives its changes.

use std::any::Any;
use std::fmt;

use crate::collections::observe::Changing;
use crate::error::HandleError;
use crate::graph::Place;
use crate::id::RefId;
use crate::reacton::access::sealed::Located;
use crate::reacton::access::{Declared, Readable, Writable};
use crate::store::ReactonStore;
use crate::store::contents::Contents;
use crate::store::item::{Arrival, Inbox, Mailbox};
use crate::turns::net_changes::RemoteNetChanges;
use crate::turns::remote::{RemoteChanges, Which};
use crate::turns::reply::{Reply, reply};

/// Reads and writes a store from any thread. The store executes the calls in its next turn, in order, each as one
/// transaction.
///
/// A call is sent at once and is executed even if its reply is not awaited. A call that returns a [`Reply`] can be
/// awaited for its result, on any executor. So a service on many threads can keep its state in one store, whose thread
/// takes turns.
///
/// While any handle exists, `wait` and `run_until` keep waiting instead of reporting `Disconnected`.
///
/// # Examples
/// ```
/// # use reacton_core::ReactonStore;
/// # use futures_lite::StreamExt;
/// # type Reacton<T> = reacton_core::Reacton<T>;
/// # static COUNT: Reacton<u32> = Reacton::<u32>::__new("doc::COUNT", || 0);
/// // #[reacton] static COUNT: u32 = 0;
/// let store = ReactonStore::new();
/// let handle = store.handle();
/// let elsewhere = std::thread::spawn(move || {
///     futures_lite::future::block_on(async {
///         let mut changes = handle.watch(&COUNT);
///         assert_eq!(changes.next().await, Some(0)); // now, then changes
///         handle.set(&COUNT, 1); // a statement: it happens
///         let doubled = handle.update(&COUNT, |count| { *count += 1; *count * 2 }).await?;
///         assert_eq!((doubled, handle.get(&COUNT).await?), (4, 2));
///         assert_eq!(changes.next().await, Some(2)); // the newest, however slow the reader is
///         Ok::<_, reacton_core::HandleError>(())
///     })
/// });
/// // Turns, until no handle is left.
/// assert_eq!(store.run_until(std::time::Duration::MAX, |_| false), Err(reacton_core::RunError::Disconnected));
/// elsewhere.join().map_err(|_| "it panicked")??;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct StoreHandle {
    mailbox: Mailbox,
}

impl Inbox {
    /// A handle of the store to which this inbox will belong.
    #[must_use]
    pub fn handle(&self) -> StoreHandle {
        StoreHandle { mailbox: self.mailbox() }
    }
}

impl ReactonStore {
    /// A handle with which any thread can read and write this store.
    pub fn handle(&self) -> StoreHandle {
        self.inbox().handle()
    }
}

impl StoreHandle {
    /// The value of `reacton` in the store's next turn, after everything that this handle has sent before.
    ///
    /// The value is cloned; [`with`](Self::with) borrows it instead. To read several values at the same moment, use
    /// [`batch`](Self::batch).
    pub fn get<R: Declared>(&self, reacton: &R) -> Reply<R::Value>
    where
        R::Value: Clone + Send,
    {
        self.with(reacton, R::Value::clone)
    }

    /// Lends the value of `reacton` to `f` on the store's thread, at its next turn, and replies with what `f` returns.
    /// The value need not be `Clone` or `Send`. `f` is not called if the reply is dropped before that turn.
    pub fn with<R: Declared, U: Send + 'static>(
        &self,
        reacton: &R,
        f: impl FnOnce(&R::Value) -> U + Send + 'static,
    ) -> Reply<U> {
        let reacton = reacton.__remote();
        let (answer, reply) = reply();
        self.control(move |store| {
            if answer.is_wanted() {
                answer.by(|| store.with(&reacton, f));
            }
        });
        reply
    }

    /// As [`ReactonStore::set`], at the store's next turn.
    pub fn set<R: Readable + Declared + Writable>(&self, reacton: &R, value: R::Value)
    where
        R::Value: Send,
    {
        self.mailbox.post(Set { reacton: reacton.__remote(), value });
    }

    /// As [`ReactonStore::update`], at the store's next turn; replies with what `f` returns, after the observers were called.
    pub fn update<R: Readable + Declared + Writable, U: Send + 'static>(
        &self,
        reacton: &R,
        f: impl FnOnce(&mut R::Value) -> U + Send + 'static,
    ) -> Reply<U>
    where
        R::Value: Clone,
    {
        let reacton = reacton.__remote();
        let writes = reacton.id();
        let (answer, reply) = reply();
        self.send(writes, move |store| match store.refused(&reacton) {
            // Without a reply, the error can only be reported on the store's thread, by a panic.
            Some(refused) if answer.is_wanted() => {
                answer.fail(HandleError::Refused { reacton: refused.name() });
            }
            _ => answer.by(|| store.update(&reacton, f)),
        });
        reply
    }

    /// As [`ReactonStore::batch`], at the store's next turn; replies with what `f` returns, after the observers were called.
    pub fn batch<U: Send + 'static>(
        &self,
        f: impl FnOnce(&ReactonStore) -> U + Send + 'static,
    ) -> Reply<U> {
        self.ask(None, move |store| store.batch(f))
    }

    /// Runs `f` on the store's thread, at its next turn, and replies with what it returns. A turn taken inside applies nothing.
    pub fn post<U: Send + 'static>(
        &self,
        f: impl FnOnce(&ReactonStore) -> U + Send + 'static,
    ) -> Reply<U> {
        self.ask(None, f)
    }

    /// The value of `reacton` as of the store's next turn, then its changes, as a stream of any thread.
    ///
    /// A reader that falls behind receives only the newest value, so at most one value is queued;
    /// [`changes`](Self::changes) returns every value. The stream ends when the store ends, and when `reacton` is
    /// removed. When it is dropped, the subscription in the store ends at the store's next turn. Dropping the future of
    /// its next value loses nothing.
    pub fn watch<R: Declared>(&self, reacton: &R) -> RemoteChanges<R::Value>
    where
        R::Value: Clone + Send,
    {
        self.stream(reacton, Which::Newest)
    }

    /// Every change of `reacton` from the store's next turn on, in order, as a stream of any thread.
    ///
    /// Values that its reader has not taken yet are kept, without a limit. It ends as the stream of
    /// [`watch`](Self::watch) does.
    pub fn changes<R: Declared>(&self, reacton: &R) -> RemoteChanges<R::Value>
    where
        R::Value: Clone + Send,
    {
        self.stream(reacton, Which::Every)
    }

    /// As [`ReactonStore::stream_changes`], from the store's next turn on, as a stream of any thread.
    ///
    /// It ends as that of [`watch`](Self::watch) does. Rows cross by reference count, so they have to be `Send + Sync`.
    pub fn stream_changes<R: Declared + Changing>(
        &self,
        reacton: &R,
    ) -> RemoteNetChanges<R::__Changes>
    where
        R::__Remote: Changing<__Changes = R::__Changes>,
        R::__Changes: Send,
    {
        let reacton = reacton.__remote();
        let (publisher, changes) = RemoteNetChanges::new(self.mailbox.weak());
        self.control(move |store| publisher.begin_net(store, &reacton));
        changes
    }

    /// Whether the store has ended. Then calls do nothing.
    pub fn is_closed(&self) -> bool {
        self.mailbox.is_closed()
    }

    fn stream<R: Declared>(&self, reacton: &R, which: Which) -> RemoteChanges<R::Value>
    where
        R::Value: Clone + Send,
    {
        let reacton = reacton.__remote();
        let (publisher, changes) = RemoteChanges::new(which, self.mailbox.weak());
        self.control(move |store| publisher.begin(store, &reacton));
        changes
    }

    fn ask<U: Send + 'static>(
        &self,
        writes: Option<RefId>,
        f: impl FnOnce(&ReactonStore) -> U + Send + 'static,
    ) -> Reply<U> {
        let (answer, reply) = reply();
        self.send(writes, move |store| answer.by(|| f(store)));
        reply
    }

    fn send(&self, writes: Option<RefId>, work: impl FnOnce(&ReactonStore) + Send + 'static) {
        // If the store has ended, this does nothing, as a write after `dispose`.
        self.mailbox.post(Call { work, writes });
    }

    fn control(&self, work: impl FnOnce(&ReactonStore) + Send + 'static) {
        self.mailbox.post(Control(work));
    }
}

/// A closure that was sent to a store.
struct Call<F> {
    work: F,
    /// The reacton that it writes, if known.
    writes: Option<RefId>,
}

impl<F: FnOnce(&ReactonStore) + Send> Arrival for Call<F> {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        (self.work)(store);
        1
    }

    fn list(&self, contents: &mut Contents) {
        if let Some(id) = self.writes {
            contents.writes(id);
        }
    }
}

/// A value that was sent to a store.
struct Set<R: Readable> {
    reacton: R,
    value: R::Value,
}

impl<R: Writable + Send> Arrival for Set<R>
where
    R::Value: Send,
{
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        let Self { reacton, value } = *self;
        store.set(&reacton, value);
        1
    }

    fn list(&self, contents: &mut Contents) {
        if let Some(id) = self.reacton.id() {
            contents.writes(id);
        }
    }

    fn written(&self, store: &ReactonStore, cell: Option<&Place>) -> Option<&dyn Any> {
        // Another member with the same hash has the same id, so the cells are compared.
        let own = self.reacton.found(store);
        (own.as_ref() == cell).then_some(&self.value as &dyn Any)
    }
}

/// A closure that reads or subscribes, so it is not a transaction.
pub(crate) struct Control<F>(pub(crate) F);

impl<F: FnOnce(&ReactonStore) + Send> Arrival for Control<F> {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        (self.0)(store);
        0
    }
}

impl fmt::Debug for StoreHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreHandle").field("is_closed", &self.is_closed()).finish()
    }
}
