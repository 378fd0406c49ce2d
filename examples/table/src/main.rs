//! A table of 100,000 rows that four workers write, sorted, filtered, edited and saved at the same time.
//!
//! ```text
//! $ cargo run --release -p table
//! ```
//!
//! A window opens, and four workers fill the table with articles. From then on each changes the prices and stocks of
//! its quarter, 20,000 rows a second in all; `cargo run --release -p table -- 500` changes 500 instead.
//!
//! A click on a column sorts by it, and a second click reverses the order. The field filters by name. A click on a row
//! opens a field for its name: Enter sets it, Escape leaves it as it was. Ctrl+Z undoes such an edit, and Ctrl+Shift+Z
//! makes it again; what the workers have written meanwhile stays. The line at the bottom shows how long frames take,
//! and is printed when the window is closed (Ctrl+Q).
//!
//! The window reads only the rows that it shows. The view of the table is updated by the rows that have changed.
//!
//! The rows are kept in a file, each second what has changed, so the next start shows them as they were, also after a
//! crash. It is `reacton-table/articles.redb` in the folder for data (`XDG_DATA_HOME`, or `.local/share` in the home
//! folder); `--file PATH` names another one. One window at a time can have it open.
//!
//! | file | holds |
//! | --- | --- |
//! | `stock.rs` | the rows, and the worker that writes a quarter of them |
//! | `table.rs` | the table without its window: what is sorted, filtered and counted, and its tests |
//! | `window.rs` | the window: a turn in each frame, and what is drawn |
//! | `frames.rs` | how long frames take |
//!
//! The exit code is 1 if there is no display, if the file cannot be opened or written, or if a worker died.
use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;
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
    let Arguments { pace, file } = Arguments::of(env::args_os().skip(1)).ok_or(USAGE)?;
    let mut table = Table::new();
    table.remember(&file)?;
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

const USAGE: &str = "usage: table [CHANGES A SECOND] [--file PATH]";

/// What the command line says.
#[derive(PartialEq, Debug)]
struct Arguments {
    /// How many rows change in a second.
    pace: u32,
    /// Where the rows are kept.
    file: PathBuf,
}

impl Arguments {
    /// Returns `None` if a word means nothing.
    fn of(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let (mut pace, mut file) = (None, None);
        while let Some(word) = words.next() {
            let before = if word == "--file" {
                file.replace(PathBuf::from(words.next()?)).map(drop)
            } else {
                pace.replace(word.to_str()?.parse().ok()?).map(|_: u32| ())
            };
            if before.is_some() {
                return None;
            }
        }
        Some(Self { pace: pace.unwrap_or(20_000), file: file.unwrap_or_else(default_file) })
    }
}

fn default_file() -> PathBuf {
    let home = || env::home_dir().unwrap_or_default().join(".local/share");
    let folder = env::var_os("XDG_DATA_HOME").filter(|folder| !folder.is_empty());
    let folder = folder.map_or_else(home, PathBuf::from);
    folder.join("reacton-table").join("articles.redb")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Option<Arguments> {
        Arguments::of(words.iter().map(OsString::from))
    }

    #[test]
    fn the_command_line_names_the_pace_and_the_file_in_any_order() {
        let both = Some(Arguments { pace: 500, file: "a.redb".into() });
        assert_eq!(read(&["500", "--file", "a.redb"]), both);
        assert_eq!(read(&["--file", "a.redb", "500"]), both);
        assert_eq!(read(&[]).map(|arguments| arguments.pace), Some(20_000));
        for wrong in [&["five"][..], &["--file"], &["1", "2"], &["--file", "a", "--file", "b"]] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
