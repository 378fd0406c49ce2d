//! Workers in processes beside a raw pair of sockets with the same hops: a thread that reads at each end, and one
//! behind it that works.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use reacton::prelude::*;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{RecvFlags, recv};

const RAW: &str = "--raw-road";
const SPIN: Duration = Duration::from_micros(20);
const TIMEOUT: Duration = Duration::from_secs(60);

#[reacton]
static QUESTION: Vec<u8> = Vec::new();

#[reacton]
static ANSWER: Vec<u8> = Vec::new();

#[reacton]
static NUMBER: u64 = 0;

#[reacton]
static LAST: u64 = 0;

#[call]
static ASK: Call<Vec<u8>, Vec<u8>>;

/// Answers each short question with the question, and each long one with its first bytes.
#[worker(shared = [QUESTION, ANSWER, NUMBER, LAST])]
fn echo(store: &ReactonStore, until: u64) {
    store.subscribe(&QUESTION, |store, question| {
        let answer = if question.len() > 1000 { question[..8].to_vec() } else { question.clone() };
        store.set(&ANSWER, answer);
    });
    store.subscribe(&NUMBER, move |store, number| {
        if number % until == 0 {
            store.set(&LAST, *number);
        }
    });
}

/// Answers each job and each call with its content.
#[worker(shared = [QUESTION, ANSWER], answers = [ASK])]
fn member(store: &ReactonStore) {
    store.subscribe(&QUESTION, |store, question| store.set(&ANSWER, question.clone()));
    store.answer(&ASK, |_, question, _| question.clone());
}

/// Runs a worker or the far end of the raw road, if this process was started as one.
pub(crate) fn serve() {
    if std::env::args().nth(1).is_some_and(|argument| argument == RAW) {
        raw_far_end();
    }
    reacton::process::serve(workers![echo, member]);
}

