//! The table of docs/serde.md, row by row: values that serialization changes, and similar values that it keeps.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reacton::prelude::*;
use serde::{Deserialize, Serialize};

/// The fate of a value that main wrote.
struct Crossed<T> {
    value: T,
    /// The worker's value before.
    initial: T,
    /// The worker's value after.
    there: T,
    error: Option<LinkError>,
}

impl<T: PartialEq + Debug> Crossed<T> {
    #[track_caller]
    fn arrives(self) {
        assert_eq!((self.there, self.error), (self.value, None));
    }

    /// Checks that a debug build reports the value and does not send it. A release build sends a different value.
    #[track_caller]
    fn loses(self) {
        if cfg!(debug_assertions) {
            assert!(matches!(self.error, Some(LinkError::Lossy { .. })), "{:?}", self.error);
            assert_eq!(self.there, self.initial);
        } else {
            assert_ne!(self.there, self.value);
        }
    }

    #[track_caller]
    fn does_not_encode(self) {
        assert!(matches!(self.error, Some(LinkError::Encode { .. })), "{:?}", self.error);
        assert_eq!(self.there, self.initial);
    }

    #[track_caller]
    fn does_not_decode(self, words: &str) {
        let Some(LinkError::Decode { reason, .. }) = self.error else {
            panic!("the value is decoded: {:?}", self.there)
        };
        assert!(reason.contains(words), "{reason}");
        assert_eq!(self.there, self.initial);
    }
}

/// Writes a value of this type in main, and returns what a worker holds.
macro_rules! cross {
    ($type:ty, $initial:expr, $value:expr) => {{
        #[reacton]
        static VALUE: $type = $initial;
        let store = ReactonStore::new();
        let (tell, told) = std::sync::mpsc::channel();
        let worker = IsolateStore::spawn(&store, shared![VALUE, crate::ASK], move |store| {
            crate::answer(store, tell, |store| store.get(&VALUE));
        })
        .expect("the worker starts");
        let initial = store.get(&VALUE);
        store.set(&VALUE, $value);
        let there = crate::ask(&store, &told);
        store.pump();
        let error = store.get(worker.last_error());
        Crossed::<$type> { value: $value, initial, there, error }
    }};
}

