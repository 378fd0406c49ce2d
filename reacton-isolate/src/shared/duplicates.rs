//! What tokens cannot tell of a list: whether two paths lead to one reacton, or to two of one id.

use super::SharedSlot;

impl SharedSlot {
    /// Fails the evaluation of a constant if a slot before `at` has the id of the one there. `names` are those in the
    /// list.
    ///
    /// # Panics
    /// While the program is compiled, with a message that names both.
    #[doc(hidden)]
    #[track_caller]
    pub const fn reject_duplicate(slots: &[Self], at: usize, names: &[&str]) {
        let mut before = 0;
        while before < at {
            if slots[before].rref.id().same(slots[at].rref.id()) {
                let both = Message::of("`").and(names[before]).and("` and `").and(names[at]);
                let message = both.and(
                    "` are one reacton, or two with one id: remove one of them, or give one of the two another `id`",
                );
                panic!("{}", message.text());
            }
            before += 1;
        }
    }
}

/// A text that is put together while the program is compiled, where nothing formats.
struct Message {
    bytes: [u8; 1024],
    len: usize,
}

impl Message {
    const fn of(text: &str) -> Self {
        Self { bytes: [0; 1024], len: 0 }.and(text)
    }

    /// Followed by `text`, or by as much of it as has room.
    const fn and(mut self, text: &str) -> Self {
        let (text, mut next) = (text.as_bytes(), 0);
        while next < text.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = text[next];
            self.len += 1;
            next += 1;
        }
        self
    }

    const fn text(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            // Names that long were cut in the middle of a letter.
            Err(_) => "two reactons of the list are one, or have one id",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
