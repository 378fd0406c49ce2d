//! Sends calls of the main store to a single running worker: they travel on the link itself, and so do their tickets on
//! the way back.

use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

use reacton_core::wiring::Wiring;
use reacton_core::{
    Contents, InlineItem, InlineWords, ReactonStore, ReadInline, ReadShared, SharedWords,
};

use super::answer::{Answering, Fault, deliver, unanswered};
use super::member::Membership;
use crate::call::asked::Asked;
use crate::hub::calls::{Came, Owner, Reply};
use crate::hub::{Hub, Link};
use crate::interrupt::interrupt;
#[cfg(feature = "process")]
use crate::link::Outbox;
use crate::sync::LinkId;
use crate::wire::ticket::{Outcome, Ticket};

/// Sends the call with this number in the worker's queue over the link of the worker.
pub(crate) fn send_call(hub: &Hub, id: LinkId, link: &Link, job: u64, ticket: Arc<Ticket>) {
    let number = hub.calls().note_sent(id, job, &ticket);
    if !link.outbox().send_call(number, ticket, &Question) {
        hub.calls().note_returned(number);
    }
}

/// Puts a call that has arrived from another process into the inbox of the worker.
#[cfg(feature = "process")]
pub(crate) fn post_call(to_worker: &Outbox, number: u64, ticket: Arc<Ticket>) {
    to_worker.send_call(number, ticket, &Question);
}

/// Puts a call that has returned from another process into the inbox of main.
#[cfg(feature = "process")]
pub(super) fn return_call(to_main: &Outbox, number: u64, ticket: Arc<Ticket>) {
    to_main.send_back(number, ticket, &Return);
}

/// The item of a call in the inbox of the worker.
struct Question;

impl ReadShared for Question {
    fn take_in(
        &self,
        [link, number, ..]: SharedWords,
        value: Arc<dyn Any + Send + Sync>,
        store: &ReactonStore,
    ) -> usize {
        let id = LinkId(link);
        let Some(hub) = Hub::find(store) else { return 0 };
        hub.count_received(id);
        let Some(end) = hub.link(id) else { return 0 };
        let Ok(ticket) = value.downcast::<Ticket>() else { return 0 };
        interrupt();
        answer(store, &hub, id, &end, number, ticket);
        1
    }

    fn list(&self, _: SharedWords, _: &mut Contents) {}

    fn payload(&self, _: &Arc<dyn Any + Send + Sync>) -> Option<Box<dyn Any>> {
        None
    }
}

fn answer(
    store: &ReactonStore,
    hub: &Hub,
    id: LinkId,
    end: &Link,
    number: u64,
    ticket: Arc<Ticket>,
) {
    // A call that has ended already is only sent back.
    let Some(question) = ticket.begin() else { return send_back(end, number, ticket) };
    if Membership::of(end).is_some_and(|own| !own.queue().begin_call(&ticket)) {
        return;
    }
    let reply = {
        let _fault = Fault::new(store, &ticket, id, Came::ByLink(number));
        hub.calls().answer(store, ticket.call(), &question, &Asked::new(&ticket))
    };
    interrupt();
    match reply {
        Some(Reply::Later(future)) => {
            let owner = Later { ticket, link: id, number };
            hub.calls().tasks().spawn(store, future, Rc::new(owner));
        }
        Some(Reply::Ready(outcome)) => finish(end, number, ticket, outcome),
        None => {
            let error = unanswered(&ticket);
            finish(end, number, ticket, Err(error));
        }
    }
    hub.note_worked();
}

fn finish(end: &Link, number: u64, ticket: Arc<Ticket>, outcome: Outcome) {
    ticket.answer(outcome);
    send_back(end, number, ticket);
}

fn send_back(end: &Link, number: u64, ticket: Arc<Ticket>) {
    end.outbox().send_back(number, ticket, &Return);
}

/// The item of an answer in the inbox of main.
struct Return;

impl ReadShared for Return {
    fn take_in(
        &self,
        [link, number, ..]: SharedWords,
        value: Arc<dyn Any + Send + Sync>,
        store: &ReactonStore,
    ) -> usize {
        let Some(hub) = Hub::find(store) else { return 0 };
        hub.count_returned(LinkId(link));
        let Ok(ticket) = value.downcast::<Ticket>() else { return 0 };
        // Items of a disposed isolate are not applied; its calls have ended already.
        if hub.calls().note_returned(number) {
            ticket.deliver();
        }
        0
    }

    fn list(&self, _: SharedWords, _: &mut Contents) {}

    fn payload(&self, _: &Arc<dyn Any + Send + Sync>) -> Option<Box<dyn Any>> {
        None
    }
}

/// An async answer that continues while the worker does other work.
struct Later {
    ticket: Arc<Ticket>,
    link: LinkId,
    number: u64,
}

impl Owner for Later {
    fn polled(&self, poll: &mut dyn FnMut()) {
        let _answering = Answering::new(&self.ticket);
        poll();
    }

    fn done(&self, store: &ReactonStore, outcome: Outcome) {
        let link = Hub::find(store).and_then(|hub| hub.link(self.link));
        if let Some(end) = link {
            finish(&end, self.number, Arc::clone(&self.ticket), outcome);
        }
    }

    fn panicked(&self, store: &ReactonStore) {
        drop(Fault::new(store, &self.ticket, self.link, Came::ByLink(self.number)));
    }
}

/// The item that a worker posts when an answer panics: if the worker catches the panic and goes on, the call ends.
pub(super) struct Survived;

impl Survived {
    pub(super) fn post(store: &ReactonStore) {
        let item = InlineItem { words: [0; 7], reader: &Self };
        Wiring::of(store).inbox().weak_mailbox().post_inline(item);
    }
}

impl ReadInline for Survived {
    fn take_in(&self, _: InlineWords, store: &ReactonStore) -> usize {
        let Some(hub) = Hub::find(store) else { return 0 };
        for (ticket, link, came) in hub.calls().take_faults() {
            let Some(end) = hub.link(link) else { continue };
            let message = String::from("the worker has caught the panic and goes on");
            let outcome = Err(ticket.death(message, None));
            if let Came::ByLink(number) = came {
                finish(&end, number, ticket, outcome);
                continue;
            }
            deliver(&end, &ticket, outcome);
            // The current job of the worker is finished when the worker asks for the next one.
            if let (Came::Detached(job), Some(own)) = (came, Membership::of(&end)) {
                own.queue().finish_detached(link, job);
            }
        }
        0
    }
}
