//! Requests of another thread to a store by its handle, and their checks.
//!
//! Each call is made once and in order. It is answered, or refused because the store has ended. A stream returns what
//! the store holds.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use reacton::prelude::*;
use reacton::testing::is_same;

use crate::fallible::Small;
use crate::observers::{CAUSE, COUNTED, SMALL, TOUCHED};
use crate::reentrant::Reentrant;

/// The calls over one handle.
pub(crate) struct Requests {
    pub(crate) node: usize,
    /// For comparison: another thread has only the handle.
    store: ReactonStore,
    handle: StoreHandle,
    /// The number of calls that were sent; they are numbered from 1.
    sent: u64,
    /// The numbers of the calls that the store has made.
    made: Arc<Mutex<Vec<u64>>>,
    replies: Vec<(u64, Reply<u64>)>,
    lengths: Vec<Reply<usize>>,
    causes: Option<RemoteChanges<Reentrant>>,
    last_cause: u64,
    pub(crate) answered: u64,
}

impl Requests {
    pub(crate) fn new(node: usize, store: &ReactonStore) -> Self {
        Self {
            node,
            store: store.clone(),
            handle: store.handle(),
            sent: 0,
            made: Arc::default(),
            replies: Vec::new(),
            lengths: Vec::new(),
            causes: None,
            last_cause: 0,
            answered: 0,
        }
    }

    /// Sends something, and returns a description of it for the trace.
    pub(crate) fn send(&mut self, what: usize, small: u8) -> String {
        match what {
            0 => self.handle.set(&TOUCHED, small),
            1 => self.handle.set(&SMALL, Small(small)),
            2 => {
                let update = self.handle.update(&COUNTED, move |counted| {
                    counted.push(small);
                    counted.len()
                });
                self.lengths.push(update);
            }
            3 if self.causes.is_none() => {
                self.causes = Some(self.handle.changes(&CAUSE));
                self.last_cause = 0;
            }
            3 => self.causes = None,
            4 => {
                // A call whose reply is dropped is made all the same.
                let reply = self.call();
                drop(reply);
            }
            _ => {
                let (number, reply) = (self.sent, self.call());
                self.replies.push((number, reply));
            }
        }
        let names = ["set TOUCHED", "set SMALL", "update COUNTED", "the stream of CAUSE", "post"];
        format!("a handle of node {}: {} ({small})", self.node, names[what.min(4)])
    }

    pub(crate) fn is_of(&self, store: &ReactonStore) -> bool {
        is_same(&self.store, store)
    }

    fn call(&mut self) -> Reply<u64> {
        let (number, made) = (self.sent, Arc::clone(&self.made));
        self.sent += 1;
        self.handle.post(move |_| {
            made.lock().unwrap_or_else(PoisonError::into_inner).push(number);
            number
        })
    }

    /// What holds at any time: no reply comes before its call is made, and the values of a stream only grow.
    pub(crate) fn check(&mut self) {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let in_order = (0..).zip(&made).all(|(number, call)| number == *call);
        assert!(
            in_order,
            "node {} runs the requests of its handle in the order {made:?}",
            self.node
        );
        let node = self.node;
        let mut answered = 0;
        self.replies.retain_mut(|(number, reply)| match poll(reply) {
            Poll::Pending => true,
            Poll::Ready(answer) => {
                answered += 1;
                let expected =
                    if made.contains(number) { Ok(*number) } else { Err(HandleError::Closed) };
                assert_eq!(answer, expected, "request {number} of a handle of node {node}");
                assert!(
                    answer.is_ok() || self.store.is_disposed(),
                    "a running store has refused a request"
                );
                false
            }
        });
        self.answered += answered;
        self.lengths.retain_mut(|length| poll(length).is_pending());
        if let Some(changes) = &mut self.causes {
            let mut context = Context::from_waker(Waker::noop());
            while let Poll::Ready(next) = pin!(&mut *changes).poll_next(&mut context) {
                let Some(Reentrant(cause)) = &next else {
                    assert!(self.store.is_disposed(), "the stream of a running store has ended");
                    self.causes = None;
                    break;
                };
                assert!(
                    *cause > self.last_cause,
                    "a stream returned {}, then {cause}",
                    self.last_cause
                );
                self.last_cause = *cause;
            }
        }
    }

    /// What holds when all is quiet: no reply is open.
    pub(crate) fn check_at_the_end(&mut self) {
        self.check();
        let node = self.node;
        assert!(
            self.replies.is_empty() && self.lengths.is_empty(),
            "a request to node {node} has no reply"
        );
        if !self.store.is_disposed() {
            let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
            assert_eq!(made, self.sent, "node {node} has not run all requests of its handle");
            if self.causes.is_some() && self.last_cause > 0 {
                let held = self.store.with(&CAUSE, |cause| cause.0);
                assert_eq!(
                    self.last_cause, held,
                    "the stream of node {node} has not returned the last value"
                );
            }
        }
    }
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}
