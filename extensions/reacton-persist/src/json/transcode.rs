//! `MessagePack` as JSON and back, without the types of the values.

use std::fmt::Write;

use serde_json::value::RawValue;

/// The JSON of a value; `None` if it would come back as another one.
pub(super) fn to_json(bytes: &[u8]) -> Option<Box<RawValue>> {
    if !is_faithful(bytes) {
        return None;
    }
    let mut text = Vec::new();
    let mut from = rmp_serde::Deserializer::from_read_ref(bytes).with_human_readable();
    serde_transcode::transcode(&mut from, &mut serde_json::Serializer::new(&mut text)).ok()?;
    RawValue::from_string(String::from_utf8(text).ok()?).ok()
}

/// The `MessagePack` of a value.
pub(super) fn of_json(json: &RawValue) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut from = serde_json::Deserializer::from_str(json.get());
    let mut to = rmp_serde::Serializer::new(&mut bytes).with_struct_map().with_human_readable();
    serde_transcode::transcode(&mut from, &mut to).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// Whether a value is the same after it was JSON: it holds no bytes, no NaN and no infinity, and the keys of its maps are texts.
fn is_faithful(bytes: &[u8]) -> bool {
    // An item of a list begins with its position, which is read from numbers as well.
    let bytes = match bytes {
        [0x92, 0xc4, len, rest @ ..] => match rest.get(usize::from(*len)..) {
            Some(rest) => return skip(rest) == Some(&[]),
            None => return false,
        },
        bytes => bytes,
    };
    skip(bytes) == Some(&[])
}

/// What follows the first value, if that is faithful.
fn skip(bytes: &[u8]) -> Option<&[u8]> {
    let (&marker, rest) = bytes.split_first()?;
    match marker {
        0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => Some(rest),
        0x80..=0x8f => skip_map(rest, u64::from(marker & 0x0f)),
        0x90..=0x9f => skip_list(rest, u64::from(marker & 0x0f)),
        0xa0..=0xbf => rest.get(usize::from(marker & 0x1f)..),
        0xca => {
            let (number, rest) = rest.split_first_chunk()?;
            f32::from_be_bytes(*number).is_finite().then_some(rest)
        }
        0xcb => {
            let (number, rest) = rest.split_first_chunk()?;
            f64::from_be_bytes(*number).is_finite().then_some(rest)
        }
        0xcc..=0xcf => rest.get(1 << (marker - 0xcc)..),
        0xd0..=0xd3 => rest.get(1 << (marker - 0xd0)..),
        0xd9..=0xdb => {
            let (length, rest) = number(rest, 1 << (marker - 0xd9))?;
            rest.get(usize::try_from(length).ok()?..)
        }
        0xdc | 0xdd => {
            let (length, rest) = number(rest, 2 << (marker - 0xdc))?;
            skip_list(rest, length)
        }
        0xde | 0xdf => {
            let (length, rest) = number(rest, 2 << (marker - 0xde))?;
            skip_map(rest, length)
        }
        // Bytes, and extensions.
        _ => None,
    }
}

fn skip_list(mut bytes: &[u8], length: u64) -> Option<&[u8]> {
    for _ in 0..length {
        bytes = skip(bytes)?;
    }
    Some(bytes)
}

fn skip_map(mut bytes: &[u8], length: u64) -> Option<&[u8]> {
    for _ in 0..length {
        if !matches!(bytes.first()?, 0xa0..=0xbf | 0xd9..=0xdb) {
            return None;
        }
        bytes = skip(skip(bytes)?)?;
    }
    Some(bytes)
}

/// A length of `width` bytes, and what follows.
fn number(bytes: &[u8], width: usize) -> Option<(u64, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(width)?;
    Some((digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)), rest))
}

/// Bytes as digits.
pub(super) fn to_digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a text never fails.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// The bytes of digits; `None` if they are none.
pub(super) fn of_digits(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let text = str::from_utf8(pair).ok().filter(|text| text.len() == 2)?;
            u8::from_str_radix(text, 16).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use reacton_isolate::sink::{decode, encode};
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    enum Kind {
        Plain,
        Number(f32),
        Named { text: Option<String>, list: Vec<i64> },
    }

    fn text<T: Serialize + 'static>(value: &T) -> Option<String> {
        let bytes = encode(value).expect("the value encodes");
        to_json(&bytes).map(|json| json.get().to_owned())
    }

    #[test]
    fn values_come_back_as_they_were() {
        let named = Kind::Named { text: Some("ä\"\n".into()), list: vec![i64::MIN, -1, 0, 300] };
        let values = vec![Kind::Plain, Kind::Number(0.1), Kind::Number(-3.0), named];
        let bytes = encode(&values).expect("the value encodes");
        let json = to_json(&bytes).expect("the JSON is faithful");
        let back = of_json(&json).expect("the text is JSON");
        assert_eq!(decode::<Vec<Kind>>(&back).as_ref(), Ok(&values));
        assert_eq!(text(&Kind::Number(0.1)).as_deref(), Some(r#"{"Number":0.1}"#));
        let numbers = (u64::MAX, u8::MAX, f64::MAX, 1.0_f64, 'x', true, ());
        let json =
            to_json(&encode(&numbers).expect("the value encodes")).expect("the JSON is faithful");
        let back = decode(&of_json(&json).expect("the text is JSON"));
        assert_eq!(back, Ok(numbers));
    }

    #[test]
    fn what_json_cannot_hold_is_no_json() {
        assert_eq!(text(&f64::NAN), None);
        assert_eq!(text(&vec![f32::INFINITY]), None);
        assert_eq!(text(&BTreeMap::from([(1, 2)])), None);
        assert_eq!(text(&vec![1_u8; 3]), None, "bytes");
        assert_eq!(text(&u128::MAX), None);
        assert_eq!(text(&BTreeMap::from([("a", 2)])).as_deref(), Some(r#"{"a":2}"#));
    }

    #[test]
    fn bytes_are_digits_and_digits_are_bytes() {
        let bytes = [0, 1, 0x7f, 0xff];
        assert_eq!(to_digits(&bytes), "00017fff");
        assert_eq!(of_digits("00017fff").as_deref(), Some(&bytes[..]));
        assert_eq!((of_digits("0"), of_digits("0g"), of_digits("ää")), (None, None, None));
    }
}
