//! Workers on a host beside a raw iroh stream with the same hops: a thread that reads at each end, one behind it that
//! works, and one that writes what comes closely. Host and client are two processes on this machine.
//!
//! `cargo bench -p reacton-net` prints the table of README.md. Each row is ours divided by raw in the same run.

#[path = "road/memory.rs"]
mod memory;
#[path = "road/ours.rs"]
mod ours;
#[path = "road/raw.rs"]
mod raw;

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use self::ours::Ours;
use self::raw::Raw;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The first argument of a process of this bench.
const HOST: &str = "--host";
const RAW_HOST: &str = "--raw-host";

/// More than any measurement takes.
const TIMEOUT: Duration = Duration::from_mins(1);

/// So many messages are a burst.
const BURST: u64 = 100_000;

fn main() -> Outcome {
    let arguments: Vec<_> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some(HOST) => ours::host(arguments.get(2).ok_or("which client?")?),
        Some(RAW_HOST) => raw::host(),
        _ => table(),
    }
}

/// The process of a host. It is killed when this is dropped.
struct HostProcess {
    child: Child,
    /// What it prints first: how to reach it.
    ticket: String,
}

impl HostProcess {
    fn start(arguments: &[&str]) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn()?;
        let mut ticket = String::new();
        BufReader::new(child.stdout.take().ok_or("it is piped")?).read_line(&mut ticket)?;
        Ok(Self { child, ticket: ticket.trim().to_owned() })
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn table() -> Outcome {
    // `-- --only 16` measures the rows with this in their name.
    let only = std::env::args().skip_while(|argument| argument != "--only").nth(1);
    let is_wanted = |name: &str| only.as_deref().is_none_or(|only| name.contains(only));
    let ours = Ours::start()?;
    let raw = Raw::start()?;
    println!("{:34} {:>10} {:>10} {:>6}  (to reach: 1.5)", "", "raw iroh", "worker", "ratio");
    // By turns, so that a change of the machine's speed is in both.
    let name = "connect, spawn, first answer";
    if is_wanted(name) {
        let [raws, mine] = by_turns(30, || raw.connect(), || ours.open_session())?;
        row(name, raws, mine);
    }
    let mut connection = raw.connection()?;
    let mut session = ours.session()?;
    let name = "spawn on an open connection";
    if is_wanted(name) {
        let [raws, mine] = by_turns(100, || connection.open(), || session.spawn())?;
        row(name, raws, mine);
    }
    let (mut stream, mut worker) = (connection.stream()?, session.worker()?);
    for (name, len, rounds) in [
        ("round trip, 100 bytes", 100, 5000),
        ("1 MB and an answer", 1 << 20, 100),
        ("16 MB and an answer", 16 << 20, 10),
    ] {
        if is_wanted(name) {
            let [raws, mine] = in_blocks(rounds, || stream.ask(len), || worker.ask(len))?;
            row(name, raws, mine);
        }
    }
    let name = "burst, each message";
    if is_wanted(name) {
        let burst = u32::try_from(BURST)?;
        let [raws, mine] = in_blocks(9, || stream.burst(), || worker.burst())?;
        row(name, raws / burst, mine / burst);
    }
    drop((stream, worker, connection, session));
    if is_wanted("memory") { memory::table() } else { Ok(()) }
}

/// Measures both after each other, so many times. Returns the medians.
fn by_turns(
    rounds: usize,
    mut raw: impl FnMut() -> Outcome,
    mut ours: impl FnMut() -> Outcome,
) -> Outcome<[Duration; 2]> {
    let (mut raws, mut mine) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        raws.push(timed(&mut raw)?);
        mine.push(timed(&mut ours)?);
    }
    Ok([median(&mut raws), median(&mut mine)])
}

/// As [`by_turns`], in blocks of an eighth: what follows at once finds threads and caches awake.
fn in_blocks(
    rounds: usize,
    mut raw: impl FnMut() -> Outcome,
    mut ours: impl FnMut() -> Outcome,
) -> Outcome<[Duration; 2]> {
    let (mut raws, mut mine) = (Vec::new(), Vec::new());
    let block = rounds.div_ceil(8);
    while raws.len() < rounds {
        for _ in 0..block {
            raws.push(timed(&mut raw)?);
        }
        for _ in 0..block {
            mine.push(timed(&mut ours)?);
        }
    }
    Ok([median(&mut raws), median(&mut mine)])
}

fn timed(work: &mut impl FnMut() -> Outcome) -> Outcome<Duration> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn row(name: &str, raw: Duration, ours: Duration) {
    let ratio = ours.as_secs_f64() / raw.as_secs_f64();
    println!("{name:34} {raw:>10.1?} {ours:>10.1?} {ratio:>6.2}");
}
