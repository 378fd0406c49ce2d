//! Numbers, `bool` and `char`: encoding and decoding them runs no user code and needs no buffer, and their first byte
//! determines their length.

use std::any::TypeId;
use std::io;

use rmp_serde::Deserializer;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{outline, write_named};
use crate::wire::value::Encoded;

/// A constant for each type.
#[inline]
fn is_scalar<T: 'static>() -> bool {
    macro_rules! is_one_of {
        ($($scalar:ty)*) => { $(TypeId::of::<T>() == TypeId::of::<$scalar>())||* };
    }
    is_one_of!(bool char u8 u16 u32 u64 usize i8 i16 i32 i64 isize f32 f64)
}

/// As [`encode`](super::encode); `None` for other types.
#[inline]
pub(crate) fn encode<T: Serialize + 'static>(value: &T) -> Option<Encoded> {
    if !is_scalar::<T>() {
        return None;
    }
    Encoded::written(|bytes| {
        let mut room = Room { bytes, len: 0 };
        write_named(&mut room, value).ok()?;
        Some(room.len)
    })
}

/// Writes to the beginning of a place. Unlike that of `&mut [u8]`, its `write_all` copies as many bytes as it is given:
/// a constant, so that a number takes a store and no call of `memcpy`.
struct Room<'b> {
    bytes: &'b mut [u8],
    len: usize,
}

impl io::Write for Room<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = self.len + bytes.len();
        let place = self.bytes.get_mut(self.len..end).ok_or(io::ErrorKind::WriteZero)?;
        place.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As [`decode`](super::decode); `None` for other types, and for bytes that are not exactly one such value. The caller
/// then uses the other function to get the reason.
#[inline]
pub(crate) fn decode<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Option<T> {
    if !is_scalar::<T>() || !outline::is_short_value(bytes) {
        return None;
    }
    T::deserialize(&mut Deserializer::from_read_ref(bytes).with_human_readable()).ok()
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::super::{whole, write};
    use super::*;

    fn same<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(values: &[T]) {
        for value in values {
            let mut general = Vec::new();
            assert!(write(value, &mut general).is_ok());
            let encoded = encode(value).expect("the value is a scalar");
            assert_eq!(*encoded, *general, "{value:?}");
            assert_eq!(decode::<T>(&encoded).as_ref(), Some(value));
            assert_eq!(whole::<T>(&encoded).as_ref(), Ok(value));
            assert_eq!(
                decode::<T>(&[&*encoded, &[0]].concat()),
                None,
                "a value with one byte more was decoded"
            );
            assert_eq!(
                decode::<T>(&encoded[..encoded.len() - 1]),
                None,
                "a value without its last byte was decoded"
            );
        }
    }

    #[test]
    fn scalars_have_the_bytes_that_the_general_codec_writes() {
        same(&[false, true]);
        same(&['a', 'ä', '€', '🦀']);
        same(&[0, 1, 127, 128, u8::MAX]);
        same(&[0, 255, 256, u16::MAX]);
        same(&[0, 65_536, u32::MAX]);
        same(&[0, 1 << 32, u64::MAX]);
        same(&[0, usize::MAX]);
        same(&[0, -1, -32, -33, i8::MIN, i8::MAX]);
        same(&[-129, i16::MIN, i16::MAX]);
        same(&[-32_769, i32::MIN, i32::MAX]);
        same(&[-1, i64::MIN, i64::MAX]);
        same(&[isize::MIN, isize::MAX]);
        same(&[0.0, -0.5, f32::INFINITY]);
        same(&[0.0, -0.5, f64::MIN_POSITIVE]);
    }

    #[test]
    fn what_is_no_scalar_is_not_handled_here() {
        assert!(encode(&String::from("a")).is_none() && encode(&Some(1)).is_none());
        assert_eq!(decode::<Option<u8>>(&[1]), None);
        assert_eq!(
            (decode::<u8>(&[]), decode::<u8>(&[0xc0]), decode::<bool>(&[1])),
            (None, None, None)
        );
    }
}
