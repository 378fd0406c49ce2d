//! The position of an item in a list: a string of bytes that sorts between those of its neighbours, and that no other
//! item ever has.
//!
//! The scheme is that of Matthew Weidner's position-strings (<https://github.com/mweidner037/position-strings>):
//! strings that describe a tree, and whose order is the order of the tree. A position is a path in this tree. Each step
//! of a path has
//!
//! | part | encoded so that it is in order and no code begins another one |
//! |---|---|
//! | the site of the store that made it | a number |
//! | an index, which counts on in a run | a number with a sign |
//! | a counter, which that site never uses again, and the side | a number: twice the counter, and 1 for the right side |
//!
//! The site comes first, so items that one store inserts at one place are never mixed with those of other stores. The
//! index counts up or down within a run, so the length of a position grows with the logarithm of the run. This differs
//! from the original, in which positions grow with each item that is inserted before the last one. The counter
//! distinguishes positions with the same index.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The position of an item of a [`ReactonList`](crate::ReactonList), which determines the order of the items.
#[derive(Clone)]
pub struct Position(Bytes);

/// Short positions are stored in place: a search compares many, and each pointer would cost a cache miss.
#[derive(Clone)]
enum Bytes {
    Short(u8, [u8; SHORT]),
    Long(Arc<[u8]>),
}

/// The bytes that are stored in place. A site, an index and a counter of a run of a million take 17.
const SHORT: usize = 22;

/// The last step of a path.
struct Step {
    /// The index of its first byte.
    start: usize,
    site: u64,
    index: i64,
    counter: u64,
}

impl Position {
    /// Makes a position between those of two neighbours. `site` must not have used the counter before.
    pub(super) fn between(
        left: Option<&Self>,
        right: Option<&Self>,
        site: u64,
        counter: u64,
    ) -> Self {
        let own = |position: Option<&Self>| {
            position.and_then(Self::last).filter(|step| step.site == site)
        };
        let (before, after) = (own(left), own(right));
        let fits = |position: &Self| {
            left.is_none_or(|left| left < position) && right.is_none_or(|right| position < right)
        };
        let up = || {
            let (step, left) = (before.as_ref()?, left?);
            let base = &left.as_bytes()[..step.start];
            Some(Self::new(base, site, step.index.checked_add(1)?, counter)).filter(fits)
        };
        let down = || {
            let (step, right) = (after.as_ref()?, right?);
            let base = &right.as_bytes()[..step.start];
            Some(Self::new(base, site, step.index.checked_sub(1)?, counter)).filter(fits)
        };
        // The newest of the neighbours belongs to the run that continues.
        let newest = |step: &Option<Step>| step.as_ref().map(|step| step.counter);
        let is_backwards = newest(&after) > newest(&before);
        let on = if is_backwards { down().or_else(up) } else { up().or_else(down) };
        on.unwrap_or_else(|| Self::new(&Self::parent(left, right, is_backwards), site, 0, counter))
    }

    /// The parent of a new step, and the side of the parent on which it is.
    fn parent(left: Option<&Self>, right: Option<&Self>, is_backwards: bool) -> Vec<u8> {
        let left = left.map_or(&[][..], Self::as_bytes);
        let Some(right) = right else { return left.to_vec() };
        let below_right = right.left_side();
        if right.as_bytes().starts_with(left) || is_backwards && !left.starts_with(&below_right) {
            below_right
        } else {
            left.to_vec()
        }
    }

    fn new(base: &[u8], site: u64, index: i64, counter: u64) -> Self {
        let mut bytes = base.to_vec();
        put_number(&mut bytes, site);
        put_index(&mut bytes, index);
        put_number(&mut bytes, counter << 1 | 1);
        Self::of(&bytes)
    }

