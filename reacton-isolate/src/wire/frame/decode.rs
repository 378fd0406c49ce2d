//! The numbers and the payloads of a frame to what it carries. Every sequence of them is a frame or an error.

mod work;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use reacton_core::RefId;

use super::{CONTINUES, Frame, Hello, Kind, LastWords, Limits, Terms};
use crate::error::{LinkError, Mismatch};
use crate::wire::change::{Change, ChangeList, Version};
use crate::wire::edits::{Edits, Held, read_edits, read_missed};
use crate::wire::message::{CloseReason, Introduction, IsolateMessage};
use crate::wire::ticket::WorkKey;
use crate::wire::value::{Encoded, Payload};

type Result<T> = std::result::Result<T, &'static str>;

/// What a frame is.
pub(super) enum Decoded {
    Whole(Frame),
    /// More of this message follows.
    Part(IsolateMessage),
}

const SHAPE: &str = "it has other numbers than its kind has";

const CONTINUES_NOTHING: &str = "an entry continues another one than that before it";

/// Decodes a frame that follows the unfinished parts of a message, if there are any.
pub(super) fn frame(
    kind: u64,
    numbers: &[u64],
    mut payloads: impl ExactSizeIterator<Item = Encoded>,
    unfinished: Option<IsolateMessage>,
) -> Result<Decoded> {
    let kind = Kind::of(kind).ok_or("its kind is unknown")?;
    let payloads = &mut payloads;
    let frame = match kind {
        Kind::Changes => return changes(numbers, payloads, unfinished),
        Kind::Init => return init(numbers, payloads, unfinished),
        Kind::Subscribe => return subscribe(numbers, payloads, unfinished),
        _ if unfinished.is_some() => return Err("another frame comes in the middle of a message"),
        Kind::Hello => Frame::Hello(Box::new(hello(numbers, payloads)?)),
        Kind::Terms => {
            let [max_value, types_differ] = exactly(numbers)?;
            Frame::Terms(Terms { max_value, types_differ: flag(types_differ)? })
        }
        Kind::Start => {
            let [] = exactly(numbers)?;
            Frame::Start
        }
        Kind::Taken => {
            let [number] = exactly(numbers)?;
            Frame::Taken(number)
        }
        Kind::LastWords => {
            let [has_location, has_call, queued, number] = exactly(numbers)?;
            let message = text(payloads)?;
            let location = optional_text(has_location, payloads)?;
            let key = WorkKey { queued: flag(queued)?, number };
            let call = flag(has_call)?.then_some(key);
            Frame::LastWords(LastWords { message, location, call })
        }
        Kind::Ack => {
            Frame::Message(IsolateMessage::HandshakeAck { mismatches: ack(numbers, payloads)? })
        }
        Kind::Unsubscribe => {
            let ids = numbers.iter().map(|id| RefId::from_u64(*id)).collect();
            Frame::Message(IsolateMessage::ReactonUnsubscribe { ids })
        }
        Kind::ValueError => {
            let error = link_error(exactly(numbers)?, payloads)?;
            Frame::Message(IsolateMessage::ValueError { error })
        }
        Kind::Mark => {
            let [clock] = exactly(numbers)?;
            Frame::Message(IsolateMessage::Mark { clock })
        }
        Kind::Marked => {
            let [mark, clock] = exactly(numbers)?;
            let paused = ids(&payload(payloads)?)?;
            Frame::Message(IsolateMessage::Marked { mark, clock, paused })
        }
        Kind::Sweep => {
            let [clock] = exactly(numbers)?;
            Frame::Message(IsolateMessage::Sweep { clock, ids: ids(&payload(payloads)?)? })
        }
        Kind::Drain => {
            let [] = exactly(numbers)?;
            Frame::Message(IsolateMessage::Drain)
        }
        Kind::Closed => {
            let reason = closed(numbers, payloads)?;
            Frame::Message(IsolateMessage::Closed { reason })
        }
        kind => work::frame(kind, numbers, payloads)?.ok_or("its kind is unknown")?,
    };
    end(payloads)?;
    Ok(Decoded::Whole(frame))
}

fn ids(bytes: &[u8]) -> Result<Vec<RefId>> {
    let (ids, []) = bytes.as_chunks::<8>() else { return Err("its ids end in the middle") };
    Ok(ids.iter().map(|id| RefId::from_u64(u64::from_le_bytes(*id))).collect())
}

fn exactly<const N: usize>(numbers: &[u64]) -> Result<[u64; N]> {
    numbers.try_into().map_err(|_| SHAPE)
}

fn end(payloads: &mut impl ExactSizeIterator<Item = Encoded>) -> Result<()> {
    if payloads.len() == 0 { Ok(()) } else { Err("it has more payloads than its kind has") }
}

fn payload(payloads: &mut impl Iterator<Item = Encoded>) -> Result<Encoded> {
    payloads.next().ok_or("it has fewer payloads than its kind has")
}

