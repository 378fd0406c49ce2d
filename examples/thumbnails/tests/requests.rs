//! Tests of the service, by requests over a socket.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures::channel::oneshot;
use reacton::prelude::*;
use serde_json::Value;
use tokio::net::TcpListener;

#[path = "../src/http.rs"]
mod http;
#[path = "../src/picture.rs"]
mod picture;
#[path = "../src/service.rs"]
mod service;

use crate::service::{Job, QUALITY, STEP, Service, Step, THUMBNAIL};

/// A running service, started as `main` starts it.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ShutdownError>>,
}

impl Running {
    fn start() -> Self {
        Self::of(Service::start().expect("the store and the workers start"))
    }

    fn of(service: Service) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (give, given) = std::sync::mpsc::channel();
        let sample = picture::painted(160, 120).expect("the picture is encoded");
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
                http::serve(listener, &service, sample.into(), stop).await
            });
            drop(runtime);
            let stopped = service.stop();
            served.expect("the server runs without an error");
            stopped
        });
        let address = given.recv().expect("the server sends its address");
        Self { address, stop, serving }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("the timeout is not zero");
        stream
    }

    /// Sends one request.
    fn send(&self, method: &str, path: &str, body: &[u8]) -> TcpStream {
        let mut stream = self.connect();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), body].concat()).expect("the server reads the request");
        stream
    }

    /// Sends one request, and returns the status and the body of the answer.
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut answer = Vec::new();
        self.send(method, path, body).read_to_end(&mut answer).expect("the server answers");
        let head_ends = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let body = answer.split_off(head_ends.expect("the answer has a header") + 4);
        let head = String::from_utf8_lossy(&answer);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("the answer has a status"), body)
    }

    /// The same for an answer that is text.
    fn text(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let (status, body) = self.ask(method, path, body);
        (status, String::from_utf8(body).expect("the body is UTF-8"))
    }

    fn state(&self) -> Value {
        let (status, body) = self.text("GET", "/state", b"");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("the body is JSON")
    }

    fn events(&self) -> Events {
        let mut stream = self.connect();
        write!(stream, "GET /events HTTP/1.1\r\nhost: test\r\n\r\n")
            .expect("the server reads the request");
        Events(BufReader::new(stream))
    }

    fn stop(self) {
        self.stop.send(()).expect("the channel is open");
        assert_eq!(self.serving.join().expect("the thread does not panic"), Ok(()));
    }
}

/// The events that a browser receives.
struct Events(BufReader<TcpStream>);

impl Events {
    fn until(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        loop {
            let mut line = String::new();
            assert!(
                self.0.read_line(&mut line).expect("an event arrives in time") > 0,
                "the event stream has ended"
            );
            let Some(data) = line.trim_end().strip_prefix("data: ") else { continue };
            let view = serde_json::from_str(data).expect("the event is JSON");
            if wanted(&view) {
                return view;
            }
        }
    }
}

/// Returns the size of a JPEG.
fn size(jpeg: &[u8]) -> (u32, u32) {
    picture::decode(jpeg).expect("the body is a JPEG").dimensions()
}

#[test]
fn a_picture_is_made_small() {
    let running = Running::start();
    let picture = picture::painted(300, 200).expect("the picture is encoded");
    let (status, jpeg) = running.ask("POST", "/thumbnail?width=60", &picture);
    assert_eq!((status, size(&jpeg)), (200, (60, 40)));
    let (status, jpeg) = running.ask("GET", "/thumbnail?width=80", b"");
    assert_eq!((status, size(&jpeg)), (200, (80, 60)));
    let (status, page) = running.text("GET", "/", b"");
    assert_eq!(status, 200);
    assert!(page.contains("new EventSource(\"/events\")"));
    running.stop();
}

#[test]
fn a_wrong_request_is_refused_with_a_message() {
    let running = Running::start();
    for (method, path, body, status, words) in [
        ("POST", "/thumbnail", "no picture", 422, "the picture cannot be read"),
        ("POST", "/thumbnail", "", 422, "the picture cannot be read"),
        ("GET", "/thumbnail?width=3000", "", 422, "the widest thumbnail has 2000 pixels"),
        ("GET", "/thumbnail?width=x", "", 400, "width"),
        ("GET", "/thumbnail?height=1", "", 400, "unknown field"),
        ("PUT", "/quality", "0", 422, "send a number from 1 to 100"),
        ("PUT", "/quality", "good", 422, "`good` is no quality"),
        ("DELETE", "/thumbnail", "", 405, "does not take"),
        ("GET", "/nowhere", "", 404, "no such page"),
    ] {
        let (answered, said) = running.text(method, path, body.as_bytes());
        assert_eq!(answered, status, "{method} {path} {body}: {said}");
        assert!(said.contains(words), "{method} {path} {body}: {said}");
    }
    running.stop();
}

#[test]
fn the_quality_is_that_of_every_worker_once_the_request_is_answered() {
    let running = Running::start();
    let mut lengths = Vec::new();
    for quality in ["90", "10"] {
        assert_eq!(running.ask("PUT", "/quality", quality.as_bytes()).0, 204);
        // More requests than there are workers.
        let answers: Vec<_> = (0..20).map(|_| running.ask("GET", "/thumbnail", b"")).collect();
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "all workers use the same quality"
        );
        lengths.push(answers[0].1.len());
    }
    assert!(lengths[1] < lengths[0], "{lengths:?}");
    running.stop();
}