    fn of(bytes: &[u8]) -> Self {
        let mut short = [0; SHORT];
        Self(match (short.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(bytes);
                Bytes::Short(length, short)
            }
            _ => Bytes::Long(bytes.into()),
        })
    }

    /// The path to the left side of this step, where no position is.
    fn left_side(&self) -> Vec<u8> {
        let mut bytes = self.as_bytes().to_vec();
        if let Some(last) = bytes.last_mut() {
            *last &= !1;
        }
        bytes
    }

    fn last(&self) -> Option<Step> {
        last_step(self.as_bytes())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Short(length, bytes) => &bytes[..usize::from(*length)],
            Bytes::Long(bytes) => bytes,
        }
    }

    /// Parses a position; `None` if the bytes are not one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let is_right = |bytes: &[u8]| bytes.last().is_some_and(|last| last & 1 == 1);
        (last_step(bytes).is_some() && is_right(bytes)).then(|| Self::of(bytes))
    }
}

impl PartialEq for Position {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Position {}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Position(")?;
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The last step of a path; `None` if the bytes are not a path, or an empty one.
fn last_step(bytes: &[u8]) -> Option<Step> {
    let mut rest = bytes;
    loop {
        let start = bytes.len() - rest.len();
        let (site, index, counter) =
            (take_number(&mut rest)?, take_index(&mut rest)?, take_number(&mut rest)? >> 1);
        if rest.is_empty() {
            return Some(Step { start, site, index, counter });
        }
    }
}

/// Numbers below it are one byte; each byte from here on says how many follow.
const LONG: u8 = 0xF8;

fn put_number(bytes: &mut Vec<u8>, number: u64) {
    match u8::try_from(number) {
        Ok(byte) if byte < LONG => bytes.push(byte),
        _ => put_long(bytes, number),
    }
}

fn put_long(bytes: &mut Vec<u8>, number: u64) {
    let all = number.to_be_bytes();
    let skipped = all.iter().take(7).take_while(|byte| **byte == 0).count();
    let first = u8::try_from(7 - skipped).unwrap_or_default();
    bytes.push(LONG + first);
    bytes.extend_from_slice(&all[skipped..]);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first()?;
    let (number, rest) = match first.checked_sub(LONG) {
        None => (u64::from(*first), rest),
        Some(more) => take_long(rest, more, u64::from(LONG))?,
    };
    *bytes = rest;
    Some(number)
}

/// Reads a number of `more` + 1 bytes. Only the shortest encoding is valid, because two encodings of one number would
/// be two positions.
fn take_long(bytes: &[u8], more: u8, least: u64) -> Option<(u64, &[u8])> {
    let (bytes, rest) = bytes.split_at_checked(usize::from(more) + 1)?;
    let number = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let is_short = number >= least && (more == 0 || bytes.first() != Some(&0));
    is_short.then_some((number, rest))
}

/// The first byte of the index 0. The encodings of negative indices are complements.
const ZERO: u8 = 0x80;

fn put_index(bytes: &mut Vec<u8>, index: i64) {
    let start = bytes.len();
    let magnitude = (if index < 0 { !index } else { index }).unsigned_abs();
    match u8::try_from(magnitude) {
        Ok(byte) if byte < LONG - ZERO => bytes.push(ZERO + byte),
        _ => put_long(bytes, magnitude),
    }
    if index < 0 {
        bytes[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

fn take_index(bytes: &mut &[u8]) -> Option<i64> {
    let is_negative = *bytes.first()? < ZERO;
    let mut code = [0; 9];
    let length = bytes.len().min(code.len());
    for (to, from) in code.iter_mut().zip(bytes.iter()) {
        *to = if is_negative { !*from } else { *from };
    }
    let (first, rest) = code[..length].split_first()?;
    let (magnitude, left) = match first.checked_sub(LONG) {
        None => (u64::from(first - ZERO), rest.len()),
        Some(more) => take_long(rest, more, u64::from(LONG - ZERO))
            .map(|(magnitude, rest)| (magnitude, rest.len()))?,
    };
    *bytes = &bytes[length - left..];
    let index = i64::try_from(magnitude).ok()?;
    Some(if is_negative { !index } else { index })
}

#[cfg(test)]
mod tests;