/// Returns the messages that a reading thread receives.
fn reads(socket: UnixStream) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        loop {
            let mut bytes = Vec::with_capacity(1 << 16);
            let mut since = None;
            loop {
                match recv(&socket, spare_capacity(&mut bytes), RecvFlags::DONTWAIT) {
                    Ok((0, _)) => return,
                    Ok(_) => break,
                    Err(_) if since.get_or_insert_with(Instant::now).elapsed() < SPIN => {
                        thread::yield_now();
                    }
                    Err(_) => drop(poll(&mut [PollFd::new(&socket, PollFlags::IN)], None)),
                }
            }
            if sender.send(bytes).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Waits as a store does: spins, then sleeps.
fn next(receiver: &Receiver<Vec<u8>>) -> Option<Vec<u8>> {
    let since = Instant::now();
    while since.elapsed() < SPIN {
        match receiver.try_recv() {
            Ok(bytes) => return Some(bytes),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => thread::yield_now(),
        }
    }
    receiver.recv().ok()
}

/// The first byte says what follows: 0 a short question, 1 a long one, 2 many short ones.
fn raw_far_end() -> ! {
    let socket = rustix::io::dup(std::io::stdin()).map(UnixStream::from);
    let Ok(mut socket) = socket else { std::process::exit(2) };
    let Ok(reading) = socket.try_clone() else { std::process::exit(2) };
    let receiver = reads(reading);
    let _ = socket.write_all(&[9]);
    let mut left = 0_usize;
    while let Some(bytes) = next(&receiver) {
        let mut bytes = &bytes[..];
        while !bytes.is_empty() {
            if left > 0 {
                let taken = left.min(bytes.len());
                left -= taken;
                bytes = &bytes[taken..];
                if left == 0 {
                    let _ = socket.write_all(&[7]);
                }
            } else if bytes.len() >= 9 {
                let (head, rest) = bytes.split_at(9);
                let mut len = [0; 8];
                len.copy_from_slice(&head[1..]);
                left = usize::from_le_bytes(len);
                bytes = rest;
            } else {
                break;
            }
        }
    }
    std::process::exit(0)
}

/// Main's end of the raw road.
struct Raw {
    socket: UnixStream,
    receiver: Receiver<Vec<u8>>,
    child: std::process::Child,
}

impl Raw {
    fn start() -> std::io::Result<Self> {
        let (here, there) = UnixStream::pair()?;
        let child = Command::new("/proc/self/exe")
            .arg(RAW)
            .stdin(Stdio::from(OwnedFd::from(there)))
            .spawn()?;
        let receiver = reads(here.try_clone()?);
        next(&receiver);
        Ok(Self { socket: here, receiver, child })
    }

    fn ask(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut frame = vec![0];
        frame.extend_from_slice(&bytes.len().to_le_bytes());
        if bytes.len() < 1000 {
            frame.extend_from_slice(bytes);
            self.socket.write_all(&frame)?;
        } else {
            self.socket.write_all(&frame)?;
            self.socket.write_all(bytes)?;
        }
        next(&self.receiver);
        Ok(())
    }

    fn end(mut self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        let _ = self.child.wait();
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn row(name: &str, raw: Duration, ours: Duration, most: f64) {
    let ratio = ours.as_secs_f64() / raw.as_secs_f64();
    println!("{name:32} {raw:>12.1?} {ours:>12.1?} {ratio:>6.2}  (to reach: {most})");
}

/// Measures processes, and prints the table.
pub(crate) fn table() -> Result<(), String> {
    measure().map_err(|error| error.to_string())
}

fn measure() -> Result<(), Box<dyn std::error::Error>> {
    println!("{:32} {:>12} {:>12} {:>6}", "", "raw", "process", "ratio");
    let store = ReactonStore::new();
    let start = || echo::builder().process().spawn(&store, BURST);
    let (mut raws, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let begin = Instant::now();
        let raw = Raw::start()?;
        raws.push(begin.elapsed());
        raw.end();
        let begin = Instant::now();
        let worker = start()?;
        ours.push(begin.elapsed());
        worker.shutdown(TIMEOUT)?;
    }
    row("spawn to first answer", median(&mut raws), median(&mut ours), 2.0);
    let (mut raw, worker) = (Raw::start()?, start()?);
    for (name, len, rounds) in [
        ("round trip, 100 bytes", 100, 20_000),
        ("1 MB and an answer", 1 << 20, 300),
        ("16 MB and an answer", 16 << 20, 30),
    ] {
        let (mut raws, mut ours) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let mut bytes = vec![5; len];
            bytes[..8].copy_from_slice(&u64::to_le_bytes(round));
            let begin = Instant::now();
            raw.ask(&bytes)?;
            raws.push(begin.elapsed());
        }
        for round in 0..rounds {
            let mut bytes = vec![5; len];
            let mark = u64::to_le_bytes(len as u64 * 1_000_000 + round);
            bytes[..8].copy_from_slice(&mark);
            let begin = Instant::now();
            store.set(&QUESTION, bytes);
            store.run_until(TIMEOUT, |store| {
                store.with(&ANSWER, |answer| answer.starts_with(&mark))
            })?;
            ours.push(begin.elapsed());
        }
        row(name, median(&mut raws), median(&mut ours), 1.5);
    }
    burst(&store)?;
    worker.shutdown(TIMEOUT)?;
    work(&mut raw)?;
    raw.end();
    Ok(())
}

const TRIPS: u64 = 20_000;

/// Calls and jobs of 100 bytes, each after the answer to the last one.
fn work(raw: &mut Raw) -> Result<(), Box<dyn std::error::Error>> {
    let question = |number: u64| [&number.to_le_bytes()[..], &[5; 92]].concat();
    let times = |ask: &mut dyn FnMut(Vec<u8>) -> Result<(), Box<dyn std::error::Error>>| {
        let mut times = Vec::new();
        for number in 1..=TRIPS {
            let bytes = question(number);
            let begin = Instant::now();
            ask(bytes)?;
            times.push(begin.elapsed());
        }
        Ok::<_, Box<dyn std::error::Error>>(median(&mut times))
    };
    let raws = times(&mut |bytes| Ok(raw.ask(&bytes)?))?;
    let store = ReactonStore::new();
    let row = |name: &str, ours: Duration| {
        let ratio = ours.as_secs_f64() / raws.as_secs_f64();
        println!("{name:32} {raws:>12.1?} {ours:>12.1?} {ratio:>6.2}");
    };
    let worker = member::builder().process().spawn(&store)?;
    let ours = times(&mut |bytes| {
        worker.call(&ASK, bytes).wait(&store, TIMEOUT)?;
        Ok(())
    })?;
    row("a call of a worker", ours);
    worker.shutdown(TIMEOUT)?;
    let pool = member::builder().pool(1).process().spawn(&store)?;
    let ours = times(&mut |bytes| {
        pool.call(&ASK, bytes).wait(&store, TIMEOUT)?;
        Ok(())
    })?;
    row("a call of a pool of 1", ours);
    let ours = times(&mut |bytes| {
        let mark: [u8; 8] = *bytes.first_chunk().ok_or("it has no number")?;
        store.set(&QUESTION, bytes);
        store
            .run_until(TIMEOUT, |store| store.with(&ANSWER, |answer| answer.starts_with(&mark)))?;
        Ok(())
    })?;
    row("a job of a pool of 1", ours);
    pool.shutdown(TIMEOUT)?;
    Ok(())
}

const BURST: u64 = 100_000;

fn burst(store: &ReactonStore) -> Result<(), Box<dyn std::error::Error>> {
    let mut times = Vec::new();
    for round in 0..9 {
        let begin = Instant::now();
        (1..=BURST).for_each(|number| store.set(&NUMBER, round * BURST + number));
        store.run_until(TIMEOUT, |store| store.get(&LAST) == (round + 1) * BURST)?;
        times.push(begin.elapsed() / u32::try_from(BURST)?);
    }
    println!(
        "{:32} {:>12} {:>12.1?}         (to reach: 400ns)",
        "burst, each transaction",
        "",
        median(&mut times)
    );
    Ok(())
}