#[test]
fn a_panic_is_the_answer_of_its_own_request() {
    let running = Running::start();
    let (status, said) = running.text("GET", "/thumbnail?width=0", b"");
    assert_eq!(status, 500);
    assert_eq!(said, "a worker panicked: a picture of 160 pixels cannot be made 0 wide");
    assert_eq!(running.ask("GET", "/thumbnail", b"").0, 200);
    running.stop();
}

/// The expected answer to each of a thousand requests.
#[derive(Clone, Copy)]
enum Kind {
    Panics,
    NoPicture,
    Picture(u32),
}

impl Kind {
    fn of(n: usize) -> Self {
        match n {
            n if n % 50 == 7 => Self::Panics,
            n if n % 50 == 31 => Self::NoPicture,
            // Few requests have the same width, so a mixed-up answer would be noticed.
            n => Self::Picture(u32::try_from(n % 90).expect("the number fits") + 10),
        }
    }

    fn check(self, running: &Running, picture: &[u8]) {
        match self {
            Self::Panics => {
                let (status, said) = running.text("POST", "/thumbnail?width=0", picture);
                assert_eq!(status, 500, "{said}");
                assert!(said.contains("a picture of 100 pixels cannot be made 0 wide"), "{said}");
            }
            Self::NoPicture => {
                let (status, said) = running.text("POST", "/thumbnail", b"nothing");
                assert_eq!(status, 422, "{said}");
                assert!(said.contains("cannot be read"), "{said}");
            }
            Self::Picture(width) => {
                let path = format!("/thumbnail?width={width}");
                let (status, jpeg) = running.ask("POST", &path, picture);
                assert_eq!((status, size(&jpeg)), (200, (width, width)));
            }
        }
    }
}

#[test]
fn a_thousand_requests_with_one_in_fifty_that_panics_are_each_answered_rightly() {
    const REQUESTS: usize = 1000;
    let running = Running::start();
    let picture = picture::painted(100, 100).expect("the picture is encoded");
    let next = AtomicUsize::new(0);
    let mut events = running.events();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= REQUESTS {
                        return;
                    }
                    Kind::of(n).check(&running, &picture);
                }
            });
        }
    });
    let view = events.until(|view| {
        let count = |name: &str| view[name].as_u64().expect("the field is a number");
        count("made") + count("refused") + count("failed") + count("cancelled") == 1000
    });
    for (name, count) in
        [("made", 960), ("refused", 20), ("failed", 20), ("cancelled", 0), ("stopped", 0)]
    {
        assert_eq!(view[name], count, "{name} in {view}");
    }
    assert_eq!(running.state()["running"].as_object().map(serde_json::Map::len), Some(0));
    running.stop();
}

/// A worker that stays at 50 percent of its job until the job is cancelled.
fn patient(store: &ReactonStore) -> Result<Pool, SpawnError> {
    let pool = IsolateStore::builder().shared(shared![QUALITY, STEP]).answers(&THUMBNAIL).pool(1);
    pool.spawn(store, |store: &ReactonStore| {
        store.answer(&THUMBNAIL, |store, job: &Job, call: &Asked| {
            store.set(&STEP, Step::Percent(job.number, 50));
            while !call.is_cancelled() {
                thread::yield_now();
            }
            store.set(&STEP, Step::Stopped);
            Err("cancelled".into())
        });
    })
}

#[test]
fn a_client_that_has_gone_cancels_its_call() {
    let running = Running::of(Service::start_with(patient).expect("the worker starts"));
    let mut events = running.events();
    let first = running.send("GET", "/thumbnail", b"");
    events.until(|view| view["running"]["0"] == 50);
    // Waits behind the first request.
    let second = running.send("GET", "/thumbnail", b"");
    events.until(|view| view["running"]["1"] == 0);
    drop(second);
    events.until(|view| view["cancelled"] == 1);
    drop(first);
    let view = events.until(|view| view["stopped"] == 1);
    assert_eq!(view["cancelled"], 2);
    // The worker never began the second request, and is free for the next one.
    let third = running.send("GET", "/thumbnail", b"");
    events.until(|view| view["running"]["2"] == 50);
    drop(third);
    let view = events.until(|view| view["stopped"] == 2);
    assert_eq!((&view["cancelled"], &view["made"]), (&3.into(), &0.into()));
    running.stop();
}

#[test]
fn progress_is_streamed() {
    let running = Running::start();
    let mut events = running.events();
    let shown = |view: &Value| {
        let running: BTreeMap<String, u8> = serde_json::from_value(view["running"].clone())
            .expect("the field is a list of numbers");
        running.get("0").copied()
    };
    let picture = picture::painted(1200, 1200).expect("the picture is encoded");
    let request = running.send("POST", "/thumbnail?width=600", &picture);
    let mut last = None;
    events.until(|view| {
        let now = shown(view);
        assert!(now >= last || now.is_none(), "{now:?} after {last:?}");
        last = now.or(last);
        view["made"] == 1
    });
    assert!(last.is_some(), "no progress was shown");
    drop(request);
    running.stop();
}

#[test]
fn the_end_comes_in_the_middle_of_requests_and_ends_every_stream() {
    let running = Running::of(Service::start_with(patient).expect("the worker starts"));
    let mut events = running.events();
    let mut request = running.send("GET", "/thumbnail", b"");
    events.until(|view| view["running"]["0"] == 50);
    running.stop();
    let mut rest = Vec::new();
    events.0.read_to_end(&mut rest).expect("the event stream ends");
    // The connection is cut, or the answer says that there is no worker any more.
    let _ = request.read_to_end(&mut rest);
}
