//! Observers: who is told of a change, in which order, and what happens when one of them panics.

use std::panic::Location;

use crate::graph::{Body, Cell, CellId, Effect, Graph, Hearing, Mark, Stamp};
use crate::ops::compute::Borrowed;
use crate::panics::{self, FirstPanic, Kept, Payload, guarded};
use crate::reacton::access::Readable;
use crate::reacton::access::sealed::Place;
use crate::store::reader::Reader;
use crate::store::{ReactonStore, WeakStore, names};
use crate::value::{Lent, Value};

/// After so many rounds a warning names what does not equal itself, if that is why they go on.
const DOUBTFUL_ROUNDS: u32 = 500;

/// What is said of such values.
const UNEQUAL: &str = "holds a value that does not equal itself, such as a struct with a NaN in it, so that each write of it is a \
     change; compare its values in a way of your own, by `#[reacton(eq = my_function)]` or `reacton_with`";

/// Of these last rounds the reactons are named.
const NAMED_ROUNDS: u32 = 8;

/// A member of a computed family that stays in its store while it is computed for its first observer.
struct HeldMember<'s> {
    store: &'s ReactonStore,
    cell: Option<CellId>,
}

impl Drop for HeldMember<'_> {
    fn drop(&mut self) {
        if let Some(cell) = self.cell {
            self.store.graph().release(cell);
        }
    }
}

impl ReactonStore {
    /// Calls `f` with each new value of `reacton`, beginning with the next change.
    ///
    /// The subscription lives as long as the store, or until it is ended: by
    /// [`Subscription::unsubscribe`], by a [`ScopedSubscription`] that is dropped, by
    /// [`remove`](Self::remove) of `reacton`. Dropping the [`Subscription`] does not end it.
    ///
    /// Observers are told in the order in which they were made, and may do anything: read, write, subscribe,
    /// unsubscribe, dispose the store. What they write is visible at once; its observers run after the current round.
    ///
    /// # Panics
    /// If `reacton` is a local of another store, or was removed. A panic in `f` does not keep others from being
    /// told; it reaches whoever wrote.
    #[track_caller]
    pub fn subscribe<R: Readable>(
        &self,
        reacton: &R,
        f: impl FnMut(&ReactonStore, &R::Value) + 'static,
    ) -> Subscription {
        self.hear(reacton, f).0
    }

    /// As [`subscribe`](Self::subscribe), and calls `f` at once with the current value.
    ///
    /// # Panics
    /// As [`subscribe`](Self::subscribe) does, and with a panic of the first call, after which there is no subscription.
    #[track_caller]
    pub fn watch<R: Readable>(
        &self,
        reacton: &R,
        f: impl FnMut(&ReactonStore, &R::Value) + 'static,
    ) -> Subscription {
        let (subscription, observer) = self.hear(reacton, f);
        if let Some(cell) = observer {
            self.first_run(cell);
        }
        subscription
    }

