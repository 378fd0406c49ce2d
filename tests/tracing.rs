//! The log events of the library: levels, names of workers and of reactons. One test, because a subscriber applies to
//! the whole process.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::TIMEOUT;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

#[reacton]
static INPUT: u32 = 0;

#[reacton]
static OUTPUT: u32 = 0;

#[worker(shared = [INPUT, OUTPUT])]
fn noisy(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        tracing::info!(input, "at work");
        assert!(*input != 13, "unlucky");
        store.set(&OUTPUT, *input);
    });
}

/// One event, or the beginning of a span.
#[derive(Debug, Clone)]
struct Told {
    level: Level,
    what: String,
    fields: BTreeMap<&'static str, String>,
    /// The thread's name, and the spans that are open on it.
    thread: Option<String>,
    within: Vec<&'static str>,
}

struct Fields<'t>(&'t mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

static TOLD: Mutex<Vec<Told>> = Mutex::new(Vec::new());

thread_local! {
    static OPEN: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Records everything.
#[derive(Default)]
struct Recorder {
    spans: AtomicU64,
    names: Mutex<BTreeMap<u64, &'static str>>,
}

impl Recorder {
    fn note(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Fields<'_>)) {
        let mut fields = BTreeMap::new();
        record(&mut Fields(&mut fields));
        let what = fields.remove("message").unwrap_or_else(|| metadata.name().to_owned());
        let names = self.names.lock().expect("the mutex is not poisoned");
        let within = OPEN.with_borrow(|open| open.iter().map(|span| names[span]).collect());
        let thread = std::thread::current().name().map(ToOwned::to_owned);
        let told = Told { level: *metadata.level(), what, fields, thread, within };
        TOLD.lock().expect("the mutex is not poisoned").push(told);
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.spans.fetch_add(1, Ordering::SeqCst) + 1;
        self.names.lock().expect("the mutex is not poisoned").insert(id, span.metadata().name());
        self.note(span.metadata(), |fields| span.record(fields));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.note(event.metadata(), |fields| event.record(fields));
    }

    fn enter(&self, span: &Id) {
        OPEN.with_borrow_mut(|open| open.push(span.into_u64()));
    }

    fn exit(&self, _: &Id) {
        OPEN.with_borrow_mut(Vec::pop);
    }
}

/// Returns all events and spans named `what`, at `level`.
#[track_caller]
fn all(level: Level, what: &str) -> Vec<Told> {
    let told = TOLD.lock().expect("the mutex is not poisoned");
    let found: Vec<_> =
        told.iter().filter(|told| told.level == level && told.what == what).cloned().collect();
    assert!(!found.is_empty(), "no event {what:?} at {level}: {told:#?}");
    found
}

#[test]
fn events_have_the_names_of_workers_and_reactons() {
    tracing::subscriber::set_global_default(Recorder::default())
        .expect("there is no other subscriber");
    let store = ReactonStore::new();
    let within = Duration::from_secs(3600);
    let restart = Restart::OnPanic { max: 1, within, backoff: Duration::from_millis(1) };
    let worker = noisy::builder().restart(restart).spawn(&store).expect("the worker starts");
    store.set(&INPUT, 7);
    store.run_until(TIMEOUT, |store| store.get(&OUTPUT) == 7).expect("the worker answers");
    store.set(&INPUT, 13);
    let restarted = |store: &ReactonStore| {
        worker.stats().restarts == 1 && store.get(worker.status()) == IsolateStatus::Running
    };
    store.run_until(TIMEOUT, restarted).expect("the worker is restarted");
    store.set(&INPUT, 0);
    store.set(&INPUT, 13);
    let failed = |store: &ReactonStore| {
        store.with(worker.status(), |status| matches!(status, IsolateStatus::Failed { .. }))
    };
    store.run_until(TIMEOUT, failed).expect("the worker has failed for good");
    let quiet =
        IsolateStore::builder().name("quiet").spawn(&store, |_| {}).expect("the worker starts");
    quiet.dispose();

    let is_of = |told: &Told, worker: &str| told.fields["worker"].contains(worker);
    assert!(is_of(&all(Level::DEBUG, "a worker starts")[0], "noisy"));
    assert!(all(Level::DEBUG, "a worker starts")[0].fields["shared"].contains("INPUT"));
    assert!(is_of(&all(Level::DEBUG, "the handshake is complete")[0], "noisy"));
    let panicked = &all(Level::WARN, "a worker panicked; another follows")[0];
    assert!(is_of(panicked, "noisy") && panicked.fields["reason"].contains("unlucky"));
    assert_eq!(panicked.fields["attempt"], "1");
    assert!(is_of(&all(Level::DEBUG, "a worker was started again")[0], "noisy"));
    let failed = &all(Level::WARN, "a worker has failed")[0];
    assert!(is_of(failed, "noisy") && failed.fields["reason"].contains("unlucky"));
    assert!(failed.fields["location"].contains("tests/tracing.rs"));
    assert!(is_of(&all(Level::DEBUG, "disposed")[0], "quiet"));

    let sent = all(Level::TRACE, "sent");
    assert!(sent.iter().any(|sent| sent.fields["reactons"] == r#"["tracing::INPUT"]"#));
    let arrived = all(Level::TRACE, "transaction");
    assert!(arrived.iter().any(|told| told.fields["reactons"] == r#"["tracing::OUTPUT"]"#));
    assert!(arrived.iter().all(|told| is_of(told, "noisy")));
    all(Level::TRACE, "turn");

    // An event that the worker emits belongs to the worker's span.
    let at_work = &all(Level::INFO, "at work")[0];
    assert_eq!(at_work.thread.as_deref(), Some("noisy"));
    assert_eq!(at_work.within, ["worker", "turn", "transaction"]);
    assert_eq!(all(Level::INFO, "worker")[0].fields["name"], "noisy");
}

#[reacton]
static PANEL: Vec<String> = Vec::new();

/// Writes each event to a reacton, except for those of the library.
struct Panel(StoreHandle);

impl Subscriber for Panel {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !metadata.target().starts_with("reacton")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let target = event.metadata().target().to_owned();
        drop(self.0.update(&PANEL, |panel| panel.push(target)));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_log_window_that_filters_the_events_of_the_library_causes_no_loop() {
    let store = ReactonStore::new();
    tracing::subscriber::with_default(Panel(store.handle()), || {
        let worker =
            IsolateStore::spawn(&store, shared![PANEL], |_| ()).expect("the worker starts");
        tracing::info!("mine");
        for _ in 0..100 {
            store.pump();
        }
        worker.shutdown(TIMEOUT).expect("the worker ends");
        store.pump();
    });
    assert_eq!(store.get(&PANEL), ["tracing"]);
}
