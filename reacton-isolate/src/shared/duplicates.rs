//! Finds in a list two paths to one reacton, or two reactons with one id, which the tokens alone do not show.

use super::SharedSlot;

/// Marks an empty place of the hash table in [`SharedSlot::firsts`].
const EMPTY: usize = usize::MAX;

impl SharedSlot {
    /// For each slot, the index of the first one that has the same id: its own index, if there is no earlier one.
    ///
    /// A hash table of `PLACES` places with open addressing, filled while the program is compiled. So the time is linear
    /// in the number of slots, and far from the limit that the compiler sets to one evaluation.
    ///
    /// # Panics
    /// If there are not `LEN` slots, or not more places than slots.
    #[doc(hidden)]
    #[must_use]
    pub const fn firsts<const LEN: usize, const PLACES: usize>(slots: &[Self]) -> [usize; LEN] {
        assert!(slots.len() == LEN && LEN < PLACES, "a table with room for each slot");
        let mut table = [EMPTY; PLACES];
        let mut firsts = [EMPTY; LEN];
        let mut at = 0;
        while at < LEN {
            let id = slots[at].rref.id();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the remainder is less than a `usize`"
            )]
            let mut place = (id.as_u64() % PLACES as u64) as usize;
            while table[place] != EMPTY && !slots[table[place]].rref.id().same(id) {
                place = (place + 1) % PLACES;
            }
            if table[place] == EMPTY {
                table[place] = at;
            }
            firsts[at] = table[place];
            at += 1;
        }
        firsts
    }

    /// Fails the evaluation of a constant if an earlier slot has the id of the one at `at`. `firsts` are those of the
    /// list, and `names` its elements.
    ///
    /// # Panics
    /// While the program is compiled, with a message that names both.
    #[doc(hidden)]
    #[track_caller]
    pub const fn reject_duplicate(firsts: &[usize], at: usize, names: &[&str]) {
        if firsts[at] < at {
            let both = Message::of("`").and(names[firsts[at]]).and("` and `").and(names[at]);
            let message = both.and(
                "` are one reacton, or two with one id: remove one of them, or give one of the two another `id`",
            );
            panic!("{}", message.text());
        }
    }
}

/// A text that is built at compile time, where formatting is not available.
pub(crate) struct Message {
    bytes: [u8; 1024],
    len: usize,
}

impl Message {
    pub(crate) const fn of(text: &str) -> Self {
        Self { bytes: [0; 1024], len: 0 }.and(text)
    }

    /// Appends `text`, or as much of it as has room.
    pub(crate) const fn and(mut self, text: &str) -> Self {
        let (text, mut next) = (text.as_bytes(), 0);
        while next < text.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = text[next];
            self.len += 1;
            next += 1;
        }
        self
    }

    pub(crate) const fn text(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            // The names were cut in the middle of a character.
            Err(_) => "two reactons of the list are one, or have one id",
        }
    }
}

#[cfg(test)]
mod tests {
    use reacton_core::Reacton;

    use super::*;

    static A: Reacton<u8> = Reacton::<u8>::__new("duplicates::A", || 0);
    static B: Reacton<u8> = Reacton::<u8>::__new("duplicates::B", || 0);
    static C: Reacton<u8> = Reacton::<u8>::__new("duplicates::C", || 0);

    #[test]
    fn each_slot_has_the_index_of_the_first_of_its_id() {
        const FIRSTS: [usize; 5] = SharedSlot::firsts::<5, 10>(&[
            SharedSlot::of(&A),
            SharedSlot::of(&B),
            SharedSlot::of(&A),
            SharedSlot::of(&C),
            SharedSlot::of(&B),
        ]);
        assert_eq!(FIRSTS, [0, 1, 0, 3, 1]);
    }

    #[test]
    fn slots_whose_ids_meet_in_one_place_are_told_apart() {
        let slots = [&A, &B, &C, &B, &C].map(SharedSlot::of);
        // With one place more than slots, most of them collide.
        assert_eq!(SharedSlot::firsts::<5, 6>(&slots), [0, 1, 2, 1, 2]);
    }

    #[test]
    fn a_message_is_cut_where_it_has_no_room() {
        const SHORT: Message = Message::of("`").and("größe").and("` and ..");
        assert_eq!(SHORT.text(), "`größe` and ..");
        let long = "x".repeat(2000);
        assert_eq!(Message::of("`").and(&long).and("`").text(), format!("`{}", "x".repeat(1023)));
        let long = "ö".repeat(2000);
        assert!(Message::of("`").and(&long).text().starts_with("two reactons"));
    }
}
