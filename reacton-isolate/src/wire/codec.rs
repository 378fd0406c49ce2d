//! Values as bytes: `MessagePack` with field names, and whole byte vectors at the speed of a copy. The codec claims to
//! be human readable, though its bytes are not. The reason is that serde reads back what it buffers (an untagged enum,
//! one with a `tag`, a flattened field) as human readable, whatever the format. A type with two forms, such as an IP
//! address, would otherwise be written in one form and read in the other.

mod depth;
mod outline;
mod scalar;
mod shape;

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::sync::Arc;

use reacton_core::panic_message;
use reacton_core::panics::{self, discard};
use rmp_serde::encode::Error as EncodeError;
use rmp_serde::{Deserializer, Serializer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_bytes::{ByteBuf, Bytes};

use self::depth::Limited;
pub(crate) use self::scalar::{decode as decode_scalar, encode as encode_scalar};
pub(crate) use self::shape::shape;
use crate::wire::value::{Encoded, MAX_KEPT};

thread_local! {
    /// The buffer of the last value, kept so that the next one need not grow it again.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// The last value, if it was long. Its buffer can be used again once nothing else holds it.
    static LONG: Cell<Option<Arc<Vec<u8>>>> = const { Cell::new(None) };
}

/// A longer value is sent from the buffer itself. Shorter ones are copied out of it, which costs less than a new buffer.
const COPIED: usize = 16 * 1024;

/// Encodes a value.
pub(crate) fn encode<T: Serialize + 'static>(value: &T) -> Result<Encoded, String> {
    if let Some(encoded) = scalar::encode(value) {
        return Ok(encoded);
    }
    // Taken out, because user code may encode something itself. At the end of a thread it is gone.
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    if buffer.capacity() == 0 {
        let last = LONG.try_with(Cell::take).ok().flatten();
        buffer = last.and_then(|last| Arc::try_unwrap(last).ok()).unwrap_or_default();
    }
    buffer.clear();
    guarded(|| write(value, &mut buffer).map_err(|error| error.to_string()))?;
    if buffer.len() > COPIED {
        if buffer.capacity() > 2 * buffer.len() {
            buffer.shrink_to_fit();
        }
        let buffer = Arc::new(buffer);
        if buffer.capacity() <= MAX_KEPT {
            let _ = LONG.try_with(|place| place.set(Some(Arc::clone(&buffer))));
        }
        return Ok(Encoded::from(buffer));
    }
    let encoded = Encoded::from(&buffer[..]);
    let _ = BUFFER.try_with(|place| place.set(buffer));
    Ok(encoded)
}

fn write<T: Serialize + 'static>(value: &T, to: &mut Vec<u8>) -> Result<(), EncodeError> {
    // A vector of bytes would otherwise be written element by element. Only done for a whole value, because byte mode
    // everywhere breaks untagged enums that hold a `Vec<u8>`.
    let any: &dyn Any = value;
    if let Some(bytes) = any.downcast_ref::<Vec<u8>>() {
        to.reserve_exact(bytes.len() + HEADER);
        write_named(to, Bytes::new(bytes))
    } else if let Some(bytes) = any.downcast_ref::<Option<Vec<u8>>>() {
        let bytes = bytes.as_deref().map(Bytes::new);
        to.reserve_exact(bytes.map_or(0, |bytes| bytes.len()) + HEADER);
        write_named(to, &bytes)
    } else {
        write_named(to, &Limited::new(value))
    }
}

#[inline]
fn write_named<T: Serialize + ?Sized>(
    to: &mut impl io::Write,
    value: &T,
) -> Result<(), EncodeError> {
    value.serialize(&mut Serializer::new(to).with_struct_map().with_human_readable())
}

/// The longest header before bytes.
const HEADER: usize = 5;

/// Runs user code of a value. A panic in it becomes an error.
pub(crate) fn guarded<U>(f: impl FnOnce() -> Result<U, String>) -> Result<U, String> {
    panics::guarded(f).unwrap_or_else(|payload| {
        let message = panic_message(&*payload);
        discard(payload);
        Err(message)
    })
}

