//! Workers on a host beside a raw iroh stream with the same hops: a thread that reads at each end, one behind it that
//! works, and one that writes what comes closely. Host and client are two processes on this machine.
//!
//! `cargo bench -p reacton-net` prints the table of README.md. Each row is ours divided by raw in the same run.

#[path = "road/costs.rs"]
mod costs;
#[path = "road/memory.rs"]
mod memory;
#[path = "road/ours.rs"]
mod ours;
#[path = "road/raw.rs"]
mod raw;

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use self::costs::Costs;
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
    let (ours, raw) = (Ours::start()?, Raw::start()?);
    let hosts = [raw.process(), ours.process()];
    println!("each: raw iroh, worker, ratio (of the time to reach: 1.5)");
    println!("{:30} {:^26}  {:^26}  {:^18}", "", "time", "processors", "sleeps of threads");
    let name = "connect, spawn, first answer";
    if is_wanted(name) {
        measure(name, hosts, (30, 1), || raw.connect(), || ours.open_session())?;
    }
    let mut connection = raw.connection()?;
    let mut session = ours.session()?;
    let name = "spawn on an open connection";
    if is_wanted(name) {
        measure(name, hosts, (100, 1), || connection.open(), || session.spawn())?;
    }
    let (mut stream, mut worker) = (connection.stream()?, session.worker()?);
    for (name, len, rounds) in [
        ("round trip, 100 bytes", 100, 5000),
        ("1 MB and an answer", 1 << 20, 100),
        ("16 MB and an answer", 16 << 20, 10),
    ] {
        if is_wanted(name) {
            measure(name, hosts, (rounds, 1), || stream.ask(len), || worker.ask(len))?;
        }
    }
    let name = "burst, each message";
    if is_wanted(name) {
        let parts = u32::try_from(BURST)?;
        measure(name, hosts, (9, parts), || stream.burst(), || worker.burst())?;
    }
    drop((stream, worker, connection, session));
    if is_wanted("memory") { memory::table() } else { Ok(()) }
}

/// Measures both in turns of a few rounds, so that a change of the machine's speed is in both, and prints the row.
fn measure(
    name: &str,
    [raw_host, own_host]: [u32; 2],
    (rounds, parts): (usize, u32),
    mut raw: impl FnMut() -> Outcome,
    mut ours: impl FnMut() -> Outcome,
) -> Outcome {
    let (mut raws, mut mine) = (Costs::default(), Costs::default());
    let block = rounds.div_ceil(10);
    for _ in 0..rounds.div_ceil(block) {
        raws.add(raw_host, block, &mut raw)?;
        mine.add(own_host, block, &mut ours)?;
    }
    let ((raw, raw_processors, raw_sleeps), (own, processors, sleeps)) =
        (raws.each(parts), mine.each(parts));
    let ratio = |ours: Duration, raw: Duration| ours.as_secs_f64() / raw.as_secs_f64();
    println!(
        "{name:30} {raw:>9.1?} {own:>9.1?} {:>6.2}  {raw_processors:>9.1?} {processors:>9.1?} {:>6.2}  {raw_sleeps:>8.3} {sleeps:>8.3}",
        ratio(own, raw),
        ratio(processors, raw_processors),
    );
    Ok(())
}
