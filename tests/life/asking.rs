//! An async worker that asks for more during a shutdown loses no value that it has received and not read yet.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use futures_lite::future::{block_on, or};
use reacton::prelude::*;
use reacton::run;
use reacton_core::wiring::Wiring;
use reacton_support::{TIMEOUT, expect_disconnected, receive};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

use crate::{INPUT, OUTPUT};

type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

const ALL: [u32; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

#[reacton]
static SETTING: u32 = 0;

#[reacton]
static QUESTION: u32 = 0;

#[reacton]
static ANSWER: u32 = 0;

/// Writes inputs, sends the drain behind them, lets the worker ask for more, and returns all outputs.
fn drained(
    spawn: impl FnOnce(&ReactonStore, Receiver<()>) -> Result<IsolateStore, SpawnError>,
    inputs: u32,
) -> Vec<u32> {
    let store = ReactonStore::new();
    let outputs = store.reacton(Vec::new());
    store.subscribe(&OUTPUT, move |store, n| store.update(&outputs, |all| all.push(*n)));
    let (go, signal) = channel();
    let worker = spawn(&store, signal).expect("the worker starts");
    (1..=inputs).for_each(|n| store.set(&INPUT, n));
    let ended = worker.try_shutdown(Duration::ZERO);
    assert!(matches!(ended, Err(ShutdownError::TimedOut { .. })), "{ended:?}");
    go.send(()).expect("the channel is open");
    assert_eq!(worker.try_shutdown(TIMEOUT), Ok(()));
    store.get(&outputs)
}

#[test]
fn l2_shutdown_ends_a_worker_whose_last_turn_took_in_nothing_of_its_stream() {
    #[worker(shared = [INPUT, OUTPUT, SETTING])]
    async fn settings_only(store: ReactonStore, go: Receiver<()>) {
        store.subscribe(&INPUT, |store, n| store.set(&OUTPUT, *n));
        receive(&go);
        let mut settings = store.changes(&SETTING);
        while settings.next().await.is_some() {}
    }
    assert_eq!(drained(settings_only::spawn, 1), [1]);
}

#[test]
fn l2_values_of_one_stream_are_not_lost_when_another_asks() {
    #[worker(shared = [INPUT, OUTPUT, SETTING])]
    async fn two_streams(store: ReactonStore, go: Receiver<()>) {
        let (mut inputs, mut settings) = (store.changes(&INPUT), store.changes(&SETTING));
        receive(&go);
        loop {
            let setting = async { settings.next().await.map(|_| None) };
            match or(setting, async { inputs.next().await.map(Some) }).await {
                Some(Some(n)) => store.set(&OUTPUT, n),
                Some(None) => {}
                None => break,
            }
        }
    }
    assert_eq!(drained(two_streams::spawn, 10), ALL);
}

#[test]
fn l2_values_of_a_stream_are_not_lost_when_its_reader_awaits_a_turn() {
    #[worker(shared = [INPUT, OUTPUT])]
    async fn turning(store: ReactonStore, go: Receiver<()>) {
        let mut inputs = store.changes(&INPUT);
        receive(&go);
        while let Some(n) = inputs.next().await {
            store.turn().await;
            store.set(&OUTPUT, n);
        }
    }
    assert_eq!(drained(turning::spawn, 10), ALL);
}

#[test]
fn l2_values_of_a_stream_are_not_lost_when_its_reader_awaits_another() {
    #[worker(shared = [INPUT, OUTPUT, SETTING])]
    async fn asking(store: ReactonStore, go: Receiver<()>) {
        let mut inputs = store.changes(&INPUT);
        receive(&go);
        while let Some(n) = inputs.next().await {
            // No further setting arrives.
            let setting = store.changes(&SETTING).next().await;
            store.set(&OUTPUT, n + setting.unwrap_or(0));
        }
    }
    assert_eq!(drained(asking::spawn, 10), ALL);
}

#[test]
fn l2_values_of_a_stream_are_not_lost_when_another_task_asks() {
    #[worker(shared = [INPUT, OUTPUT, SETTING])]
    async fn tasks(store: ReactonStore, go: Receiver<()>) {
        let (mut inputs, mut settings) = (store.changes(&INPUT), store.changes(&SETTING));
        receive(&go);
        let to_settings: Task<'_> = Box::pin(async { while settings.next().await.is_some() {} });
        let to_turns: Task<'_> = Box::pin(async { while store.turn().await > 0 {} });
        let to_inputs: Task<'_> = Box::pin(async {
            while let Some(n) = inputs.next().await {
                store.set(&OUTPUT, n);
            }
        });
        // Each future is polled only when it is woken.
        [to_settings, to_turns, to_inputs]
            .into_iter()
            .collect::<FuturesUnordered<_>>()
            .count()
            .await;
    }
    assert_eq!(drained(tasks::spawn, 10), ALL);
}

