//! The head of a frame: one `MessagePack` array of unsigned integers.

/// Writes the marker of an array of `len` elements.
pub(super) fn write_array(to: &mut Vec<u8>, len: usize) {
    match u16::try_from(len) {
        Ok(len @ ..16) => to.push(0x90 | u8::try_from(len).unwrap_or_default()),
        Ok(len) => {
            to.push(0xdc);
            to.extend_from_slice(&len.to_be_bytes());
        }
        Err(_) => unreachable!("a head has less than 65,536 numbers: {len}"),
    }
}

/// Writes a number in the shortest form.
#[inline]
pub(super) fn write(to: &mut Vec<u8>, number: u64) {
    if number < 0x80 {
        to.push(number.to_le_bytes()[0]);
    } else if let Ok(number) = u8::try_from(number) {
        to.extend_from_slice(&[0xcc, number]);
    } else if let Ok(number) = u16::try_from(number) {
        to.push(0xcd);
        to.extend_from_slice(&number.to_be_bytes());
    } else if let Ok(number) = u32::try_from(number) {
        to.push(0xce);
        to.extend_from_slice(&number.to_be_bytes());
    } else {
        to.push(0xcf);
        to.extend_from_slice(&number.to_be_bytes());
    }
}

/// The longest whole head of nine numbers.
const SHORT: usize = 4 + 1 + 9 * 9;

/// A whole head of nine numbers, with its length in front: in one array, as adding to a vector looks at its room for each
/// number.
pub(super) struct Short {
    /// Each number is written as eight bytes, of which the next one covers those that it does not need.
    bytes: [u8; SHORT],
    len: usize,
}

impl Short {
    pub(super) fn new(numbers: [u64; 9]) -> Self {
        let mut short = Self { bytes: [0; SHORT], len: 5 };
        short.bytes[4] = 0x99;
        for number in numbers {
            short.write(number);
        }
        let len = u32::try_from(short.len - 4).unwrap_or_default();
        short.bytes[..4].copy_from_slice(&len.to_le_bytes());
        short
    }

    /// Writes a number in the shortest form.
    #[inline]
    fn write(&mut self, number: u64) {
        let (marker, len) = match number {
            0..0x80 => {
                self.bytes[self.len] = number.to_le_bytes()[0];
                self.len += 1;
                return;
            }
            0x80..0x100 => (0xcc, 1),
            0x100..0x1_0000 => (0xcd, 2),
            0x1_0000..0x1_0000_0000 => (0xce, 4),
            0x1_0000_0000.. => (0xcf, 8),
        };
        let bytes = (number << (64 - 8 * len)).to_be_bytes();
        let place = &mut self.bytes[self.len..self.len + 9];
        place[0] = marker;
        place[1..].copy_from_slice(&bytes);
        self.len += 1 + len;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Reads a whole head into `numbers`. `None` if it is no array of unsigned integers, or if anything follows it.
pub(super) fn read(head: &[u8], numbers: &mut Vec<u64>) -> Option<()> {
    numbers.clear();
    let (&marker, mut rest) = head.split_first()?;
    let len = match marker {
        0x90..=0x9f => usize::from(marker & 0x0f),
        0xdc => usize::from(u16::from_be_bytes(take(&mut rest)?)),
        _ => return None,
    };
    // Each number has a byte at least: a length that the head cannot hold makes no room.
    if len > rest.len() {
        return None;
    }
    numbers.reserve(len);
    for _ in 0..len {
        numbers.push(number(&mut rest)?);
    }
    rest.is_empty().then_some(())
}

#[inline]
fn number(rest: &mut &[u8]) -> Option<u64> {
    Some(match take::<1>(rest)? {
        [small @ 0..=0x7f] => u64::from(small),
        [0xcc] => u64::from(u8::from_be_bytes(take(rest)?)),
        [0xcd] => u64::from(u16::from_be_bytes(take(rest)?)),
        [0xce] => u64::from(u32::from_be_bytes(take(rest)?)),
        [0xcf] => u64::from_be_bytes(take(rest)?),
        _ => return None,
    })
}

#[inline]
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}
