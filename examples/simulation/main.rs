//! A game loop of 60 frames a second: a worker computes the steps of a large field of cells, main draws it, and neither
//! waits for the other.
//!
//! ```text
//! $ cargo run --release --example simulation
//! 1024 x 1024 cells for 3 s, 60 steps and 60 frames a second
//! steps   179 of 180 that were due
//! frames  180 drawn, 0 dropped; 179 showed a new field, 1 the one before
//! fields  179 drawn, 0 replaced by a newer one before a frame could show it
//! main    took 0.2 ms for its longest frame, of the 16.7 ms that it has
//! check   each of 15365 living cells is where the rule puts it after 179 steps
//! ```
//!
//! The arguments are `[SIZE [SECONDS [STEPS_PER_SECOND]]]`; in a terminal a corner of the field is shown. The worker
//! takes steps of a fixed length: main says how many are due by the clock, and the worker catches up. Try
//!
//! * `8192 3 400`: the worker cannot keep up and does fewer steps than are due. Main draws 60 frames all the same.
//! * `1024 3 1000`: far more fields than frames. `delivery = latest` keeps the newest for main and drops the rest.
//!
//! A field is handed over by reference count, whatever its size. The program checks that no cell is lost or torn: the
//! field has gliders whose every generation is known beforehand. The exit code is 1 if a cell is wrong.
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use reacton::prelude::*;

mod arguments;
mod life;

use arguments::Arguments;
use life::Field;

// Handed over by reference count and never compared, because each step makes a different field. The count of the `Arc`
// inside tells the worker when no thread uses the field any more.
#[reacton(zero_copy, eq = never)]
static FIELD: Arc<Field> = Arc::new(Field::rain(life::TILE, 0));

/// The generation that is due by the clock.
#[reacton]
static DUE: u64 = 0;

/// Frames in a second.
const FRAMES: u32 = 60;

#[worker(shared = [FIELD, DUE], delivery = latest)]
fn stepper(store: &ReactonStore) {
    // The fields in use: one that main draws, one on its way, and those here. The worker reuses their memory in turn,
    // because freeing a large field would cost main a frame.
    let mut fields = Vec::new();
    store.subscribe(&DUE, move |store, due| {
        // A newer `DUE` arrives with the next turn; then this generation need not be reached.
        while !store.is_stale(&DUE) && !store.is_disposed() {
            let field = store.get(&FIELD);
            if field.generation >= *due {
                break;
            }
            let next = Arc::new(field.next(free(&mut fields)));
            fields.push(Arc::clone(&next));
            // Main sees the field while the loop continues.
            store.set(&FIELD, next);
        }
    });
}

/// Takes a field out of the list that no other thread holds.
fn free(fields: &mut Vec<Arc<Field>>) -> Option<Field> {
    let at = fields.iter().position(|field| Arc::strong_count(field) == 1)?;
    Arc::into_inner(fields.swap_remove(at))
}

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
    let Arguments { size, time, rate } = Arguments::read(env::args_os().skip(1))?;
    let seconds = time.as_secs_f64();
    let mut out = io::stdout();
    writeln!(
        out,
        "{size} x {size} cells for {seconds} s, {rate} steps and {FRAMES} frames a second"
    )?;

    let store = ReactonStore::new();
    // Written before the worker starts, so its store begins with this field.
    store.set(&FIELD, Arc::new(Field::rain(size, 0)));
    let worker = stepper::spawn(&store)?;
    let tally = play(&store, &worker, time, rate)?;
    // No step is due any more: the worker stops, even if it has not caught up.
    store.set(&DUE, 0);
    worker.shutdown(Duration::from_secs(10))?;

    report(&mut out, &tally)?;
    store.with(&FIELD, |field| {
        let Field { generation, size, .. } = **field;
        if **field != Field::rain(size, generation) {
            return Err(format!("the field is wrong after {generation} steps").into());
        }
        let living = field.population();
        Ok(writeln!(
            out,
            "check   each of {living} living cells is where the rule puts it after {generation} steps"
        )?)
    })
}

/// The counts of the frames.
#[derive(Default)]
struct Tally {
    due: u64,
    /// The generation that the last frame showed.
    reached: u64,
    drawn: u64,
    /// Frames whose time had passed before main came to draw them.
    dropped: u64,
    /// Frames that showed a field for the first time.
    fresh: u64,
    longest: Duration,
}