#[test]
fn l2_a_worker_that_has_not_read_all_still_has_its_own_isolates() {
    #[worker(shared = [INPUT, OUTPUT])]
    async fn asks_its_own(store: ReactonStore, go: Receiver<()>) {
        let own = IsolateStore::spawn(&store, shared![QUESTION, ANSWER], |store: &ReactonStore| {
            store.subscribe(&QUESTION, |store, n| store.set(&ANSWER, n * 10));
        });
        own.expect("the worker starts").detach();
        let mut inputs = store.changes(&INPUT);
        let mut answers = store.changes(&ANSWER);
        receive(&go);
        while let Some(n) = inputs.next().await {
            store.set(&QUESTION, n);
            let answer = answers.next().await.expect("the call is answered");
            store.set(&OUTPUT, answer / 10);
        }
    }
    assert_eq!(drained(asks_its_own::spawn, 10), ALL);
}

#[test]
fn a_worker_that_never_reads_a_stream_ends() {
    #[worker(shared = [INPUT, OUTPUT])]
    async fn turns_for_ever(store: ReactonStore, go: Receiver<()>) {
        let _unread = store.changes(&INPUT);
        receive(&go);
        loop {
            store.turn().await;
        }
    }
    #[worker(shared = [INPUT, OUTPUT, SETTING])]
    async fn deaf_to_one(store: ReactonStore, go: Receiver<()>) {
        let _unread = store.changes(&INPUT);
        receive(&go);
        let mut settings = store.changes(&SETTING);
        loop {
            settings.next().await;
        }
    }
    #[worker(shared = [INPUT, OUTPUT])]
    async fn listens(store: ReactonStore, go: Receiver<()>) {
        let _unread = store.changes(&INPUT);
        receive(&go);
        while store.turn().await > 0 {}
    }
    #[worker(shared = [INPUT, OUTPUT])]
    #[expect(clippy::needless_pass_by_value, reason = "a worker owns its arguments")]
    fn keeps_one(store: &ReactonStore, go: Receiver<()>) {
        let unread = store.changes(&INPUT);
        receive(&go);
        store.subscribe(&OUTPUT, move |_, _| drop(format!("{unread:?}")));
    }
    for spawn in [turns_for_ever::spawn, deaf_to_one::spawn, listens::spawn, keeps_one::spawn] {
        assert!(drained(spawn, 10).is_empty());
    }
}

/// A subscriber in which each task of `run` waits after its closure has returned and before its result is delivered.
struct Closing {
    span: OnceLock<&'static Metadata<'static>>,
    begun: Sender<()>,
    close: Mutex<Receiver<()>>,
}

impl Subscriber for Closing {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let _ = self.span.set(span.metadata());
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
    fn current_span(&self) -> Current {
        self.span.get().map_or_else(Current::none, |span| Current::new(Id::from_u64(1), span))
    }
    fn try_close(&self, _: Id) -> bool {
        if std::thread::current().name() == Some("reacton-run") {
            self.begun.send(()).expect("the channel is open");
            receive(&self.close.lock().expect("the mutex is not poisoned"));
        }
        false
    }
}

