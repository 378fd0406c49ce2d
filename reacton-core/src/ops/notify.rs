//! Rounds: queued observers are called in the order in which they were made, round after round.

use crate::graph::{CellId, Mark};
use crate::panics::{FirstPanic, PanicPayload, guarded};
use crate::store::{ReactonStore, names};

/// After this many rounds a warning names values that are not equal to themselves, if they are the reason.
const DOUBTFUL_ROUNDS: u32 = 500;

/// The text about such values.
const UNEQUAL: &str = "holds a value that does not equal itself, such as a struct with a NaN in it, so that each write of it is a \
     change; compare its values in a way of your own, by `#[reacton(eq = my_function)]` or `reacton_with`";

/// The message names the reactons of this many last rounds.
const NAMED_ROUNDS: u32 = 8;

impl ReactonStore {
    /// Calls the queued observers, and resumes the first panic among them, unless the thread already unwinds.
    pub(crate) fn flush_observers(&self) {
        self.notify_observers().resume();
    }

    /// Calls the queued observers, round after round, and returns the first panic among them. Inside a batch, a
    /// computed or a round it does nothing: the outermost call does it.
    pub(crate) fn notify_observers(&self) -> FirstPanic {
        let mut first = FirstPanic::NONE;
        if !self.phase().may_notify() {
            return first;
        }
        if self.graph_ref().is_flushed() {
            self.notify_if_refused();
            return first;
        }
        let mut gave_up = false;
        for _ in 0..self.phase().limit() {
            let (rounds, _) = self.phase().notifying(|| self.rounds(&mut first));
            // There is one more round after giving up, because the panic hook may have written.
            let is_over = rounds.is_err() && gave_up;
            gave_up |= rounds.is_err();
            first.keep(rounds.err());
            let mut graph = self.graph();
            if graph.is_flushed() {
                break;
            }
            let forgotten = graph.take_derived();
            drop(graph);
            first.drop_each(forgotten);
            // Cleanups may write.
            self.end_cells(&mut first);
            if is_over || self.graph_ref().queue.is_empty() {
                break;
            }
        }
        self.notify_if_refused();
        first
    }

    /// Wakes those whose turn was refused inside of what has now ended.
    #[inline]
    pub(crate) fn notify_if_refused(&self) {
        if self.turn_state().has_refused() && !self.phase().is_busy() {
            self.notify_refused();
        }
    }

    /// Sets after how many rounds of observers the store panics, because the observers never stop writing. The default
    /// is 100,000. The call that wrote panics, and the message names the reactons that the observers write.
    ///
    /// The observers of a write by an observer are called in the next round. So an observer that counts a number of
    /// tasks down to zero needs one round for each task. The same limit applies to commits, and to drops of values
    /// whose `Drop` writes.
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

    fn rounds(&self, first: &mut FirstPanic) -> Result<(), PanicPayload> {
        let limit = self.phase().limit();
        let plain = DOUBTFUL_ROUNDS.min(limit.saturating_sub(NAMED_ROUNDS));
        let mut observers = Vec::new();
        for _ in 0..plain {
            if !self.graph().next_round(&mut observers) {
                return Ok(());
            }
            for &(_, observer) in &observers {
                // Checking runs only computeds, which store their panics.
                let (graph, has_news) = self.observer_has_news(self.graph(), observer);
                if has_news && let Err(payload) = self.run_observer(graph, observer) {
                    first.keep(payload);
                }
            }
        }
        self.many_rounds(first, observers, plain, limit)
    }

    /// The rounds from number `plain` on. Some of them record which values the observers get, for a warning and a
    /// message.
    #[cold]
    fn many_rounds(
        &self,
        first: &mut FirstPanic,
        mut observers: Vec<(u64, CellId)>,
        plain: u32,
        limit: u32,
    ) -> Result<(), PanicPayload> {
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
        Err(self.refuse_more_rounds(limit, changed, &sources))
    }

    /// Ends the rounds with a panic that names these reactons, which the last rounds changed, and these cells.
    fn refuse_more_rounds(
        &self,
        limit: u32,
        changed: Vec<String>,
        sources: &[CellId],
    ) -> PanicPayload {
        let written = names(changed.into_iter());
        let odd = self.unequal_to_themselves(sources);
        let advice = if odd.is_empty() {
            "write only when the value is not yet what it should be, or allow more with `set_max_rounds`".into()
        } else {
            format!("{odd} {UNEQUAL}")
        };
        self.give_up(&format!(
            "observers never settle: after {limit} rounds they still write to what they observe: `{written}`; {advice}"
        ))
    }

    /// Only a warning, because work that ends may also take many rounds on such values.
    #[cold]
    fn warn_of_unequal(&self, sources: &[CellId]) {
        let odd = self.unequal_to_themselves(sources);
        if !odd.is_empty() && !self.graph_ref().queue.is_empty() {
            tracing::warn!(
                "observers have not settled after {DOUBTFUL_ROUNDS} rounds: {odd} {UNEQUAL}"
            );
        }
    }

    /// The names of those whose value is compared and does not equal itself.
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

    fn give_up(&self, words: &str) -> PanicPayload {
        let observers = std::mem::take(&mut self.graph().queue);
        for (_, observer) in &observers {
            // A marked cell must not lie upstream of an unmarked one: a later change would stop there.
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
        // Raised here, so that the panic hook sees it; resumed once the round is over.
        let raised: Result<(), PanicPayload> = guarded(|| panic!("{words}"));
        raised.err().unwrap_or_else(|| Box::new(()))
    }
}
