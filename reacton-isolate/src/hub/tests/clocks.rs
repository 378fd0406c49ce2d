//! Rule 5: how far messages raise the clock of a store, and of the stores above it.

use super::*;
use crate::api::handle::IsolateStore;
use crate::testing::Simulation;

/// A store below `above` that shares `shared` with it.
fn below(
    simulation: &Simulation,
    above: &ReactonStore,
    shared: SharedSet,
    delivery: Delivery,
) -> (IsolateStore, ReactonStore) {
    let builder = IsolateStore::builder().shared(shared).delivery(delivery);
    let worker = builder.spawn(above, |_| ()).expect("the worker starts");
    simulation.settle();
    let store = simulation.store_of(&worker).expect("the worker runs");
    (worker, store)
}

fn clock(store: &ReactonStore) -> u64 {
    Hub::of(store).sync.borrow().clock()
}

/// Lets a store receive a message without content from a worker of it, which raises the clock by `by`.
fn raise(store: &ReactonStore, by: u64) {
    let hub = Hub::of(store);
    let worker = {
        let links = hub.links.borrow();
        links.by_id.keys().copied().find(|id| Some(*id) != hub.parent.get())
    };
    let message = IsolateMessage::ReactonValueChanged {
        clock: clock(store) + by,
        changes: Vec::new().into(),
    };
    hub.receive(store, worker.expect("the store has a worker"), message);
}

/// The longest step that one message may make.
const LONGEST: u64 = (1 << 40) - 1;

#[test]
fn i9_a_hostile_worker_does_not_cut_off_its_store_from_the_one_above() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        // Long steps, and many that are no leaps.
        for (by, times) in [(LONGEST, 4), ((1 << 32) - 1, 600), ((1 << 31) + 5, 3)] {
            let simulation = Simulation::new(1);
            let main = ReactonStore::new();
            let (first, middle) = below(&simulation, &main, shared![COUNT], delivery);
            let (_second, leaf) =
                below(&simulation, &middle, shared![COUNT, NAME], Delivery::Every);
            // Main does not know of these.
            for number in 0..1000 {
                middle.set(&NAME, number.to_string());
            }
            (0..times).for_each(|_| raise(&middle, by));
            assert_eq!(main.get(first.last_error()), None);
            middle.set(&COUNT, 5);
            simulation.settle();
            assert_eq!((main.get(&COUNT), leaf.get(&COUNT)), (5, 5), "{by} {times} {delivery:?}");
            leaf.set(&COUNT, 6);
            simulation.settle();
            assert_eq!((main.get(&COUNT), middle.get(&COUNT)), (6, 6));
            main.set(&COUNT, 7);
            simulation.settle();
            assert_eq!((leaf.get(&COUNT), main.get(first.last_error())), (7, None));
        }
    }
}

#[test]
fn i9_what_a_store_accepts_from_below_all_stores_above_accept() {
    let simulation = Simulation::new(1);
    let main = ReactonStore::new();
    let (first, one) = below(&simulation, &main, shared![COUNT], Delivery::Every);
    let (_second, two) = below(&simulation, &one, shared![COUNT, NAME], Delivery::Every);
    let (_third, leaf) = below(&simulation, &two, shared![COUNT, NAME], Delivery::Every);
    for number in 0..20_u32 {
        // Each store is ahead of the one above it.
        one.set(&NAME, format!("one {number}"));
        two.set(&NAME, format!("two {number}"));
        raise(&two, LONGEST);
        if number % 3 == 0 {
            simulation.settle();
        }
        leaf.set(&COUNT, number);
    }
    simulation.settle();
    assert_eq!((main.get(&COUNT), main.get(first.last_error())), (19, None));
    main.set(&COUNT, 100);
    simulation.settle();
    assert_eq!((one.get(&COUNT), two.get(&COUNT), leaf.get(&COUNT)), (100, 100, 100));
}

#[test]
fn i9_a_store_without_hostile_workers_sends_no_message_for_its_clock() {
    let simulation = Simulation::new(1);
    let main = ReactonStore::new();
    let (_first, middle) = below(&simulation, &main, shared![COUNT], Delivery::Every);
    let (_second, leaf) = below(&simulation, &middle, shared![COUNT, NAME], Delivery::Every);
    for number in 0..1000 {
        leaf.set(&NAME, number.to_string());
        simulation.settle();
    }
    assert_eq!((clock(&main), clock(&middle)), (0, 1000));
}

#[cfg(feature = "process")]
mod roads {
    use super::*;

    const LEAP: u64 = 1 << 33;

    fn with_a_road(main: &Main) {
        let road = Arc::new(Sender::new(Delivery::Every, SendCounter::default()));
        main.open_to(Far::Road(road), &shared![COUNT]).expect("the link opens");
    }

    #[test]
    fn n4_leaps_count_in_messages_of_each_kind() {
        let own = |main: &Main| main.hub.sync.borrow().clock();
        let kinds: [fn(u64) -> IsolateMessage; 3] = [
            |clock| IsolateMessage::ReactonValueChanged { clock, changes: Vec::new().into() },
            |clock| IsolateMessage::Marked { mark: 1, clock, paused: Vec::new() },
            |clock| {
                let held = Held::Version(Version { clock, site: 77 });
                IsolateMessage::ReactonSubscribe { held: vec![(COUNT.reacton_ref().id(), held)] }
            },
        ];
        for kind in kinds {
            let main = Main::new();
            with_a_road(&main);
            for _ in 0..2 {
                main.hub.receive(&main.store, LINK, kind(own(&main) + LEAP));
                assert!(main.hub.link(LINK).is_some());
            }
            main.hub.receive(&main.store, LINK, kind(own(&main) + LEAP));
            assert!(main.hub.link(LINK).is_none());
            assert_eq!(own(&main), 2 * LEAP, "the last one raises nothing");
        }
    }

    #[test]
    fn n4_a_store_below_another_passes_on_no_more_leaps_than_that_one_allows() {
        let above = Main::new();
        let init = above.open(&shared![COUNT]).expect("the link opens");
        let middle = Main::new();
        // The link to its own worker has another number.
        let up = LinkId(7);
        let inbox = Inbox::new();
        let outbox = Outbox::new(up, inbox.mailbox(), Delivery::Every, SendCounter::default());
        let (incoming, shared) = (SendCounter::default().receiving(), shared![COUNT]);
        let link = Link::of_worker(String::new(), outbox.into(), incoming, &shared);
        assert_eq!(middle.hub.join(&middle.store, up, link, init, false), []);
        // One worker after the other.
        for times in 1..=2 {
            with_a_road(&middle);
            middle.receive(times * LEAP, Vec::new());
            assert!(middle.hub.link(LINK).is_some());
            middle.hub.close(&middle.store, LINK, &mut FirstPanic::default());
        }
        with_a_road(&middle);
        middle.receive(3 * LEAP, Vec::new());
        assert!(middle.hub.link(LINK).is_none());
        assert_eq!(middle.hub.sync.borrow().clock(), 2 * LEAP);
    }
}
