//! `in` and `out` before the reactons of a list.
#![deny(warnings)]
use reacton::prelude::*;

#[reacton]
static CONFIG: u32 = 0;
#[reacton(zero_copy)]
static RESULT: Vec<u32> = Vec::new();
#[reacton]
static BOTH: u32 = 0;

/// A module and a reacton of the name of a direction.
#[allow(non_upper_case_globals)]
mod out {
    use reacton::prelude::*;

    #[reacton]
    pub static out: u32 = 0;
}

#[worker(shared = [in crate::CONFIG, out RESULT, BOTH, out::out])]
fn first(store: &ReactonStore) {
    store.touch(&RESULT);
}

#[worker(shared = [in CONFIG, out out::out], zero_copy)]
fn second(store: &ReactonStore) {
    store.touch(&out::out);
}

macro_rules! worker_of {
    ($name:ident: $($read:path),*; $($written:path),*) => {
        #[worker(shared = [$(in $read,)* $(out $written),*])]
        fn $name(store: &ReactonStore) {
            $(store.touch(&$written);)*
        }
    };
}
worker_of!(third: CONFIG, self::BOTH; RESULT, out::out);

fn main() -> Result<(), SpawnError> {
    use out::out;
    let store = ReactonStore::new();
    first::spawn(&store)?.dispose();
    second::spawn(&store)?.dispose();
    third::spawn(&store)?.dispose();
    let set: SharedSet = shared![in CONFIG, out out, BOTH];
    assert_eq!(set.len(), 3);
    assert_eq!(shared![out].len(), 1);
    Ok(())
}
