//! K2: calls and transactions in order.

use super::*;

#[test]
fn k2_a_call_sees_what_was_committed_before_it_and_brings_what_was_written_before_the_answer()
-> Result<(), Box<dyn Error>> {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let store = ReactonStore::new();
        let worker = pictures::builder().delivery(delivery).spawn(&store)?;
        for n in 1..200 {
            let n = if n == 13 { 14 } else { n };
            store.set(&FACTOR, n);
            let answer = worker.call(&PICTURE, job(n));
            assert_eq!(answer.wait(&store, SOON)?, Ok(format!("picture {n} {}", n * n)));
            assert_eq!(store.get(&WRITTEN), n);
        }
    }
    Ok(())
}

#[test]
fn k2_a_call_in_a_batch_is_sent_after_the_batch() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    let answer = store.batch(|store| {
        let answer = worker.call(&PICTURE, job(2));
        store.set(&FACTOR, 7);
        assert_eq!(worker.stats().queued, 0);
        answer
    });
    assert_eq!(answer.wait(&store, SOON)?, Ok(String::from("picture 2 14")));
    Ok(())
}

#[test]
fn k2_an_observer_may_make_a_call() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = std::rc::Rc::new(pictures::spawn(&store)?);
    let answers = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let (asks, kept) = (std::rc::Rc::clone(&worker), std::rc::Rc::clone(&answers));
    store.subscribe(&FACTOR, move |_, factor| {
        kept.borrow_mut().push((*factor, asks.call(&PICTURE, job(2))));
    });
    (2..10).for_each(|factor| store.set(&FACTOR, factor));
    for (factor, answer) in answers.take() {
        let Ok(text) = answer.wait(&store, SOON)? else { panic!("the picture has rows") };
        let rows: u32 = text.rsplit(' ').next().expect("the text ends with a number").parse()?;
        assert!((2 * factor..20).contains(&rows), "expected a factor of {factor} or more: {text}");
    }
    Ok(())
}

#[test]
fn k2_a_pool_call_knows_the_settings_before_it() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let pool = pictures::builder().pool(3).for_all(shared![FACTOR]).spawn(&store)?;
    for factor in 2..100 {
        store.set(&FACTOR, factor);
        assert_eq!(
            pool.call(&PICTURE, job(1)).wait(&store, SOON)?,
            Ok(format!("picture 1 {factor}"))
        );
        assert_eq!(store.get(&WRITTEN), 1);
    }
    Ok(())
}

#[test]
fn k2_a_caller_needs_no_turn_of_main() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    let caller = worker.caller(&PICTURE);
    let asks = std::thread::spawn(move || caller.call(job(5)).join(SOON));
    assert_eq!(asks.join().expect("the thread does not panic")?, Ok(String::from("picture 5 5")));
    // Main has applied nothing in the meantime.
    assert_eq!(store.get(&WRITTEN), 0);
    Ok(())
}

#[test]
fn k2_a_single_worker_begins_calls_in_the_order_in_which_each_side_has_made_them()
-> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (begun, order) = channel();
    let worker =
        IsolateStore::builder().answers(&ECHO).spawn(&store, move |store: &ReactonStore| {
            store.answer(&ECHO, move |_, n, _| {
                begun.send(*n).expect("the channel is open");
                *n
            });
        })?;
    let caller = worker.caller(&ECHO);
    // While these calls are queued, calls of main are queued, too. Otherwise those of main travel on the link.
    let asks = std::thread::spawn(move || {
        let answers: Vec<_> = (1000..2000).map(|n| caller.call(n)).collect();
        answers.into_iter().all(|answer| answer.join(SOON).is_ok())
    });
    let answers: Vec<_> = (0..1000).map(|n| worker.call(&ECHO, n)).collect();
    for (n, answer) in (0..).zip(answers) {
        assert_eq!(answer.wait(&store, SOON), Ok(n));
    }
    assert!(asks.join().expect("the thread does not panic"));
    let (main, callers): (Vec<_>, Vec<_>) = order.try_iter().partition(|n| *n < 1000);
    assert_eq!((main.len(), callers.len()), (1000, 1000));
    assert!(main.is_sorted() && callers.is_sorted());
    Ok(())
}

#[test]
fn k2_calls_of_one_batch_keep_their_order_also_if_it_panics() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    let mut answers = Vec::new();
    let batch = std::panic::AssertUnwindSafe(|| {
        store.batch(|store| {
            answers.push(worker.call(&PICTURE, job(1)));
            store.batch(|_| answers.push(worker.call(&PICTURE, job(2))));
            store.set(&FACTOR, 5);
            answers.push(worker.call(&PICTURE, job(3)));
            panic!("in the middle");
        });
    });
    assert!(std::panic::catch_unwind(batch).is_err());
    for (n, answer) in (1..).zip(answers) {
        assert_eq!(answer.wait(&store, SOON)?, Ok(format!("picture {n} {}", 5 * n)));
        // Each value was written before its answer. A later call may have written more by now.
        assert!(store.get(&WRITTEN) >= n);
    }
    Ok(())
}

#[test]
fn k2_a_paused_reacton_holds_no_call_back() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    worker.pause(&WRITTEN);
    store.set(&FACTOR, 3);
    let paused = worker.call(&PICTURE, job(2)).wait(&store, SOON)?;
    assert_eq!(paused, Ok(String::from("picture 2 6")));
    assert_eq!(store.get(&WRITTEN), 0, "a paused reacton was updated");
    worker.resume(&WRITTEN);
    let resumed = worker.call(&PICTURE, job(4)).wait(&store, SOON)?;
    assert_eq!(resumed, Ok(String::from("picture 4 12")));
    assert_eq!(store.get(&WRITTEN), 4);
    Ok(())
}
