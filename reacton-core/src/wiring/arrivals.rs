//! A look at the entries in the items that wait for the next turn, for the layer that joins stores.

use std::any::Any;

use super::Wiring;

impl Wiring<'_> {
    /// Calls `f` with the number of each queued item that may carry [entries](crate::Arrival::with_entries), and with the item, from the
    /// one after `seen` on. Returns the number of the last item that was taken, and that of the last one that is queued.
    pub fn look_at_arrivals(self, seen: u64, mut f: impl FnMut(u64, &dyn Any)) -> (u64, u64) {
        self.store.inbox().inspect(|items, taken| {
            let known = usize::try_from(seen.saturating_sub(taken)).unwrap_or(usize::MAX);
            let known = known.min(items.len());
            for (number, item) in (taken + 1 + known as u64..).zip(items.range(known..)) {
                if let Some(item) = item.with_entries() {
                    f(number, item);
                }
            }
            (taken, taken + items.len() as u64)
        })
    }
}
