//! Tests of what is left inside a graph when its cells are gone.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use crate::store::ReactonStore;

fn left(store: &ReactonStore) -> (usize, usize) {
    let graph = store.graph_ref();
    (graph.live_cells(), graph.live_edges())
}

#[test]
fn no_edge_is_left_when_everything_is_removed() {
    let store = ReactonStore::new();
    let (switch, one, two) = (store.reacton(true), store.reacton(1), store.reacton(2));
    let chosen =
        store.computed(move |cx| if cx.get(&switch) { cx.get(&one) } else { cx.get(&two) });
    let effect = store.effect(move |cx| {
        cx.get(&chosen);
        cx.get(&one);
    });
    let subscription = store.subscribe(&chosen, |_, _| ());
    assert_eq!(left(&store), (6, 5));
    store.set(&switch, false);
    assert_eq!(left(&store), (6, 5));
    effect.unsubscribe();
    subscription.unsubscribe();
    assert_eq!((left(&store), store.get(&chosen)), ((4, 2), 2));
    store.remove(&chosen);
    assert_eq!(left(&store), (3, 0));
    for local in [one, two] {
        store.remove(&local);
    }
    store.remove(&switch);
    assert_eq!(left(&store), (0, 0));
}

#[test]
fn slots_of_cells_and_edges_are_reused() {
    let store = ReactonStore::new();
    let source = store.reacton(0);
    for _ in 0..100 {
        let computed = store.computed(move |cx| cx.get(&source));
        let effect = store.effect(move |cx| {
            cx.get(&computed);
            cx.get(&source);
        });
        effect.unsubscribe();
        store.remove(&computed);
    }
    let graph = store.graph_ref();
    assert_eq!((graph.cells.len(), graph.edges.len()), (3, 3));
}

#[test]
fn removing_a_source_takes_its_subscriptions_with_it() {
    let store = ReactonStore::new();
    let source = store.reacton(0);
    for _ in 0..10 {
        store.subscribe(&source, |_, _| ());
    }
    store.effect(move |cx| {
        cx.get(&source);
    });
    store.remove(&source);
    assert_eq!(left(&store), (1, 0));
}

#[test]
fn a_cycle_leaves_nothing_running_and_nothing_open() {
    let store = ReactonStore::new();
    let (switch, place) = (store.reacton(true), Rc::new(Cell::new(None)));
    let other = Rc::clone(&place);
    let first = store.computed(move |cx| match other.get() {
        Some(second) if cx.get(&switch) => cx.get::<crate::LocalComputed<u32>>(&second),
        _ => 1,
    });
    let second = store.computed(move |cx| cx.get(&first) + 1);
    place.set(Some(second));
    for _ in 0..3 {
        assert!(catch_unwind(AssertUnwindSafe(|| store.get(&second))).is_err());
        store.touch(&switch);
    }
    {
        let graph = store.graph_ref();
        assert!(graph.running.is_empty() && graph.cycles.is_empty());
        assert!(graph.cells.iter().all(|cell| !cell.running && !cell.checking));
    }
    store.set(&switch, false);
    assert_eq!((store.get(&first), store.get(&second)), (1, 2));
    assert_eq!(left(&store), (3, 2));
}

#[test]
fn a_store_can_be_used_after_a_panic() {
    let store = ReactonStore::new();
    let source = store.reacton(0);
    let frail = store.computed(move |cx| assert_eq!(cx.get(&source), 0));
    store.effect(move |cx| cx.get(&frail));
    let panics: [&dyn Fn(); 4] = [
        &|| store.set(&source, 1),
        &|| store.batch(|_| panic!("in a batch")),
        &|| store.update(&source, |_| panic!("in an update")),
        &|| {
            store.handle().post(|_| panic!("in a turn"));
            store.pump();
        },
    ];
    for panics in panics {
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert!(!store.phase().is_busy() && store.graph_ref().queue.is_empty());
    }
    store.set(&source, 0);
    assert_eq!(left(&store), (3, 2));
}