fn text(payloads: &mut impl Iterator<Item = Encoded>) -> Result<String> {
    String::from_utf8(payload(payloads)?.to_vec()).map_err(|_| "a text is no UTF-8")
}

fn flag(number: u64) -> Result<bool> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err("a flag is neither 0 nor 1"),
    }
}

fn optional_text(
    is_there: u64,
    payloads: &mut impl Iterator<Item = Encoded>,
) -> Result<Option<String>> {
    let text = text(payloads)?;
    Ok(flag(is_there)?.then_some(text))
}

fn whole(more: bool, message: IsolateMessage) -> Decoded {
    if more { Decoded::Part(message) } else { Decoded::Whole(Frame::Message(message)) }
}

fn changes(
    numbers: &[u64],
    payloads: &mut impl ExactSizeIterator<Item = Encoded>,
    unfinished: Option<IsolateMessage>,
) -> Result<Decoded> {
    let [more, clock, entries @ ..] = numbers else { return Err(SHAPE) };
    let (entries, []) = entries.as_chunks::<4>() else { return Err(SHAPE) };
    if entries.len() != payloads.len() {
        return Err("it has not a value for each change");
    }
    let more = flag(*more)?;
    let mut changes = match unfinished {
        None if entries.len() == 1 && !more => {
            let mut list = ChangeList::NONE;
            list.push(change(&entries[0], payload(payloads)?)?);
            let message = IsolateMessage::ReactonValueChanged { clock: *clock, changes: list };
            return Ok(whole(more, message));
        }
        None => Vec::with_capacity(entries.len()),
        Some(IsolateMessage::ReactonValueChanged { clock: begun, changes }) if begun == *clock => {
            changes.into()
        }
        Some(_) => return Err("another message begins in the middle of one"),
    };
    for (entry, value) in entries.iter().zip(payloads) {
        match changes.last_mut() {
            Some(last) if entry[3] & CONTINUES != 0 => {
                append((last.id, &mut last.payload), entry[0], &value)?;
            }
            _ => changes.push(change(entry, value)?),
        }
    }
    let changes = changes.into();
    Ok(whole(more, IsolateMessage::ReactonValueChanged { clock: *clock, changes }))
}

fn change([id, clock, site, flags]: &[u64; 4], value: Encoded) -> Result<Change> {
    Ok(Change {
        id: RefId::from_u64(*id),
        version: Version { clock: *clock, site: *site },
        announced: flags & 1 == 1,
        payload: value_of(flags >> 1, value)?,
    })
}

/// A value, or what was written of one that is made of entries.
fn value_of(is_edits: u64, value: Encoded) -> Result<Payload> {
    if flag(is_edits)? {
        Ok(Payload::Edits(Arc::new(read_edits(&value)?)))
    } else {
        Ok(Payload::Bytes(value))
    }
}

/// Appends a piece to edits.
fn append((of, edits): (RefId, &mut Payload), id: u64, value: &Encoded) -> Result<()> {
    let Edits { answers: 0, reset: None, records } = read_edits(value)? else {
        return Err("edits begin in the middle of others");
    };
    match edits {
        Payload::Edits(edits) if of.as_u64() == id => {
            Arc::make_mut(edits).records.extend(records);
            Ok(())
        }
        _ => Err(CONTINUES_NOTHING),
    }
}

fn init(
    numbers: &[u64],
    payloads: &mut impl ExactSizeIterator<Item = Encoded>,
    unfinished: Option<IsolateMessage>,
) -> Result<Decoded> {
    let [more, protocol, site, counts_as, clock, entries @ ..] = numbers else {
        return Err(SHAPE);
    };
    let (entries, []) = entries.as_chunks::<4>() else { return Err(SHAPE) };
    let mut reactons = match unfinished {
        None => Vec::new(),
        Some(IsolateMessage::HandshakeInit { reactons, .. }) => reactons,
        Some(_) => return Err("another message begins in the middle of one"),
    };
    for [id, clock, site, flags] in entries {
        if flags & CONTINUES != 0 {
            let last: &mut Introduction = reactons.last_mut().ok_or(CONTINUES_NOTHING)?;
            append((last.id, &mut last.payload), *id, &payload(payloads)?)?;
            continue;
        }
        reactons.push(Introduction {
            id: RefId::from_u64(*id),
            name: text(payloads)?.into(),
            type_name: text(payloads)?.into(),
            shape: optional_text(flags >> 1 & 1, payloads)?,
            version: Version { clock: *clock, site: *site },
            payload: value_of(flags >> 2, payload(payloads)?)?,
            subscribed: flags & 1 == 1,
        });
    }
    end(payloads)?;
    let protocol = u32::try_from(*protocol).map_err(|_| SHAPE)?;
    let (site, counts_as, clock) = (*site, *counts_as, *clock);
    let message = IsolateMessage::HandshakeInit { protocol, site, counts_as, clock, reactons };
    Ok(whole(flag(*more)?, message))
}

