//! A table of 100,000 rows that four workers write, sorted and filtered at the same time.
//!
//! ```text
//! $ cargo run --release -p table
//! ```
//!
//! A window opens, and four workers fill the table with articles. From then on each changes the prices and stocks of
//! its quarter, 20,000 rows a second in all; `cargo run --release -p table -- 500` changes 500 instead.
//!
//! A click on a column sorts by it, and a second click reverses the order. The field filters by name. The line at the
//! bottom shows how long frames take, and is printed when the window is closed (Ctrl+Q).
//!
//! The window reads only the rows that it shows. The view of the table is updated by the rows that have changed.
//!
//! | file | holds |
//! | --- | --- |
//! | `stock.rs` | the rows, and the worker that writes a quarter of them |
//! | `table.rs` | the table without its window: what is sorted, filtered and counted, and its tests |
//! | `window.rs` | the window: a turn in each frame, and what is drawn |
//! | `frames.rs` | how long frames take |
//!
//! The exit code is 1 if there is no display, or if a worker died.
use std::error::Error;
use std::process::ExitCode;

use eframe::egui::ViewportBuilder;

mod frames;
mod stock;
mod table;
mod window;

use table::Table;
use window::Window;

/// How many rows there are.
const ROWS: u64 = 100_000;

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
    let pace = pace()?;
    let mut table = Table::new();
    let options = eframe::NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title(window::TITLE)
            .with_inner_size([860.0, 620.0])
            .with_min_inner_size([640.0, 300.0]),
        ..Default::default()
    };
    let opened = eframe::run_native(
        "table",
        options,
        Box::new(|context| {
            table.begin(ROWS, pace)?;
            Ok(Box::new(Window::new(&context.egui_ctx, &mut table)))
        }),
    );
    let closed = table.close();
    opened.map_err(|error| format!("no window can be opened: {error}"))?;
    Ok(closed?)
}

/// Reads the command line: how many rows change in a second, or nothing.
fn pace() -> Result<u32, String> {
    let mut words = std::env::args().skip(1);
    let pace = words.next().map_or(Ok(20_000), |word| word.parse());
    match (pace, words.next()) {
        (Ok(pace), None) => Ok(pace),
        _ => Err("usage: table [CHANGES A SECOND]".into()),
    }
}