#[test]
fn i10_an_option_in_an_option_is_lossy() {
    cross!(Option<Option<u8>>, None, Some(None)).loses();
    cross!(Option<()>, None, Some(())).loses();
    cross!(Option<serde_json::Value>, None, Some(serde_json::Value::Null)).loses();
    cross!(Option<Option<u8>>, None, Some(Some(1))).arrives();
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Skips {
    seen: u8,
    #[serde(skip)]
    skipped: u8,
}

#[test]
fn i10_a_skipped_field_is_lossy() {
    cross!(Skips, Skips::default(), Skips { seen: 1, skipped: 2 }).loses();
    cross!(Skips, Skips::default(), Skips { seen: 1, skipped: 0 }).arrives();
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct LeavesOut {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    list: Vec<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    with_default: Vec<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    option: Option<u8>,
}

#[test]
fn i10_a_field_that_is_left_out_without_a_default_does_not_decode() {
    fn full() -> LeavesOut {
        LeavesOut { list: vec![1], ..LeavesOut::default() }
    }
    cross!(LeavesOut, full(), LeavesOut::default()).does_not_decode("missing field `list`");
    cross!(LeavesOut, full(), LeavesOut { list: vec![2], ..LeavesOut::default() }).arrives();
}

#[cfg(unix)]
#[test]
fn i10_a_path_that_is_no_utf_8_does_not_encode() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::PathBuf;
    cross!(PathBuf, PathBuf::new(), OsString::from_vec(vec![0xff]).into()).does_not_encode();
    cross!(PathBuf, PathBuf::new(), "ä".into()).arrives();
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum TextOrBytes {
    Text(String),
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Number {
    Float(f64),
    Whole(i64),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum WholeFirst {
    Whole(i64),
    Float(f64),
}

#[test]
fn i10_an_untagged_variant_that_an_earlier_one_reads_is_lossy() {
    cross!(TextOrBytes, TextOrBytes::Text(String::new()), TextOrBytes::Bytes(b"text".into()))
        .loses();
    cross!(Number, Number::Float(0.0), Number::Whole(1)).loses();
    cross!(WholeFirst, WholeFirst::Whole(0), WholeFirst::Float(1.0)).arrives();
    cross!(WholeFirst, WholeFirst::Float(0.0), WholeFirst::Whole(1)).arrives();
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Flattens<K: Ord> {
    name: String,
    #[serde(flatten, bound(deserialize = "K: Deserialize<'de>"))]
    items: BTreeMap<K, u8>,
}

fn flattens<K: Ord>(key: K) -> Flattens<K> {
    Flattens { name: "n".into(), items: [(key, 1)].into() }
}

#[test]
fn i10_a_flattened_map_with_keys_of_several_parts_does_not_decode() {
    cross!(Flattens<(u8, u8)>, Flattens::default(), flattens((1, 2))).does_not_decode("sequence");
    cross!(Flattens<String>, Flattens::default(), flattens("k".to_owned())).arrives();
    cross!(Flattens<u8>, Flattens::default(), flattens(1)).arrives();
    cross!(Flattens<bool>, Flattens::default(), flattens(true)).arrives();
    cross!(Flattens<char>, Flattens::default(), flattens('ß')).arrives();
    cross!(BTreeMap<(u8, Option<bool>), u8>, BTreeMap::new(), [((1, None), 1)].into()).arrives();
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Tree(Vec<Tree>);

fn nested(depth: usize) -> Tree {
    (1..depth).fold(Tree(Vec::new()), |tree, _| Tree(vec![tree]))
}

#[test]
fn i10_what_is_nested_too_deep_does_not_encode() {
    cross!(Tree, Tree::default(), nested(129)).does_not_encode();
    cross!(Tree, Tree::default(), nested(1000)).does_not_encode();
    cross!(Tree, Tree::default(), nested(128)).arrives();
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Wide {
    coins: u128,
    debts: i128,
}

const WIDE: Wide = Wide { coins: u128::MAX, debts: i128::MIN };

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum WideByName {
    Wide(Wide),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "wide")]
enum WideAdjacent {
    Wide(Wide),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum WideTagged {
    None,
    Wide(Wide),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum WideUntagged {
    Text(String),
    Wide(Wide),
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct WideFlattened {
    name: String,
    #[serde(flatten)]
    wide: Wide,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct WideFlattenedOption {
    name: String,
    #[serde(flatten)]
    wide: Option<Wide>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct WideAsText {
    #[serde(flatten)]
    inner: Inner,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Inner {
    #[serde(with = "as_text")]
    coins: u128,
}

/// The remedy that docs/serde.md suggests.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[test]
fn i10_a_number_of_128_bits_crosses_where_serde_does_not_buffer_it() {
    cross!(Wide, Wide::default(), WIDE).arrives();
    cross!(Option<u128>, None, Some(1 << 100)).arrives();
    cross!(BTreeMap<i128, u128>, BTreeMap::new(), [(-1, u128::MAX)].into()).arrives();
    cross!(WideByName, WideByName::Wide(Wide::default()), WideByName::Wide(WIDE)).arrives();
    cross!(WideAdjacent, WideAdjacent::Wide(Wide::default()), WideAdjacent::Wide(WIDE)).arrives();
    let text = || WideAsText { inner: Inner { coins: u128::MAX } };
    cross!(WideAsText, WideAsText::default(), text()).arrives();
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u128),
    Text(String),
}

#[test]
fn i10_a_small_number_of_128_bits_in_an_untagged_enum_with_a_text_is_lossy_and_the_remedy_is_named()
{
    let crossed = cross!(NumberOrText, NumberOrText::Text(String::new()), NumberOrText::Number(7));
    if cfg!(debug_assertions) {
        let words = crossed.error.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(words.contains("128 bits") && words.contains("serde(with"), "{words}");
    }
    crossed.loses();
    // Other stores keep the value that they received before.
    let skipped = cross!(Skips, Skips::default(), Skips { seen: 1, skipped: 2 });
    let words = skipped.error.map(|error| error.to_string()).unwrap_or_default();
    assert!(!words.contains("128 bits"), "{words}");
}

#[reacton]
static FLATTENED: WideFlattened = WideFlattened::default();

#[test]
fn i10_a_number_of_128_bits_that_serde_buffers_does_not_decode_and_the_remedy_is_named() {
    let remedy = "128 bits";
    cross!(WideTagged, WideTagged::None, WideTagged::Wide(WIDE)).does_not_decode(remedy);
    cross!(WideUntagged, WideUntagged::Text(String::new()), WideUntagged::Wide(WIDE))
        .does_not_decode(remedy);
    let flattened = || WideFlattened { name: String::new(), wide: WIDE };
    // A worker cannot start with a flattened initial value either.
    let store = ReactonStore::new();
    store.set(&FLATTENED, flattened());
    let refused = IsolateStore::spawn(&store, shared![FLATTENED], |_| ());
    let words = refused.map(drop).expect_err("the value is not decoded");
    assert!(format!("{words:?}").contains(remedy), "{words:?}");
    // If serde cannot read a flattened option, it reads `None`.
    let option = || WideFlattenedOption { name: String::new(), wide: Some(WIDE) };
    cross!(WideFlattenedOption, WideFlattenedOption::default(), option()).loses();
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Peer {
    Address(IpAddr),
    Socket(SocketAddr),
    Label(String),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Event {
    Started,
    Connected { from: SocketAddr },
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Contact {
    #[serde(flatten)]
    event: Event,
}

#[test]
fn i8_an_address_crosses_in_every_kind_of_enum() {
    let socket: SocketAddr = ([127, 0, 0, 1], 80).into();
    cross!(Peer, Peer::Label("l".into()), Peer::Address(Ipv4Addr::LOCALHOST.into())).arrives();
    cross!(Peer, Peer::Label("l".into()), Peer::Socket(socket)).arrives();
    cross!(Event, Event::Started, Event::Connected { from: socket }).arrives();
    let event = || Event::Connected { from: "[::1]:80".parse().expect("the text is an address") };
    cross!(Contact, Contact { event: Event::Started }, Contact { event: event() }).arrives();
    cross!(Option<IpAddr>, None, Some(Ipv4Addr::BROADCAST.into())).arrives();
    cross!(BTreeMap<IpAddr, u8>, BTreeMap::new(), [(Ipv4Addr::LOCALHOST.into(), 1)].into())
        .arrives();
}
