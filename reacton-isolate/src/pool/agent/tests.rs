//! Tests of the agent, which represents a worker in another process, at moments between two reports of the worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reacton_core::{Inbox, RefId};

use super::*;
use crate::link::{Delivery, SendCounter};
use crate::pool::jobs::Callee;
use crate::wire::ticket::{CallRef, Limit, Ticket};
use crate::wire::value::Encoded;

const LINK: LinkId = LinkId(1);

#[derive(Default)]
struct Places(AtomicUsize);

impl Limit for Places {
    fn release(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// K8: the worker learns of the cancellation after it has reported that it begins, and before it reads the question. So
/// the call has no answer.
#[test]
fn a_call_that_is_cancelled_when_it_has_just_begun_frees_its_place() {
    let inbox = Inbox::new();
    let jobs = Arc::new(Jobs::new(inbox.weak_mailbox(), Callee::of_pool("pool")));
    jobs.join(LINK);
    let sender = Arc::new(Sender::new(Delivery::Every, SendCounter::default()));
    let agent = Arc::new(Agent::new(LINK, Some(Arc::clone(&jobs)), sender));
    let outbox = Outbox::new(LINK, inbox.mailbox(), Delivery::Every, SendCounter::default());
    let hear = |report| agent.hear(report, &outbox);

    let places = Arc::new(Places::default());
    let call = CallRef { id: RefId::of("call"), name: "call" };
    let question = Payload::Bytes(Encoded::from(&[1][..]));
    let limit = Arc::clone(&places) as Arc<dyn Limit>;
    let ticket = Arc::new(Ticket::new(call, "pool".into(), question, false, Some(limit)));
    assert!(ticket.reserve());
    jobs.ask(Arc::clone(&ticket));
    let key = WorkKey { queued: true, number: 1 };
    assert_eq!(hear(Report::Ask { done: 0 }), Ok(None));
    assert_eq!(hear(Report::Begun(key)), Ok(None));
    ticket.cancel();
    assert_eq!(
        places.0.load(Ordering::SeqCst),
        0,
        "the place of a call that may be answered is kept"
    );
    assert_eq!(hear(Report::Ask { done: 1 }), Ok(None));
    assert_eq!(places.0.load(Ordering::SeqCst), 1);
    assert!(ticket.is_done());
    let stats = jobs.stats();
    assert_eq!((stats.done, stats.at_work), (1, 0));
}
