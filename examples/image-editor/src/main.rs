//! An image editor: a worker applies filters to a photo, and the window never waits for it.
//!
//! ```text
//! $ cargo run --release -p image-editor -- photo.jpg
//! ```
//!
//! A window opens. Enter the path of a photo in the field at the top left, or drop a photo on the window. The sliders
//! change the picture: each change drops the current work and requests the photo with the new filters. A bar shows the
//! progress of the worker.
//!
//! `Cancel`, or Escape, stops the worker; Ctrl+Q closes the window. The line at the bottom shows how long frames take.
//! `Save a copy` writes `photo.jpg.edited.png`. The name of a file that is missing or broken is shown in red.
//!
//! The worker is a separate process, and may crash: `Crash the worker` makes it abort, as a decoder in C might. The
//! window stays open, names the signal, and starts another worker for the next picture.
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

// Shared with the smaller example: the filters, and a decoder that detects incomplete files.
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
    // The window was closed, perhaps in the middle of a job.
    let closed = editor.close();
    opened.map_err(|error| format!("no window can be opened: {error}"))?;
    Ok(closed?)
}

/// Reads the command line: one photo, or none.
fn photo_to_open() -> Result<Option<PathBuf>, String> {
    let mut words = env::args_os().skip(1);
    let photo = words.next();
    if words.next().is_some() || photo.as_ref().is_some_and(|word| word.is_empty()) {
        return Err("usage: image-editor [PHOTO]".into());
    }
    Ok(photo.map(PathBuf::from))
}
