//! Edits as bytes, for a road: numbers in groups of seven bits, keys and items with their lengths. Every sequence of
//! bytes is either edits or an error. Reading it allocates memory in proportion to its length.
//!
//! Long edits are several pieces, so that only a single entry can be longer than a road allows.

use reacton_core::Version;

use super::{Edits, Record, RecordBody, Records};
use crate::wire::frame::MAX_HEAD;
use crate::wire::value::Encoded;

type Result<T> = std::result::Result<T, &'static str>;

const SHORT: &str = "edits end in the middle";

/// The kinds of bodies, in the low bits of the first byte of a record.
const REMOVED: u8 = 0;
const ITEM: u8 = 1;
/// The record has the version of the one before it; the first one, that of the reset.
const SAME_VERSION: u8 = 2;
const ANNOUNCED: u8 = 4;

/// A piece of several entries has at most so many bytes. A road allows a payload of this length at least.
pub(crate) const PIECE: usize = MAX_HEAD;

/// At most so many bytes are written around the key and the item of a record: a version, two lengths and the kind.
const AROUND_RECORD: usize = 40;

/// At most so many bytes are written before the records.
const BEFORE_RECORDS: usize = 40;

/// Writes edits whose items are serialized, in pieces. Only the first has what comes before the records.
pub(crate) fn write_edits(edits: &Edits) -> impl Iterator<Item = Encoded> {
    let mut rest = Some(&edits.records[..]);
    let (mut answers, mut first_reset) = (edits.answers, edits.reset);
    std::iter::from_fn(move || {
        let records = rest?;
        let (now, later) = split(records, |record| record.len() + AROUND_RECORD);
        rest = Some(later).filter(|later| !later.is_empty());
        Some(Encoded::from(write_piece(std::mem::take(&mut answers), first_reset.take(), now)))
    })
}

/// Splits so many off as fit into one piece, at least one.
fn split<T>(all: &[T], len: impl Fn(&T) -> usize) -> (&[T], &[T]) {
    let mut sum = BEFORE_RECORDS;
    let fit = all.iter().take_while(|one| {
        sum = sum.saturating_add(len(one));
        sum <= PIECE
    });
    all.split_at(fit.count().max(1).min(all.len()))
}

fn write_piece(answers: u64, reset: Option<Version>, records: &[Record]) -> Vec<u8> {
    let len: usize = records.iter().map(|record| record.len() + 4).sum();
    let mut to = Vec::with_capacity(len + 32);
    number(&mut to, answers);
    to.push(u8::from(reset.is_some()));
    let mut before = Version::NEVER;
    if let Some(reset) = reset {
        version(&mut to, reset);
        before = reset;
    }
    for record in records {
        let same = if record.version == before { SAME_VERSION } else { 0 };
        let item = match &record.body {
            RecordBody::Bytes(item) => Some(item),
            // References cannot be sent over a road, and a shared set that is sent over a road has none.
            RecordBody::Removed | RecordBody::Counted(_) => None,
        };
        let announced = if record.announced { ANNOUNCED } else { 0 };
        to.push(same | announced | if item.is_some() { ITEM } else { REMOVED });
        if same == 0 {
            version(&mut to, record.version);
            before = record.version;
        }
        slice(&mut to, &record.key);
        if let Some(item) = item {
            slice(&mut to, item);
        }
    }
    to
}

/// Reads one piece of what [`write_edits`] has written.
pub(crate) fn read_edits(mut from: &[u8]) -> Result<Edits> {
    let from = &mut from;
    let answers = take_number(from)?;
    let reset = match take_byte(from)? {
        0 => None,
        1 => Some(take_version(from)?),
        _ => return Err("a flag is neither 0 nor 1"),
    };
    let mut before = reset.unwrap_or(Version::NEVER);
    let mut records = Records::new();
    while !from.is_empty() {
        let kind = take_byte(from)?;
        if kind & !(ITEM | SAME_VERSION | ANNOUNCED) != 0 {
            return Err("a record is of an unknown kind");
        }
        if kind & SAME_VERSION == 0 {
            before = take_version(from)?;
        }
        let key = take_key(from)?;
        let body = if kind & ITEM == 0 {
            RecordBody::Removed
        } else {
            RecordBody::Bytes(take_slice(from)?)
        };
        let announced = kind & ANNOUNCED != 0;
        records.push(Record { key, version: before, announced, body });
    }
    Ok(Edits { answers, reset, records })
}

/// Writes the keys that a subscriber has missed, in pieces.
pub(crate) fn write_missed(keys: &[Encoded]) -> impl Iterator<Item = Encoded> {
    let mut rest = Some(keys);
    std::iter::from_fn(move || {
        let (now, later) = split(rest?, |key| key.len() + AROUND_RECORD);
        rest = Some(later).filter(|later| !later.is_empty());
        let mut to = Vec::new();
        for key in now {
            slice(&mut to, key);
        }
        Some(Encoded::from(to))
    })
}

/// Reads one piece of what [`write_missed`] has written.
pub(crate) fn read_missed(mut from: &[u8]) -> Result<Vec<Encoded>> {
    let mut keys = Vec::new();
    while !from.is_empty() {
        keys.push(take_key(&mut from)?);
    }
    Ok(keys)
}

fn number(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    to.push(number.to_le_bytes()[0]);
}

fn version(to: &mut Vec<u8>, Version { clock, site }: Version) {
    number(to, clock);
    to.extend_from_slice(&site.to_le_bytes());
}

