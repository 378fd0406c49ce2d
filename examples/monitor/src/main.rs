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
//! Each worker counts the primes in a quarter of the numbers below LIMIT, and reports after each piece. `s` starts the
//! selected worker, `c` stops it, `r` replaces it by a new one that begins again, `q` or Ctrl+C quits.
//!
//! `x` makes the worker panic. Its status says so, and the restart policy starts another worker, which continues after
//! the last report. The fourth panic within 30 seconds is the last; then `s` starts a new worker. When all are done,
//! the total is compared with the known number.
//!
//! LIMIT and the selected worker are remembered in a JSON file, which can be edited: `reacton-monitor/settings.json` in
//! the folder for settings, or the file that `MONITOR_SETTINGS` names.
//!
//! It needs a terminal, and says so if there is none. The exit code is 1 then, and also if LIMIT is not a number.
use std::env;
use std::error::Error;
use std::io::{self, IsTerminal};
use std::ops::RangeInclusive;
use std::panic;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use reacton::persist::{SaveStatus, Saved};
use reacton::prelude::*;

mod primes;
mod screen;
mod settings;
mod workers;

use settings::SETTINGS;
use workers::Workers;

/// How long a frame waits for a key: 30 frames in a second.
const FRAME: Duration = Duration::from_millis(33);

/// How often the throughput is measured.
const SAMPLE: Duration = Duration::from_millis(500);

/// The maximum that one turn applies, so that a frame stays short whatever arrives.
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
    let named = limit()?;
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err("the monitor is for a terminal: run it in one, without redirection".into());
    }
    let store = ReactonStore::new();
    let saved = settings::remember(&store)?;
    if let Some(limit) = named {
        store.update(&SETTINGS, |settings| settings.limit = limit);
    }
    let limit = store.with(&SETTINGS, |settings| settings.limit);
    if !LIMITS.contains(&limit) {
        return Err(format!("the settings have a limit of {limit}; {USAGE}").into());
    }
    let mut workers = Workers::of(store, limit);
    let mut terminal = ratatui::try_init()?;
    // Its panic hook restores the terminal, whichever thread panics. A panic of a worker must not do that; it is shown
    // instead.
    let restore = panic::take_hook();
    let main = thread::current().id();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().id() == main {
            restore(panic);
        }
    }));
    let watched = watch(&mut terminal, &mut workers, &saved);
    ratatui::try_restore()?;
    let closed = workers.close();
    watched?;
    Ok(closed?)
}

/// Shows the workers and handles the keys, until the user quits.
fn watch(terminal: &mut DefaultTerminal, workers: &mut Workers, saved: &Saved) -> io::Result<()> {
    let last = workers.members.len() - 1;
    let mut selected = workers.store.with(&SETTINGS, |settings| settings.selected.min(last));
    let problems = workers.store.get(saved.problems());
    let mut note = problems.first().map_or_else(String::new, ToString::to_string);
    let mut sampled = Instant::now();
    loop {
        // Applies what has arrived, without waiting: the wait is for keys.
        workers.store.pump_at_most(TURN);
        let since = sampled.elapsed();
        if since >= SAMPLE {
            workers.sample(since);
            sampled = Instant::now();
        }
        if let SaveStatus::Failing { reason } = workers.store.get(saved.status()) {
            note = reason;
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
            workers.store.update(&SETTINGS, |settings| settings.selected = selected);
        }
    }
}

/// Does what a key stands for. Returns whether it is the one to quit.
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

const USAGE: &str = "usage: monitor [LIMIT], a number from 10000 to 1000000000000";

const LIMITS: RangeInclusive<u64> = 10_000..=1_000_000_000_000;

/// Reads the command line: the number below which primes are counted, if there is one.
fn limit() -> Result<Option<u64>, String> {
    let mut words = env::args_os().skip(1);
    let limit = match words.next() {
        None => None,
        Some(word) => Some(word.to_str().and_then(|word| word.parse().ok()).ok_or(USAGE)?),
    };
    if words.next().is_some() || limit.is_some_and(|limit| !LIMITS.contains(&limit)) {
        return Err(USAGE.into());
    }
    Ok(limit)
}
