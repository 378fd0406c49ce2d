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
mod elements;
mod group;
#[cfg(test)]
mod program;
mod saved;
mod shared;
#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots this way")]
mod spans;
mod worker;

use proc_macro::TokenStream;

use crate::declaration::Kind;

/// Declares a reacton: a typed value with a name. Each store holds its own value.
///
/// The `static` becomes a `Reacton<T>`, which holds no value. A store evaluates the initial value when it first needs
/// it. So the expression may call any function, and the type need be neither `Send` nor `Sync`.
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
/// | `eq = path` | a function `fn(&T, &T) -> bool` compares two values, in place of `PartialEq`; a write of an equal value is no change |
/// | `eq = never` | every write is a change, and the type needs no `PartialEq` |
/// | `zero_copy` | other threads receive a reference count to the value: it is neither copied nor serialized, and must be `Send + Sync` |
/// | `merge` | the values are made of entries, which are written, compared and reported one by one: for a type that implements `Merge`; `ReactonMap`, `ReactonSet`, `ReactonList` and `Counter` are known by their names |
/// | `id = "..."` | the identity, in place of the path of the `static`: set it if the `static` is moved or renamed, and older programs still send it |
/// | `crate = path` | the path of the `reacton` crate, if it is not `::reacton` |
///
/// # Errors
///
/// The type must be written out, because the type of a `static` is not inferred. A `const` and a `static mut` are
/// errors.
#[proc_macro_attribute]
pub fn reacton(args: TokenStream, item: TokenStream) -> TokenStream {
    declaration::expand(Kind::Reacton, args.into(), item.into()).into()
}

/// Declares a computed: a value that is computed from other reactons.
///
/// The `static` becomes a `Computed<T>`. It is computed when it is read after a change of something that its last run
/// read. A run records what it reads.
///
/// ```text
/// #[computed]
/// static TOTAL: u64 = |cx| cx.with(&ITEMS, |items| items.iter().map(|item| item.price).sum());
///
/// #[computed]
/// static REPORT: String = write_report;     // fn write_report(cx: &Reader<'_>) -> String
/// ```
///
/// The initialiser is a closure that captures nothing and receives the reader, or the path of such a function. To
/// capture variables, make the computed at run time with `ReactonStore::computed`.
///
/// The type may be a `Family<K, T>`. Then the closure receives the reader and the key, the `static` becomes a
/// `ComputedFamily<K, T>`, and `VALUE.of(key)` is the computed of this key.
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
/// | `eq = path` | a function `fn(&T, &T) -> bool` compares two values, in place of `PartialEq`; an equal new value is no change |
/// | `eq = never` | every new value is a change, and the type needs no `PartialEq` |
/// | `id = "..."` | the identity, in place of the path to the `static` |
/// | `crate = path` | the path of the `reacton` crate, if it is not `::reacton` |
///
/// A computed cannot be written to, and is not shared with a worker: share what it reads.
#[proc_macro_attribute]
pub fn computed(args: TokenStream, item: TokenStream) -> TokenStream {
    declaration::expand(Kind::Computed, args.into(), item.into()).into()
}

/// Declares a call: the type of a question to a worker, and the type of its answer.
///
/// The `static` holds no value and has no initializer.
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
/// | `zero_copy` | question and answer are sent by reference count: they are neither copied nor serialized, and must be `Send + Sync` |
/// | `id = "..."` | the identity, in place of the path to the `static` |
/// | `crate = path` | the path of the `reacton` crate, if it is not `::reacton` |
///
/// # Errors
///
/// Without `zero_copy`, question and answer must be `Serialize + DeserializeOwned + Send`.
#[proc_macro_attribute]
pub fn call(args: TokenStream, item: TokenStream) -> TokenStream {
    call::expand(args.into(), item.into()).into()
}

/// Declares a worker: a function that runs on its own thread, with its own store. It shares the listed reactons with
/// the store that spawns it.
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
/// The function stays as it is, so a test can call it without a thread. The attribute adds a type with the same name
/// and visibility, which has these functions:
///
/// | function | does |
/// | --- | --- |
/// | `w::spawn(&store, extra..)` | starts the worker; returns its `IsolateStore` after the handshake, or a `SpawnError` |
/// | `w::builder()` | returns its `WorkerBuilder`, which has more options and a `spawn` of its own |
/// | `w::shared()` | returns its `SharedSet` |
///
/// The parameters after the store are moved to the thread, so they must be owned and `Send`. The function returns
/// nothing, or a `Result<(), E>` with `E: Display`. After it has returned, the worker keeps taking turns, in which its
/// subscriptions are called. An `async fn` takes its store by value and runs on an executor of the worker's thread.
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `shared = [A, path::B, ..GROUP]` | the reactons to share, at least one, and those of groups; they must be `Serialize + DeserializeOwned + Send`, or `zero_copy` |
/// | `answers = [A, path::B]` | the calls that the function answers by `store.answer` or `store.answer_async`; then `shared` may be left out |
/// | `delivery = every` | every transaction arrives separately, in both directions: the default |
/// | `delivery = latest` | for a side that falls behind, transactions are merged, and the newest value of each reacton is kept |
/// | `zero_copy` | all of the listed reactons are sent by reference count; their types must be `Clone + Send + Sync` |
/// | `name = "..."` | the name of the thread, in place of the function's |
/// | `crate = path` | the path of the `reacton` crate, if it is not `::reacton` |
///
/// # Errors
///
/// A worker is a free function. It cannot be generic, `const`, `unsafe` or `extern`, and there cannot be
/// another type or module of its name.
#[proc_macro_attribute]
pub fn worker(args: TokenStream, item: TokenStream) -> TokenStream {
    worker::expand(args.into(), item.into()).into()
}

/// What the `saved!` of `reacton-persist` expands to: the path to that crate, then the list.
#[doc(hidden)]
#[proc_macro]
pub fn saved(input: TokenStream) -> TokenStream {
    saved::expand(input.into()).into()
}

/// What the `shared!` of the facade expands to: the path to that crate, then the list.
#[doc(hidden)]
#[proc_macro]
pub fn shared(input: TokenStream) -> TokenStream {
    shared::expand(input.into()).into()
}

/// What the `group!` of the facade expands to: the path to that crate, then the list.
#[doc(hidden)]
#[proc_macro]
pub fn group(input: TokenStream) -> TokenStream {
    group::expand(input.into()).into()
}
