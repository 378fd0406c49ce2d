//! Observers: who is told of a change, in which order, and what happens when one of them panics.

use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};

use crate::access::Readable;
use crate::access::sealed::Place;
use crate::derive::{Borrowed, Payload};
use crate::graph::{Body, CellId, Effect, EffectBody, Graph, Hearing, Mark, Stamp};
use crate::reader::Reader;
use crate::store::{ReactonStore, WeakStore};
use crate::value::Value;

/// Rounds after which observers count as never settling.
const MAX_ROUNDS: usize = 10_000;

/// After so many rounds it is asked whether they go on because a value does not equal itself.
const DOUBTFUL_ROUNDS: usize = 500;

/// Of these last rounds the reactons are named.
const NAMED_ROUNDS: usize = 8;

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
        let effect = EffectBody::Idle(Box::new(Located { f, made_at: Location::caller() }));
        let (cell, _) = self.add_cell(Body::Effect(effect), None);
        self.first_run(cell);
        Subscription::to(self, cell)
    }

    #[track_caller]
    fn hear<R: Readable>(
        &self,
        reacton: &R,
        mut f: impl FnMut(&ReactonStore, &R::Value) + 'static,
    ) -> (Subscription, Option<CellId>) {
        let Some(Place(source)) = reacton.cell(self) else {
            return (Subscription::ended(self), None);
        };
        // A computed has to have a value before it can be heard to change.
        self.freshen_if_marked(source);
        let hear = move |store: &Self, value: &Value| f(store, store.expect_value(value));
        let (cell, _) = self.add_cell(Body::Hearing(Some(Box::new(hear))), None);
        self.graph().observe(cell, source);
        (Subscription::to(self, cell), Some(cell))
    }

    fn freshen_if_marked(&self, cell: CellId) {
        let graph = self.graph();
        if graph.cell(cell).is_some_and(|cell| cell.mark != Mark::Clean && !cell.running) {
            drop(self.freshen(graph, cell));
            self.settle();
        }
    }

    fn first_run(&self, cell: CellId) {
        let (result, outermost) = self.phase().telling(|| self.run_observer(self.graph(), cell));
        let failed = result.err().inspect(|_| self.end(cell));
        let told = if outermost { self.tell() } else { None };
        if let Some(payload) = failed.or(told) {
            resume_unwind(payload);
        }
    }

    fn run_observer<'s>(&'s self, mut graph: Borrowed<'s>, id: CellId) -> Result<(), Payload> {
        if let Some((stamp, f)) = graph.begin_effect(id) {
            return self.run_effect(graph, id, stamp, f);
        }
        if let Some((f, value)) = graph.begin_hearing(id) {
            drop(graph);
            return self.run_hearing(id, f, value);
        }
        // Something is left of its last run; unless it has ended, or is running.
        if !graph.owns(id) {
            return Ok(());
        }
        drop(graph);
        let cleaned = self.end_belongings(id);
        let result = self.run_observer(self.graph(), id);
        cleaned.map_or(result, Err)
    }

    fn run_effect(
        &self,
        graph: Borrowed<'_>,
        id: CellId,
        stamp: Stamp,
        mut f: Box<dyn Effect>,
    ) -> Result<(), Payload> {
        drop(graph);
        let result = catch_unwind(AssertUnwindSafe(|| f.run(&Reader::new(self, id, stamp))));
        let mut graph = self.graph();
        if let Some(Body::Effect(place)) = graph.finish(id).map(|cell| &mut cell.body) {
            *place = EffectBody::Idle(f);
            return result;
        }
        drop(graph);
        result.and(drop_ended(f))
    }

    fn run_hearing(&self, id: CellId, mut f: Hearing, value: Option<Value>) -> Result<(), Payload> {
        let result = value.map_or(Ok(()), |value| {
            catch_unwind(AssertUnwindSafe(|| {
                f(self, &value);
                drop(value);
            }))
        });
        let mut graph = self.graph();
        if let Some(Body::Hearing(place)) = graph.cell_mut(id).map(|cell| &mut cell.body) {
            *place = Some(f);
            return result;
        }
        drop(graph);
        result.and(drop_ended(f))
    }

    /// Tells the observers that are queued, and resumes the first panic among them.
    pub(crate) fn settle(&self) {
        if let Some(payload) = self.tell() {
            resume_unwind(payload);
        }
    }

    /// Tells the observers that are queued, round after round, and gives the first panic among them.
    /// Does nothing inside a batch, a computed or a round: whoever is outermost does it.
    pub(crate) fn tell(&self) -> Option<Payload> {
        if !self.phase().may_tell() {
            return None;
        }
        if self.graph_ref().is_settled() {
            self.ring_if_refused();
            return None;
        }
        let mut first = None;
        let (rounds, _) = self.phase().telling(|| self.rounds(&mut first));
        let mut graph = self.graph();
        if !graph.is_settled() {
            let forgotten = graph.take_derived();
            drop(graph);
            drop(forgotten);
            self.end_cells();
        }
        self.ring_if_refused();
        first.or(rounds.err())
    }

    /// Wakes whoever was woken in the middle of what has ended now, and was refused a turn.
    #[inline]
    pub(crate) fn ring_if_refused(&self) {
        if self.inbox().has_refused() && !self.phase().is_busy() {
            self.inbox().ring_again();
        }
    }

    fn rounds(&self, first: &mut Option<Payload>) -> Result<(), Payload> {
        let mut names = Vec::new();
        let mut observers = Vec::new();
        let mut sources = Vec::new();
        for round in 0..MAX_ROUNDS {
            if !self.graph().next_round(&mut observers) {
                return Ok(());
            }
            for &(_, observer) in &observers {
                // Checking runs computeds only, and these keep their panics to themselves.
                let (graph, has_news) = self.has_news(self.graph(), observer);
                if !has_news {
                    continue;
                }
                if round == DOUBTFUL_ROUNDS {
                    sources.extend(graph.changed_sources(observer));
                }
                if round + NAMED_ROUNDS >= MAX_ROUNDS {
                    let changed = graph.changed_sources(observer).into_iter();
                    names.extend(changed.map(|source| graph.name(source).into_owned()));
                }
                if let Err(payload) = self.run_observer(graph, observer) {
                    first.get_or_insert(payload);
                }
            }
            let odd = self.unequal_to_themselves(&std::mem::take(&mut sources));
            if !odd.is_empty() && !self.graph().queue.is_empty() {
                return Err(self.give_up(&format!(
                    "observers never settle: {odd} holds a value that does not equal itself, such as a struct with a NaN in it, so that \
                     each write of it is a change; compare its values in a way of your own, by `#[reacton(eq = my_function)]` or \
                     `reacton_with`"
                )));
            }
        }
        names.sort_unstable();
        names.dedup();
        Err(self.give_up(&format!(
            "observers never settle: after {MAX_ROUNDS} rounds they still write to what they hear: `{}`; \
             write only when the value is not yet what it should be",
            names.join("`, `"),
        )))
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
            let same = catch_unwind(AssertUnwindSafe(|| source.same_held(&value, &value)));
            if matches!(same, Ok(false)) {
                odd.push(format!("`{}`", self.graph_ref().name(*id)));
            }
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
        let raised: Result<(), Payload> = catch_unwind(|| panic!("{words}"));
        raised.err().unwrap_or_else(|| Box::new(()))
    }
}

