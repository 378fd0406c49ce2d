//! What a reader that never reads costs: the memory of its host, and that of the client.

use std::fs;

use reacton::Delivery;

use super::Outcome;
use super::ours::Ours;
use super::raw::Raw;

/// So many megabytes are offered.
const OFFERED: u8 = 200;

pub(super) fn table() -> Outcome {
    println!("\nmemory with a reader that never reads, of {OFFERED} MB that are offered to it:");
    println!("{:34} {:>10} {:>10}", "", "its host", "client");
    let raw = Raw::start()?;
    let connection = raw.connection()?;
    let stream = connection.stream()?;
    let before = [memory(raw.process())?, memory(std::process::id())?];
    let taken = stream.fill(usize::from(OFFERED) << 20);
    row(
        "raw iroh",
        raw.process(),
        before,
        &format!("{} KiB are taken, then it waits", taken >> 10),
    )?;
    let ours = Ours::start()?;
    let session = ours.session()?;
    // What a first worker needs, and keeps.
    session.worker()?.ask(100)?;
    for (name, delivery) in
        [("worker, every", Delivery::Every), ("worker, latest", Delivery::Latest)]
    {
        let before = [memory(ours.process())?, memory(std::process::id())?];
        let (filled, queued) = session.fill(delivery, OFFERED)?;
        row(name, ours.process(), before, &format!("{queued} messages wait"))?;
        drop(filled);
    }
    Ok(())
}

fn row(name: &str, host: u32, [host_before, own_before]: [u64; 2], what: &str) -> Outcome {
    let grown = |before: u64, now: u64| now.saturating_sub(before) >> 10;
    let host = grown(host_before, memory(host)?);
    let own = grown(own_before, memory(std::process::id())?);
    println!("{name:34} {host:>6} KiB {own:>6} KiB  {what}");
    Ok(())
}

/// The bytes of memory that a process holds.
fn memory(process: u32) -> Outcome<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/statm"))?;
    let pages: u64 = text.split(' ').nth(1).ok_or("it has several numbers")?.parse()?;
    Ok(pages * 4096)
}
