use reacton::prelude::*;
use std::cell::RefCell;
use std::sync::Arc;

mod pictures {
    use reacton::prelude::*;

    /// Draws.
    #[call]
    pub(crate) static DRAW: Call<(u32, String), Result<Vec<u8>, String>>;

    #[call(id = "pictures::paint")]
    pub static r#TYPE: reacton::Call<u32, ()>;
}

struct Canvas(#[allow(dead_code)] std::sync::Mutex<Vec<u8>>);

#[call(zero_copy)]
static CANVAS: Call<Canvas, Arc<Canvas>>;

#[cfg(any())]
#[call]
static NOT_HERE: Call<Nothing, Nothing>;

#[call(zero_copy)]
static WORDS: Call<&'static str, &'static [u8]>;

#[worker(answers = [pictures::DRAW, pictures::r#TYPE, CANVAS, WORDS], delivery = latest)]
fn answers(store: &ReactonStore) -> Result<(), String> {
    let drawn = RefCell::new(0);
    store.answer(&pictures::DRAW, move |_, (rows, name), call| {
        *drawn.borrow_mut() += 1;
        if call.is_cancelled() { Err(name.clone()) } else { Ok(vec![0; *rows as usize]) }
    });
    store.answer(&pictures::r#TYPE, |_, _, _| {});
    store.answer_async(&CANVAS, |_, canvas, _| async move { canvas });
    store.answer(&WORDS, |_, words, _| words.as_bytes());
    Ok(())
}

/// Shares and answers.
mod both {
    use reacton::prelude::*;

    #[reacton]
    static COUNT: u32 = 0;

    #[call]
    static ADD: Call<u32, u32>;

    #[worker(answers = [ADD], shared = [COUNT])]
    async fn adds(store: ReactonStore) {
        store.answer(&ADD, |store, n, _: &Asked| {
            store.update(&COUNT, |count| *count += n);
            store.get(&COUNT)
        });
        while store.turn().await > 0 {}
    }

    pub fn run(store: &ReactonStore) -> Result<u32, CallError> {
        let worker = adds::spawn(store).expect("the worker starts");
        let caller: Caller<u32, u32> = worker.caller(&ADD).in_flight(1);
        fn crosses<T: Send + Sync + Clone>(_: &T) {}
        crosses(&caller);
        fn moves<T: Send>(_: &T) {}
        let answer: Answer<u32> = worker.call(&ADD, 2);
        moves(&answer);
        answer.wait(store, std::time::Duration::from_secs(9))
    }
}

fn main() {
    let store = ReactonStore::new();
    assert_eq!(both::run(&store), Ok(2));
    answers::shared();
    let worker = answers::builder().retries(1).spawn(&store).unwrap();
    let words = worker.call(&WORDS, "four").wait(&store, std::time::Duration::from_secs(9));
    assert_eq!(words, Ok(&b"four"[..]));
}