fn slice(to: &mut Vec<u8>, bytes: &[u8]) {
    number(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

fn take_byte(from: &mut &[u8]) -> Result<u8> {
    let (byte, rest) = from.split_first().ok_or(SHORT)?;
    *from = rest;
    Ok(*byte)
}

fn take_number(from: &mut &[u8]) -> Result<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(from)?;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            break;
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err("a number is longer than 64 bits")
}

fn take_version(from: &mut &[u8]) -> Result<Version> {
    let clock = take_number(from)?;
    let (site, rest) = from.split_first_chunk::<8>().ok_or(SHORT)?;
    *from = rest;
    Ok(Version { clock, site: u64::from_le_bytes(*site) })
}

fn take_slice(from: &mut &[u8]) -> Result<Encoded> {
    let len = usize::try_from(take_number(from)?).map_err(|_| SHORT)?;
    let (bytes, rest) = from.split_at_checked(len).ok_or(SHORT)?;
    *from = rest;
    Ok(Encoded::from(bytes))
}

/// No value has an empty encoding. An empty key would also allow records that need more memory than they have bytes.
fn take_key(from: &mut &[u8]) -> Result<Encoded> {
    let key = take_slice(from)?;
    if key.is_empty() { Err("a key is empty") } else { Ok(key) }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;

    fn text(edits: &Edits) -> String {
        let records = edits.records.iter().map(|Record { key, version, announced, body }| {
            let item = match body {
                RecordBody::Bytes(item) => Some(item.to_vec()),
                _ => None,
            };
            (key.to_vec(), *version, *announced, item)
        });
        format!("{} {:?} {:?}", edits.answers, edits.reset, records.collect::<Vec<_>>())
    }

    fn example() -> Edits {
        let version = |clock| Version { clock, site: u64::MAX - 1 };
        let record = |len: usize, clock, item| Record {
            key: Encoded::from(vec![7; len]),
            version: version(clock),
            announced: len.is_multiple_of(2),
            body: match item {
                Some(len) => RecordBody::Bytes(Encoded::from(vec![9; len])),
                None => RecordBody::Removed,
            },
        };
        Edits {
            answers: 300,
            reset: Some(version(5)),
            records: smallvec![
                record(1, 5, None),
                record(40, 5, Some(0)),
                record(3, u64::MAX, Some(1000)),
                record(2, u64::MAX, Some(2)),
            ],
        }
    }

    /// The only piece of short edits.
    fn written(edits: &Edits) -> Encoded {
        let pieces: Vec<_> = write_edits(edits).collect();
        let [piece] = &pieces[..] else { panic!("{} pieces", pieces.len()) };
        piece.clone()
    }

    #[test]
    fn edits_come_back_from_their_bytes() {
        for edits in [example(), Edits::default()] {
            let back = read_edits(&written(&edits)).expect("the bytes are edits");
            assert_eq!(text(&back), text(&edits));
        }
    }

    #[test]
    fn keys_come_back_from_their_bytes() {
        for keys in [vec![], vec![Encoded::from(&[1][..]), Encoded::from(vec![2; 100])]] {
            let pieces: Vec<_> = write_missed(&keys).collect();
            let [piece] = &pieces[..] else { panic!("{} pieces", pieces.len()) };
            assert_eq!(read_missed(piece).expect("the bytes are keys"), keys);
        }
    }

    #[test]
    fn long_edits_are_pieces_of_which_only_one_record_alone_is_longer_than_is_always_allowed() {
        let long = |len| Record {
            key: Encoded::from(vec![7; len]),
            version: Version { clock: u64::MAX, site: u64::MAX },
            announced: true,
            body: RecordBody::Bytes(Encoded::from(vec![9; len])),
        };
        let lens = [10_000, 10_000, 20_000, PIECE, 1, 1, PIECE / 2, PIECE / 2 - 100, 60, 20, 1];
        let mut edits = example();
        edits.records.extend(lens.map(long));
        edits.records.extend((0..3000).map(|len| long(1 + len % 40)));
        let pieces: Vec<_> = write_edits(&edits).collect();
        let mut joined = Edits::default();
        for (at, piece) in pieces.iter().enumerate() {
            let back = read_edits(piece).expect("the bytes are edits");
            assert!(piece.len() <= PIECE || back.records.len() == 1, "{} bytes", piece.len());
            assert!(back.records.len() > 1 || piece.len() <= back.records[0].len_on_road());
            if at == 0 {
                joined = back;
            } else {
                assert_eq!((back.answers, back.reset), (0, None));
                joined.records.extend(back.records);
            }
        }
        assert_eq!(text(&joined), text(&edits));
        let keys: Vec<_> = edits.keys().cloned().collect();
        let pieces = write_missed(&keys).map(|piece| {
            let back = read_missed(&piece).expect("the bytes are keys");
            assert!(piece.len() <= PIECE || back.len() == 1, "{} bytes", piece.len());
            back
        });
        assert_eq!(pieces.collect::<Vec<_>>().concat(), keys);
    }

    #[test]
    fn each_beginning_and_each_wrong_byte_is_edits_or_an_error() {
        let bytes = written(&example());
        for end in 0..bytes.len() {
            let _ = read_edits(&bytes[..end]);
        }
        for at in 0..bytes.len() {
            for wrong in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = bytes.to_vec();
                bytes[at] = wrong;
                if let Ok(edits) = read_edits(&bytes) {
                    assert!(edits.records.len() <= bytes.len() / 3);
                }
            }
        }
        assert!(read_edits(&[0, 0, 1, 0]).is_err(), "an empty key was accepted");
        assert!(read_missed(&[0]).is_err());
        assert!(read_edits(&[0xff; 20]).is_err());
    }
}
