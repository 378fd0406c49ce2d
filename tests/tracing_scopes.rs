//! Which events of the work that a thread starts reach that thread's subscriber, and in which spans.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use reacton::prelude::*;
use reacton::run;
use reacton_support::TIMEOUT;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

#[reacton]
static INPUT: u32 = 0;

/// Messages, each with the spans around it, the outermost first.
type Heard = Arc<Mutex<Vec<(String, Vec<&'static str>)>>>;

#[derive(Clone)]
struct Span {
    metadata: &'static Metadata<'static>,
    parent: Option<u64>,
}

/// Records events at INFO, with the parents of their spans, not with the spans that the thread has entered.
#[derive(Default)]
struct Recorder {
    made: AtomicU64,
    spans: Mutex<BTreeMap<u64, Span>>,
    heard: Heard,
}

thread_local! {
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

fn innermost() -> Option<u64> {
    ENTERED.with_borrow(|entered| entered.last().copied())
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        let parent = match attributes.parent() {
            Some(parent) => Some(parent.into_u64()),
            None => innermost().filter(|_| attributes.is_contextual()),
        };
        let span = Span { metadata: attributes.metadata(), parent };
        self.spans.lock().expect("the mutex is not poisoned").insert(id, span);
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        let spans = self.spans.lock().expect("the mutex is not poisoned");
        let mut around = Vec::new();
        let mut next = innermost();
        while let Some(span) = next.and_then(|id| spans.get(&id)) {
            around.insert(0, span.metadata.name());
            next = span.parent;
        }
        self.heard.lock().expect("the mutex is not poisoned").push((message.0, around));
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.into_u64()));
    }

    fn exit(&self, _: &Id) {
        ENTERED.with_borrow_mut(Vec::pop);
    }

    fn current_span(&self) -> Current {
        let spans = self.spans.lock().expect("the mutex is not poisoned");
        let current = innermost().and_then(|id| Some((id, spans.get(&id)?)));
        current
            .map_or_else(Current::none, |(id, span)| Current::new(Id::from_u64(id), span.metadata))
    }
}

/// Returns what this thread's subscriber receives while `f` runs.
fn heard_in(f: impl FnOnce()) -> Vec<(String, Vec<&'static str>)> {
    let recorder = Recorder::default();
    let heard = Arc::clone(&recorder.heard);
    tracing::subscriber::with_default(recorder, f);
    heard.lock().expect("the mutex is not poisoned").clone()
}

#[track_caller]
fn assert_heard(heard: &[(String, Vec<&'static str>)], message: &str, around: &[&str]) {
    let found = heard.iter().find(|(heard, _)| heard == message);
    let (_, spans) = found.unwrap_or_else(|| panic!("{message:?} is missing: {heard:?}"));
    assert_eq!(spans, around, "{message}");
}

#[worker(shared = [INPUT])]
fn talks(store: &ReactonStore) {
    tracing::info!("began with {}", store.get(&INPUT));
    store.subscribe(&INPUT, |_, n| {
        tracing::info!("heard {n}");
        assert!(*n != 13);
    });
}

#[test]
fn the_subscriber_of_a_thread_receives_events_of_its_workers_within_the_span_of_the_spawn() {
    let heard = heard_in(|| {
        let store = ReactonStore::new();
        let worker = tracing::info_span!("startup")
            .in_scope(|| talks::builder().restart(Restart::on_panic(1)).spawn(&store))
            .expect("the worker starts");
        store.set(&INPUT, 7);
        store.set(&INPUT, 13);
        let restarted = |store: &ReactonStore| {
            worker.stats().restarts == 1 && store.get(worker.status()) == IsolateStatus::Running
        };
        store.run_until(TIMEOUT, restarted).expect("the worker is restarted");
        worker.shutdown(TIMEOUT).expect("the worker ends");
    });
    assert_heard(&heard, "began with 0", &["startup", "worker"]);
    assert_heard(&heard, "heard 7", &["startup", "worker"]);
    // The replacement.
    assert_heard(&heard, "began with 13", &["startup", "worker"]);
}

#[test]
fn the_subscriber_of_a_thread_receives_events_of_the_members_of_its_pools() {
    let heard = heard_in(|| {
        let store = ReactonStore::new();
        let pool = talks::builder().pool(2).spawn(&store).expect("the pool starts");
        store.set(&INPUT, 7);
        pool.shutdown(TIMEOUT).expect("the pool ends");
    });
    assert_heard(&heard, "heard 7", &["worker"]);
}

#[test]
fn the_subscriber_of_a_thread_receives_events_of_its_one_off_work_within_its_span() {
    let heard = heard_in(|| {
        let task = tracing::info_span!("request").in_scope(|| run(|| tracing::info!("at work")));
        task.join().expect("the thread does not panic");
    });
    assert_heard(&heard, "at work", &["request"]);
    // The thread is used again, for a thread without a subscriber.
    run(|| tracing::info!("unheard")).join().expect("the task does not panic");
    assert_eq!(heard.len(), 1);
}

#[test]
fn the_subscriber_of_a_thread_receives_events_of_its_store_threads_within_the_span_of_the_spawn() {
    let heard = heard_in(|| {
        let app = tracing::info_span!("startup").in_scope(|| {
            StoreThread::spawn("app", |store| {
                store.set(&INPUT, 5);
                talks::spawn(store).expect("the worker starts")
            })
        });
        let app = app.expect("the worker starts");
        app.post(|_, _| tracing::info!("posted"));
        app.shutdown(TIMEOUT).expect("the worker ends");
    });
    assert_heard(&heard, "posted", &["startup", "store_thread"]);
    assert_heard(&heard, "began with 5", &["startup", "store_thread", "worker"]);
}

#[test]
fn the_subscriber_of_a_thread_receives_events_of_its_workers_in_a_simulation_too() {
    let heard = heard_in(|| {
        let simulation = reacton::testing::Simulation::new(1);
        let store = ReactonStore::new();
        let _worker = tracing::info_span!("startup")
            .in_scope(|| talks::spawn(&store))
            .expect("the worker starts");
        store.set(&INPUT, 7);
        simulation.settle();
    });
    assert_heard(&heard, "heard 7", &["startup", "worker"]);
}