    /// Runs `f` now, and again whenever something that it read in its last run has changed.
    ///
    /// Ends as a subscription does.
    ///
    /// A run owns what is made in it: the locals, computeds, subscriptions and effects that it makes by
    /// [`Reader::store`] are removed before the next run, and when the effect ends. What is to outlive the run is made
    /// outside of it, or in [`untracked_root`](Self::untracked_root).
    ///
    /// # Panics
    /// With a panic of the first run, after which there is no effect. A later panic reaches whoever wrote.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// let store = ReactonStore::new();
    /// let (verbose, detail) = (store.reacton(false), store.reacton(1));
    /// store.effect(move |cx| {
    ///     if cx.get(&verbose) {
    ///         println!("{}", cx.get(&detail));
    ///     }
    /// });
    /// store.set(&detail, 2); // nothing: it was not read
    /// store.set(&verbose, true); // prints 2
    /// ```
    #[track_caller]
    pub fn effect(&self, f: impl FnMut(&Reader<'_>) + 'static) -> Subscription {
        if self.is_over() {
            return Subscription::ended(self);
        }
        let made_at = Some(Value::MadeAt(Location::caller()));
        let cell = self.add_observer(Body::Effect(Some(Box::new(f))), made_at);
        self.first_run(cell);
        Subscription::to(self, cell)
    }

    /// Adds an observer, which the run that is going on owns.
    #[inline]
    fn add_observer(&self, body: Body, value: Option<Value>) -> CellId {
        let mut graph = self.graph();
        let cell = graph.add_observer(body, value);
        graph.add_to_run(cell);
        cell
    }

    #[track_caller]
    fn hear<R: Readable>(
        &self,
        reacton: &R,
        f: impl FnMut(&ReactonStore, &R::Value) + 'static,
    ) -> (Subscription, Option<CellId>) {
        let mut f = Kept::new(f);
        let mut held = HeldMember { store: self, cell: None };
        let (Some(source), Some(mut f)) = (self.audible_cell(reacton, &mut held), f.take()) else {
            return (Subscription::ended(self), None);
        };
        let hear = move |store: &Self, value: &Value| f(store, store.expect_value(value));
        let cell = self.add_observer(Body::Hearing(Some(Box::new(hear))), None);
        self.graph().observe(cell, source);
        (Subscription::to(self, cell), Some(cell))
    }

    /// The cell of `reacton`, up to date: a computed has to have a value before it can be heard to change. `None` if the
    /// computation, which is user code, has disposed the store.
    #[track_caller]
    fn audible_cell(&self, reacton: &impl Readable, held: &mut HeldMember<'_>) -> Option<CellId> {
        let Place(source) = reacton.cell(self)?;
        if self.graph().hold(source) {
            held.cell = Some(source);
        }
        self.freshen_if_marked(source);
        if self.is_alive(source) {
            return Some(source);
        }
        // Or has removed the reacton: a static is made anew, a local says so here.
        reacton.cell(self).map(|Place(source)| source)
    }

    fn freshen_if_marked(&self, cell: CellId) {
        let graph = self.graph();
        if graph.cell(cell).is_some_and(|cell| cell.mark != Mark::Clean && !cell.running) {
            drop(self.freshen(graph, cell));
            self.settle();
        }
    }

    fn first_run(&self, cell: CellId) {
        let nested = !self.phase().may_tell();
        let (result, outermost) = self.phase().telling(|| {
            if nested {
                self.run_observer_nested(cell)
            } else {
                self.run_observer(self.graph(), cell)
            }
        });
        match result {
            Ok(()) if !outermost => {}
            Ok(()) => self.settle(),
            Err(payload) => self.end_after_panic(cell, payload, outermost),
        }
    }

    /// Ends an observer whose first run panicked, and resumes the panic.
    #[cold]
    fn end_after_panic(&self, cell: CellId, payload: Payload, outermost: bool) {
        let mut first = FirstPanic::of(payload);
        first.keep(self.end_guarded(cell).take());
        if outermost {
            first.keep(self.tell().take());
        }
        first.resume();
    }

    /// The same inside of a run or a call of another observer: with enough stack.
    #[inline(never)]
    fn run_observer_nested(&self, cell: CellId) -> Result<(), Payload> {
        let mut result = Ok(());
        self.run_nested(&mut || result = self.run_observer(self.graph(), cell))?;
        result
    }

    fn run_observer<'s>(&'s self, mut graph: Borrowed<'s>, id: CellId) -> Result<(), Payload> {
        if let Some((stamp, f)) = graph.begin_effect(id) {
            return self.run_effect(graph, id, stamp, f);
        }
        if let Some((f, value)) = graph.begin_hearing(id) {
            drop(graph);
            return self.run_hearing(id, f, value);
        }
        self.clean_and_run_observer(graph, id)
    }

    /// The same where something is left of its last run; unless it has ended, or is running.
    #[inline(never)]
    fn clean_and_run_observer(&self, graph: Borrowed<'_>, id: CellId) -> Result<(), Payload> {
        if !graph.owns(id) {
            return Ok(());
        }
        drop(graph);
        let mut first = self.end_belongings(id);
        first.keep(self.run_observer(self.graph(), id).err());
        first.take().map_or(Ok(()), Err)
    }

