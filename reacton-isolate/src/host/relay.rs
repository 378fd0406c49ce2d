//! A worker of another machine in a process of this one: its bytes are passed on as they are, in both directions.

use std::io::IoSlice;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::guest::Served;
use super::process::Processes;
use crate::link::RoadSender;
use crate::wire::frame::{Batch, Terms};
use crate::worker::away::{Away, Process};
use crate::worker::carrier::{Carrier, CarrierError, Departure, FirstFrames, Received, Road};

/// So many bytes are passed on at once.
const ROOM: usize = 64 * 1024;

/// How long the process may go on when its client has given it up.
const GRACE: Duration = Duration::from_secs(2);

/// What starts processes of this program for a worker.
///
/// # Errors
/// If no process of this program would run the worker: which ones it serves, and what to do.
pub(crate) fn processes(worker: &Served) -> Result<Processes, String> {
    let away =
        Away { path: worker.path(), args: Arc::from([]), process: Process::new(), carrier: None };
    Processes::new(worker.name(), Arc::new(away)).map_err(|error| error.to_string())
}

/// Runs the worker in a process, until its client ends the road or the process ends.
pub(crate) fn relay(
    mut client: Box<dyn Road>,
    worker: &Served,
    terms: Terms,
) -> Result<(), CarrierError> {
    let processes = processes(worker).map_err(CarrierError::Failed)?;
    let mut first = Batch::default();
    first.terms(terms);
    let departure = Departure {
        name: worker.name(),
        path: worker.path(),
        until: Instant::now(),
        is_cancelled: &|| false,
        first: &FirstFrames::default(),
    };
    let mut process = processes.set_out(&departure)?;
    let (to_client, to_process) = (client.sender(), process.sender());
    let from_process =
        thread::Builder::new().name(String::from("reacton relay")).spawn(move || {
            pass(&mut *process, &*to_client);
            if let Some(exit) = process.end(GRACE).exit {
                to_client.report_exit(exit.code, exit.signal);
            }
            to_client.finish();
        });
    let from_process = from_process
        .map_err(|error| CarrierError::Failed(format!("there is no thread for it: {error}")))?;
    let (slices, count) = first.slices();
    // An empty socket takes all of it.
    if to_process.send(&slices[..count]).is_ok() {
        pass(&mut *client, &*to_process);
    }
    to_process.end();
    // Its panic would be one of this library.
    let _ = from_process.join();
    Ok(())
}

/// Passes on bytes until one of the two roads ends, or the worker is to leave.
fn pass(from: &mut dyn Road, to: &dyn RoadSender) {
    let mut buffer = Vec::with_capacity(ROOM);
    loop {
        match from.receive(Some(&mut buffer), None) {
            Received::Ended | Received::Leave => return,
            Received::Bytes | Received::Idle | Received::Taken(_) | Received::Silent(_) => {}
        }
        let mut rest = &buffer[..];
        while !rest.is_empty() {
            match to.send(&[IoSlice::new(rest)]) {
                Ok(sent) => rest = &rest[sent..],
                Err(_) => return,
            }
        }
        buffer.clear();
    }
}
