//! The items by which a member reports that the statistics of its pool have changed, and that it cannot be sent a job.

use std::any::Any;
use std::rc::Rc;

#[cfg(feature = "process")]
use reacton_core::Arrival;
use reacton_core::{InlineItem, InlineWords, Mailbox, ReactonStore, ReadInline};

use super::PoolShared;
#[cfg(feature = "process")]
use super::jobs::Job;
use crate::hub::Hub;

/// Reports a change of the pool with this number.
pub(super) fn report_pool(main: &Mailbox, pool: u64) {
    main.post_inline(InlineItem { words: [pool, 0, 0, 0, 0, 0, 0], reader: &Report });
}

struct Report;

impl ReadInline for Report {
    fn take_in(&self, [pool, ..]: InlineWords, store: &ReactonStore) -> usize {
        if let Some(pool) = pool_of(store, pool) {
            pool.show_progress(store);
        }
        0
    }
}

/// Returns the pool with this number, if it still exists.
fn pool_of(store: &ReactonStore, number: u64) -> Option<Rc<PoolShared>> {
    let pool = Hub::find(store)?.pool(number)?;
    (pool as Rc<dyn Any>).downcast().ok()
}

/// Reports a job that has a longer value than the road to its worker takes.
#[cfg(feature = "process")]
pub(super) fn report_too_long(main: &Mailbox, pool: u64, job: Job, max_value: u64) {
    main.post(TooLong { pool, job, max_value });
}

#[cfg(feature = "process")]
struct TooLong {
    pool: u64,
    job: Job,
    max_value: u64,
}

#[cfg(feature = "process")]
impl Arrival for TooLong {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        let Self { pool, job, max_value } = *self;
        if let Some(pool) = pool_of(store, pool) {
            pool.lose_too_long(store, job, max_value);
        }
        0
    }
}
