//! Tests of two extensions of one store: each is called with what it watches, in order, whatever the other does.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::panics::FirstPanic;
use crate::wiring::{Incoming, Wiring};
use crate::{Copied, Reacton};

static A: Reacton<u32> = Reacton::<u32, Copied>::__new("extensions::A", || 0);
static B: Reacton<String> = Reacton::<String, Copied>::__new("extensions::B", String::new);
static COUNT: Reacton<u32> = Reacton::<u32, Copied>::__new("extensions::COUNT", || 0);

/// The calls of all extensions of a store, in order.
type Calls = Rc<RefCell<Vec<String>>>;

/// An extension that lists its calls.
struct Listing<const ROLE: u8> {
    calls: Calls,
    /// What it does when called with a commit.
    does: Cell<fn(&ReactonStore)>,
}

impl<const ROLE: u8> Listing<ROLE> {
    fn call(&self, what: &str, written: &[Written]) {
        let names = written.iter().map(|write| {
            let name = [A.reacton_ref(), B.reacton_ref(), COUNT.reacton_ref()]
                .into_iter()
                .find(|rref| rref.id() == write.id)
                .map_or("?", |rref| rref.name());
            &name["extensions::".len()..]
        });
        let names: Vec<_> = names.collect();
        self.calls.borrow_mut().push(format!("{:?} {what} {}", self.role(), names.join(" ")));
    }
}

impl<const ROLE: u8> Extension for Listing<ROLE> {
    fn role(&self) -> Role {
        [Role::Links, Role::Storage, Role::Inspector][usize::from(ROLE)]
    }

    fn committed(&self, store: &ReactonStore, written: &[Written]) {
        self.call("committed", written);
        (self.does.get())(store);
    }

    fn installed(&self, _: &ReactonStore, written: &[Written]) {
        self.call("installed", written);
    }

    fn arrived(&self, _: &ReactonStore, item: Box<dyn Any + Send>) -> usize {
        let item = item.downcast::<&str>().expect("the test posts only texts");
        self.call(&format!("arrived {item}"), &[]);
        1
    }

    fn disposed(&self) {
        self.call("disposed", &[]);
    }
}

type Storage = Listing<1>;
type Inspector = Listing<2>;

/// A store whose inspector was added before its storage.
fn store() -> (ReactonStore, Calls) {
    let (store, calls) = (ReactonStore::new(), Calls::default());
    let wiring = Wiring::of(&store);
    let does = || Cell::new((|_| ()) as fn(&ReactonStore));
    wiring.extend(|| Inspector { calls: Rc::clone(&calls), does: does() });
    wiring.extend(|| Storage { calls: Rc::clone(&calls), does: does() });
    for role in [Role::Storage, Role::Inspector] {
        wiring.watch(&A, role);
        wiring.watch(&B, role);
    }
    wiring.watch(&COUNT, Role::Storage);
    (store, calls)
}

fn storage_does(store: &ReactonStore, does: fn(&ReactonStore)) {
    Wiring::of(store).extension::<Storage>().expect("the extension was added").does.set(does);
}

#[test]
fn both_see_each_commit_of_what_they_watch_in_the_order_of_their_roles() {
    let (store, calls) = store();
    store.batch(|store| {
        store.set(&COUNT, 1);
        store.set(&B, "b".into());
        store.set(&A, 1);
    });
    store.set(&COUNT, 2);
    store.set(&A, 1);
    assert_eq!(
        calls.take(),
        ["Storage committed COUNT B A", "Inspector committed B A", "Storage committed COUNT"]
    );
    // The extensions are called before any observer.
    let seen = Rc::clone(&calls);
    store.subscribe(&A, move |_, _| seen.borrow_mut().push("observer".into()));
    store.set(&A, 2);
    assert_eq!(calls.take(), ["Storage committed A", "Inspector committed A", "observer"]);
}

#[test]
fn what_the_first_writes_is_the_next_transaction_of_both() {
    let (store, calls) = store();
    storage_does(&store, |store| store.set(&B, "written by the storage".into()));
    store.set(&A, 1);
    let expected = [
        "Storage committed A",
        "Inspector committed A",
        "Storage committed B",
        "Inspector committed B",
    ];
    assert_eq!(calls.take(), expected);
}

