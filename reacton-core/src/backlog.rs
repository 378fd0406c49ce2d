//! A queue that frees the memory of a long backlog once it is empty.

use std::collections::VecDeque;
use std::ops::Deref;

/// A queue whose memory does not stay what its longest backlog took.
///
/// When it is empty, a large capacity is freed at once. A capacity of some kilobytes is kept. One in between is kept as long as it
/// is used: otherwise a queue that fills up again and again would allocate each time.
#[derive(Debug)]
pub struct Backlog<T> {
    items: VecDeque<T>,
    /// The greatest length since it was empty.
    peak: usize,
    /// How many times in a row it became empty without having used its capacity.
    calm: u8,
}

/// The memory is freed after it became empty this many times without using its capacity.
const CALM: u8 = 8;

impl<T> Backlog<T> {
    /// The number of items whose memory is kept.
    const KEPT: usize = {
        let size = if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
        64 * 1024 / size
    };
    /// Memory for more items is freed immediately.
    const LARGE: usize = 16 * Self::KEPT;

    /// Adds an item behind the others.
    pub fn push_back(&mut self, item: T) {
        self.items.push_back(item);
        self.peak = self.peak.max(self.items.len());
    }

    /// Adds an item in front of the others.
    pub fn push_front(&mut self, item: T) {
        self.items.push_front(item);
        self.peak = self.peak.max(self.items.len());
    }

    /// Takes the first item out.
    #[inline]
    pub fn pop_front(&mut self) -> Option<T> {
        let item = self.items.pop_front();
        if item.is_some() && self.items.is_empty() && self.items.capacity() > Self::KEPT {
            self.free();
        }
        item
    }

    /// The item at this place.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.items.get_mut(place)
    }

    /// Takes all items out.
    pub fn take(&mut self) -> VecDeque<T> {
        std::mem::take(self).items
    }

    #[cold]
    fn free(&mut self) {
        let capacity = self.items.capacity();
        self.calm = if self.peak > capacity / 4 { 0 } else { self.calm + 1 };
        if capacity > Self::LARGE || self.calm == CALM {
            self.items = VecDeque::new();
            self.calm = 0;
        }
        self.peak = 0;
    }
}

impl<T> Default for Backlog<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), peak: 0, calm: 0 }
    }
}

impl<T> Extend<T> for Backlog<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.items.extend(items);
        self.peak = self.peak.max(self.items.len());
    }
}

impl<T> Deref for Backlog<T> {
    type Target = VecDeque<T>;

    fn deref(&self) -> &VecDeque<T> {
        &self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: usize = Backlog::<u64>::KEPT;
    const LARGE: usize = Backlog::<u64>::LARGE;

    fn fill_and_empty(queue: &mut Backlog<u64>, count: usize) {
        queue.extend(0..count as u64);
        for n in 0..count as u64 {
            assert_eq!(queue.pop_front(), Some(n));
        }
        assert_eq!(queue.pop_front(), None);
    }

    #[test]
    fn a_long_backlog_is_freed_when_it_is_empty() {
        let mut queue = Backlog::default();
        fill_and_empty(&mut queue, 10 * LARGE);
        assert_eq!(queue.capacity(), 0);
        (0..=2 * LARGE as u64).for_each(|n| queue.push_back(n));
        assert!((0..=2 * LARGE as u64).all(|n| queue.pop_front() == Some(n)));
        assert_eq!(queue.capacity(), 0);
    }

    #[test]
    fn what_is_used_is_kept_and_what_is_used_no_more_is_freed() {
        let mut queue = Backlog::default();
        for _ in 0..100 {
            fill_and_empty(&mut queue, 4 * KEPT);
            assert!(queue.capacity() >= 4 * KEPT);
        }
        for _ in 0..CALM {
            assert!(queue.capacity() >= 4 * KEPT);
            fill_and_empty(&mut queue, 10);
        }
        assert!(queue.capacity() <= KEPT);
        for _ in 0..100 {
            fill_and_empty(&mut queue, KEPT / 2);
            assert!(queue.capacity() >= KEPT / 2);
        }
    }
}