fn subscribe(
    numbers: &[u64],
    payloads: &mut impl ExactSizeIterator<Item = Encoded>,
    unfinished: Option<IsolateMessage>,
) -> Result<Decoded> {
    let [more, entries @ ..] = numbers else { return Err(SHAPE) };
    let (entries, []) = entries.as_chunks::<4>() else { return Err(SHAPE) };
    let mut held = match unfinished {
        None => Vec::new(),
        Some(IsolateMessage::ReactonSubscribe { held }) => held,
        Some(_) => return Err("another message begins in the middle of one"),
    };
    for [number, clock, site, flags] in entries {
        let id = RefId::from_u64(*number);
        if flags & CONTINUES != 0 {
            let Some((last, Held::Missed { keys, .. })) = held.last_mut() else {
                return Err(CONTINUES_NOTHING);
            };
            if *last != id {
                return Err(CONTINUES_NOTHING);
            }
            keys.extend(read_missed(&payload(payloads)?)?);
        } else if flag(*flags)? {
            let keys = read_missed(&payload(payloads)?)?;
            held.push((id, Held::Missed { serial: *clock, keys }));
        } else {
            held.push((id, Held::Version(Version { clock: *clock, site: *site })));
        }
    }
    end(payloads)?;
    Ok(whole(flag(*more)?, IsolateMessage::ReactonSubscribe { held }))
}

fn hello(numbers: &[u64], payloads: &mut impl Iterator<Item = Encoded>) -> Result<Hello> {
    let [version, every, grace, max_value, options @ ..] = numbers else { return Err(SHAPE) };
    let (options, []) = options.as_chunks::<2>() else { return Err(SHAPE) };
    let [stack_size, spin, memory, cpu, files, queue] = options else { return Err(SHAPE) };
    let optional =
        |[is_there, number]: &[u64; 2]| Ok::<_, &str>(flag(*is_there)?.then_some(*number));
    Ok(Hello {
        version: *version,
        every: flag(*every)?,
        grace: Duration::from_nanos(*grace),
        max_value: *max_value,
        path: text(payloads)?,
        name: text(payloads)?,
        args: payload(payloads)?.to_vec(),
        stack_size: optional(stack_size)?,
        spin: optional(spin)?.map(Duration::from_nanos),
        queue: optional(queue)?.map(flag).transpose()?,
        limits: Limits { memory: optional(memory)?, cpu: optional(cpu)?, files: optional(files)? },
    })
}

fn ack(numbers: &[u64], payloads: &mut impl Iterator<Item = Encoded>) -> Result<Vec<Mismatch>> {
    let (entries, []) = numbers.as_chunks::<4>() else { return Err(SHAPE) };
    let mut mismatches = Vec::new();
    for entry in entries {
        mismatches.push(match entry {
            [3, error @ ..] => Mismatch::Value { error: link_error(*error, payloads)? },
            [kind, ours, theirs, _] => {
                let [name, ours_text, theirs_text] =
                    [text(payloads)?, text(payloads)?, text(payloads)?];
                match kind {
                    0 => Mismatch::Protocol {
                        ours: u32::try_from(*ours).map_err(|_| SHAPE)?,
                        theirs: u32::try_from(*theirs).map_err(|_| SHAPE)?,
                    },
                    1 => Mismatch::Missing { name },
                    2 => Mismatch::Type { name, ours: ours_text, theirs: theirs_text },
                    _ => return Err("a difference is of an unknown kind"),
                }
            }
        });
    }
    Ok(mismatches)
}

fn closed(numbers: &[u64], payloads: &mut impl Iterator<Item = Encoded>) -> Result<CloseReason> {
    let [kind, after, worked, has_location] = exactly(numbers)?;
    let message = text(payloads)?;
    let location = optional_text(has_location, payloads)?;
    Ok(match kind {
        0 => CloseReason::Drained,
        1 => CloseReason::Disposed,
        2 => CloseReason::Failed { message },
        3 => CloseReason::Panicked {
            message,
            location,
            after: Duration::from_nanos(after),
            worked: flag(worked)?,
        },
        _ => return Err("it closes for an unknown reason"),
    })
}

fn link_error(
    [kind, clock, own]: [u64; 3],
    payloads: &mut impl Iterator<Item = Encoded>,
) -> Result<LinkError> {
    let [first, second, third] = [text(payloads)?, text(payloads)?, text(payloads)?];
    let reacton = Cow::Owned(first);
    Ok(match kind {
        0 => LinkError::Encode { reacton, reason: second },
        1 => LinkError::Decode { reacton, reason: second },
        2 => LinkError::Lossy { reacton, type_name: second.into(), remedy: third },
        3 => LinkError::ChangedInPlace { reacton },
        4 => LinkError::NeverEqual { reacton },
        5 => LinkError::Malformed { reason: reacton.into_owned() },
        6 => LinkError::Clock { worker: reacton.into_owned(), clock, own },
        _ => return Err("an error is of an unknown kind"),
    })
}