/// Runs a task for each input, and awaits its result or a newer input.
#[worker(shared = [INPUT, OUTPUT])]
async fn runs(store: ReactonStore) {
    while store.turn().await > 0 {
        let n = store.get(&INPUT);
        let mut result = run(move || n);
        loop {
            let newer = async { (store.turn().await > 0).then_some(None) };
            match or(async { Some(Some((&mut result).await)) }, newer).await {
                Some(Some(n)) => {
                    store.set(&OUTPUT, n.expect("the task does not panic"));
                    break;
                }
                Some(None) => {}
                None => return,
            }
        }
    }
}

#[test]
fn l2_a_result_of_run_that_is_not_there_yet_is_not_lost() {
    let ((begun, told), (go, close)) = (channel(), channel());
    let slow = Closing { span: OnceLock::new(), begun, close: Mutex::new(close) };
    tracing::subscriber::with_default(slow, || {
        let store = ReactonStore::new();
        let worker = runs::spawn(&store).expect("the worker starts");
        store.set(&INPUT, 7);
        receive(&told);
        let ended = worker.try_shutdown(Duration::from_millis(20));
        assert!(matches!(ended, Err(ShutdownError::TimedOut { .. })), "{ended:?}");
        go.send(()).expect("the channel is open");
        assert_eq!(worker.try_shutdown(TIMEOUT), Ok(()));
        assert_eq!(store.get(&OUTPUT), 7);
    });
}

#[test]
fn l2_a_result_of_run_that_comes_between_two_looks_is_not_lost() {
    #[worker(shared = [INPUT, OUTPUT])]
    async fn looks(store: ReactonStore, go: Receiver<()>) {
        receive(&go);
        store.turn().await;
        let n = store.get(&INPUT);
        let (finish, may_finish) = channel();
        let mut result = run(move || {
            receive(&may_finish);
            n
        });
        let mut looked = false;
        let result = poll_fn(|context| {
            let polled = Pin::new(&mut result).poll(context);
            if polled.is_pending() && !std::mem::replace(&mut looked, true) {
                // The task ends after its first poll, and before the turn is polled.
                finish.send(()).expect("the channel is open");
                while !result_is_there(&store) {
                    std::thread::yield_now();
                }
            }
            polled
        });
        let over = async {
            while store.turn().await > 0 {}
            None
        };
        if let Some(n) = or(async { Some(result.await) }, over).await {
            store.set(&OUTPUT, n.expect("the task does not panic"));
        }
    }
    fn result_is_there(store: &ReactonStore) -> bool {
        // The end of the task is the last item that arrives.
        Wiring::of(store).has_arrivals()
    }
    assert_eq!(drained(looks::spawn, 1), [1]);
}

/// Disposes a worker while it shuts down an isolate of its own, with the longest timeout. Both must end.
fn disposed_in_a_shutdown(shut_down: fn(IsolateStore)) {
    let store = ReactonStore::new();
    let ((begun, told), (alive, ended)) = (channel(), channel::<()>());
    let worker = IsolateStore::spawn(&store, [], move |store: &ReactonStore| {
        let (own_begun, own_told) = channel();
        let own_alive = alive.clone();
        let own = IsolateStore::spawn(store, [], move |store: &ReactonStore| {
            let _alive = own_alive;
            own_begun.send(()).expect("the channel is open");
            while !Wiring::of(store).is_stopped() {
                std::thread::yield_now();
            }
        });
        receive(&own_told);
        begun.send(()).expect("the channel is open");
        shut_down(own.expect("the worker starts"));
        drop(alive);
    });
    let worker = worker.expect("the worker starts");
    receive(&told);
    worker.dispose();
    expect_disconnected(&ended);
}

#[test]
fn l1_a_worker_that_is_disposed_while_it_shuts_down_its_own_ends() {
    disposed_in_a_shutdown(|own| drop(own.shutdown(Duration::MAX)));
    disposed_in_a_shutdown(|own| drop(block_on(own.shutdown_async())));
}
