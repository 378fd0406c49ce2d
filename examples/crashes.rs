//! A decoder in its own process, which may panic, abort, exit or hang. The program continues, reports what happened,
//! and the next picture works.
//!
//! Run it: `cargo run --features process --example crashes`. It prints, between the messages of the processes that die:
//!
//! ```text
//! good.png: 12 pixels
//! panic.png: Failed { message: "the header is wrong", location: Some("examples/crashes.rs:35:24") }
//! abort.png: Failed { message: "killed by SIGABRT", location: None }
//! exit.png: Failed { message: "exited with code 3", location: None }
//! hang.png: is given up after a second
//! good.png: 12 pixels
//! ```

use std::error::Error;
use std::time::Duration;

use reacton::prelude::*;

#[reacton]
static PICTURE: String = String::new();

#[reacton]
static PIXELS: usize = 0;

#[worker(shared = [in PICTURE, out PIXELS])]
fn decoder(store: &ReactonStore) {
    store.watch(&PICTURE, |store, path| store.set(&PIXELS, decode(path)));
}

/// Stands for a library that cannot be trusted.
fn decode(path: &str) -> usize {
    match path {
        "" => 0,
        "panic.png" => panic!("the header is wrong"),
        "abort.png" => std::process::abort(),
        "exit.png" => std::process::exit(3),
        "hang.png" => loop {
            std::thread::yield_now();
        },
        _ => 12,
    }
}

/// Decodes one picture. Returns what became of it, as text.
fn show(path: &str) -> Result<String, Box<dyn Error>> {
    let store = ReactonStore::new();
    let process = Process::new().grace(Duration::from_millis(100));
    let worker = decoder::builder().process().with(process).spawn(&store)?;
    let status = *worker.status();
    store.set(&PICTURE, path.to_owned());
    let done = store.run_until(Duration::from_secs(1), |store| {
        store.get(&PIXELS) > 0 || store.get(&status) != IsolateStatus::Running
    });
    // Dropping the handle ends the process, even if the process hangs.
    Ok(match (done, store.get(&status)) {
        (Err(_), _) => String::from("is given up after a second"),
        (Ok(()), IsolateStatus::Running) => format!("{} pixels", store.get(&PIXELS)),
        (Ok(()), failed) => format!("{failed:?}"),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    reacton::process::serve(workers![decoder]);
    for path in ["good.png", "panic.png", "abort.png", "exit.png", "hang.png", "good.png"] {
        println!("{path}: {}", show(path)?);
    }
    Ok(())
}
