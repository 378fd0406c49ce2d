//! Finds in a list two paths to one reacton, or two reactons with one id, which the tokens alone do not show.

use crate::id::ReactonRef;

/// Marks an empty place of the hash table in [`firsts`].
const EMPTY: usize = usize::MAX;

/// For each ref, the index of the first one that has the same id: its own index, if there is no earlier one.
///
/// A hash table of `PLACES` places with open addressing, filled while the program is compiled. So the time is linear
/// in the number of refs, and far from the limit that the compiler sets to one evaluation.
///
/// # Panics
/// If there are not more places than refs.
#[must_use]
pub const fn firsts<const LEN: usize, const PLACES: usize>(
    refs: &[ReactonRef; LEN],
) -> [usize; LEN] {
    assert!(LEN < PLACES, "a table with room for each");
    let mut table = [EMPTY; PLACES];
    let mut firsts = [EMPTY; LEN];
    let mut at = 0;
    while at < LEN {
        let id = refs[at].id();
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is less than a `usize`")]
        let mut place = (id.as_u64() % PLACES as u64) as usize;
        while table[place] != EMPTY && !refs[table[place]].id().same(id) {
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

/// One element of a list: a reacton, or a group that is spread.
#[derive(Debug, Clone, Copy)]
pub struct ListPart {
    /// As it is written.
    name: &'static str,
    /// How many reactons it is.
    len: usize,
    is_group: bool,
}

impl ListPart {
    /// A reacton.
    #[must_use]
    pub const fn one(name: &'static str) -> Self {
        Self { name, len: 1, is_group: false }
    }

    /// A group of so many.
    #[must_use]
    pub const fn group(name: &'static str, len: usize) -> Self {
        Self { name, len, is_group: true }
    }

    /// How many reactons all of them are.
    #[must_use]
    pub const fn count(parts: &[Self]) -> usize {
        let (mut at, mut count) = (0, 0);
        while at < parts.len() {
            count += parts[at].len;
            at += 1;
        }
        count
    }

    /// The index of the first reacton of the part at `index`.
    const fn start(parts: &[Self], index: usize) -> usize {
        Self::count(parts.split_at(index).0)
    }

    /// The part in which the reacton at `at` is.
    const fn of(parts: &[Self], at: usize) -> &Self {
        let mut index = 0;
        while Self::start(parts, index + 1) <= at {
            index += 1;
        }
        &parts[index]
    }

    /// Fails the evaluation of a constant if a reacton of the part at `index` has the id of an earlier one. `firsts` are those of
    /// `refs`, which are the reactons of all parts.
    ///
    /// # Panics
    /// While the program is compiled, with a message that names both.
    #[track_caller]
    pub const fn reject_repeated(
        parts: &[Self],
        index: usize,
        refs: &[ReactonRef],
        firsts: &[usize],
    ) {
        let mut at = Self::start(parts, index);
        while at < Self::start(parts, index + 1) {
            if firsts[at] < at {
                let first = Self::of(parts, firsts[at]);
                let both = first.named(Message::of(""), refs[firsts[at]]).and(" and ");
                repeated(Self::of(parts, at).named(both, refs[at]));
            }
            at += 1;
        }
    }

    /// Appends the name of a reacton of this part.
    const fn named(&self, message: Message, rref: ReactonRef) -> Message {
        if self.is_group {
            message.and("`").and(rref.name()).and("` of `..").and(self.name).and("`")
        } else {
            message.and("`").and(self.name).and("`")
        }
    }
}

/// Panics because of the two that `both` names.
#[track_caller]
const fn repeated(both: Message) {
    let message = both.and(
        " are one reacton, or two with one id: remove one of them, or give one of the two another `id`",
    );
    panic!("{}", message.text());
}

/// Fails the evaluation of a constant if an earlier reacton has the id of the one at `at`. `firsts` are those of the
/// list, and `names` its elements.
///
/// # Panics
/// While the program is compiled, with a message that names both.
#[track_caller]
pub const fn reject_duplicate(firsts: &[usize], at: usize, names: &[&str]) {
    if firsts[at] < at {
        let both = Message::of("`").and(names[firsts[at]]).and("` and `").and(names[at]);
        repeated(both.and("`"));
    }
}

/// A text that is built at compile time, where formatting is not available.
#[derive(Debug)]
pub struct Message {
    bytes: [u8; 1024],
    len: usize,
}

impl Message {
    /// A message that begins with `text`.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        Self { bytes: [0; 1024], len: 0 }.and(text)
    }

    /// Appends `text`, or as much of it as has room.
    #[must_use]
    pub const fn and(mut self, text: &str) -> Self {
        let (text, mut next) = (text.as_bytes(), 0);
        while next < text.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = text[next];
            self.len += 1;
            next += 1;
        }
        self
    }

    /// The text.
    #[must_use]
    pub const fn text(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            // The names were cut in the middle of a character.
            Err(_) => "two reactons of the list are one, or have one id",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RefId;

    const A: ReactonRef = ReactonRef::new(RefId::of("lists::A"), "lists::A");
    const B: ReactonRef = ReactonRef::new(RefId::of("lists::B"), "lists::B");
    const C: ReactonRef = ReactonRef::new(RefId::of("lists::C"), "lists::C");

    #[test]
    fn each_ref_has_the_index_of_the_first_of_its_id() {
        const FIRSTS: [usize; 5] = firsts::<5, 10>(&[A, B, A, C, B]);
        assert_eq!(FIRSTS, [0, 1, 0, 3, 1]);
    }

    #[test]
    fn refs_whose_ids_meet_in_one_place_are_told_apart() {
        // With one place more than refs, most of them collide.
        assert_eq!(firsts::<5, 6>(&[A, B, C, B, C]), [0, 1, 2, 1, 2]);
    }

    #[test]
    fn a_part_is_found_by_the_index_of_a_reacton() {
        let parts = [ListPart::one("A"), ListPart::group("G", 3), ListPart::one("B")];
        assert_eq!(ListPart::count(&parts), 5);
        let names: Vec<_> = (0..5).map(|at| ListPart::of(&parts, at).name).collect();
        assert_eq!(names, ["A", "G", "G", "G", "B"]);
    }

    #[test]
    #[should_panic(expected = "`lists::A` of `..G` and `C` are one reacton, or two with one id")]
    fn a_repeated_reacton_is_named_with_its_group() {
        let parts = [ListPart::group("G", 2), ListPart::one("C")];
        let refs = [A, B, A];
        ListPart::reject_repeated(&parts, 1, &refs, &firsts::<3, 6>(&refs));
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
