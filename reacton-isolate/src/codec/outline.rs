//! The outline of bytes, before anything is made of them: one value, whole, not nested too deep, and nothing behind it.
//!
//! The deserializer asks none of this. It counts neither enums nor what it reads for them as nesting, it makes room for
//! as many elements as a list says that it has, and it does not tell where it stopped. What passes here takes memory
//! in proportion to its size and a bounded stack, for every type that reads something before it comes to itself again.

/// How deep a value may be nested; `serde_json` draws the line here too.
const MAX_DEPTH: usize = 128;

/// Looks whether `bytes` are one value.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    match skip(bytes, MAX_DEPTH)? {
        [] => Ok(()),
        _ => Err(String::from("more bytes follow the value")),
    }
}

/// What follows the first value. It may hold others `depth` deep.
fn skip(bytes: &[u8], depth: usize) -> Result<&[u8], &'static str> {
    let (&marker, rest) = bytes.split_first().ok_or(CUT_OFF)?;
    match marker {
        // Maps and lists whose length is in the marker.
        0x80..=0x8f => skip_all(rest, 2 * u64::from(marker & 0x0f), depth),
        0x90..=0x9f => skip_all(rest, u64::from(marker & 0x0f), depth),
        0xc1 => Err("it holds a byte that means nothing"),
        // Bytes; extensions, which have a tag before the bytes.
        0xc4..=0xc6 => {
            let (length, rest) = number(rest, 1 << (marker - 0xc4))?;
            skip_bytes(rest, length)
        }
        0xc7..=0xc9 => {
            let (length, rest) = number(rest, 1 << (marker - 0xc7))?;
            skip_bytes(rest, 1 + length)
        }
        // Texts, lists and maps whose length follows.
        0xd9..=0xdb => {
            let (length, rest) = number(rest, 1 << (marker - 0xd9))?;
            skip_bytes(rest, length)
        }
        0xdc | 0xdd => {
            let (length, rest) = number(rest, 2 << (marker - 0xdc))?;
            skip_all(rest, length, depth)
        }
        0xde | 0xdf => {
            let (length, rest) = number(rest, 2 << (marker - 0xde))?;
            skip_all(rest, 2 * length, depth)
        }
        _ => bytes.get(usize::from(SIZES[usize::from(marker)])..).ok_or(CUT_OFF),
    }
}

/// The size of a value by its marker, the marker included; 0 where more than the marker says it.
/// The format: <https://github.com/msgpack/msgpack/blob/master/spec.md>.
const SIZES: [u8; 256] = {
    let mut sizes = [0; 256];
    let mut marker = 0;
    while marker < 256 {
        sizes[marker] = match marker {
            // Small integers, nil, false, true.
            0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => 1,
            // Short texts.
            #[expect(clippy::cast_possible_truncation, reason = "five bits")]
            0xa0..=0xbf => 1 + (marker & 0x1f) as u8,
            // Floats, unsigned and signed integers, extensions of a fixed size.
            0xca | 0xcb => 1 + (4 << (marker - 0xca)),
            0xcc..=0xcf => 1 + (1 << (marker - 0xcc)),
            0xd0..=0xd3 => 1 + (1 << (marker - 0xd0)),
            0xd4..=0xd8 => 2 + (1 << (marker - 0xd4)),
            _ => 0,
        };
        marker += 1;
    }
    sizes
};

const CUT_OFF: &str = "it is cut off";

fn skip_all(mut bytes: &[u8], values: u64, depth: usize) -> Result<&[u8], &'static str> {
    let depth = depth.checked_sub(1).ok_or("it is nested more than 128 deep")?;
    for _ in 0..values {
        let size = bytes.first().map_or(0, |marker| SIZES[usize::from(*marker)]);
        bytes = match size {
            0 => skip(bytes, depth)?,
            // A long list of numbers costs no calls.
            size => bytes.get(usize::from(size)..).ok_or(CUT_OFF)?,
        };
    }
    Ok(bytes)
}

fn skip_bytes(bytes: &[u8], count: u64) -> Result<&[u8], &'static str> {
    usize::try_from(count).ok().and_then(|count| bytes.get(count..)).ok_or(CUT_OFF)
}

/// A length of `width` bytes, and what follows it.
fn number(bytes: &[u8], width: usize) -> Result<(u64, &[u8]), &'static str> {
    let (digits, rest) = bytes.split_at_checked(width).ok_or(CUT_OFF)?;
    let number = digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit));
    Ok((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marker_is_as_long_as_the_format_says() {
        // The bytes behind each marker of a kind, for a length of one where it has one.
        let with_length: [(u8, &[u8]); 13] = [
            (0xc4, &[1, 0]),
            (0xc5, &[0, 1, 0]),
            (0xc6, &[0, 0, 0, 1, 0]),
            (0xc7, &[1, 0, 0]),
            (0xc8, &[0, 1, 0, 0]),
            (0xc9, &[0, 0, 0, 1, 0, 0]),
            (0xd9, &[1, 0]),
            (0xda, &[0, 1, 0]),
            (0xdb, &[0, 0, 0, 1, 0]),
            (0xdc, &[0, 1, 0]),
            (0xdd, &[0, 0, 0, 1, 0]),
            (0xde, &[0, 1, 0, 0]),
            (0xdf, &[0, 0, 0, 1, 0, 0]),
        ];
        let fixed = [
            (0x00, 0),
            (0x7f, 0),
            (0xc0, 0),
            (0xc2, 0),
            (0xc3, 0),
            (0xe0, 0),
            (0xff, 0),
            (0x80, 0),
            (0x82, 4),
            (0x90, 0),
            (0x93, 3),
            (0xa0, 0),
            (0xbf, 31),
            (0xca, 4),
            (0xcb, 8),
            (0xcc, 1),
            (0xcd, 2),
            (0xce, 4),
            (0xcf, 8),
            (0xd0, 1),
            (0xd1, 2),
            (0xd2, 4),
            (0xd3, 8),
            (0xd4, 2),
            (0xd5, 3),
            (0xd6, 5),
            (0xd7, 9),
            (0xd8, 17),
        ];
        let with_length = with_length.map(|(marker, behind)| [&[marker], behind].concat());
        let fixed = fixed.map(|(marker, behind)| [vec![marker], vec![0; behind]].concat());
        for bytes in with_length.iter().chain(&fixed) {
            assert_eq!(check(bytes), Ok(()), "{bytes:x?}");
            assert!(check(&bytes[..bytes.len() - 1]).is_err(), "{bytes:x?} cut off");
            assert!(check(&[bytes, &[0x91][..]].concat()).is_err(), "{bytes:x?} and more");
        }
        assert!(check(&[0xc1]).is_err());
    }

    #[test]
    fn nesting_ends_at_its_limit() {
        let nested = |depth| [vec![0x91; depth], vec![0]].concat();
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        assert!(check(&nested(MAX_DEPTH + 1)).is_err_and(|reason| reason.contains("nested")));
    }
}
