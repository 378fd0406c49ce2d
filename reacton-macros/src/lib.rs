//! The attributes of `reacton`. Each is a shell over a function from tokens to tokens, which reads
//! the attribute, checks the item and expands it to calls of `reacton-core` and `reacton-isolate`.
//!
//! Use them through the `reacton` crate, whose paths the expansions name.
#![forbid(unsafe_code)]

mod answers;
mod args;
mod call;
mod declaration;
mod diagnostics;
#[cfg(test)]
mod program;
mod shared;
#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots this way")]
mod spans;
mod worker;

use proc_macro::TokenStream;

use crate::declaration::Kind;

/// Declares a reacton: a value that each store has for itself, under one name.
///
/// The `static` becomes a `Reacton<T>`, which holds no value. A store makes the initial value when
/// it first needs it, so the expression may call anything, `String::from` and `Vec::with_capacity`
/// included, and the type need be neither `Send` nor `Sync`.
///
/// ```text
/// #[reacton]
/// static COUNT: u32 = 0;
///
/// #[reacton(eq = same_picture)]
/// pub static PICTURE: Picture = Picture::blank();
///
/// let store = ReactonStore::new();
/// store.set(&COUNT, 3);
/// assert_eq!(store.get(&COUNT), 3);
/// ```
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `eq = path` | `path`, a `fn(&T, &T) -> bool`, says when a written value is no change; without it, `PartialEq` does |
/// | `eq = never` | every write is a change, and the type needs no `PartialEq` |
/// | `zero_copy` | the value crosses threads by reference count: it is never copied nor serialized, and must be `Send + Sync` |
/// | `id = "..."` | the identity, in place of the path to the `static`: give it before the `static` moves or is renamed while older programs still send it |
/// | `crate = path` | where the `reacton` crate is, if not at `::reacton` |
///
/// # Errors
///
/// The type must be written out, since a `static` has no inferred type. A `const`, having no identity,
/// and a `static mut` are refused.
#[proc_macro_attribute]
pub fn reacton(args: TokenStream, item: TokenStream) -> TokenStream {
    declaration::expand(Kind::Reacton, args.into(), item.into()).into()
}

/// Declares a computed: a value that follows from other reactons.
///
/// The `static` becomes a `Computed<T>`. It is computed when it is read and something that it read
/// the last time has changed, never in between; what it reads is found out by running it.
///
/// ```text
/// #[computed]
/// static TOTAL: u64 = |cx| cx.with(&ITEMS, |items| items.iter().map(|item| item.price).sum());
///
/// #[computed]
/// static REPORT: String = write_report;     // fn write_report(cx: &Reader<'_>) -> String
/// ```
///
/// The initialiser is a closure that captures nothing and takes the reader, or the path of such a
/// function. What must capture is made at run time, with `ReactonStore::computed`.
///
/// The type may be a `Family<K, T>`: then the closure takes the reader and the key, the `static` becomes a
/// `ComputedFamily<K, T>`, and `VALUE.of(key)` is a computed for each key.
///
/// ```text
/// #[computed]
/// static VALUE: Family<At, f64> = |cx, at| cx.with(&CELL.of(*at), |cell| cell.value(cx));
/// ```
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `eq = path` | `path`, a `fn(&T, &T) -> bool`, says when a new value is no change; without it, `PartialEq` does |
/// | `eq = never` | every new value is a change, and the type needs no `PartialEq` |
/// | `id = "..."` | the identity, in place of the path to the `static` |
/// | `crate = path` | where the `reacton` crate is, if not at `::reacton` |
///
/// A computed cannot be written to, and is not shared with a worker: share what it reads.
#[proc_macro_attribute]
pub fn computed(args: TokenStream, item: TokenStream) -> TokenStream {
    declaration::expand(Kind::Computed, args.into(), item.into()).into()
}

/// Declares a call: a question that goes to a worker, and an answer that comes back.
///
/// The `static` holds no value: it has the types of the question and of the answer, and no initializer.
///
/// ```text
/// #[call]
/// static THUMBNAIL: Call<Job, Result<Picture, String>>;
///
/// #[worker(answers = [THUMBNAIL])]
/// fn thumbnails(store: &ReactonStore) {
///     store.answer(&THUMBNAIL, |store, job, call| render(job));
/// }
///
/// let worker = thumbnails::spawn(&store)?;
/// let picture = worker.call(&THUMBNAIL, job).await?;
/// ```
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `zero_copy` | question and answer cross by reference count: they are never copied nor serialized, and must be `Send + Sync` |
/// | `id = "..."` | the identity, in place of the path to the `static` |
/// | `crate = path` | where the `reacton` crate is, if not at `::reacton` |
///
/// # Errors
///
/// Without `zero_copy`, question and answer must be `Serialize + DeserializeOwned + Send`.
#[proc_macro_attribute]
pub fn call(args: TokenStream, item: TokenStream) -> TokenStream {
    call::expand(args.into(), item.into()).into()
}

/// Makes a function a worker: something that can be started on a thread of its own, with a store of
/// its own, and shares the listed reactons with the store that starts it.
///
/// ```text
/// #[worker(shared = [IMAGE_PATH, STATUS])]
/// fn image_worker(store: &ReactonStore, quality: u8) {
///     store.subscribe(&IMAGE_PATH, move |store, path| store.set(&STATUS, render(path, quality)));
/// }
///
/// let worker = image_worker::spawn(&store, 80)?;
/// ```
///
/// The function stays as it is, so that a test can call it without a thread. Beside it, with the same
/// visibility, stands a type of its name with three functions:
///
/// | function | does |
/// | --- | --- |
/// | `w::spawn(&store, extra..)` | starts the worker; returns its `IsolateStore` after the handshake, or a `SpawnError` |
/// | `w::builder()` | returns its `WorkerBuilder`, which has more options and a `spawn` of its own |
/// | `w::shared()` | returns its `SharedSet` |
///
/// The parameters behind the store are handed to the thread, and therefore owned and `Send`. The
/// function returns nothing, or a `Result<(), E>` with `E: Display`. When it returns, the worker goes
/// on taking turns, and its subscriptions go on hearing changes. An `async fn` takes its store by value
/// and runs on an executor of the worker's own thread.
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `shared = [A, path::B]` | the reactons to share, at least one; they must be `Serialize + DeserializeOwned + Send`, or `zero_copy` |
/// | `answers = [A, path::B]` | the calls that the function answers by `store.answer` or `store.answer_async`; then `shared` may be left out |
/// | `delivery = every` | every transaction arrives by itself, in both directions: the default |
/// | `delivery = latest` | a side that falls behind gets transactions merged, newest values winning |
/// | `zero_copy` | all of the listed reactons cross by reference count; they must be `Clone + Send + Sync` |
/// | `name = "..."` | the name of the thread, in place of the function's |
/// | `crate = path` | where the `reacton` crate is, if not at `::reacton` |
///
/// # Errors
///
/// A worker is a free function. It cannot be generic, `const`, `unsafe` or `extern`, and there cannot be
/// another type or module of its name.
#[proc_macro_attribute]
pub fn worker(args: TokenStream, item: TokenStream) -> TokenStream {
    worker::expand(args.into(), item.into()).into()
}

/// What the `shared!` of the facade expands to: the path to that crate, then the list.
#[doc(hidden)]
#[proc_macro]
pub fn shared(input: TokenStream) -> TokenStream {
    shared::expand(input.into()).into()
}
