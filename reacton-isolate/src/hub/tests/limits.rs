//! What the keeper of a road learns about long values if it lowers `max_value` while main packs them.

use std::cell::{Cell, RefCell};

use super::*;

/// What the other end takes.
const MAX: u64 = 100_000;
const LONG: usize = 200_000;

thread_local! {
    /// The sender whose limit the next [`Lowering`] lowers.
    static LIMITED: RefCell<Option<Arc<Sender>>> = const { RefCell::new(None) };
    /// What waited for it then.
    static FOUND: Cell<Option<(RefId, usize)>> = const { Cell::new(None) };
}

/// While it is packed, the keeper learns how long a value the other end takes.
#[derive(Clone, PartialEq, Deserialize)]
struct Lowering(String);

impl Serialize for Lowering {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(sender) = LIMITED.take() {
            FOUND.set(sender.limit_waiting(MAX));
        }
        serializer.serialize_str(&self.0)
    }
}

static LOWERING: Reacton<Lowering> =
    Reacton::<Lowering>::__new("hub::LOWERING", || Lowering(String::new()));

/// A main store with a link to a worker on its way, and another one if the values go over two.
fn main_with(links: u64) -> (Main, Arc<Sender>) {
    let main = Main::new();
    let shared = shared![NAME, LOWERING];
    let sender = Arc::new(Sender::new(Delivery::Every, SendCounter::default()));
    for number in 2..=links {
        let far = main.worker.mailbox().into();
        main.open_as(LinkId(number), far, &shared).expect("the link opens");
    }
    main.open_to(Far::Road(Arc::clone(&sender)), &shared).expect("the link opens");
    LIMITED.set(Some(Arc::clone(&sender)));
    (main, sender)
}

#[test]
fn n6_a_value_is_measured_by_the_limit_that_holds_when_it_is_packed() {
    for links in [1, 2] {
        let (main, sender) = main_with(links);
        main.store.set(&LOWERING, Lowering("x".repeat(LONG)));
        assert_eq!(FOUND.take(), None);
        assert_eq!(sender.limit_waiting(MAX - 1), None, "{links} links: it was queued");
        let error = main.error().expect("the value is reported");
        assert!(matches!(error, LinkError::Encode { .. }), "{error:?}");
        assert!(error.to_string().contains("hub::LOWERING"), "{error}");
    }
}

#[test]
fn n6_a_value_that_was_measured_before_the_limit_was_lowered_counts_as_sent_before_that() {
    for links in [1, 2] {
        let (main, _sender) = main_with(links);
        main.store.batch(|store| {
            store.set(&NAME, "x".repeat(LONG));
            store.set(&LOWERING, Lowering(String::from("short")));
        });
        let (id, len) = FOUND.take().expect("the keeper learns of it");
        assert_eq!(id, NAME.reacton_ref().id(), "{links} links");
        assert!(len > LONG);
        assert_eq!(main.error(), None);
    }
}
