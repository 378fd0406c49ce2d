//! A web service on many threads whose state is one store. Handlers read and write it through a handle, a worker does
//! the heavy work, and changes are streamed to every browser that is connected.
//!
//! ```text
//! $ cargo run --release -p web-service -- 3000
//! listening on http://127.0.0.1:3000
//! ^C
//! the worker and the store have ended
//! $ curl http://127.0.0.1:3000/search --json '{"from": 0, "to": 1000000}'
//! {"id":1,"from":0,"to":1000000}
//! $ curl http://127.0.0.1:3000/search
//! {"phase":"done","search":{"id":1,"from":0,"to":1000000},"examined":1000001,"findings":{"primes":78498, ..
//! $ curl http://127.0.0.1:3000/search --json '{"from": 10, "to": 1}'
//! the search ends at 1 before it begins at 10; give a `from` that is no larger than `to`
//! ```
//!
//! It searches for primes; the page at `/` shows the progress. Without a port, or with 0, it takes any free port.
//!
//! | request | does |
//! | --- | --- |
//! | `GET /` | the page |
//! | `GET /search` | what is searched and found |
//! | `POST /search` | searches a range, in place of the current search |
//! | `DELETE /search` | stops the search |
//! | `GET /events` | what is searched and found, each time that it changes, as server-sent events |
//!
//! | file | holds |
//! | --- | --- |
//! | `service.rs` | the reactons, the worker, and the thread that takes the store's turns |
//! | `http.rs` | the handlers |
//! | `primes.rs` | the search itself |
//! | `page.html` | the page |

mod http;
mod primes;
mod service;

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;

use tokio::net::TcpListener;

use crate::service::Service;

fn main() -> ExitCode {
    match port().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the port from the command line.
fn port() -> Result<u16, Box<dyn Error>> {
    let mut words = env::args().skip(1);
    match (words.next(), words.next()) {
        (None, _) => Ok(0),
        (Some(word), None) => {
            word.parse().map_err(|_| format!("{word} is no port; usage: web-service [PORT]").into())
        }
        (Some(_), Some(_)) => Err("usage: web-service [PORT]".into()),
    }
}

fn run(port: u16) -> Result<(), Box<dyn Error>> {
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
    let served = runtime.block_on(http::serve(listener, service.handle(), interrupted));
    service.stop()?;
    served?;
    println!("the worker and the store have ended");
    Ok(())
}