/// The closure of an effect, and the place of the call that made the effect.
struct Located<F> {
    f: F,
    made_at: &'static Location<'static>,
}

impl<F: FnMut(&Reader<'_>)> Effect for Located<F> {
    fn run(&mut self, reader: &Reader<'_>) {
        (self.f)(reader);
    }

    fn made_at(&self) -> &'static Location<'static> {
        self.made_at
    }
}

/// Drops what an observer ran that was ended meanwhile.
fn drop_ended<F>(f: F) -> Result<(), Payload> {
    catch_unwind(AssertUnwindSafe(|| drop(f)))
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
    fn begin_effect(&mut self, id: CellId) -> Option<(Stamp, Box<dyn Effect>)> {
        let Body::Effect(EffectBody::Idle(_)) = self.cell(id)?.body else { return None };
        let (stamp, cell) = self.begin(id)?;
        let Body::Effect(body) = &mut cell.body else { return None };
        let running = EffectBody::Running(body.made_at());
        match std::mem::replace(body, running) {
            EffectBody::Idle(f) => Some((stamp, f)),
            EffectBody::Running(_) => None,
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
            Target::Observer(cell) => {
                store.end(cell);
                store.settle();
            }
            Target::Waker(waker) => store.inbox().forget_waker(waker),
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
