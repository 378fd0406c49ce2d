//! A worker filters photos; meanwhile main draws a progress bar, and never pauses for long.
//!
//! ```text
//! $ cargo run --release --example image_processing -- hubble_deep_field.jpg out.png
//! hubble_deep_field.jpg -> out.png
//!   218.3ms; main took 300 turns meanwhile and was away for 16.2ms at most
//! $ cargo run --release --example image_processing
//! no photo is given: painting /tmp/reacton/landscape.jpg
//! /tmp/reacton/landscape.jpg -> /tmp/reacton/landscape.jpg.filtered.png
//!   3.2s; main took 366 turns meanwhile and was away for 18.7ms at most
//! $ cargo run --release --example image_processing -- missing.jpg
//! missing.jpg: Failed: No such file or directory (os error 2)
//! 1 of 1 failed
//! ```
//!
//! The photo is sharpened and its edges are traced in orange. The result is a PNG:
//!
//! | arguments | filters | into |
//! | --- | --- | --- |
//! | `PHOTO` or `PHOTO..` | one photo after the other | beside each, as `PHOTO.filtered.png` |
//! | `PHOTO OUT.png` | one photo | `OUT.png`, unless it is there already: it may be a second photo |
//! | `PHOTO -o OUT.png` | one photo | `OUT.png`, in place of what is there |
//! | `-- PHOTO..` | all of them, whatever their names | beside each |
//! | none | a painted landscape of 12 megapixels | beside it, in the directory for temporary files |
//!
//! The longest pause is the time from one tick of the bar to the next, including main's sleep of up to 16 ms. The exit
//! code is 1 if any photo failed.
use std::env;
use std::error::Error;
use std::fmt;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use image::{ImageError, ImageFormat, Rgb, imageops};
use indicatif::{ProgressBar, ProgressStyle};
use reacton::prelude::*;
use serde::{Deserialize, Serialize};

mod arguments;
mod filters;
mod painting;
mod photo;
mod whole;

use arguments::Arguments;
use whole::{with_suffix, write_whole};

// Handed over by reference count, so that a name that is not UTF-8 crosses, too: serde would refuse it.
#[reacton(zero_copy)]
static IMAGE_PATH: PathBuf = PathBuf::new();

// Megabytes of PNG. They cross by reference count, and are never compared.
#[reacton(zero_copy, eq = never)]
static PROCESSED_IMAGE: Vec<u8> = Vec::new();

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Progress {
    stage: String,
    percent: u64,
}

#[reacton]
static PROGRESS: Progress = Progress { stage: String::new(), percent: 0 };

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Status {
    Idle,
    Processing,
    Done,
    Failed(String),
}

#[reacton]
static STATUS: Status = Status::Idle;

/// The longest sleep of main: 60 ticks in a second.
const FRAME: Duration = Duration::from_millis(16);

#[worker(shared = [IMAGE_PATH, PROCESSED_IMAGE, PROGRESS, STATUS])]
fn image_worker(store: &ReactonStore) {
    store.subscribe(&IMAGE_PATH, |store, path| match process(store, path) {
        // Both arrive together, so Done never arrives without its image.
        Ok(png) => store.batch(|store| {
            store.set(&PROCESSED_IMAGE, png);
            store.set(&STATUS, Status::Done);
        }),
        Err(Stopped::Broken(error)) => {
            store.set(&STATUS, Status::Failed(error.to_string().trim().to_owned()));
        }
        // The newer path arrives with the next turn, and gets a status of its own.
        Err(Stopped::Superseded) => {}
    });
}

/// The reason why a photo was not finished.
enum Stopped {
    Broken(ImageError),
    Superseded,
}

impl From<ImageError> for Stopped {
    fn from(error: ImageError) -> Self {
        Self::Broken(error)
    }
}

/// Decodes a photo, sharpens it, traces its edges in orange, and encodes it as a PNG.
fn process(store: &ReactonStore, path: &Path) -> Result<Vec<u8>, Stopped> {
    report(store, "decode", 0, 1)?;
    let photo = photo::open(path)?;
    // The edges are those of the blurred photo. Otherwise each grain would have edges.
    let smooth = filters::blur(&photo, 1.5, |done, rows| report(store, "blur", done, rows))?;
    let edges = filters::edges(&imageops::grayscale(&smooth), |done, rows| {
        report(store, "find edges", done, rows)
    })?;
    let mut picture =
        filters::sharpen(&photo, 3.0, 0.8, |done, rows| report(store, "sharpen", done, rows))?;
    filters::trace(&mut picture, &edges, Rgb([255, 140, 0]));
    report(store, "encode", 0, 1)?;
    let mut png = Vec::new();
    picture.write_to(&mut Cursor::new(&mut png), ImageFormat::Png)?;
    Ok(png)
}