    fn run_effect(
        &self,
        graph: Borrowed<'_>,
        id: CellId,
        stamp: Stamp,
        mut effect: Effect,
    ) -> Result<(), Payload> {
        drop(graph);
        let reader = Reader::new(self, id, stamp);
        let result = guarded(|| effect(&reader));
        let mut graph = self.graph();
        if let Some(Body::Effect(place)) = graph.finish(id).map(|cell| &mut cell.body) {
            *place = Some(effect);
            return result;
        }
        drop(graph);
        drop_ended(effect, result)
    }

    fn run_hearing(&self, id: CellId, mut f: Hearing, value: Option<Value>) -> Result<(), Payload> {
        let result = value.map_or(Ok(()), |value| {
            guarded(|| {
                // If the observer panics, it may have been the last to hold it.
                let lent = Lent::<Value>::new(value);
                f(self, &lent);
            })
        });
        let mut graph = self.graph();
        if let Some(Body::Hearing(place)) = graph.cell_mut(id).map(|cell| &mut cell.body) {
            *place = Some(f);
            return result;
        }
        drop(graph);
        drop_ended(f, result)
    }

    /// Tells the observers that are queued, and resumes the first panic among them, unless the thread unwinds already.
    pub(crate) fn settle(&self) {
        self.tell().resume();
    }

    /// Tells the observers that are queued, round after round, and gives the first panic among them.
    /// Does nothing inside a batch, a computed or a round: whoever is outermost does it.
    pub(crate) fn tell(&self) -> FirstPanic {
        let mut first = FirstPanic::NONE;
        if !self.phase().may_tell() {
            return first;
        }
        if self.graph_ref().is_settled() {
            self.notify_if_refused();
            return first;
        }
        let mut gave_up = false;
        for _ in 0..self.phase().limit() {
            let (rounds, _) = self.phase().telling(|| self.rounds(&mut first));
            // Not the first time: the panic hook may have written.
            let is_over = rounds.is_err() && gave_up;
            gave_up |= rounds.is_err();
            first.keep(rounds.err());
            let mut graph = self.graph();
            if graph.is_settled() {
                break;
            }
            let forgotten = graph.take_derived();
            drop(graph);
            first.drop_each(forgotten);
            // What that ends may write in its cleanups.
            self.end_cells(&mut first);
            if is_over || self.graph_ref().queue.is_empty() {
                break;
            }
        }
        self.notify_if_refused();
        first
    }

    /// Wakes again what was woken inside of what has ended now, and was refused a turn.
    #[inline]
    pub(crate) fn notify_if_refused(&self) {
        if self.turn_state().has_refused() && !self.phase().is_busy() {
            self.notify_refused();
        }
    }

    /// After how many rounds, 100,000 by default, observers count as never settling; then whoever wrote gets a panic that
    /// names what they write.
    ///
    /// What observers write is told in the next round. A subscriber that does one piece of work and writes "one less" needs a
    /// round for each piece. The same limit holds for a commit and for drops of values whose `Drop` writes.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// let store = ReactonStore::new();
    /// store.set_max_rounds(1_000_000);
    /// let left = store.reacton(0);
    /// store.subscribe(&left, move |store, n| if *n > 0 { store.set(&left, n - 1) });
    /// store.set(&left, 200_000);
    /// assert_eq!(store.get(&left), 0);
    /// ```
    pub fn set_max_rounds(&self, rounds: u32) {
        self.phase().set_limit(rounds);
    }

    fn rounds(&self, first: &mut FirstPanic) -> Result<(), Payload> {
        let limit = self.phase().limit();
        let plain = DOUBTFUL_ROUNDS.min(limit.saturating_sub(NAMED_ROUNDS));
        let mut observers = Vec::new();
        for _ in 0..plain {
            if !self.graph().next_round(&mut observers) {
                return Ok(());
            }
            for &(_, observer) in &observers {
                // Checking runs computeds only, and these keep their panics to themselves.
                let (graph, has_news) = self.observer_has_news(self.graph(), observer);
                if has_news && let Err(payload) = self.run_observer(graph, observer) {
                    first.keep(payload);
                }
            }
        }
        self.many_rounds(first, observers, plain, limit)
    }

