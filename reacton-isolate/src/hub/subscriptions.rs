//! Subscriptions: which reactons each end of a link wants to receive.

use std::rc::Rc;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, RefId};

use super::outgoing::Outgoing;
use super::route::Route;
use super::{Hub, Link};
use crate::sync::LinkId;
use crate::wire::edits::Held;
use crate::wire::message::IsolateMessage;

impl Hub {
    /// The peer has subscribed again: sends everything newer in one transaction.
    pub(super) fn catch_up(
        &self,
        store: &ReactonStore,
        id: LinkId,
        link: &Rc<Link>,
        held: Vec<(RefId, Held)>,
    ) {
        let (mut whole, mut missed) = (Vec::new(), Vec::new());
        for (reacton, held) in held {
            match held {
                Held::Version(version) => whole.push((reacton, version)),
                Held::Missed { serial, keys } => missed.push((reacton, serial, keys)),
            }
        }
        // The clocks in the message count as any other.
        let newest = whole.iter().map(|(_, version)| version.clock).max();
        if !self.follow_clock(store, id, link, newest.unwrap_or(0)) {
            return;
        }
        let newer = self.sync.borrow_mut().peer_subscribed(id, &whole);
        if newer.is_empty() && missed.is_empty() || link.drained.get() {
            return;
        }
        let whole = newer.into_iter().map(|(id, version)| Outgoing {
            id,
            version,
            announced: false,
            received: None,
        });
        // In one commit phase: what user code writes while a value is encoded is sent afterwards.
        let route = Route::Link(id, Rc::clone(link));
        Wiring::of(store).take_in(|_| {
            let answers = missed.into_iter().filter_map(|(reacton, serial, keys)| {
                self.answer_subscription(store, (id, link), reacton, serial, keys)
            });
            self.send_over_one(store, whole.chain(answers), &route, None);
        });
    }

    /// Begins or ends the subscription of this end of a link to `id`. Calls in one batch are sent as one message.
    pub(crate) fn set_subscribed(
        &self,
        store: &ReactonStore,
        link: LinkId,
        id: RefId,
        subscribed: bool,
    ) {
        if subscribed && self.sync.borrow().awaits_answer(link) {
            self.resumed_later.borrow_mut().entry(link).or_default().insert(id);
            return;
        }
        if let Some(later) = self.resumed_later.borrow_mut().get_mut(&link) {
            later.remove(&id);
        }
        let changed = {
            let mut sync = self.sync.borrow_mut();
            if subscribed { sync.resume(link, id) } else { sync.pause(link, id) }
        };
        if changed {
            self.toggled.borrow_mut().entry(link).or_default().insert(id, subscribed);
            if !Wiring::of(store).is_in_batch() {
                self.send_toggled();
            }
        }
    }

    /// After an answer has come: begins the subscriptions that had to wait for it. A second one that overtakes the answer to the first
    /// would tear what was written together: that answer has all values, but not the entries that were dropped since (M9).
    pub(super) fn resume_later(&self, store: &ReactonStore, link: LinkId) {
        if self.resumed_later.borrow().is_empty() || self.sync.borrow().awaits_answer(link) {
            return;
        }
        let later = self.resumed_later.borrow_mut().remove(&link).unwrap_or_default();
        for id in later {
            let changed = self.sync.borrow_mut().resume(link, id);
            if changed {
                self.toggled.borrow_mut().entry(link).or_default().insert(id, true);
            }
        }
        if !Wiring::of(store).is_in_batch() {
            self.send_toggled();
        }
    }

    pub(super) fn send_toggled(&self) {
        let toggled = std::mem::take(&mut *self.toggled.borrow_mut());
        for (id, reactons) in toggled {
            let Some(link) = self.link(id).filter(|link| !link.drained.get()) else { continue };
            let (begun, ended): (Vec<_>, Vec<_>) =
                reactons.into_iter().partition(|(_, subscribed)| *subscribed);
            if !ended.is_empty() {
                let ids = ended.into_iter().map(|(id, _)| id).collect();
                link.outbox.send(IsolateMessage::ReactonUnsubscribe { ids });
            }
            if !begun.is_empty() {
                let held =
                    begun.into_iter().map(|(reacton, _)| (reacton, self.held(id, &link, reacton)));
                let held = held.collect();
                link.outbox.send(IsolateMessage::ReactonSubscribe { held });
            }
        }
    }
}
