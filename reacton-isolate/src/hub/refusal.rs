//! Directions: the shared reactons that the program of a store may not write, because the other side of a link writes
//! them. A worker may never write what it shares as `in`. The store that spawned it may not write what it shares as
//! `out`, from the spawn until the isolate has ended for good. Only writes of the program are refused: arriving values
//! are installed and forwarded whatever the directions are.
//! one link is installed, and sent on over the others, whatever their directions are.

use std::rc::Rc;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonRef, ReactonStore, RefId, RefMap};

use super::{Hub, Link, Owner};
use crate::shared::{Direction, SharedSet, SharedSlot};

/// For each reacton, the number of isolates that prevent the program from writing it.
pub(super) type Refusals = RefMap<usize>;

impl Hub {
    /// Refuses the program writes of what the worker of this isolate writes.
    pub(super) fn refuse_outward(&self, store: &ReactonStore, owner: &dyn Owner) {
        if !owner.set_refusing(true) {
            for id in owner.shared().in_direction(Direction::Out) {
                let mut refusals = self.refusals.borrow_mut();
                let count = refusals.entry(id).or_default();
                *count += 1;
                if *count == 1 {
                    Wiring::of(store).refuse_writes(id, true);
                }
            }
        }
    }

    /// Called when the isolate has ended for good: the program may again write what no other isolate writes.
    pub(crate) fn admit_outward(&self, store: &ReactonStore, owner: &dyn Owner) {
        if owner.set_refusing(false) {
            for id in owner.shared().in_direction(Direction::Out) {
                let mut refusals = self.refusals.borrow_mut();
                let Some(count) = refusals.get_mut(&id) else { continue };
                *count -= 1;
                if *count == 0 {
                    refusals.remove(&id);
                    Wiring::of(store).refuse_writes(id, false);
                }
            }
        }
    }

    /// Refuses the program of this worker writes of what its main store writes.
    pub(super) fn refuse_inward(store: &ReactonStore, link: &Link) {
        for (id, _) in
            link.slots.iter().filter(|(_, slot)| slot.shared.direction() == Direction::In)
        {
            Wiring::of(store).refuse_writes(*id, true);
        }
    }

    /// The first reacton of `shared` that its worker could write although only the parent of this store may write it.
    pub(crate) fn written_against_parent(&self, shared: &SharedSet) -> Option<ReactonRef> {
        let parent = self.parent_link()?;
        let slots = shared.slots().iter().filter(|slot| slot.direction() != Direction::In);
        slots.map(SharedSlot::reacton_ref).find(|rref| parent.is_inward(rref.id()))
    }

    fn parent_link(&self) -> Option<Rc<Link>> {
        self.link(self.parent.get()?)
    }

    /// The message for a refused write.
    pub(super) fn explain_refusal(&self, reacton: ReactonRef) -> Option<String> {
        let id = reacton.id();
        if let Some(link) = self.parent_link().filter(|link| link.is_inward(id)) {
            return Some(format!(
                "the worker `{}` cannot write `{reacton}`, which it shares as `in`: the store that spawned it writes it; write it \
                 there, or remove `in` from the list of the worker",
                link.worker
            ));
        }
        let worker = self.worker_that_writes(id)?;
        Some(format!(
            "`{reacton}` cannot be written by the store that spawned the worker `{worker}`, which shares it as `out`: the worker \
             writes it; write it there, after the end of the worker, or remove `out` from the list of the worker"
        ))
    }

    fn worker_that_writes(&self, id: RefId) -> Option<String> {
        let name = |owner: &Rc<dyn Owner>| {
            let writes = owner.shared().in_direction(Direction::Out).any(|out| out == id);
            writes.then(|| owner.name().to_owned())
        };
        let links = self.links.borrow();
        let mut owners = links.links_bringing(id).filter_map(|(_, link)| link.owner.as_ref());
        owners.find_map(name).or_else(|| self.announced.borrow().values().find_map(name))
    }
}

impl Link {
    /// Whether its worker shares `id` as `in`.
    fn is_inward(&self, id: RefId) -> bool {
        self.slot(id).is_some_and(|slot| slot.direction() == Direction::In)
    }
}
