//! The item by which a member reports that the statistics of its pool have changed.

use std::any::Any;
use std::rc::Rc;

use reacton_core::{InlineItem, InlineWords, Mailbox, ReactonStore, ReadInline};

use super::PoolShared;
use crate::hub::Hub;

/// Reports a change of the pool with this number.
pub(super) fn report_pool(main: &Mailbox, pool: u64) {
    main.post_inline(InlineItem { words: [pool, 0, 0, 0, 0, 0, 0], reader: &Report });
}

struct Report;

impl ReadInline for Report {
    fn take_in(&self, [pool, ..]: InlineWords, store: &ReactonStore) -> usize {
        if let Some(hub) = Hub::find(store)
            && let Some(pool) = hub.pool(pool)
            && let Ok(pool) = (pool as Rc<dyn Any>).downcast::<PoolShared>()
        {
            pool.show_progress(store);
        }
        0
    }
}