    /// The rounds from `plain` on: what is heard in some of them is noted, for a warning and for a message.
    #[cold]
    fn many_rounds(
        &self,
        first: &mut FirstPanic,
        mut observers: Vec<(u64, CellId)>,
        plain: u32,
        limit: u32,
    ) -> Result<(), Payload> {
        let mut changed = Vec::new();
        let mut sources = Vec::new();
        for round in plain..limit {
            if !self.graph().next_round(&mut observers) {
                return Ok(());
            }
            let is_doubtful = round == DOUBTFUL_ROUNDS;
            let is_last = round + 1 == limit;
            let is_named = round.saturating_add(NAMED_ROUNDS) >= limit;
            for &(_, observer) in &observers {
                let (graph, has_news) = self.has_news(self.graph(), observer);
                if !has_news {
                    continue;
                }
                if is_doubtful || is_last {
                    sources.extend(graph.changed_sources(observer));
                }
                if is_named {
                    let sources = graph.changed_sources(observer).into_iter();
                    changed.extend(sources.map(|source| graph.name(source).into_owned()));
                }
                if let Err(payload) = self.run_observer(graph, observer) {
                    first.keep(payload);
                }
            }
            if is_doubtful && !is_last {
                self.warn_of_unequal(&std::mem::take(&mut sources));
            }
        }
        if self.graph_ref().queue.is_empty() {
            return Ok(());
        }
        let written = names(changed.into_iter());
        let odd = self.unequal_to_themselves(&sources);
        let advice = if odd.is_empty() {
            "write only when the value is not yet what it should be, or allow more with `set_max_rounds`".into()
        } else {
            format!("{odd} {UNEQUAL}")
        };
        Err(self.give_up(&format!(
            "observers never settle: after {limit} rounds they still write to what they hear: `{written}`; {advice}"
        )))
    }

    /// Work that ends may take many rounds, also on values that do not equal themselves: so this is a warning.
    #[cold]
    fn warn_of_unequal(&self, sources: &[CellId]) {
        let odd = self.unequal_to_themselves(sources);
        if !odd.is_empty() && !self.graph_ref().queue.is_empty() {
            tracing::warn!(
                "observers have not settled after {DOUBTFUL_ROUNDS} rounds: {odd} {UNEQUAL}"
            );
        }
    }

    /// The names of those that hold a value that does not equal itself, though it is compared.
    fn unequal_to_themselves(&self, sources: &[CellId]) -> String {
        let mut odd = Vec::new();
        for id in sources {
            let found = self.graph_ref().cell(*id).and_then(|cell| {
                let source = cell.body.source().filter(|source| source.is_compared())?;
                Some((source.clone(), cell.value.clone()?))
            });
            let Some((source, value)) = found else { continue };
            let mut panicked = FirstPanic::NONE;
            if panicked.guard(|| source.same_held(&value, &value)) == Some(false) {
                odd.push(format!("`{}`", self.graph_ref().name(*id)));
            }
            panicked.forget();
        }
        odd.sort_unstable();
        odd.dedup();
        odd.join(", ")
    }

    fn give_up(&self, words: &str) -> Payload {
        let observers = std::mem::take(&mut self.graph().queue);
        for (_, observer) in &observers {
            // Nothing marked may be left above what is not: a later change would stop there.
            let marked = self.graph_ref().marked_sources(*observer);
            for source in marked {
                drop(self.freshen(self.graph(), source));
            }
        }
        let mut graph = self.graph();
        for (_, observer) in observers {
            if let Some(cell) = graph.cell_mut(observer) {
                cell.mark = Mark::Clean;
            }
        }
        drop(graph);
        // Raised here, so that the panic hook sees it like any other; it goes on once the round is closed.
        let raised: Result<(), Payload> = guarded(|| panic!("{words}"));
        raised.err().unwrap_or_else(|| Box::new(()))
    }
}

