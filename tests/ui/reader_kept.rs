use reacton::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    let kept: Rc<RefCell<Option<&Reader<'_>>>> = Rc::default();
    let reader = Rc::clone(&kept);
    store.effect(move |cx| {
        reader.replace(Some(cx));
    });
    println!("{:?}", kept.borrow().map(|cx| cx.get(&COUNT)));
}
