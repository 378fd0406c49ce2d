//! The statistics of a worker or of a pool as a reacton of the main store, written in a turn after they have changed.
//!
//! Nothing is counted for it, and nothing is sent before a program has asked for it. From then on a change posts one note to the
//! inbox of the main store, whichever thread makes it, and no other note until that one is taken in. So however many
//! messages cross meanwhile, the reacton is written once.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicBool, Ordering};

use reacton_core::wiring::Wiring;
use reacton_core::{InlineItem, InlineWords, Mailbox, ReactonStore, ReadInline, ReadOnly};

use crate::hub::Hub;
use crate::link::LinkStats;
use crate::pool::PoolStats;
use crate::sync::LinkId;

/// A reacton that is made when it is first asked for.
pub(crate) struct Progress<T: 'static>(OnceCell<ReadOnly<T>>);

impl<T> Default for Progress<T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

impl<T: Default + PartialEq + 'static> Progress<T> {
    /// The reacton, which begins with `now`.
    pub(crate) fn of(&self, store: Option<ReactonStore>, now: impl FnOnce() -> T) -> &ReadOnly<T> {
        self.0.get_or_init(|| {
            // If the store is gone, nothing can read the reacton: it may belong to any other.
            let store = store.unwrap_or_default();
            Wiring::of(&store).read_only(now(), T::default)
        })
    }

    /// Whether it was asked for.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.get().is_some()
    }

    /// Writes it, if it was asked for.
    pub(crate) fn show(&self, store: &ReactonStore, now: impl FnOnce() -> T) {
        if let Some(progress) = self.0.get() {
            Wiring::of(store).write(*progress, now());
        }
    }

    /// Ends the reacton, after its observers have been called with what it is now.
    pub(crate) fn end(&self, store: &ReactonStore) {
        if let Some(progress) = self.0.get() {
            Wiring::of(store).end(*progress);
        }
    }
}

/// Of one link: whether a change is to be reported to the main store. The worker's end reads it.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    wanted: AtomicBool,
    /// A note is on its way.
    posted: AtomicBool,
}

impl Reports {
    pub(crate) fn want(&self) {
        self.wanted.store(true, Ordering::SeqCst);
    }

    /// Reports a change, if that is wanted and no note is on its way.
    #[inline]
    pub(crate) fn report(&self, main: &Mailbox, link: LinkId) {
        if self.wanted.load(Ordering::Relaxed) && !self.posted.swap(true, Ordering::SeqCst) {
            main.post_inline(InlineItem { words: words(link.0), reader: &OfLink });
        }
    }

    /// What has changed until now is about to be read.
    pub(crate) fn taken(&self) {
        // Acquires: what was counted before a report that was left out is read after this.
        self.posted.swap(false, Ordering::SeqCst);
    }
}

/// Reports a change of the pool of this number.
pub(crate) fn report_pool(main: &Mailbox, pool: u64) {
    main.post_inline(InlineItem { words: words(pool), reader: &OfPool });
}

fn words(number: u64) -> InlineWords {
    [number, 0, 0, 0, 0, 0, 0]
}

/// The note that the statistics of a link have changed.
struct OfLink;

impl ReadInline for OfLink {
    fn take_in(&self, [link, ..]: InlineWords, store: &ReactonStore) -> usize {
        if let Some(hub) = Hub::find(store)
            && let Some(link) = hub.link(LinkId(link))
        {
            link.show_progress(store);
        }
        0
    }
}

/// The note that the statistics of a pool have changed.
struct OfPool;

impl ReadInline for OfPool {
    fn take_in(&self, [pool, ..]: InlineWords, store: &ReactonStore) -> usize {
        if let Some(hub) = Hub::find(store)
            && let Some(crew) = hub.crew(pool)
        {
            crew.show_progress(store);
        }
        0
    }
}

/// What a worker's progress holds.
pub(crate) type OfWorker = Progress<LinkStats>;
/// What a pool's progress holds.
pub(crate) type OfJobs = Progress<PoolStats>;
