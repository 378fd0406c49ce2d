//! The files of `reacton-core/src/inbox`, with the atomics, locks and channel of this folder.

#[path = "../../../reacton-core/src/inbox/condition.rs"]
mod condition;
#[path = "../../../reacton-core/src/inbox/inspect.rs"]
mod inspect;
#[path = "../../../reacton-core/src/inbox/item.rs"]
mod item;
#[path = "../../../reacton-core/src/inbox/mailbox.rs"]
mod mailbox;
#[path = "../../../reacton-core/src/inbox/notifier.rs"]
mod notifier;
#[path = "../../../reacton-core/src/inbox/receiver.rs"]
mod receiver;
mod spin;
mod sync;

pub(crate) use self::item::InboxItem;
pub(crate) use self::mailbox::{Mailbox, PendingWork};
pub(crate) use self::notifier::{Callback, Registration};
pub(crate) use self::receiver::{Inbox, Waited};
