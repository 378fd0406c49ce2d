//! Groups, resets, scopes and histories, G1 to G6. Each name begins with the promise it tests.

#[path = "groups/entries.rs"]
mod entries;
#[path = "groups/history.rs"]
mod history;
#[path = "groups/lists.rs"]
mod lists;
#[path = "groups/random.rs"]
mod random;
#[path = "groups/resets.rs"]
mod resets;
#[path = "groups/scopes.rs"]
mod scopes;
#[path = "groups/steps.rs"]
mod steps;

use std::cell::Cell;

use reacton::prelude::*;

thread_local! {
    /// Set where [`Odd`] cannot be compared.
    static FAILS: Cell<bool> = const { Cell::new(false) };
}

#[derive(Clone, Debug)]
struct Odd(u32);

impl PartialEq for Odd {
    fn eq(&self, other: &Self) -> bool {
        assert!(!FAILS.get(), "not comparable");
        self.0 == other.0
    }
}

#[reacton]
static ODD: Odd = Odd(0);