/// Draws 60 frames a second for `time`.
fn play(
    store: &ReactonStore,
    worker: &IsolateStore,
    time: Duration,
    rate: u32,
) -> Result<Tally, Box<dyn Error>> {
    let mut screen = Screen::new();
    let mut tally = Tally::default();
    let start = Instant::now();
    let mut frame = 1;
    while time_of(frame) <= time {
        // Stands for a display, which would call 60 times a second.
        thread::sleep((start + time_of(frame)).saturating_duration_since(Instant::now()));
        let begin = Instant::now();
        tally.due = due(begin - start, rate);
        store.set(&DUE, tally.due);
        // Applies what has arrived, without waiting.
        store.pump();
        if let IsolateStatus::Failed { message, .. } = store.get(worker.status()) {
            return Err(format!("the worker failed: {message}").into());
        }
        let generation = store.with(&FIELD, |field| screen.draw(field))?;
        tally.drawn += 1;
        tally.fresh += u64::from(generation > tally.reached);
        tally.reached = generation;
        tally.longest = tally.longest.max(begin.elapsed());
        frame += 1;
        while start + time_of(frame + 1) <= Instant::now() && time_of(frame) <= time {
            tally.dropped += 1;
            frame += 1;
        }
    }
    Ok(tally)
}

/// Returns when a frame is to be drawn, counted from the first one.
fn time_of(frame: u32) -> Duration {
    Duration::from_secs(1) * frame / FRAMES
}

/// Returns how many steps are due.
fn due(elapsed: Duration, rate: u32) -> u64 {
    u64::try_from(elapsed.as_nanos() * u128::from(rate) / 1_000_000_000).unwrap_or(u64::MAX)
}

fn report(out: &mut impl io::Write, tally: &Tally) -> io::Result<()> {
    let Tally { due, reached, drawn, dropped, fresh, longest } = tally;
    let again = drawn - fresh;
    let replaced = reached - fresh;
    let budget = 1000.0 / f64::from(FRAMES);
    writeln!(out, "steps   {reached} of {due} that were due")?;
    writeln!(
        out,
        "frames  {drawn} drawn, {dropped} dropped; {fresh} showed a new field, {again} the one before"
    )?;
    writeln!(
        out,
        "fields  {fresh} drawn, {replaced} replaced by a newer one before a frame could show it"
    )?;
    writeln!(
        out,
        "main    took {:.1} ms for its longest frame, of the {budget:.1} ms that it has",
        longest.as_secs_f64() * 1000.0
    )
}

/// A corner of the field, drawn in dots of Braille, eight cells to a character.
struct Screen {
    out: io::Stdout,
    is_shown: bool,
    text: String,
}

impl Screen {
    const COLUMNS: usize = 64;
    const ROWS: usize = 16;

    fn new() -> Self {
        let out = io::stdout();
        let is_shown = out.is_terminal();
        Self { out, is_shown, text: String::new() }
    }

    /// Draws one frame over the last one, and returns the generation that it shows. Without a terminal the frame is
    /// drawn, but not shown.
    fn draw(&mut self, field: &Field) -> io::Result<u64> {
        let is_first = self.text.is_empty();
        self.text.clear();
        if !is_first {
            // Moves the cursor to the first line of the last frame.
            let _ = write!(self.text, "\x1b[{}A", Self::ROWS);
        }
        for row in 0..Self::ROWS {
            for column in 0..Self::COLUMNS {
                self.text.push(braille(field, column * 2, row * 4));
            }
            self.text.push('\n');
        }
        if self.is_shown {
            self.out.write_all(self.text.as_bytes())?;
            self.out.flush()?;
        }
        Ok(field.generation)
    }
}

/// Returns the character whose eight dots are the cells at a place: two across and four down.
fn braille(field: &Field, x: usize, y: usize) -> char {
    const DOTS: [(usize, usize); 8] =
        [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    let dots = (0..).zip(DOTS).map(|(bit, (dx, dy))| u32::from(field.lives(x + dx, y + dy)) << bit);
    char::from_u32(0x2800 + dots.sum::<u32>()).unwrap_or(' ')
}
