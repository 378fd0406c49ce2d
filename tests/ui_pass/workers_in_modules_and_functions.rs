//! A worker may be declared wherever a function may, and list reactons by any path.
use reacton::prelude::*;

#[reacton]
static OUTSIDE: u32 = 1;

mod state {
    use reacton::prelude::*;

    #[reacton]
    pub static INSIDE: u32 = 2;

    pub mod deep {
        use reacton::prelude::*;

        #[reacton]
        pub(in crate::state) static DEEP: u32 = 3;

        #[worker(shared = [DEEP, self::MORE, super::INSIDE, super::super::OUTSIDE, crate::state::deep::LAST])]
        pub fn below(store: &ReactonStore) {
            store.set(&DEEP, store.get(&super::INSIDE) + store.get(&crate::OUTSIDE));
        }

        #[reacton]
        static MORE: u32 = 4;
        #[reacton]
        static LAST: u32 = 5;
    }

    #[worker(shared = [INSIDE, deep::DEEP, super::OUTSIDE])]
    pub(super) fn middle(store: &ReactonStore) {
        store.set(&INSIDE, store.get(&deep::DEEP) + 1);
    }
}

fn inside_a_function(store: &ReactonStore) -> Result<u32, SpawnError> {
    #[reacton]
    static LOCAL: u32 = 6;

    #[computed]
    static SUM: u32 = |cx| cx.get(&LOCAL) + cx.get(&state::INSIDE);

    #[worker(shared = [LOCAL, OUTSIDE, state::INSIDE])]
    fn nested(store: &ReactonStore) {
        store.set(&LOCAL, store.get(&OUTSIDE));
    }

    nested(store);
    nested::spawn(store)?.dispose();
    Ok(store.get(&SUM))
}

struct App;

impl App {
    fn start(store: &ReactonStore) -> Result<IsolateStore, SpawnError> {
        #[worker(shared = [OUTSIDE])]
        fn of_the_app(store: &ReactonStore) {
            store.touch(&OUTSIDE);
        }
        of_the_app::spawn(store)
    }
}

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    state::middle(&store);
    state::deep::below(&store);
    assert_eq!(inside_a_function(&store)?, 5);
    state::middle::spawn(&store)?.dispose();
    state::deep::below::spawn(&store)?.dispose();
    App::start(&store)?.dispose();
    Ok(())
}
