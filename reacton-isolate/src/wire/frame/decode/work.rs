//! The frames of jobs and calls from what was received.

use reacton_core::RefId;

use super::super::work::{FarError, Order, Report};
use super::super::{Frame, Kind};
use super::{Result, exactly, flag, payload, text};
use crate::wire::ticket::WorkKey;
use crate::wire::value::Encoded;

/// `None` if it is a frame of another kind.
pub(super) fn frame(
    kind: Kind,
    numbers: &[u64],
    payloads: &mut impl Iterator<Item = Encoded>,
) -> Result<Option<Frame>> {
    let report = match kind {
        Kind::Ask => {
            let [done] = exactly(numbers)?;
            Report::Ask { done }
        }
        Kind::Begun => Report::Begun(key(exactly(numbers)?)?),
        Kind::Done => {
            let [number] = exactly(numbers)?;
            Report::Done(number)
        }
        Kind::Busy => bare(numbers, Report::Busy)?,
        Kind::Leaving => bare(numbers, Report::Leaving)?,
        Kind::Resign => bare(numbers, Report::Resign)?,
        Kind::Answer => {
            let [queued, number, kind] = exactly(numbers)?;
            let outcome = if kind == 0 {
                Ok(payload(payloads)?)
            } else {
                let error = FarError::of_parts(kind, text(payloads)?);
                Err(error.ok_or("a call has no answer for an unknown reason")?)
            };
            Report::Answer(key([queued, number])?, outcome)
        }
        Kind::Later => {
            let [number] = exactly(numbers)?;
            Report::Later(number)
        }
        Kind::Fault => Report::Fault(key(exactly(numbers)?)?),
        _ => return order(kind, numbers, payloads),
    };
    Ok(Some(Frame::Report(report)))
}

fn order(
    kind: Kind,
    numbers: &[u64],
    payloads: &mut impl Iterator<Item = Encoded>,
) -> Result<Option<Frame>> {
    let order = match kind {
        Kind::Job => {
            let [number] = exactly(numbers)?;
            Order::Job(number)
        }
        Kind::Call => {
            let [queued, number, by_link, id] = exactly(numbers)?;
            Order::Call {
                key: key([queued, number])?,
                by_link: flag(by_link)?,
                id: RefId::from_u64(id),
                question: payload(payloads)?,
            }
        }
        Kind::Cancel => Order::Cancel(key(exactly(numbers)?)?),
        Kind::Resigned => bare(numbers, Order::Resigned)?,
        _ => return Ok(None),
    };
    Ok(Some(Frame::Order(order)))
}

fn key([queued, number]: [u64; 2]) -> Result<WorkKey> {
    Ok(WorkKey { queued: flag(queued)?, number })
}

fn bare<T>(numbers: &[u64], value: T) -> Result<T> {
    let [] = exactly(numbers)?;
    Ok(value)
}