/// Decodes a value; bytes after it are an error.
pub(crate) fn decode<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, String> {
    if let Some(value) = scalar::decode(bytes) {
        return Ok(value);
    }
    // An option, so that a downcast can take the value out.
    let mut place: Option<T> = None;
    let any: &mut dyn Any = &mut place;
    if let Some(place) = any.downcast_mut::<Option<Vec<u8>>>() {
        *place = Some(whole::<ByteBuf>(bytes)?.into_vec());
    } else if let Some(place) = any.downcast_mut::<Option<Option<Vec<u8>>>>() {
        *place = Some(whole::<Option<ByteBuf>>(bytes)?.map(ByteBuf::into_vec));
    } else {
        place = Some(whole(bytes)?);
    }
    place.ok_or_else(|| String::from("no value"))
}

fn whole<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    outline::check(bytes)?;
    guarded(|| {
        let mut from = Deserializer::from_read_ref(bytes).with_human_readable();
        T::deserialize(&mut from).map_err(|error| with_remedy(error.to_string(), bytes))
    })
}

/// The bytes before a `u128` or an `i128`, and before any other 16 bytes.
const WIDE_NUMBER: [u8; 2] = [0xc4, 16];

/// Serde cannot buffer numbers of 128 bits, and its message does not say what to do; for an untagged enum not even why.
#[cold]
fn with_remedy(reason: String, bytes: &[u8]) -> String {
    let is_named = reason.contains("128 is not supported");
    let is_likely = reason.contains("did not match any variant of untagged enum");
    if is_named {
        format!("{reason} ({REMEDY})")
    } else if is_likely {
        reason + &wide_number_remedy(bytes)
    } else {
        reason
    }
}

const REMEDY: &str = "a number of 128 bits does not cross in an untagged enum, in one with a `tag` and no `content`, or in what is \
     flattened: serialize it as a text with `#[serde(with = ..)]`, or use an enum of another kind";