#[test]
fn a_panic_of_the_first_does_not_keep_a_commit_from_the_second() {
    let (store, calls) = store();
    storage_does(&store, |_| panic!("the disk is full"));
    let seen = Rc::clone(&calls);
    store.subscribe(&A, move |_, _| seen.borrow_mut().push("observer".into()));
    for in_batch in [false, true] {
        let write = AssertUnwindSafe(|| {
            if in_batch {
                store.batch(|store| store.update(&A, |a| *a += 1));
            } else {
                store.update(&A, |a| *a += 1);
            }
        });
        let payload = catch_unwind(write).expect_err("the panic of the storage is resumed");
        assert_eq!(crate::panic_message(&*payload), "the disk is full");
        assert_eq!(calls.take(), ["Storage committed A", "Inspector committed A", "observer"]);
    }
}

#[test]
fn a_store_that_the_first_disposes_calls_the_second_no_more() {
    let (store, calls) = store();
    storage_does(&store, ReactonStore::dispose);
    store.set(&A, 1);
    store.set(&A, 2);
    assert_eq!(calls.take(), ["Storage committed A", "Storage disposed ", "Inspector disposed "]);
}

#[test]
fn a_detached_extension_is_not_called() {
    let (store, calls) = store();
    storage_does(&store, |store| assert!(Wiring::of(store).detach(Role::Inspector)));
    store.set(&A, 1);
    storage_does(&store, |_| ());
    assert_eq!(calls.take(), ["Storage committed A", "Inspector disposed "]);
    store.set(&A, 2);
    assert_eq!(calls.take(), ["Storage committed A"]);
    assert!(!Wiring::of(&store).detach(Role::Inspector));
    assert!(Wiring::of(&store).detach(Role::Storage));
    assert!(Wiring::of(&store).extension::<Storage>().is_none());
    calls.take();
    store.set(&A, 3);
    store.batch(|store| store.set(&B, "b".into()));
    assert!(calls.take().is_empty());
}

#[test]
fn what_a_detached_extension_watched_is_not_reported_to_the_next_of_its_role() {
    let (store, calls) = store();
    let wiring = Wiring::of(&store);
    assert!(wiring.detach(Role::Storage));
    let next = Storage { calls: Rc::clone(&calls), does: Cell::new(|_| ()) };
    wiring.extend(|| next);
    wiring.watch(&B, Role::Storage);
    calls.take();
    store.batch(|store| {
        store.set(&A, 1);
        store.set(&B, "b".into());
    });
    assert_eq!(calls.take(), ["Storage committed B", "Inspector committed A B"]);
}

#[test]
fn values_of_another_store_are_reported_to_those_that_did_not_install_them() {
    let (store, calls) = store();
    let (wiring, mut panics) = (Wiring::of(&store), FirstPanic::NONE);
    assert!(
        !wiring.install_scalar(&A, &7, false),
        "a value that this store did not install is reported"
    );
    let seen = Rc::clone(&calls);
    store.subscribe(&A, move |_, _| seen.borrow_mut().push("observer".into()));
    wiring.take_in(|wiring| {
        wiring.install(&A, Incoming::Owned(7), false, &mut panics);
        wiring.install(&B, Incoming::Owned(String::new()), false, &mut panics);
    });
    wiring.take_in(|wiring| {
        wiring.install(&B, Incoming::Owned(String::new()), false, &mut panics);
    });
    panics.resume();
    assert_eq!(store.get(&A), 7);
    assert_eq!(calls.take(), ["Storage installed A B", "Inspector installed A B", "observer"]);
}

#[test]
fn an_item_is_handed_to_the_extension_of_its_role() {
    let (store, calls) = store();
    let wiring = Wiring::of(&store);
    assert_eq!(wiring.hand_over(Role::Inspector, Box::new("a question")), 1);
    assert_eq!(wiring.hand_over(Role::Links, Box::new("a change")), 0);
    assert_eq!(calls.take(), ["Inspector arrived a question "]);
}

#[test]
#[should_panic(expected = "one extension of the role `Storage`")]
fn a_second_extension_of_one_role_is_refused() {
    struct Other;
    impl Extension for Other {
        fn role(&self) -> Role {
            Role::Storage
        }
    }
    let (store, _) = store();
    Wiring::of(&store).extend(|| Other);
}
