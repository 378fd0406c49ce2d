//! The inbox: the one channel through which other threads reach a store. It does not know the store: the store applies
//! the items. `inbox/README.md` says why no wake-up is lost.

mod condition;
mod cores;
mod inspect;
mod item;
mod mailbox;
mod notifier;
mod receiver;
mod spin;
mod sync;

pub(crate) use self::item::InboxItem;
pub(crate) use self::mailbox::{Mailbox, PendingWork};
pub(crate) use self::notifier::{Callback, Registration};
pub(crate) use self::receiver::{Inbox, Waited};

#[cfg(test)]
mod tests;
