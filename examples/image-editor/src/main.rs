//! An image editor: a worker puts a photo through filters, and the window never waits for it.
//!
//! ```text
//! $ cargo run --release -p image-editor -- photo.jpg
//! ```
//!
//! A window opens. Name a photo in the field at the top left, or drop one on the window; without a photo as argument it
//! begins empty. The sliders change the picture: each change drops what is under way and asks for the photo with the
//! new filters. A bar shows how far the worker is; `Cancel`, or Escape, stops it half-way; Ctrl+Q closes the window. The line at the bottom shows
//! how long frames take. `Save a copy` writes `photo.jpg.edited.png`. A file that is missing or broken is named in red.
//!
//! The worker is a process of its own, and may crash: `Crash the worker` lets it abort, as a decoder in C might. The window
//! stays, names the signal, and starts another worker for the next picture.
//!
//! | file | holds |
//! | --- | --- |
//! | `darkroom.rs` | the worker, and the five reactons that it shares with the window |
//! | `editor.rs` | the editor without its window, and its tests |
//! | `window.rs` | the window: a turn in each frame, and what is drawn |
//! | `frames.rs` | how long frames take |
//!
//! The exit code is 1 if there is no display, or if the worker died.
use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use eframe::egui::ViewportBuilder;

mod darkroom;
mod editor;
mod frames;
mod window;

// What the smaller example has already: the filters, and a decoder that tells a broken file from a whole one.
#[path = "../../image_processing/filters.rs"]
mod filters;
#[path = "../../image_processing/photo.rs"]
mod photo;
#[path = "../../image_processing/whole.rs"]
mod whole;

use editor::Editor;
use window::Window;

fn main() -> ExitCode {
    #[cfg(unix)]
    reacton::process::serve(reacton::workers![darkroom::darkroom]);
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let photo = photo_to_open()?;
    let mut editor = Editor::new()?;
    let options = eframe::NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title(window::TITLE)
            .with_inner_size([960.0, 600.0])
            .with_min_inner_size([640.0, 420.0]),
        ..Default::default()
    };
    let opened = eframe::run_native(
        "image-editor",
        options,
        Box::new(|context| Ok(Box::new(Window::new(&context.egui_ctx, &mut editor, photo)))),
    );
    // The window is closed, perhaps in the middle of a job.
    let closed = editor.close();
    opened.map_err(|error| format!("no window can be opened: {error}"))?;
    Ok(closed?)
}

/// The command line: one photo, or none.
fn photo_to_open() -> Result<Option<PathBuf>, String> {
    let mut words = env::args_os().skip(1);
    let photo = words.next();
    if words.next().is_some() || photo.as_ref().is_some_and(|word| word.is_empty()) {
        return Err("usage: image-editor [PHOTO]".into());
    }
    Ok(photo.map(PathBuf::from))
}
