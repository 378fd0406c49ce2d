//! The trait of the items of an inbox.

/// An item of an inbox. The inbox itself sends two kinds of them.
pub trait InboxItem: Send {
    /// An item that does nothing: it ends a sleep, so that the store checks what it waits for.
    fn wake_up() -> Self;

    /// An item that reports the end of [pending work](crate::Mailbox::pending_work).
    fn work_ended() -> Self;
}
