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
