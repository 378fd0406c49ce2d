//! Four workers in a terminal: live status, progress and throughput, and keys to start, cancel, crash and restart them.
//!
//! ```text
//! $ cargo run --release -p monitor [-- LIMIT]
//! four workers count the primes below 100000000000
//! ╔ 1 north counts ══════════════════════════════════════════════════════════════════════════════════╗
//! ║█████████████████████▊                       23%                                                   ║
//! ║28876510 primes; 2216 transactions and 106368 bytes taken in, 0 waiting, 0 restarts                ║
//! ║   612 transactions/s    ▇█▇▇██▇▇█                                                                 ║
//! ╚═══════════════════════════════════════════════════════════════════════════════════════════════════╝
//! ```
//!
//! Each worker counts the primes in a quarter of the numbers below LIMIT and reports after each piece. `s` lets the chosen
//! one count, `c` stops it half-way, `r` has all of its work done by a new one, `q` or Ctrl+C quits. `x` lets it panic: its
//! status says so, another one follows by the restart policy, and goes on where main knows that it was. The fourth panic
//! within 30 seconds is the last; then `s` starts a new one. When all are done, the total is compared with what is known.
//!
//! It takes a terminal, and says so if there is none. The exit code is 1 then, and for a LIMIT that is no number.
use std::env;
use std::error::Error;
use std::io::{self, IsTerminal};
use std::panic;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use reacton::prelude::*;

mod primes;
mod screen;
mod workers;

use workers::Workers;

/// How long a frame waits for a key: 30 of them in a second.
const FRAME: Duration = Duration::from_millis(33);

/// How often the throughput is measured.
const SAMPLE: Duration = Duration::from_millis(500);

/// What one turn takes in at most, so that a frame stays short whatever comes.
const TURN: usize = 10_000;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut workers = Workers::new(limit()?);
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err("the monitor is for a terminal: run it in one, without redirection".into());
    }
    let mut terminal = ratatui::try_init()?;
    // Its panic hook restores the terminal, whichever thread panics. A worker that does so is shown instead.
    let restore = panic::take_hook();
    let main = thread::current().id();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().id() == main {
            restore(panic);
        }
    }));
    let watched = watch(&mut terminal, &mut workers);
    ratatui::try_restore()?;
    let closed = workers.close();
    watched?;
    Ok(closed?)
}

/// Shows the workers and obeys the keys, until it is time to quit.
fn watch(terminal: &mut DefaultTerminal, workers: &mut Workers) -> io::Result<()> {
    let mut selected = 0;
    let mut note = String::new();
    let mut sampled = Instant::now();
    loop {
        // It takes in what is there and never waits: that is for the keys.
        workers.store.pump_at_most(TURN);
        let since = sampled.elapsed();
        if since >= SAMPLE {
            workers.sample(since);
            sampled = Instant::now();
        }
        terminal.draw(|frame| screen::draw(frame, workers, selected, &note))?;
        if event::poll(FRAME)?
            && let Event::Key(key) = event::read()?
            && !key.is_release()
        {
            match obey(key, workers, &mut selected) {
                Ok(true) => return Ok(()),
                Ok(false) => note.clear(),
                Err(error) => note = error.to_string(),
            }
        }
    }
}

/// Does what a key asks for. Whether it is to quit.
fn obey(key: KeyEvent, workers: &mut Workers, selected: &mut usize) -> Result<bool, SpawnError> {
    let last = workers.members.len() - 1;
    let (member, store) = (&mut workers.members[*selected], &workers.store);
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(true),
        KeyCode::Char('q') | KeyCode::Esc => return Ok(true),
        KeyCode::Char(digit @ '1'..='4') => *selected = digit as usize - '1' as usize,
        KeyCode::Up => *selected = selected.saturating_sub(1),
        KeyCode::Down => *selected = last.min(*selected + 1),
        KeyCode::Char('s') => member.start(store)?,
        KeyCode::Char('c') => member.cancel(store),
        KeyCode::Char('x') => member.crash(store),
        KeyCode::Char('r') => member.restart(store)?,
        _ => {}
    }
    Ok(false)
}

/// The command line: below which number primes are counted.
fn limit() -> Result<u64, String> {
    const USAGE: &str = "usage: monitor [LIMIT], a number from 10000 to 1000000000000";
    let mut words = env::args_os().skip(1);
    let limit = match words.next() {
        None => 100_000_000_000,
        Some(word) => word.to_str().and_then(|word| word.parse().ok()).ok_or(USAGE)?,
    };
    if words.next().is_some() || !(10_000..=1_000_000_000_000).contains(&limit) {
        return Err(USAGE.into());
    }
    Ok(limit)
}
