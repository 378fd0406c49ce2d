//! A picture that is rendered on whatever hosts are there. The README describes how to run it.
//!
//! ```text
//! render-farm key KEY                                   prints the public key of a client
//! render-farm host KEY ADDRESS CLIENT_KEY [WORKERS]     offers workers to that client, and prints a ticket
//! render-farm render KEY PICTURE TICKET..               renders a picture on these hosts
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use reacton::prelude::*;
use reacton_net::{Host, HostState, KeyFile, Session};

mod picture;

use picture::{Strip, render};

const USAGE: &str = "usage: render-farm key KEY | host KEY ADDRESS CLIENT_KEY [WORKERS] | render KEY PICTURE TICKET..";

/// The picture: its width and height, the rows of a strip, and the number of steps for each point.
const SIZE: (u32, u32) = (1200, 900);
const ROWS: u32 = 10;
const DEPTH: u32 = 4000;

/// A side that is silent for this long is given up. Shorter than by default, to be watched.
const PATIENCE: Duration = Duration::from_secs(5);

/// Renders a strip. The answer begins with the number of the process that did it.
#[call]
static STRIP: Call<Strip, (u32, Vec<u8>)>;

#[worker(answers = [STRIP])]
fn renderer(store: &ReactonStore) {
    store.answer(&STRIP, |_, strip, _| (std::process::id(), render(strip)));
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["key", key] => print_key(key),
        ["host", key, address, client] => host(key, address, client, "4"),
        ["host", key, address, client, workers] => host(key, address, client, workers),
        ["render", key, picture, ref tickets @ ..] if !tickets.is_empty() => {
            render_on(key, picture, tickets)
        }
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn print_key(key: &str) -> Result<(), Box<dyn Error>> {
    println!("{}", KeyFile::at(key).public_key()?);
    Ok(())
}

fn host(key: &str, address: &str, client: &str, workers: &str) -> Result<(), Box<dyn Error>> {
    let capacity = workers.parse().map_err(|_| USAGE)?;
    let host = Host::builder()
        .key(KeyFile::at(key))
        .listen(address)
        .allow([client])
        .offer("farm", workers![renderer])
        .capacity(capacity)
        .patience(PATIENCE)
        .open()?;
    println!("{}", host.ticket());
    host.run(&ReactonStore::new());
    Ok(())
}

fn render_on(key: &str, picture: &str, tickets: &[&str]) -> Result<(), Box<dyn Error>> {
    let builder = Session::builder().key(KeyFile::at(key)).patience(PATIENCE);
    let session = tickets.iter().fold(builder, |builder, ticket| builder.host(*ticket)).open()?;
    let store = ReactonStore::new();
    let hosts = session.hosts(&store);
    // Hosts that are there answer at once. Those that are not may come later.
    let all =
        |store: &ReactonStore| store.with(&hosts, |hosts| hosts.iter().all(|host| host.connected));
    let _ = store.run_until(Duration::from_secs(5), all);
    let connected = store.with(&hosts, |hosts| hosts.iter().filter(|host| host.connected).count());
    let room: usize = store.with(&hosts, |hosts| hosts.iter().map(HostState::free).sum());
    println!("{connected} hosts connected, room for {room} workers");
    // A worker that is lost is started again on another host, once that has room, or when its own is back.
    let restart = Restart::OnPanic {
        max: 1000,
        within: Duration::from_mins(1),
        backoff: Duration::from_millis(500),
    };
    let pool = renderer::builder()
        .restart(restart)
        .retries(100)
        .pool(room.max(1))
        .at(&session, "farm")
        .spawn(&store)?;
    let (width, height) = SIZE;
    let tops = (0..height).step_by(ROWS as usize);
    let strips =
        tops.map(|top| Strip { width, height, top, rows: ROWS.min(height - top), depth: DEPTH });
    let answers: Vec<_> = strips.map(|strip| pool.call(&STRIP, strip)).collect();
    let count = answers.len();
    let mut pixels = Vec::new();
    let mut done_by = BTreeMap::<u32, usize>::new();
    let mut shown = String::new();
    for (done, answer) in answers.into_iter().enumerate() {
        let (process, strip) = answer.wait(&store, Duration::from_mins(10))?;
        *done_by.entry(process).or_default() += 1;
        pixels.extend(strip);
        let line = store.with(&hosts, |hosts| describe(hosts));
        let percent = 100 * (done + 1) / count;
        if line != shown || percent.is_multiple_of(25) && percent != 100 * done / count {
            println!("{percent:3} %  {line}");
            shown = line;
        }
    }
    let head = format!("P6\n{width} {height}\n255\n");
    fs::write(picture, [head.as_bytes(), &pixels].concat())?;
    println!("{picture}: {width} x {height}, {count} strips");
    let by: Vec<_> =
        done_by.iter().map(|(process, strips)| format!("{process} did {strips}")).collect();
    println!("strips by host process: {}", by.join(", "));
    Ok(())
}

/// The state of each host, in the order of the tickets.
fn describe(hosts: &[HostState]) -> String {
    let each = hosts.iter().enumerate().map(|(at, host)| {
        let number = at + 1;
        match (&host.failure, host.connected) {
            (_, true) => format!("host {number}: {} of {} workers", host.running, host.capacity),
            (Some(failure), false) => format!("host {number}: gone ({failure})"),
            (None, false) => format!("host {number}: silent"),
        }
    });
    each.collect::<Vec<_>>().join(", ")
}
