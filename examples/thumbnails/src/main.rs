//! A web service that makes thumbnails: each request is a call to a pool of workers, and gets the answer of that call.
//!
//! ```text
//! $ cargo run --release -p thumbnails -- 3000
//! listening on http://127.0.0.1:3000
//! ^C
//! the workers and the store have ended
//! ```
//!
//! `README.md` lists the requests. Without a port, or with 0, the service takes any free port. A second argument is the
//! path of the picture that `GET /thumbnail` makes small; without it, the service paints a picture.
//!
//! | file | holds |
//! | --- | --- |
//! | `service.rs` | the call, the reactons, the worker, and the thread that takes the store's turns |
//! | `http.rs` | the handlers |
//! | `picture.rs` | decoding, making small, encoding, and the painted picture |
//! | `page.html` | the page |

mod http;
mod picture;
mod service;

use std::env;
use std::error::Error;
use std::fs;
use std::net::Ipv4Addr;
use std::process::ExitCode;

use tokio::net::TcpListener;

use crate::service::Service;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the command line: the port and the encoded picture.
fn arguments() -> Result<(u16, Vec<u8>), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let (port, path, more) = (words.next(), words.next(), words.next());
    if more.is_some() {
        return Err("usage: thumbnails [PORT [PICTURE]]".into());
    }
    let port = port.map_or(Ok(0), |word| {
        word.parse().map_err(|_| format!("{word} is no port; usage: thumbnails [PORT [PICTURE]]"))
    })?;
    let sample = match path {
        Some(path) => fs::read(&path).map_err(|error| format!("{path} cannot be read: {error}"))?,
        None => picture::painted(1600, 1200)?,
    };
    Ok((port, sample))
}

fn run() -> Result<(), Box<dyn Error>> {
    let (port, sample) = arguments()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let listener = runtime
        .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))
        .map_err(|error| format!("port {port} cannot be used: {error}"))?;
    println!("listening on http://{}", listener.local_addr()?);

    let service = Service::start()?;
    let interrupted = async {
        // If the signal cannot be awaited, it ends the process as it would without this.
        let _ = tokio::signal::ctrl_c().await;
    };
    let served = runtime.block_on(http::serve(listener, &service, sample.into(), interrupted));
    // Open connections end with the runtime, and their calls are cancelled.
    drop(runtime);
    service.stop()?;
    served?;
    println!("the workers and the store have ended");
    Ok(())
}
