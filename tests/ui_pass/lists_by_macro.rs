//! A shared list may come from a `macro_rules!`, or be the set of another worker.
#![deny(warnings)]
use reacton::prelude::*;

mod state {
    use reacton::prelude::*;

    #[reacton]
    pub static COUNT: u32 = 0;
    #[reacton]
    pub static STEP: u32 = 1;
}

macro_rules! worker_of {
    ($name:ident: $($reacton:path),+) => {
        #[worker(shared = [$($reacton),+])]
        fn $name(store: &ReactonStore) {
            $(store.touch(&$reacton);)+
        }
    };
}
worker_of!(toucher: state::COUNT, state::STEP);

macro_rules! set_of {
    ($($reacton:path),*; $($more:ident)*) => { shared![$($reacton,)* $(state::$more),*] };
}

macro_rules! declare {
    ($(#[$attribute:meta])* $vis:vis $name:ident: $ty:ty = $value:expr) => {
        $(#[$attribute])*
        #[reacton]
        $vis static $name: $ty = $value;
    };
}
declare! {
    /// Declared by another macro.
    #[allow(dead_code)]
    pub(crate) DECLARED: Option<Vec<u8>> = Some(vec![1])
}

fn main() -> Result<(), SpawnError> {
    use state::STEP as BY;
    let store = ReactonStore::new();
    toucher::spawn(&store)?.dispose();
    assert_eq!(toucher::shared().len(), 2);
    let set: SharedSet = set_of![state::COUNT, BY; ];
    assert_eq!(set.refs().collect::<Vec<_>>(), toucher::shared().refs().collect::<Vec<_>>());
    assert_eq!(set_of![BY; COUNT].len(), 2);
    assert_eq!(shared! { self::state::COUNT, }.len(), 1);
    assert_eq!(store.get(&DECLARED), Some(vec![1]));
    let both: SharedSet = [shared![DECLARED], toucher::shared()].into_iter().collect();
    IsolateStore::spawn(&store, both, |store| store.set(&DECLARED, None))?.dispose();
    Ok(())
}
