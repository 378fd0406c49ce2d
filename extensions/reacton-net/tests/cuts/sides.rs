//! The two sides of a wire: a host, and a client that writes numbers for its worker.

use std::cell::Cell;
use std::env;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_net::{Host, KeyFile, Session};

/// The variable with the role of a process.
const VARIABLE: &str = "REACTON_SIDE";

/// Longer than any of them waits.
const PATIENCE: Duration = Duration::from_mins(3);

/// A number is written so often.
const PERIOD: Duration = Duration::from_millis(10);

#[reacton]
static NUMBER: u64 = 0;

/// With which number the worker has begun, how many it has seen since, and how often one was not the next.
#[reacton]
static SEEN: (u64, u64, u64) = (0, 0, 0);

#[worker(shared = [NUMBER, SEEN])]
fn witness(store: &ReactonStore) {
    let begun = store.get(&NUMBER);
    store.set(&SEEN, (begun, 0, 0));
    let last = Cell::new(begun);
    store.subscribe(&NUMBER, move |store, number| {
        let is_next = last.replace(*number) + 1 == *number;
        store.update(&SEEN, |(_, count, gaps)| {
            *count += 1;
            *gaps += u64::from(!is_next);
        });
    });
}

/// The file of a key.
pub(crate) fn key(name: &str) -> KeyFile {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cuts");
    std::fs::create_dir_all(&folder).expect("a folder");
    KeyFile::at(folder.join(format!("{name}.key")))
}

/// The body of a process.
pub(crate) fn run() {
    let Ok(role) = env::var(VARIABLE) else { return };
    match role.split(' ').collect::<Vec<_>>()[..] {
        ["host", listen, client] => {
            let builder = Host::builder().key(key(&format!("host-{listen}"))).listen(listen);
            let builder = builder.allow([client]).offer("tests", workers![witness]);
            let host = builder.open().expect("a host");
            tell(format_args!("ticket {}", host.ticket()));
            host.run(&ReactonStore::new());
        }
        ["client", pair, ticket, writes, restarts] => {
            let writes = Duration::from_millis(writes.parse().expect("a number"));
            be_client(pair, ticket, writes, restarts == "true");
        }
        _ => panic!("no such role: {role}"),
    }
}

/// On a line of its own: the test runner may have begun one.
fn tell(what: fmt::Arguments<'_>) {
    println!("\nside: {what}");
}

fn be_client(pair: &str, ticket: &str, writes: Duration, restarts: bool) {
    let key = key(&format!("client-{pair}"));
    let session = Session::builder().key(key).host(ticket).open().expect("a session");
    let store = ReactonStore::new();
    let mut builder = witness::builder().at(&session, "tests");
    if restarts {
        builder = builder.restart(Restart::on_panic(100));
    }
    let worker = builder.spawn(&store).expect("the worker starts");
    store.subscribe(worker.status(), |_, status| tell(format_args!("status {status:?}")));
    let flows = Rc::new(Cell::new(false));
    store.subscribe(&SEEN, move |_, (_, count, _)| {
        if *count >= 100 && !flows.replace(true) {
            tell(format_args!("flowing"));
        }
    });
    let (begun, mut written) = (Instant::now(), 0);
    while begun.elapsed() < writes {
        written += 1;
        store.set(&NUMBER, written);
        let next = begun + PERIOD * u32::try_from(written).unwrap_or(u32::MAX);
        let left = || next.saturating_duration_since(Instant::now());
        let _ = store.run_until(left(), |_| false);
        // When the worker is lost, nothing can arrive any more, and the store does not wait.
        thread::sleep(left());
    }
    // A lost worker sees nothing more.
    let has_all = |store: &ReactonStore| {
        let (begun, count, _) = store.get(&SEEN);
        begun + count == written || store.get(worker.status()) == IsolateStatus::Lost
    };
    let _ = store.run_until(PATIENCE, has_all);
    let (begun, count, gaps) = store.get(&SEEN);
    let restarts = worker.stats().restarts;
    tell(format_args!("ended {written} {begun} {count} {gaps} {restarts}"));
}

/// What a client has seen at the end.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Each status that it saw after `Running`.
    pub(crate) statuses: Vec<String>,
    /// How many numbers it has written.
    pub(crate) written: u64,
    /// With which number its last worker has begun, how many that one has seen, and how often one was not the next.
    pub(crate) begun: u64,
    pub(crate) counted: u64,
    pub(crate) gaps: u64,
    pub(crate) restarts: u64,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { statuses, written, begun, counted, restarts, .. } = self;
        let words: Vec<_> = statuses.iter().filter_map(|status| status.split(' ').next()).collect();
        write!(
            f,
            "{counted} of {} seen after {begun}, each once and in order; {restarts} restarts; {}",
            written - begun,
            words.join(", ")
        )
    }
}

/// A side in a process of its own. It is killed when this is dropped.
pub(crate) struct Side {
    child: Child,
    lines: Receiver<String>,
    statuses: Vec<String>,
}

impl Side {
    pub(crate) fn host(command: Command, listen: &str, client: &str) -> Self {
        Self::start(command, &format!("host {listen} {client}"))
    }

    pub(crate) fn client(
        command: Command,
        pair: usize,
        ticket: &str,
        writes: Duration,
        restarts: bool,
    ) -> Self {
        let writes = writes.as_millis();
        Self::start(command, &format!("client {pair} {ticket} {writes} {restarts}"))
    }

    fn start(mut command: Command, role: &str) -> Self {
        command.args(["side_of_a_wire", "--exact", "--nocapture", "--test-threads=1", "-q"]);
        command.env(VARIABLE, role).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let out = child.stdout.take().expect("the output is piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(told) = line.strip_prefix("side: ") {
                    let _ = sender.send(told.to_owned());
                }
            }
        });
        Self { child, lines, statuses: Vec::new() }
    }

    /// Waits for a line that begins with `word`, and returns the rest of it.
    pub(crate) fn wait_for(&mut self, word: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("no `{word}`: {error}"));
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().to_owned();
            }
            self.statuses.extend(line.strip_prefix("status ").map(str::to_owned));
        }
    }

    /// Waits for the end of a client.
    pub(crate) fn ended(mut self) -> Ended {
        let line = self.wait_for("ended");
        let numbers: Vec<u64> =
            line.split(' ').map(|text| text.parse().expect("the text is a number")).collect();
        let [written, begun, counted, gaps, restarts] = numbers[..] else { panic!("{line}") };
        let statuses = std::mem::take(&mut self.statuses);
        Ended { statuses, written, begun, counted, gaps, restarts }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