/// The remedy in brackets, after a space, if the bytes look like a number of 128 bits; otherwise empty.
#[cold]
pub(crate) fn wide_number_remedy(bytes: &[u8]) -> String {
    if bytes.windows(WIDE_NUMBER.len()).any(|pair| pair == WIDE_NUMBER) {
        format!(" (if it holds one, {REMEDY})")
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::value::Bytes;
    use serde::Deserialize;
    use std::collections::HashMap;

    fn round<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + 'static>(value: &T) {
        let bytes = encode(value).expect("the value is serialized");
        assert_eq!(decode::<T>(&bytes).as_ref(), Ok(value));
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    #[serde(untagged)]
    enum Untagged {
        Bytes(Vec<u8>),
        Text(String),
    }

    #[test]
    fn values_of_many_kinds_come_back() {
        round(&7_u64);
        round(&(-1_i8, 2.5_f64, String::from("ä")));
        round(&HashMap::from([(String::from("k"), vec![Some(1), None])]));
        round(&Untagged::Bytes(vec![1, 2]));
        round(&Untagged::Text("t".into()));
    }

    #[test]
    fn a_byte_vector_takes_its_length_and_a_header() {
        for value in [Vec::new(), vec![255_u8; 70_000]] {
            let encoded = encode(&value).expect("the value is serialized");
            assert!(encoded.len() <= value.len() + 5);
            round(&value);
            round(&Some(value));
        }
        round(&None::<Vec<u8>>);
    }

    #[test]
    fn a_long_value_is_written_to_the_memory_of_one_that_has_gone_and_of_no_other() {
        let first = encode(&vec![1_u8; 300_000]).expect("the value is serialized");
        let second = encode(&vec![2_u8; 300_000]).expect("the value is serialized");
        assert_eq!(decode(&first), Ok(vec![1_u8; 300_000]));
        let buffer = |value: &Encoded| match &value.0 {
            Bytes::Whole(bytes) => (bytes.capacity(), Arc::strong_count(bytes)),
            _ => panic!("{value:?}"),
        };
        let (place, had) = (second.as_ptr(), buffer(&second));
        drop(second);
        let third = encode(&vec![3_u8; 290_000]).expect("the value is serialized");
        assert_eq!((third.as_ptr(), buffer(&third)), (place, had));
        assert_eq!(decode(&third), Ok(vec![3_u8; 290_000]));
        drop(third);
        // It would hold much more than it needs while it waits.
        let shorter = encode(&vec![4_u8; 100_000]).expect("the value is serialized");
        assert!(buffer(&shorter).0 < 200_000);
        let longest = encode(&vec![5_u8; MAX_KEPT + 1]).expect("the value is serialized");
        assert_eq!(buffer(&longest).1, 1, "a large buffer was kept");
    }

    #[test]
    fn garbage_is_an_error() {
        assert!(decode::<u64>(&[]).is_err());
        assert!(decode::<Vec<u8>>(&[0xc6, 255, 255, 255, 255]).is_err());
        assert!(decode::<String>(&[0xd9, 5, b'a']).is_err());
        assert!(decode::<u8>(&[1, 2]).is_err());
        assert!(decode::<u8>(&[1, 0x91]).is_err(), "a value without its end was accepted");
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        #[derive(Deserialize)]
        struct Nested(#[expect(dead_code, reason = "only its depth matters")] Vec<Nested>);
        #[derive(Deserialize)]
        enum Wrapped {
            W(#[expect(dead_code, reason = "only its depth matters")] Box<Wrapped>),
        }
        assert!(decode::<Nested>(&vec![0x91; 1_000_000]).is_err());
        assert!(decode::<Wrapped>(&b"\x81\xa1W".repeat(1_000_000)).is_err());
    }

    #[test]
    fn a_value_that_is_nested_deeper_than_it_decodes_does_not_encode() {
        /// Its drop, comparison and construction use no recursion.
        #[derive(Serialize, Deserialize, Default)]
        struct Node {
            next: Option<Box<Node>>,
        }
        impl Drop for Node {
            fn drop(&mut self) {
                let mut next = self.next.take();
                while let Some(mut node) = next {
                    next = node.next.take();
                }
            }
        }
        /// A nesting that leaves no trace in the bytes.
        #[derive(Serialize)]
        struct Bare<'n>(Option<&'n Bare<'n>>);
        let chain = |length: usize| {
            (1..length).fold(Node::default(), |node, _| Node { next: Some(Box::new(node)) })
        };
        assert!(encode(&chain(128)).is_ok_and(|bytes| decode::<Node>(&bytes).is_ok()));
        for length in [129, 1000, 100_000] {
            assert!(encode(&chain(length)).is_err_and(|why| why.contains("nested")), "{length}");
        }
        let levels = (0..100_000).fold(None, |inner, _| Some(&*Box::leak(Box::new(Bare(inner)))));
        assert!(
            encode(levels.expect("some depth was tried")).is_err_and(|why| why.contains("nested"))
        );
    }

    #[test]
    fn enums_are_nested_in_the_bytes_as_deep_as_they_are_counted() {
        #[derive(Serialize, Deserialize)]
        enum Tree {
            Leaf,
            Tuple(u8, Box<Tree>),
            Struct { inner: Box<Tree> },
            Newtype(Box<Tree>),
        }
        let nest = |levels: usize, around: fn(Box<Tree>) -> Tree| {
            (0..levels).fold(Tree::Leaf, |tree, _| around(Box::new(tree)))
        };
        let look = |around: fn(Box<Tree>) -> Tree, most: usize| {
            assert!(encode(&nest(most, around)).is_ok_and(|bytes| decode::<Tree>(&bytes).is_ok()));
            assert!(encode(&nest(most + 1, around)).is_err());
        };
        look(|tree| Tree::Tuple(1, tree), 64);
        look(|inner| Tree::Struct { inner }, 64);
        look(Tree::Newtype, 128);
    }
}
