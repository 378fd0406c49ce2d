//! Tests of the service, by requests over a socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures::channel::oneshot;
use reacton::prelude::*;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[path = "../src/http.rs"]
mod http;
#[path = "../src/primes.rs"]
mod primes;
#[path = "../src/service.rs"]
mod service;

use crate::primes::{Findings, LARGEST, Sieve};
use crate::service::{PROGRESS, SEARCH, Service};

/// A running service, started as `main` starts it.
struct Running {
    address: SocketAddr,
    handle: StoreHandle,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ShutdownError>>,
}

impl Running {
    fn start() -> Self {
        Self::of(Service::start().expect("the store and the worker start"))
    }

    fn of(service: Service) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (give, given) = std::sync::mpsc::channel();
        let handle = service.handle();
        let serving = thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime =
                runtime.worker_threads(2).enable_all().build().expect("the runtime is built");
            let served = runtime.block_on(async {
                let listener =
                    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
                give.send(listener.local_addr().expect("the listener has an address"))
                    .expect("the channel is open");
                let stop = async { stopped.await.expect("the test stops the server") };
                http::serve(listener, service.handle(), stop).await
            });
            let stopped = service.stop();
            served.expect("the server runs without an error");
            stopped
        });
        let address = given.recv().expect("the server sends its address");
        Self { address, handle, stop, serving }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("the timeout is not zero");
        stream
    }

    /// Sends one request, and returns the status and the body of the answer.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = self.connect();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("the server reads the request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("the answer has a header");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("the answer has a status"), body.into())
    }

    /// Requests a search, and returns its number.
    fn search(&self, from: u64, to: u64) -> u64 {
        let (status, body) =
            self.ask("POST", "/search", &json!({"from": from, "to": to}).to_string());
        assert_eq!(status, 202, "{body}");
        let search: Value = serde_json::from_str(&body).expect("the body is JSON");
        assert_eq!((&search["from"], &search["to"]), (&json!(from), &json!(to)));
        search["id"].as_u64().expect("the search has a number")
    }

    fn view(&self) -> Value {
        let (status, body) = self.ask("GET", "/search", "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("the body is JSON")
    }

    fn events(&self) -> Events {
        let mut stream = self.connect();
        write!(stream, "GET /events HTTP/1.1\r\nhost: test\r\n\r\n")
            .expect("the server reads the request");
        let mut events = Events(BufReader::new(stream));
        let head: String =
            std::iter::from_fn(|| events.line()).take_while(|line| !line.is_empty()).collect();
        assert!(head.contains("200 OK") && head.contains("text/event-stream"), "{head}");
        events
    }

    fn stop(self) {
        assert_eq!(self.end(), Ok(()));
    }

    fn end(self) -> Result<(), ShutdownError> {
        self.stop.send(()).expect("the channel is open");
        self.serving.join().expect("the thread does not panic")
    }
}

/// The events that a browser receives.
struct Events(BufReader<TcpStream>);

impl Events {
    /// Returns a line without its end; `None` when the other side has closed.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("an event arrives in time");
        (read > 0).then(|| line.trim_end().into())
    }

    fn next(&mut self) -> Option<Value> {
        loop {
            let line = self.line()?;
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).expect("the event is JSON"));
            }
        }
    }

    fn until(&mut self, wanted: impl FnMut(&Value) -> bool) -> Value {
        std::iter::from_fn(|| self.next())
            .find(wanted)
            .expect("the event arrives before the stream ends")
    }
}

#[test]
fn the_page_is_there() {
    let running = Running::start();
    let (status, page) = running.ask("GET", "/", "");
    assert_eq!(status, 200);
    assert!(page.contains("new EventSource(\"/events\")"));
    running.stop();
}

#[test]
fn what_is_found_is_streamed_and_remembered() {
    let running = Running::start();
    let mut events = running.events();
    let first = events.next().expect("the first event arrives");
    assert_eq!((&first["phase"], &first["search"]), (&json!("idle"), &Value::Null));
    let id = running.search(0, 3_000_000);
    let mut examined = 0;
    let done = events.until(|view| {
        if view["phase"] != "idle" {
            assert_eq!(view["search"]["id"], id);
            let now = view["examined"].as_u64().expect("the field is a number");
            assert!(now >= examined, "{now} after {examined}");
            examined = examined.max(now);
        }
        view["phase"] == "done" && view["history"][0]["search"]["id"] == id
    });
    assert_eq!(done["examined"], 3_000_001);
    assert_eq!(done["findings"]["primes"], 216_816);
    assert_eq!(done["history"][0]["findings"], done["findings"]);
    assert_eq!(running.view(), done);
    running.stop();
}

#[test]
fn a_new_search_supersedes_the_one_that_is_on_its_way() {
    let running = Running::start();
    let mut events = running.events();
    // Hours of work.
    let first = running.search(0, LARGEST);
    events.until(|view| view["search"]["id"] == first && view["examined"].as_u64() > Some(0));
    let second = running.search(0, 100);
    assert!(second > first);
    let done = events.until(|view| view["phase"] == "done" && view["history"] != json!([]));
    assert_eq!((&done["search"]["id"], &done["findings"]["primes"]), (&json!(second), &json!(25)));
    assert_eq!(
        done["history"].as_array().map(Vec::len),
        Some(1),
        "the search that was replaced is not in the history"
    );
    running.stop();
}

