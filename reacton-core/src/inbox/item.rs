//! What an inbox asks of its items.

/// What waits in an inbox. Two of its kinds are sent by the inbox itself.
pub trait InboxItem: Send {
    /// An item that does nothing: it ends a sleep, so that the store checks what it waits for.
    fn wake_up() -> Self;

    /// An item that reports the end of [pending work](crate::Mailbox::pending_work).
    fn work_ended() -> Self;
}
