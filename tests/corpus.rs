//! A fixed corpus of hostile input for the functions that the fuzz targets call: bytes that are not values, and
//! messages that no peer of this library would send. Each case is named after its input.

#[path = "corpus/entries.rs"]
mod entries;
#[path = "corpus/messages.rs"]
mod messages;

use std::alloc::System;
use std::any::type_name;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reacton_isolate::fuzzing::decode_value;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many bytes decoding may allocate for each byte of input. `fuzz/README.md` explains the number.
const PER_BYTE: usize = 512;
/// Allowed in addition, for the text of an error.
const AT_LEAST: usize = 4096;

/// A million levels. A recursive decoder would use some stack for each.
const DEEP: usize = 1_000_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Box { width: u32 },
    Inside(Box<Shape>),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Tree(Vec<Tree>);

#[derive(Debug, PartialEq, Deserialize)]
struct Chain {
    next: Option<Box<Chain>>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Text(String),
    Many(Vec<Untagged>),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Flat {
    id: u32,
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
}

/// The allocator counts for all threads, so one test runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn decode<T: DeserializeOwned + 'static>(name: &str, bytes: &[u8]) -> Result<T, String> {
    let before = ALLOCATOR.stats().bytes_allocated;
    let decoded = decode_value(bytes);
    let spent = ALLOCATOR.stats().bytes_allocated - before;
    assert!(spent <= bytes.len() * PER_BYTE + AT_LEAST, "{name}: {spent} bytes allocated");
    decoded
}

#[track_caller]
fn refused<T: DeserializeOwned + Debug + 'static>(name: &str, bytes: &[u8], because: &str) {
    match decode::<T>(name, bytes) {
        Ok(value) => panic!("{name}: {value:?}"),
        Err(reason) => {
            assert!(reason.contains(because), "{name}, as {}: {reason}", type_name::<T>());
        }
    }
}

#[track_caller]
fn taken<T: DeserializeOwned + Debug + PartialEq + 'static>(name: &str, bytes: &[u8], as_: &T) {
    assert_eq!(decode::<T>(name, bytes).as_ref(), Ok(as_), "{name}");
}

#[test]
fn i9_bytes_that_are_cut_off_are_refused() {
    let _alone = alone();
    refused::<u64>("nothing", b"", "cut off");
    refused::<u64>("a number without its bytes", b"\xcf\0\0", "cut off");
    refused::<String>("a text that ends early", b"\xa5abc", "cut off");
    refused::<String>("a text without its length", b"\xdb\0", "cut off");
    refused::<Vec<u8>>("bytes that end early", b"\xc4\x02a", "cut off");
    refused::<Vec<u64>>("a list without its last element", b"\x93\x01\x02", "cut off");
    refused::<HashMap<u8, u8>>("a map without its last value", b"\x81\x01", "cut off");
    refused::<Option<f64>>("half a float", b"\xcb\x7f\xf8", "cut off");
    refused::<Shape>("an enum without its variant", b"\x81", "cut off");
}

#[test]
fn i9_too_large_a_length_causes_no_allocation() {
    let _alone = alone();
    refused::<String>("a text of 4 GB", b"\xdb\xff\xff\xff\xff", "cut off");
    refused::<Vec<u8>>("bytes of 4 GB", b"\xc6\xff\xff\xff\xff", "cut off");
    refused::<Option<Vec<u8>>>("perhaps bytes of 4 GB", b"\xc6\xff\xff\xff\xff", "cut off");
    refused::<Vec<u64>>("four billion numbers", b"\xdd\xff\xff\xff\xff", "cut off");
    refused::<Vec<()>>("four billion of nothing", b"\xdd\xff\xff\xff\xff", "cut off");
    refused::<HashMap<u64, String>>("four billion entries", b"\xdf\xff\xff\xff\xff", "cut off");
    refused::<Untagged>("four billion of whatever", b"\xdd\xff\xff\xff\xff", "cut off");
    refused::<serde_json::Value>("an extension of 4 GB", b"\xc9\xff\xff\xff\xff", "cut off");
    let lists = b"\xdd\xff\xff\xff\xff".repeat(100);
    refused::<Tree>("four billion lists of four billion lists", &lists, "cut off");
}