#[test]
fn a_search_is_cancelled() {
    let running = Running::start();
    let mut events = running.events();
    assert_eq!(running.ask("DELETE", "/search", "").0, 409);
    let id = running.search(0, LARGEST);
    events.until(|view| view["search"]["id"] == id && view["examined"].as_u64() > Some(0));
    assert_eq!(running.ask("DELETE", "/search", "").0, 204);
    events.until(|view| view["phase"] == "idle");
    assert_eq!(running.ask("DELETE", "/search", "").0, 409);
    // The worker is free for the next search.
    running.search(5, 5);
    let done = events.until(|view| view["phase"] == "done");
    assert_eq!(done["findings"]["largest"], 5);
    assert_eq!(
        running.ask("DELETE", "/search", "").0,
        409,
        "a search that is done cannot be cancelled"
    );
    running.stop();
}

#[test]
fn a_wrong_request_is_refused_with_a_message() {
    let running = Running::start();
    let too_large = json!({"from": 0, "to": LARGEST + 1}).to_string();
    for (method, path, body, status, words) in [
        ("POST", "/search", r#"{"from": 10, "to": 1}"#, 422, "ends at 1 before it begins at 10"),
        ("POST", "/search", &too_large, 422, "the largest number to search is 1000000000000"),
        ("POST", "/search", r#"{"from": -1, "to": 1}"#, 422, "from: invalid value"),
        ("POST", "/search", r#"{"from": "x", "to": 1}"#, 422, "from: invalid type"),
        ("POST", "/search", r#"{"from": 1}"#, 422, "missing field `to`"),
        ("POST", "/search", r#"{"from": 1, "to": 2, "by": 3}"#, 422, "unknown field `by`"),
        ("POST", "/search", r#"{"from": "#, 400, "EOF"),
        ("POST", "/search", "", 400, "EOF"),
        ("PUT", "/search", "", 405, "does not take"),
        ("GET", "/nowhere", "", 404, "no such page"),
    ] {
        let (answered, said) = running.ask(method, path, body);
        assert_eq!(answered, status, "{method} {path} {body}: {said}");
        assert!(said.contains(words), "{method} {path} {body}: {said}");
    }
    assert_eq!(running.view()["phase"], "idle", "a request that was refused has begun a search");
    running.stop();
}

#[test]
fn a_closed_event_stream_ends_its_subscription() {
    let running = Running::start();
    let mut events = running.events();
    let others = [running.events(), running.events()];
    events.until(|view| view["watching"] == 3);
    for other in others {
        other.0.into_inner().shutdown(Shutdown::Both).expect("the connection is open");
    }
    events.until(|view| view["watching"] == 1);
    running.stop();
}

#[test]
fn a_worker_that_panics_is_reported_and_gets_no_more_requests() {
    let service = Service::start_with(|store| {
        let shared = shared![SEARCH, PROGRESS];
        IsolateStore::spawn(store, shared, |store| {
            store.subscribe(&SEARCH, |_, _| panic!("out of memory"));
        })
    });
    let running = Running::of(service.expect("the store and the worker start"));
    let mut events = running.events();
    running.search(0, 9);
    let view = events.until(|view| view["phase"] == "failed");
    assert_eq!(view["fault"], "out of memory");
    let (status, said) = running.ask("POST", "/search", r#"{"from": 0, "to": 9}"#);
    assert_eq!(status, 503);
    assert!(said.contains("out of memory"), "{said}");
    let failed = running.end().expect_err("the worker has failed");
    assert!(failed.to_string().contains("out of memory"), "{failed}");
}

#[test]
fn the_end_comes_in_the_middle_of_a_search_and_ends_every_stream() {
    let running = Running::start();
    let mut events = [running.events(), running.events()];
    let id = running.search(0, LARGEST);
    for events in &mut events {
        events.until(|view| view["search"]["id"] == id && view["examined"].as_u64() > Some(0));
    }
    let handle = running.handle.clone();
    running.stop();
    assert!(handle.is_closed());
    for mut events in events {
        while events.next().is_some() {}
    }
}

#[test]
fn half_a_request_does_not_hold_up_the_end() {
    let running = Running::start();
    let mut stream = running.connect();
    let head = "POST /search HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 9";
    write!(stream, "{head}\r\n\r\n{{").expect("the server reads the request");
    // This request is answered, so the service has accepted the other connection, too.
    running.view();
    running.stop();
    let mut answer = String::new();
    // The connection is cut, with or without an error.
    let _ = stream.read_to_string(&mut answer);
    assert_eq!(answer, "");
}

/// Returns the expected result, by trial division.
fn plainly(from: u64, to: u64) -> Findings {
    let is_prime = |n: &u64| *n > 1 && (2..=n.isqrt()).all(|d| !n.is_multiple_of(d));
    let primes: Vec<u64> = (from..=to).filter(is_prime).collect();
    let gaps = || primes.windows(2).map(|pair| (pair[1] - pair[0], pair[0]));
    // The first one, if several are equal.
    let widest = gaps().rev().max_by_key(|(gap, _)| *gap).unwrap_or_default();
    Findings {
        primes: primes.len() as u64,
        twins: gaps().filter(|(gap, _)| *gap == 2).count() as u64,
        largest: primes.last().copied(),
        gap: widest.0,
        gap_after: widest.1,
    }
}

fn found(from: u64, to: u64) -> Findings {
    let mut sieve = Sieve::new(from, to);
    while sieve.step() {}
    assert_eq!(sieve.examined(), to - from + 1);
    sieve.findings()
}

#[test]
fn the_sieve_finds_what_trial_division_finds() {
    for from in 0..40 {
        for to in from..60 {
            assert_eq!(found(from, to), plainly(from, to), "{from} to {to}");
        }
    }
    // Around the end of a step, and far away.
    for middle in [1 << 20, (1 << 20) + 100, 1 << 21, 1_000_000_007] {
        assert_eq!(found(middle - 100, middle + 100), plainly(middle - 100, middle + 100));
    }
    let found = found(0, 5_000_000);
    assert_eq!((found.primes, found.twins), (348_513, 32_463));
    assert_eq!((found.gap, found.gap_after), (154, 4_652_353));
}
