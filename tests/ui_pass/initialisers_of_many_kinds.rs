//! An initial value is any expression: a store makes it when it first needs it.
use reacton::prelude::*;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

const LIMIT: usize = 3;

fn start() -> Instant {
    Instant::now()
}

#[reacton]
static LITERAL: &str = "text";
#[reacton]
static CALL: String = String::from("text");
#[reacton]
static NOT_CONST: Instant = start();
#[reacton]
static MACRO: Vec<u8> = vec![0; LIMIT];
#[reacton]
static FORMATTED: String = format!("{LIMIT} at most");
#[reacton]
static COLLECTED: HashMap<u32, String> = (0..3).map(|n| (n, n.to_string())).collect();
#[reacton]
static BLOCK: BTreeMap<&str, [f64; 2]> = {
    let mut map = BTreeMap::new();
    map.insert("origin", [0.0; 2]);
    map
};
#[reacton]
static IF: u32 = if cfg!(debug_assertions) { 1 } else { 2 };
#[reacton]
static MATCH: Duration = match std::env::var("REACTON_UI_WAIT") {
    Ok(_) => Duration::from_secs(1),
    Err(_) => Duration::ZERO,
};
#[reacton]
static CLOSURE: fn(u32) -> u32 = |n| n + 1;
#[reacton]
static TUPLE: (u8, (), Option<Box<str>>) = (1, (), None);
#[reacton]
static NEITHER_SEND_NOR_SYNC: Rc<RefCell<Vec<u8>>> = Rc::default();
#[reacton]
static READS_ANOTHER_STATIC: &str = LITERAL.name();
#[reacton]
static RETURNS: Result<u8, std::num::ParseIntError> = "7".parse();
#[reacton]
static UNIT: () = ();

mod computeds {
    use super::*;

    pub fn total(cx: &Reader<'_>) -> usize {
        cx.with(&COLLECTED, HashMap::len)
    }

    #[computed]
    pub static PATH: usize = total;
    #[computed]
    #[allow(unused_parens)]
    pub static PARENTHESES: usize = (|cx| cx.get(&PATH) + 1);
    #[computed]
    pub static TYPED: usize = |cx: &Reader<'_>| -> usize { cx.get(&PATH) + 2 };
    #[computed]
    pub static WITHOUT_READING: usize = |_| LIMIT;
    #[computed(eq = never)]
    pub static WITHOUT_PARTIAL_EQ: Box<dyn Fn(usize) -> usize> = |cx| {
        let total = cx.get(&PATH);
        Box::new(move |n| n + total)
    };
}

fn main() {
    let store = ReactonStore::new();
    assert_eq!(store.get(&LITERAL), "text");
    assert_eq!(store.get(&CALL), "text");
    assert!(store.get(&NOT_CONST) <= Instant::now());
    assert_eq!(store.get(&MACRO), [0, 0, 0]);
    assert_eq!(store.get(&FORMATTED), "3 at most");
    assert_eq!(store.get(&BLOCK)["origin"], [0.0, 0.0]);
    assert!(store.get(&IF) > 0 && store.get(&MATCH) < Duration::from_secs(2));
    assert_eq!(store.get(&CLOSURE)(1), 2);
    assert_eq!(store.get(&TUPLE).0, 1);
    assert!(store.with(&NEITHER_SEND_NOR_SYNC, |bytes| bytes.borrow().is_empty()));
    assert!(store.get(&READS_ANOTHER_STATIC).ends_with("LITERAL"));
    assert_eq!(store.get(&RETURNS), Ok(7));
    store.get(&UNIT);
    use computeds::*;
    assert_eq!((store.get(&PATH), store.get(&PARENTHESES), store.get(&TYPED)), (3, 4, 5));
    assert_eq!(store.get(&WITHOUT_READING), 3);
    assert_eq!(store.with(&WITHOUT_PARTIAL_EQ, |add| add(4)), 7);
}