/// Drops what an observer ran that was ended meanwhile, or what it heard. Returns the first panic: that of its run.
fn drop_ended<F>(f: F, result: Result<(), Payload>) -> Result<(), Payload> {
    match (result, guarded(|| drop(f))) {
        (Err(first), Err(second)) => {
            panics::discard(second);
            Err(first)
        }
        (result, dropped) => result.and(dropped),
    }
}

impl Graph {
    /// Fills `round` with the observers that are queued, in the order in which they were made. `false` if there are
    /// none; then the memory of the last round is kept for the next.
    fn next_round(&mut self, round: &mut Vec<(u64, CellId)>) -> bool {
        round.clear();
        if self.queue.is_empty() {
            if self.queue.capacity() < round.capacity() {
                std::mem::swap(round, &mut self.queue);
            }
            return false;
        }
        std::mem::swap(round, &mut self.queue);
        round.sort_unstable_by_key(|(age, _)| *age);
        true
    }

    /// Begins a run of an effect, and takes out what it runs. `None` if it is no effect, has ended, is running, or
    /// something is left of its last run.
    #[inline]
    fn begin_effect(&mut self, id: CellId) -> Option<(Stamp, Effect)> {
        let is_idle = |cell: &Cell| matches!(cell.body, Body::Effect(Some(_)));
        let (stamp, cell) = self.begin(id, is_idle)?;
        match &mut cell.body {
            Body::Effect(effect) => Some((stamp, effect.take()?)),
            _ => None,
        }
    }

    /// Takes out what a subscription runs, and the value that it hears.
    fn begin_hearing(&mut self, id: CellId) -> Option<(Hearing, Option<Value>)> {
        let Body::Hearing(f) = &mut self.cell_mut(id)?.body else { return None };
        let f = f.take()?;
        let source = self.see_only_source(id);
        Some((f, source.and_then(|source| self.cell(source)?.value.clone())))
    }
}

/// A handle to an observer. Dropping it does not end the observer: see [`scoped`](Self::scoped).
#[derive(Debug)]
pub struct Subscription {
    store: WeakStore,
    target: Target,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    Observer(CellId),
    Waker(u64),
    Ended,
}

impl Subscription {
    fn to(store: &ReactonStore, cell: CellId) -> Self {
        Self { store: store.downgrade(), target: Target::Observer(cell) }
    }

    fn ended(store: &ReactonStore) -> Self {
        Self { store: store.downgrade(), target: Target::Ended }
    }

    pub(crate) fn to_waker(store: &ReactonStore, waker: u64) -> Self {
        Self { store: store.downgrade(), target: Target::Waker(waker) }
    }

    /// The cell of the observer, by which the store can end it.
    pub(crate) fn observer(&self) -> Option<CellId> {
        match self.target {
            Target::Observer(cell) => Some(cell),
            Target::Waker(_) | Target::Ended => None,
        }
    }

    /// Ends the observer: it is not called again, in the current round either, and its closure is dropped.
    pub fn unsubscribe(self) {
        self.end();
    }

    /// A subscription that ends when it is dropped.
    pub fn scoped(self) -> ScopedSubscription {
        ScopedSubscription { subscription: self }
    }

    fn end(&self) {
        let Some(store) = self.store.upgrade() else {
            return;
        };
        match self.target {
            Target::Observer(cell) => store.end(cell),
            Target::Waker(waker) => store.inbox().remove_callback(waker),
            Target::Ended => {}
        }
    }
}

/// A subscription that ends when it is dropped.
#[derive(Debug)]
#[must_use = "the subscription ends when this is dropped"]
pub struct ScopedSubscription {
    subscription: Subscription,
}

impl Drop for ScopedSubscription {
    fn drop(&mut self) {
        self.subscription.end();
    }
}