#[test]
fn i9_deep_nesting_is_refused_before_the_stack_is_used() {
    let _alone = alone();
    refused::<Tree>("lists in lists", &vec![0x91; DEEP], "nested");
    refused::<serde_json::Value>("dynamic lists in lists", &vec![0x91; DEEP], "nested");
    refused::<Untagged>("untagged lists in lists", &vec![0x91; DEEP], "nested");
    refused::<Shape>("enums in enums", &b"\x81\xa6Inside".repeat(DEEP), "nested");
    refused::<Shape>("enums in enums, by number", &b"\x81\x02".repeat(DEEP), "nested");
    refused::<Chain>("structs in structs", &b"\x81\xa4next".repeat(DEEP), "nested");
    refused::<u8>(
        "lists in lists behind a number",
        &[&[7], &vec![0x91; DEEP][..]].concat(),
        "more",
    );
    refused::<Tree>("129 lists", &[vec![0x91; 128], vec![0x90]].concat(), "nested");
    assert!(decode::<Tree>("128 lists", &[vec![0x91; 127], vec![0x90]].concat()).is_ok());
}

#[test]
fn i9_bytes_of_another_type_are_refused() {
    let _alone = alone();
    refused::<u8>("a byte that means nothing", b"\xc1", "means nothing");
    refused::<u8>("a number that is too large", b"\xcd\x01\x00", "256");
    refused::<u8>("a negative number", b"\xff", "-1");
    refused::<char>("two characters", b"\xa2ab", "character");
    refused::<String>("a text that is not UTF-8", b"\xa2\xc3\x28", "utf8");
    refused::<Shape>("a variant that is none", b"\xa6Circle", "Circle");
    refused::<Shape>("a variant by a number that is none", b"\x81\x09\xc0", "variant");
    refused::<Shape>("two variants at once", b"\x82\xa5Point\xc0\xa5Point\xc0", "length");
    refused::<Shape>("a variant without its field", b"\x81\xa3Box\x80", "width");
    refused::<Shape>("a field twice", b"\x81\xa3Box\x82\xa5width\x01\xa5width\x02", "duplicate");
    refused::<Flat>("a flattened struct without its field", b"\x81\xa1a\x01", "id");
    refused::<Untagged>("no variant of all that there are", b"\x81\x01\x02", "did not match");
    refused::<serde_json::Value>("a dynamic map with keys of no text", b"\x81\xc0\x01", "key");
    refused::<Vec<u8>>("an extension in the place of bytes", b"\xd4\x01\x02", "invalid type");
    refused::<(u8, u8)>("a list that is too long", b"\x93\x01\x02\x03", "length");
}

#[test]
fn i9_bytes_after_a_value_are_refused() {
    let _alone = alone();
    refused::<u8>("two values", b"\x01\x02", "more bytes");
    refused::<u8>("a value and the beginning of a list", b"\x01\x91", "more bytes");
    refused::<u8>("a value and a byte that means nothing", b"\x01\xc1", "more bytes");
    refused::<Vec<u8>>("bytes and one more", b"\xc4\x01aa", "more bytes");
    refused::<()>("two times nothing", b"\xc0\xc0", "more bytes");
}

#[test]
fn i9_unusual_but_valid_messages_are_accepted() {
    let _alone = alone();
    taken("a number in more bytes than it needs", b"\xcf\0\0\0\0\0\0\0\x07", &7_u8);
    taken(
        "a key twice: the last one counts",
        b"\x82\x01\x02\x01\x03",
        &HashMap::from([(1_u8, 3_u8)]),
    );
    taken("a text of no bytes in the longest form", b"\xdb\0\0\0\0", &String::new());
    taken("bytes as a list of numbers", b"\x92\x01\x02", &vec![1_u8, 2]);
    taken("a variant by its number", b"\x81\x01\x91\x05", &Shape::Box { width: 5 });
    taken("a field that nobody knows", b"\x82\xa4next\xc0\xa1x\x01", &Chain { next: None });
    let nan = decode::<f64>("a signalling NaN", b"\xcb\x7f\xf0\0\0\0\0\0\x01");
    assert!(nan.is_ok_and(f64::is_nan));
}
