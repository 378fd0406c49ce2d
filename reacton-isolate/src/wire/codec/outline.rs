//! Checks bytes before they are decoded: one whole value, not nested too deeply, and nothing behind it. The
//! deserializer does none of this: it does not count enums and their contents as nesting, reserves memory for as many
//! elements as a list claims, and does not report where it stopped. Bytes that pass here take memory in proportion to
//! their size and a bounded stack, for every type that reads something before it recurses.

/// The maximum depth of a value; the same as in `serde_json`.
pub(super) const MAX_DEPTH: usize = 128;

pub(super) const TOO_DEEP: &str = "it is nested more than 128 deep";

/// Checks that `bytes` are one value.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    match skip(bytes, MAX_DEPTH)? {
        [] => Ok(()),
        _ => Err(String::from("more bytes follow the value")),
    }
}

/// Whether `bytes` are one value whose first byte determines its length: a number, a `bool`, nothing, a short text.
#[inline]
pub(super) fn is_short_value(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|marker| usize::from(SIZES[usize::from(*marker)]) == bytes.len())
}

/// The bytes after the first value, which may contain others `depth` levels deep.
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

/// The size of a value by its marker, which is included; 0 if the marker does not determine it.
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

fn skip_all(mut bytes: &[u8], mut values: u64, depth: usize) -> Result<&[u8], &'static str> {
    let depth = depth.checked_sub(1).ok_or(TOO_DEEP)?;
    while values > 0 {
        let size = size(bytes.first());
        if values >= RUN as u64
            && let Some(rest) = skip_run(bytes, size)
        {
            (bytes, values) = (rest, values - RUN as u64);
            continue;
        }
        values -= 1;
        bytes = match size {
            0 => skip(bytes, depth)?,
            // A list of numbers needs no recursive call.
            size => bytes.get(size..).ok_or(CUT_OFF)?,
        };
    }
    Ok(bytes)
}

/// This many values of one size are skipped at once, so that their markers are read in parallel.
const RUN: usize = 8;

/// The bytes after a run of values, if each takes `size` bytes.
fn skip_run(bytes: &[u8], size: usize) -> Option<&[u8]> {
    if size == 0 {
        return None;
    }
    let (run, rest) = bytes.split_at_checked(RUN * size)?;
    run.chunks_exact(size).all(|value| self::size(value.first()) == size).then_some(rest)
}

fn size(marker: Option<&u8>) -> usize {
    marker.map_or(0, |marker| usize::from(SIZES[usize::from(*marker)]))
}

fn skip_bytes(bytes: &[u8], count: u64) -> Result<&[u8], &'static str> {
    usize::try_from(count).ok().and_then(|count| bytes.get(count..)).ok_or(CUT_OFF)
}

/// A length of `width` bytes, and the bytes after it.
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
        // Markers with a length (MessagePack's bin, ext, str, array and map), each with a content of length 1.
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
        // All other markers, each with the number of bytes after it: fixint, nil, bool, fixmap, fixarray, fixstr, float,
        // uint, int and fixext.
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
            assert!(check(&bytes[..bytes.len() - 1]).is_err(), "{bytes:x?} without the last byte");
            assert!(
                check(&[bytes, &[0x91][..]].concat()).is_err(),
                "{bytes:x?} with one byte more"
            );
        }
        assert!(check(&[0xc1]).is_err());
    }

    #[test]
    fn a_list_must_have_as_many_elements_as_its_length_says() {
        // Numbers of one size, of two sizes, and a run that is cut off.
        let list = |length: u8, values: &[u8]| [&[0xdc, 0, length], values].concat();
        for length in [7, 8, 9, 16, 17, 31] {
            let count = usize::from(length);
            let floats = [&[0xcb][..], &[0; 8]].concat().repeat(count);
            let mixed: Vec<u8> = (0..length)
                .flat_map(|at| if at % 9 == 4 { vec![0xcd, 0xc1, 0xc1] } else { vec![at] })
                .collect();
            for values in [&floats, &mixed, &vec![7; count]] {
                let bytes = list(length, values);
                assert_eq!(check(&bytes), Ok(()));
                assert!(check(&bytes[..bytes.len() - 1]).is_err());
                assert!(check(&list(length - 1, values)).is_err_and(|why| why.contains("more")));
                assert!(check(&list(length + 1, values)).is_err());
            }
            let mut broken = floats;
            broken[9 * (count - 1)] = 0xc1;
            assert!(check(&list(length, &broken)).is_err());
        }
    }

    #[test]
    fn nesting_ends_at_its_limit() {
        let nested = |depth| [vec![0x91; depth], vec![0]].concat();
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        assert!(check(&nested(MAX_DEPTH + 1)).is_err_and(|reason| reason.contains("nested")));
    }
}