/// Reports to main how far the work is. Returns an error if the result is not wanted any more.
fn report(store: &ReactonStore, stage: &str, done: u32, of: u32) -> Result<(), Stopped> {
    if store.is_stale(&IMAGE_PATH) || store.is_disposed() {
        return Err(Stopped::Superseded);
    }
    let percent = u64::from(done) * 100 / u64::from(of);
    // An unchanged percentage is equal, and sends nothing.
    store.set(&PROGRESS, Progress { stage: stage.to_owned(), percent });
    Ok(())
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
    let Arguments { mut photos, out } = Arguments::read(env::args_os().skip(1))?;
    if photos.is_empty() {
        photos.push(paint()?);
    }
    let store = ReactonStore::new();
    let worker = image_worker::spawn(&store)?;
    let bar = progress_bar(&store)?;
    let mut failed = 0;
    for photo in &photos {
        let wait = request(&store, &worker, photo, &bar)?;
        let out = out.clone().unwrap_or_else(|| with_suffix(photo, ".filtered.png"));
        if let Err(message) = store.with(&STATUS, |status| finish(&store, status, &out)) {
            eprintln!("{}: {message}", photo.display());
            failed += 1;
        } else {
            println!("{} -> {}", photo.display(), out.display());
            println!("  {wait}");
        }
    }
    worker.shutdown(Duration::from_secs(5))?;
    if failed > 0 {
        return Err(format!("{failed} of {} failed", photos.len()).into());
    }
    Ok(())
}

/// What main did while the worker was working.
struct Wait {
    took: Duration,
    turns: u32,
    longest_away: Duration,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { took, turns, longest_away } = self;
        write!(
            f,
            "{took:.1?}; main took {turns} turns meanwhile and was away for {longest_away:.1?} at most"
        )
    }
}

/// Requests a photo from the worker, and updates the bar until the status of the photo is known.
fn request(
    store: &ReactonStore,
    worker: &IsolateStore,
    photo: &Path,
    bar: &ProgressBar,
) -> Result<Wait, Box<dyn Error>> {
    let start = Instant::now();
    store.batch(|store| {
        store.set(&STATUS, Status::Processing);
        store.set(&IMAGE_PATH, photo.to_owned());
        // The same path again would not be a change. `touch` requests it all the same.
        store.touch(&IMAGE_PATH);
    });
    bar.reset();
    let mut wait = Wait { took: Duration::ZERO, turns: 0, longest_away: Duration::ZERO };
    let mut last_tick = start;
    while store.with(&STATUS, |status| *status == Status::Processing) {
        // A worker that has died never answers. Without this check main would wait for ever.
        if let IsolateStatus::Failed { message, .. } = store.get(worker.status()) {
            return Err(format!("{}: the worker failed: {message}", photo.display()).into());
        }
        store.wait(FRAME);
        bar.tick();
        wait.turns += 1;
        wait.longest_away = wait.longest_away.max(last_tick.elapsed());
        last_tick = Instant::now();
    }
    bar.finish_and_clear();
    wait.took = start.elapsed();
    Ok(wait)
}

/// Writes the picture that the worker sent. Returns the reason if there is none.
fn finish(store: &ReactonStore, status: &Status, out: &Path) -> Result<(), String> {
    if let Status::Failed(message) = status {
        return Err(format!("Failed: {message}"));
    }
    store.with(&PROCESSED_IMAGE, |png| write_whole(out, |part| fs::write(part, png))).map_err(
        |error| format!("{} cannot be written: {error}; name another place with -o", out.display()),
    )
}

/// Returns a bar that shows what the worker reports. The bar is hidden if stderr is not a terminal.
fn progress_bar(store: &ReactonStore) -> Result<ProgressBar, Box<dyn Error>> {
    let style =
        ProgressStyle::with_template("{spinner} {msg:<10} [{bar:40}] {pos:>3} % {elapsed}")?;
    let bar = ProgressBar::new(100).with_style(style);
    let shown = bar.clone();
    store.subscribe(&PROGRESS, move |_, progress| {
        shown.set_message(progress.stage.clone());
        shown.set_position(progress.percent);
    });
    Ok(bar)
}

/// Paints a picture to filter into the directory for temporary files, and returns its path.
fn paint() -> Result<PathBuf, Box<dyn Error>> {
    let directory = env::temp_dir().join("reacton");
    let path = directory.join("landscape.jpg");
    println!("no photo is given: painting {}", path.display());
    fs::create_dir_all(&directory)
        .map_err(ImageError::from)
        .and_then(|()| painting::landscape().save(&path))
        .map_err(|error| format!("{}: {error}; name a photo to filter instead", path.display()))?;
    Ok(path)
}
