//! Bytes read as values of many types. The result is an error, or a value that is equal after it is encoded and decoded
//! again.
#![no_main]
#![forbid(unsafe_code)]

use std::alloc::System;
use std::collections::{BTreeMap, HashMap};

use libfuzzer_sys::fuzz_target;
use reacton_isolate::fuzzing::{decode_value, encode_value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Shape {
    Point,
    Circle(u32),
    Line(i8, Box<str>),
    Box { filled: Option<bool>, width: f32 },
    Inside(Box<Shape>),
    Beside(Vec<Shape>),
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "kind")]
enum Tagged {
    Nothing,
    Circle { radius: u64 },
    Flat(Flat),
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "kind", content = "value")]
enum Adjacent {
    Nothing,
    Text(String),
    Pair(i64, Option<char>),
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Bytes(Vec<u8>),
    Text(String),
    Counts(BTreeMap<String, u16>),
    // Only one variant contains the type itself. With two of them, bytes that fit neither would be read 2^depth times.
    Many(Vec<Untagged>),
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Flat {
    id: u32,
    #[serde(with = "serde_bytes")]
    #[serde(default)]
    picture: Vec<u8>,
    #[serde(flatten)]
    rest: BTreeMap<String, Adjacent>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Tree(Vec<Tree>);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Chain {
    next: Option<Box<Chain>>,
}

/// The bytes that decoding may allocate for each byte of input. The worst case is a `BTreeMap`: for the two bytes of
/// "one entry" and "an empty key" it allocates a node for eleven entries, 632 bytes.
const PER_BYTE: usize = 512;

/// The bytes that serde buffers for untagged, internally tagged and flattened types: 32 for each byte of input, in a
/// list that grows by doubling, and again at each level of a recursive type.
const PER_BUFFERED_BYTE: usize = 128 * 64;

/// For the message of an error.
const AT_LEAST: usize = 4096;

fn allocated() -> usize {
    ALLOCATOR.stats().bytes_allocated
}

fn check<T>(bytes: &[u8], per_byte: usize)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + 'static,
{
    let before = allocated();
    let decoded = decode_value::<T>(bytes);
    let spent = allocated() - before;
    let name = std::any::type_name::<T>();
    assert!(spent <= bytes.len() * per_byte + AT_LEAST, "{name}: {spent} bytes of {}", bytes.len());
    let Ok(value) = decoded else { return };
    let encoded = encode_value(&value).expect("the value is serialized");
    match decode_value::<T>(&encoded) {
        // Two NaNs are not equal, but their bytes are.
        Ok(back) => assert!(
            back == value || encode_value(&back).as_deref() == Ok(&*encoded),
            "{name}: {value:?} came back as {back:?}"
        ),
        // Bytes instead of a list are read as a list, which is one level more.
        Err(reason) => assert!(reason.contains("nested"), "{name}: {value:?}: {reason}"),
    }
}

fuzz_target!(|bytes: &[u8]| {
    check::<bool>(bytes, PER_BYTE);
    check::<u8>(bytes, PER_BYTE);
    check::<i64>(bytes, PER_BYTE);
    check::<u128>(bytes, PER_BYTE);
    check::<f64>(bytes, PER_BYTE);
    check::<char>(bytes, PER_BYTE);
    check::<()>(bytes, PER_BYTE);
    check::<String>(bytes, PER_BYTE);
    check::<Vec<u8>>(bytes, PER_BYTE);
    check::<Option<Vec<u8>>>(bytes, PER_BYTE);
    check::<Vec<u64>>(bytes, PER_BYTE);
    check::<(u16, Option<f32>, Vec<()>)>(bytes, PER_BYTE);
    check::<HashMap<u64, String>>(bytes, PER_BYTE);
    check::<HashMap<String, Vec<Option<i16>>>>(bytes, PER_BYTE);
    check::<Shape>(bytes, PER_BYTE);
    check::<Vec<Shape>>(bytes, PER_BYTE);
    check::<Adjacent>(bytes, PER_BYTE);
    check::<Tree>(bytes, PER_BYTE);
    check::<Chain>(bytes, PER_BYTE);
    check::<serde_json::Value>(bytes, PER_BYTE);
    check::<Tagged>(bytes, PER_BUFFERED_BYTE);
    check::<Untagged>(bytes, PER_BUFFERED_BYTE);
    check::<Flat>(bytes, PER_BUFFERED_BYTE);
});
