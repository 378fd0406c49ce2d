//! K7: questions and answers cross as the values of reactons do.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A value that is neither serializable nor `Clone`.
struct Heavy {
    bytes: Vec<u8>,
    alive: Arc<AtomicUsize>,
}

impl Drop for Heavy {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

#[call(zero_copy)]
static HEAVY: Call<Heavy, Heavy>;

#[call(zero_copy)]
static HEAVY_ASYNC: Call<Heavy, usize>;

#[call]
static PICKY: Call<Picky, u32>;

#[call]
static PICKIER: Call<u32, Picky>;

/// Cannot be encoded if it is 1, nor decoded if it is 2.
#[derive(Debug, PartialEq)]
struct Picky(u32);

impl Serialize for Picky {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 1 {
            return Err(serde::ser::Error::custom("one does not encode"));
        }
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            2 => Err(serde::de::Error::custom("two does not decode")),
            n => Ok(Self(n)),
        }
    }
}

/// A nested list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Nested(Vec<Nested>);

#[call]
static NESTED: Call<Nested, u32>;

#[worker(answers = [HEAVY, HEAVY_ASYNC, PICKY, PICKIER, NESTED])]
fn carrying(store: &ReactonStore) {
    store.answer(&HEAVY, |_, heavy, _| {
        heavy.alive.fetch_add(1, Ordering::SeqCst);
        let mut bytes = heavy.bytes.clone();
        bytes.reverse();
        Heavy { bytes, alive: Arc::clone(&heavy.alive) }
    });
    store.answer_async(&HEAVY_ASYNC, |_, heavy, _| async move { heavy.bytes.len() });
    store.answer(&PICKY, |_, picky, _| picky.0);
    store.answer(&PICKIER, |_, n, _| Picky(*n));
    store.answer(&NESTED, |_, nested, _| u32::try_from(nested.0.len()).unwrap_or(u32::MAX));
}

#[test]
fn k7_zero_copy_values_are_handed_over_and_dropped_once() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = carrying::spawn(&store)?;
    let alive = Arc::new(AtomicUsize::new(0));
    let heavy = |bytes: &[u8]| {
        alive.fetch_add(1, Ordering::SeqCst);
        Heavy { bytes: bytes.to_vec(), alive: Arc::clone(&alive) }
    };
    let answer = worker.call(&HEAVY, heavy(&[1, 2, 3])).wait(&store, SOON)?;
    assert_eq!(answer.bytes, [3, 2, 1]);
    drop(answer);
    assert_eq!(worker.call(&HEAVY_ASYNC, heavy(&[0; 9])).wait(&store, SOON)?, 9);
    worker.call(&HEAVY, heavy(&[1])).detach();
    drop(worker.call(&HEAVY, heavy(&[1])));
    worker.shutdown(SOON)?;
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    Ok(())
}

#[test]
fn k7_what_does_not_encode_or_decode_is_the_error_of_its_call() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = carrying::spawn(&store)?;
    let picky = |n| worker.call(&PICKY, Picky(n)).wait(&store, SOON);
    assert_eq!(picky(3), Ok(3));
    let error = picky(1).expect_err("the argument is not serialized");
    assert!(
        matches!(&error, CallError::Encode { .. }) && error.to_string().contains("PICKY"),
        "{error}"
    );
    let error = picky(2).expect_err("the result is not decoded");
    assert!(
        matches!(&error, CallError::Decode { reason, .. } if reason.contains("two")),
        "{error:?}"
    );
    let pickier = |n| worker.call(&PICKIER, n).wait(&store, SOON);
    assert_eq!(pickier(3), Ok(Picky(3)));
    assert!(matches!(pickier(1), Err(CallError::Encode { .. })));
    assert!(matches!(pickier(2), Err(CallError::Decode { .. })));
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    Ok(())
}

#[test]
fn k7_a_value_that_is_nested_too_deeply_is_an_error() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = carrying::spawn(&store)?;
    let deep = |levels| (0..levels).fold(Nested(Vec::new()), |inner, _| Nested(vec![inner]));
    assert_eq!(worker.call(&NESTED, deep(50)).wait(&store, SOON), Ok(1));
    let error = worker.call(&NESTED, deep(500)).wait(&store, SOON);
    assert!(matches!(error, Err(CallError::Encode { .. })), "{error:?}");
    Ok(())
}

#[test]
fn k7_an_id_is_the_identity_of_a_call() -> Result<(), Box<dyn Error>> {
    mod ours {
        use reacton::prelude::*;
        #[call(id = "tests::moved")]
        pub(super) static BEFORE: Call<u32, u32>;
        #[call(id = "tests::moved")]
        pub(super) static AFTER: Call<u32, u32>;
    }
    let store = ReactonStore::new();
    let worker =
        IsolateStore::builder().answers(&ours::AFTER).spawn(&store, |store: &ReactonStore| {
            store.answer(&ours::AFTER, |_, n, _| n + 1);
        })?;
    assert_eq!(worker.call(&ours::BEFORE, 1).wait(&store, SOON), Ok(2));
    assert!(ours::BEFORE.name().ends_with("BEFORE"));
    Ok(())
}

/// Panics when 1 is encoded, 2 is decoded, or 3 is dropped.
#[derive(Debug, PartialEq)]
struct Explosive(u32);

impl Serialize for Explosive {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert_ne!(self.0, 1, "encoded");
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Explosive {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let n = u32::deserialize(deserializer)?;
        assert_ne!(n, 2, "decoded");
        Ok(Self(n))
    }
}

impl Drop for Explosive {
    fn drop(&mut self) {
        assert!(self.0 != 3 || std::thread::panicking(), "dropped");
    }
}

#[test]
fn k7_a_panic_of_a_value_is_the_error_of_its_call() -> Result<(), Box<dyn Error>> {
    #[call]
    static QUESTION: Call<Explosive, u32>;
    #[call]
    static ANSWER: Call<u32, Explosive>;
    let store = ReactonStore::new();
    let worker = IsolateStore::builder().answers(&QUESTION).answers(&ANSWER).spawn(
        &store,
        |store: &ReactonStore| {
            store.answer(&QUESTION, |_, question, _| question.0);
            store.answer(&ANSWER, |_, n, _| Explosive(*n));
        },
    )?;
    let question = |n| worker.call(&QUESTION, Explosive(n)).wait(&store, SOON);
    assert!(matches!(question(1), Err(CallError::Encode { .. })));
    assert!(matches!(question(2), Err(CallError::Decode { .. })));
    assert_eq!(question(4), Ok(4));
    let answer = |n| worker.call(&ANSWER, n).wait(&store, SOON);
    assert!(matches!(answer(1), Err(CallError::Encode { .. })));
    assert!(matches!(answer(2), Err(CallError::Decode { .. })));
    assert_eq!(answer(4), Ok(Explosive(4)));
    // A panic of its drop in the worker, after it was encoded, is not an error of the call.
    std::mem::forget(answer(3)?);
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    Ok(())
}
