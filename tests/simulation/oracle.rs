//! The worker that is called. It answers at once or later, and records which answers it has begun.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::panic_any;
use std::task::Poll;

use reacton::prelude::*;

use crate::observers::PLANNED;

/// Written by main: the number of its writes.
#[reacton]
pub(crate) static SETTING: u32 = 0;

/// Written by a worker before it answers: the number of answers, and the number of the question.
#[reacton(eq = never)]
pub(crate) static RESULT: (u32, u32) = (0, 0);

/// Asks with the number of the question, and whether it ends the worker. The answer is the setting, the count of
/// answers and the number.
#[call]
pub(crate) static ASK: Call<(u32, bool), (u32, u32, u32)>;

/// As `ASK`, but the answer is a future that waits for some turns.
#[call]
pub(crate) static ASK_LATER: Call<(u32, bool), (u32, u32, u32)>;

thread_local! {
    /// How often the answer to each question was begun.
    pub(crate) static BEGUN: RefCell<BTreeMap<u32, u32>> = const { RefCell::new(BTreeMap::new()) };
    /// For each worker, the questions in the order in which their answers were begun.
    pub(crate) static ORDER: RefCell<Vec<Vec<u32>>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn begun(number: u32) -> u32 {
    BEGUN.with_borrow(|begun| begun.get(&number).copied().unwrap_or(0))
}

/// Called by the worker with this number, counted from its first start on.
fn note_begun(worker: usize, number: u32) {
    BEGUN.with_borrow_mut(|begun| *begun.entry(number).or_default() += 1);
    ORDER.with_borrow_mut(|order| order[worker].push(number));
}

fn answer(store: &ReactonStore, (number, kills): (u32, bool)) -> (u32, u32, u32) {
    let count = store.get(&RESULT).0 + 1;
    store.set(&RESULT, (count, number));
    if kills {
        panic_any(PLANNED);
    }
    (store.get(&SETTING), count, number)
}

#[worker(shared = [SETTING, RESULT], answers = [ASK, ASK_LATER])]
pub(crate) fn oracle(store: &ReactonStore) {
    let own = ORDER.with_borrow_mut(|order| {
        order.push(Vec::new());
        order.len() - 1
    });
    store.answer(&ASK, move |store, question, _| {
        note_begun(own, question.0);
        answer(store, *question)
    });
    store.answer_async(&ASK_LATER, move |store, question, _| {
        note_begun(own, question.0);
        later(store, question)
    });
}

/// Returns whether the async answer to this question takes turns while it is polled.
pub(crate) fn takes_turns(number: u32) -> bool {
    number.is_multiple_of(2)
}

async fn later(store: ReactonStore, question: (u32, bool)) -> (u32, u32, u32) {
    for _ in 0..question.0 % 3 {
        let mut waited = false;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            if takes_turns(question.0) {
                store.pump();
            }
            if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
    answer(&store, question)
}
