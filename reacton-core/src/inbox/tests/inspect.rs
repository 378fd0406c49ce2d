//! Tests of reading queued items without removing them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::InboxItem;

type Inbox = super::super::Inbox<u32>;

impl InboxItem for u32 {
    fn wake_up() -> Self {
        0
    }

    fn work_ended() -> Self {
        u32::MAX
    }
}

fn with_items(items: [u32; 3]) -> Inbox {
    let inbox = Inbox::new();
    let mailbox = inbox.mailbox();
    assert!(items.into_iter().all(|item| mailbox.send(item)));
    drop(mailbox);
    inbox
}

#[test]
fn items_are_numbered_in_the_order_in_which_they_arrive() {
    let inbox = with_items([10, 20, 30]);
    let all = |inbox: &Inbox| inbox.inspect(|items, taken| (Vec::from(items.clone()), taken));
    // Dropping the last mailbox queues an item.
    assert_eq!(all(&inbox), (vec![10, 20, 30, 0], 0));
    assert_eq!(inbox.next(), Some(10));
    assert_eq!(all(&inbox), (vec![20, 30, 0], 1));
    let look = |number| inbox.inspect_one(number, |item| *item);
    assert_eq!([0, 1, 2, 3, 4, 5].map(look), [None, None, Some(20), Some(30), Some(0), None]);
    let lend = |number| inbox.lend_one(number, |item| *item);
    assert_eq!([0, 1, 2, 3, 4, 5].map(lend), [None, None, Some(20), Some(30), Some(0), None]);
}

#[test]
fn an_item_that_is_lent_comes_back_also_after_a_panic() {
    let inbox = with_items([10, 20, 30]);
    inbox.stage();
    let seen = inbox.lend_one(2, |item| (*item, inbox.inspect_one(2, |other| *other)));
    assert_eq!(seen, Some((20, Some(0))), "a wake-up takes the place of the item that is lent");
    assert_eq!(inbox.inspect_one(2, |item| *item), Some(20));
    let panicked = catch_unwind(AssertUnwindSafe(|| inbox.lend_one(2, |_| panic!("user code"))));
    assert!(panicked.is_err() && inbox.inspect_one(2, |item| *item) == Some(20));
}

#[test]
fn a_store_may_end_while_an_item_is_lent() {
    let inbox = with_items([10, 20, 30]);
    inbox.stage();
    let seen = inbox.lend_one(1, |item| {
        drop(inbox.close());
        *item
    });
    assert_eq!((seen, inbox.len()), (Some(10), 0));
}