fn words<U>(f: impl FnOnce() -> U) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).err().expect("the closure panics");
    crate::panic_message(&*payload)
}

#[test]
fn runs_that_nest_without_end_panic_with_their_names() {
    fn computed(store: &ReactonStore) -> crate::LocalComputed<u32> {
        store.computed(|cx| cx.get(&computed(cx.store())))
    }
    fn effect(store: &ReactonStore) {
        store.effect(|cx| effect(cx.store()));
    }
    let store = ReactonStore::new();
    let kept = store.reacton(1);
    let endless = computed(&store);
    let said = words(|| store.get(&endless));
    assert!(said.contains("inside of each other") && said.contains("computed -> "), "{said}");
    let said = words(|| effect(&store));
    assert!(said.contains("inside of each other") && said.contains("an observer -> "), "{said}");
    store.set(&kept, 2);
    assert_eq!(store.get(&kept), 2);
    let graph = store.graph_ref();
    assert!(graph.running.is_empty() && graph.cells.iter().all(|cell| !cell.running));
}

#[test]
fn a_chain_of_runs_is_named_by_its_three_outermost_and_its_three_innermost() {
    type Chain = Rc<RefCell<(usize, Vec<String>)>>;
    fn nested(store: &ReactonStore, left: usize, chain: Chain) -> crate::LocalComputed<usize> {
        store.computed(move |cx| {
            if left > 0 {
                return cx.get(&nested(cx.store(), left - 1, Rc::clone(&chain)));
            }
            let (depth, names) = cx.store().graph_ref().running_chain();
            *chain.borrow_mut() = (depth, names.iter().map(ToString::to_string).collect());
            depth
        })
    }
    for depth in 2..10 {
        let store = ReactonStore::new();
        let chain = Chain::default();
        let seen = Rc::clone(&chain);
        store.effect(move |cx| {
            cx.get(&nested(cx.store(), depth - 2, Rc::clone(&seen)));
        });
        let (number, names) = chain.take();
        assert_eq!((number, names.len()), (depth, depth.min(7)));
        assert_eq!(names[0], "an observer");
        let gap = names.iter().position(|name| name == "..");
        assert_eq!(gap, (depth > 6).then_some(3), "{names:?}");
        let computeds = names.iter().filter(|name| name.contains("::nested")).count();
        assert_eq!(computeds, if depth > 6 { 5 } else { depth - 1 });
    }
}

#[test]
fn a_cell_that_is_removed_while_it_waits_for_its_source_hands_its_turn_to_no_other() {
    let store = ReactonStore::new();
    let (weak, number) = (store.downgrade(), store.reacton(0));
    let waiting = Rc::new(Cell::new(None));
    let (to_remove, ran) = (Rc::clone(&waiting), Rc::new(Cell::new(false)));
    let runs = Rc::clone(&ran);
    let source = store.computed(move |cx| {
        if let (number @ 1.., Some(store)) = (cx.get(&number), weak.upgrade()) {
            store.remove(&to_remove.get().expect("the reader exists"));
            // It takes the place of the removed one.
            let runs = Rc::clone(&runs);
            store.computed(move |_| runs.set(true));
            return number;
        }
        0
    });
    let reader = store.computed(move |cx| cx.get(&source));
    waiting.set(Some(reader));
    store.effect(move |cx| {
        cx.get(&reader);
    });
    let cells = store.graph_ref().cells.len();
    store.set(&number, 1);
    assert_eq!(store.graph_ref().cells.len(), cells, "the place was not used again");
    assert!(!ran.get(), "a computed has run that nothing reads");
}

#[cfg(target_pointer_width = "64")]
#[test]
fn a_cell_takes_88_bytes() {
    assert_eq!(size_of::<crate::graph::Cell>(), 88);
}
