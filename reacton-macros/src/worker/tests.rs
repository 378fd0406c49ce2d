//! What `#[worker]` makes of a function.

use expect_test::{Expect, expect};
use quote::quote;

use super::*;
use crate::diagnostics::testing::{messages, print};

fn check(args: TokenStream, item: TokenStream, expected: &Expect) {
    expected.assert_eq(&print(expand(args, item)));
}

#[test]
fn a_worker_is_its_function_and_a_type_of_its_name() {
    check(
        quote!(shared = [IMAGE_PATH]),
        quote! {
            /// Renders pictures.
            pub fn image_worker(store: &ReactonStore) {
                store.get(&IMAGE_PATH);
            }
        },
        &expect![[r#"
            /// Renders pictures.
            pub fn image_worker(store: &ReactonStore) {
                store.get(&IMAGE_PATH);
            }
            /// The worker [`image_worker`](fn@image_worker): `image_worker::spawn` starts it on a thread of its own.
            #[allow(non_camel_case_types, reason = "named after its worker function")]
            pub enum image_worker {}
            impl ::reacton::__private::Worker for image_worker {
                const NAME: &'static str = "image_worker";
                const SHARED: &'static [::reacton::__private::SharedSlot] = {
                    use ::reacton::__private::OfReferences as _;
                    const _: fn() = || ().imported();
                    &[
                        <::reacton::__private::SharedSlot>::listed(
                            <::reacton::__private::Listed<_>>::new(&IMAGE_PATH).element(),
                        ),
                    ]
                };
                type Args = ();
                fn run(
                    store: &::reacton::ReactonStore,
                    (): Self::Args,
                ) -> ::core::result::Result<(), ::std::string::String> {
                    ::reacton::__private::Outcome::done(
                        image_worker(<::reacton::__private::Lent>::borrowed::<_>(store)),
                    )
                }
            }
            impl image_worker {
                /// Starts [`image_worker`](fn@image_worker) on a thread of its own; returns after the handshake.
                ///
                /// # Errors
                /// If the thread cannot be started, or the worker is silent or over before the handshake.
                pub fn spawn(
                    store: &::reacton::ReactonStore,
                ) -> ::core::result::Result<::reacton::IsolateStore, ::reacton::SpawnError> {
                    ::reacton::__private::spawn_worker::<Self>(store, ())
                }
                /// As `spawn`, but waits for the handshake without blocking the thread.
                pub fn spawn_async(store: &::reacton::ReactonStore) -> ::reacton::Spawning {
                    ::reacton::__private::spawn_worker_async::<Self>(store, ())
                }
                /// The builder of [`image_worker`](fn@image_worker), for options that the attribute does not take.
                pub fn builder() -> ::reacton::WorkerBuilder<Self> {
                    ::reacton::WorkerBuilder::new()
                }
                /// What [`image_worker`](fn@image_worker) shares with the store that starts it.
                pub fn shared() -> ::reacton::SharedSet {
                    ::reacton::SharedSet::__of::<Self>()
                }
            }
        "#]],
    );
}

#[test]
fn a_worker_takes_arguments_and_all_its_options() {
    check(
        quote!(shared = [A, state::B], delivery = latest, zero_copy, name = "search", crate = rx),
        quote! {
            #[cfg(feature = "search")]
            #[deprecated]
            fn r#match(store: &ReactonStore, _depth: u8, mut words: Vec<String>, (a, b): (u8, u8), store_: char, r#match: bool)
            -> Result<(), SearchError> {
                Ok(())
            }
        },
        &expect![[r##"
            #[cfg(feature = "search")]
            #[deprecated]
            fn r#match(
                store: &ReactonStore,
                _depth: u8,
                mut words: Vec<String>,
                (a, b): (u8, u8),
                store_: char,
                r#match: bool,
            ) -> Result<(), SearchError> {
                Ok(())
            }
            #[cfg(feature = "search")]
            #[deprecated]
            /// The worker [`match`](fn@match): `match::spawn` starts it on a thread of its own.
            #[allow(non_camel_case_types, reason = "named after its worker function")]
            enum r#match {}
            #[cfg(feature = "search")]
            #[allow(deprecated, reason = "deprecated with its function")]
            impl rx::__private::Worker for r#match {
                const NAME: &'static str = "search";
                const SHARED: &'static [rx::__private::SharedSlot] = &[
                    <rx::__private::SharedSlot>::listed_by_reference(
                        <rx::__private::Listed<_>>::new(&A).element(),
                    ),
                    <rx::__private::SharedSlot>::listed_by_reference(
                        <rx::__private::Listed<_>>::new(&state::B).element(),
                    ),
                ];
                const DELIVERY: rx::Delivery = rx::Delivery::Latest;
                type Args = (u8, Vec<String>, (u8, u8), char, bool);
                fn run(
                    store: &rx::ReactonStore,
                    (depth, words, argument_3, store_, r#match_): Self::Args,
                ) -> ::core::result::Result<(), ::std::string::String> {
                    rx::__private::Outcome::done(
                        r#match(
                            <rx::__private::Lent>::borrowed::<_>(store),
                            depth,
                            words,
                            argument_3,
                            store_,
                            r#match_,
                        ),
                    )
                }
            }
            #[cfg(feature = "search")]
            #[allow(deprecated, reason = "deprecated with its function")]
            impl r#match {
                /// Starts [`match`](fn@match) on a thread of its own; returns after the handshake.
                ///
                /// # Errors
                /// If the thread cannot be started, or the worker is silent or over before the handshake.
                fn spawn(
                    store: &rx::ReactonStore,
                    depth: u8,
                    words: Vec<String>,
                    argument_3: (u8, u8),
                    store_: char,
                    r#match_: bool,
                ) -> ::core::result::Result<rx::IsolateStore, rx::SpawnError> {
                    rx::__private::spawn_worker::<
                        Self,
                    >(store, (depth, words, argument_3, store_, r#match_))
                }
                /// As `spawn`, but waits for the handshake without blocking the thread.
                fn spawn_async(
                    store: &rx::ReactonStore,
                    depth: u8,
                    words: Vec<String>,
                    argument_3: (u8, u8),
                    store_: char,
                    r#match_: bool,
                ) -> rx::Spawning {
                    rx::__private::spawn_worker_async::<
                        Self,
                    >(store, (depth, words, argument_3, store_, r#match_))
                }
                /// The builder of [`match`](fn@match), for options that the attribute does not take.
                fn builder() -> rx::WorkerBuilder<Self> {
                    rx::WorkerBuilder::new()
                }
                /// What [`match`](fn@match) shares with the store that starts it.
                fn shared() -> rx::SharedSet {
                    rx::SharedSet::__of::<Self>()
                }
            }
            #[cfg(feature = "search")]
            #[allow(deprecated, reason = "deprecated with its function")]
            const _: () = {
                const NAMES: &[&str] = &["A", "state::B"];
                const FIRSTS: &[usize] = &<rx::__private::SharedSlot>::firsts::<
                    2,
                    4,
                >(<r#match as rx::__private::Worker>::SHARED);
                <rx::__private::SharedSlot>::reject_duplicate(FIRSTS, 1, NAMES);
            };
        "##]],
    );
}

#[test]
fn an_async_worker_is_driven_with_a_store_of_its_own() {
    check(
        quote!(shared = [A], delivery = every),
        quote! {
            pub(crate) async fn waits(store: ReactonStore, delay: Duration) {
                sleep(delay).await;
            }
        },
        &expect![[r#"
            pub(crate) async fn waits(store: ReactonStore, delay: Duration) {
                sleep(delay).await;
            }
            /// The worker [`waits`](fn@waits): `waits::spawn` starts it on a thread of its own.
            #[allow(non_camel_case_types, reason = "named after its worker function")]
            pub(crate) enum waits {}
            impl ::reacton::__private::Worker for waits {
                const NAME: &'static str = "waits";
                const SHARED: &'static [::reacton::__private::SharedSlot] = {
                    use ::reacton::__private::OfReferences as _;
                    const _: fn() = || ().imported();
                    &[
                        <::reacton::__private::SharedSlot>::listed(
                            <::reacton::__private::Listed<_>>::new(&A).element(),
                        ),
                    ]
                };
                const DELIVERY: ::reacton::Delivery = ::reacton::Delivery::Every;
                type Args = (Duration,);
                fn run(
                    store: &::reacton::ReactonStore,
                    (delay,): Self::Args,
                ) -> ::core::result::Result<(), ::std::string::String> {
                    ::reacton::__private::drive(
                        store,
                        waits(<::reacton::__private::Lent>::owned::<_>(store), delay),
                    )
                }
            }
            impl waits {
                /// Starts [`waits`](fn@waits) on a thread of its own; returns after the handshake.
                ///
                /// # Errors
                /// If the thread cannot be started, or the worker is silent or over before the handshake.
                pub(crate) fn spawn(
                    store: &::reacton::ReactonStore,
                    delay: Duration,
                ) -> ::core::result::Result<::reacton::IsolateStore, ::reacton::SpawnError> {
                    ::reacton::__private::spawn_worker::<Self>(store, (delay,))
                }
                /// As `spawn`, but waits for the handshake without blocking the thread.
                pub(crate) fn spawn_async(
                    store: &::reacton::ReactonStore,
                    delay: Duration,
                ) -> ::reacton::Spawning {
                    ::reacton::__private::spawn_worker_async::<Self>(store, (delay,))
                }
                /// The builder of [`waits`](fn@waits), for options that the attribute does not take.
                pub(crate) fn builder() -> ::reacton::WorkerBuilder<Self> {
                    ::reacton::WorkerBuilder::new()
                }
                /// What [`waits`](fn@waits) shares with the store that starts it.
                pub(crate) fn shared() -> ::reacton::SharedSet {
                    ::reacton::SharedSet::__of::<Self>()
                }
            }
        "#]],
    );
}

#[test]
fn errors_keep_the_function_and_everything_a_use_may_name() {
    check(
        quote!(shard = [A], delivery = newest),
        quote! {
            const fn job(store: ReactonStore, count: u32) {}
        },
        &expect![[r#"
            ::core::compile_error! {
                "unknown option `shard`: did you mean `shared`? `#[worker]` takes `shared`, `delivery`, `zero_copy`, `name`, `crate`"
            }
            ::core::compile_error! {
                "expected `delivery = latest` or `delivery = every`"
            }
            ::core::compile_error! {
                "a worker runs on a thread, not in the compiler: remove `const`"
            }
            ::core::compile_error! {
                "a worker borrows its store: write `&ReactonStore`"
            }
            const fn job(store: ReactonStore, count: u32) {}
            /// The worker [`job`](fn@job): `job::spawn` starts it on a thread of its own.
            #[allow(non_camel_case_types, reason = "named after its worker function")]
            enum job {}
            impl ::reacton::__private::Worker for job {
                const NAME: &'static str = "job";
                const SHARED: &'static [::reacton::__private::SharedSlot] = {
                    use ::reacton::__private::OfReferences as _;
                    const _: fn() = || ().imported();
                    &[]
                };
                type Args = (u32,);
                fn run(
                    _: &::reacton::ReactonStore,
                    _: Self::Args,
                ) -> ::core::result::Result<(), ::std::string::String> {
                    ::core::unreachable!()
                }
            }
            impl job {
                /// Starts [`job`](fn@job) on a thread of its own; returns after the handshake.
                ///
                /// # Errors
                /// If the thread cannot be started, or the worker is silent or over before the handshake.
                fn spawn(
                    store: &::reacton::ReactonStore,
                    count: u32,
                ) -> ::core::result::Result<::reacton::IsolateStore, ::reacton::SpawnError> {
                    ::reacton::__private::spawn_worker::<Self>(store, (count,))
                }
                /// As `spawn`, but waits for the handshake without blocking the thread.
                fn spawn_async(store: &::reacton::ReactonStore, count: u32) -> ::reacton::Spawning {
                    ::reacton::__private::spawn_worker_async::<Self>(store, (count,))
                }
                /// The builder of [`job`](fn@job), for options that the attribute does not take.
                fn builder() -> ::reacton::WorkerBuilder<Self> {
                    ::reacton::WorkerBuilder::new()
                }
                /// What [`job`](fn@job) shares with the store that starts it.
                fn shared() -> ::reacton::SharedSet {
                    ::reacton::SharedSet::__of::<Self>()
                }
            }
        "#]],
    );
}

#[test]
fn wrong_argument_types_make_way_for_any_type() {
    check(
        quote!(shared = [A]),
        quote! {
            fn job<T: Send>(store: &ReactonStore, name: &str, value: T) {}
        },
        &expect![[r#"
            ::core::compile_error! {
                "a worker cannot be generic, for it is one thread's function: name the types"
            }
            ::core::compile_error! {
                "a worker outlives what its caller lends it: take an owned value, such as `String` for `&str`"
            }
            fn job<T: Send>(store: &ReactonStore, name: &str, value: T) {}
            /// The worker [`job`](fn@job): `job::spawn` starts it on a thread of its own.
            #[allow(non_camel_case_types, reason = "named after its worker function")]
            enum job {}
            impl ::reacton::__private::Worker for job {
                const NAME: &'static str = "job";
                const SHARED: &'static [::reacton::__private::SharedSlot] = {
                    use ::reacton::__private::OfReferences as _;
                    const _: fn() = || ().imported();
                    &[]
                };
                type Args = ();
                fn run(
                    _: &::reacton::ReactonStore,
                    _: Self::Args,
                ) -> ::core::result::Result<(), ::std::string::String> {
                    ::core::unreachable!()
                }
            }
            impl job {
                /// Starts [`job`](fn@job) on a thread of its own; returns after the handshake.
                ///
                /// # Errors
                /// If the thread cannot be started, or the worker is silent or over before the handshake.
                fn spawn(
                    store: &::reacton::ReactonStore,
                    name: impl ::core::marker::Sized,
                    value: impl ::core::marker::Sized,
                ) -> ::core::result::Result<::reacton::IsolateStore, ::reacton::SpawnError> {
                    ::core::unreachable!()
                }
                /// As `spawn`, but waits for the handshake without blocking the thread.
                fn spawn_async(
                    store: &::reacton::ReactonStore,
                    name: impl ::core::marker::Sized,
                    value: impl ::core::marker::Sized,
                ) -> ::reacton::Spawning {
                    ::core::unreachable!()
                }
                /// The builder of [`job`](fn@job), for options that the attribute does not take.
                fn builder() -> ::reacton::WorkerBuilder<Self> {
                    ::reacton::WorkerBuilder::new()
                }
                /// What [`job`](fn@job) shares with the store that starts it.
                fn shared() -> ::reacton::SharedSet {
                    ::reacton::SharedSet::__of::<Self>()
                }
            }
        "#]],
    );
}

#[test]
fn what_is_no_function_stays_as_it_is() {
    check(
        quote!(),
        quote!(
            pub struct Job;
        ),
        &expect![[r#"
            ::core::compile_error! {
                "`#[worker]` needs the reactons to share: write `#[worker(shared = [A, path::B])]`"
            }
            ::core::compile_error! {
                "`#[worker]` goes on a function: write `fn name(store: &ReactonStore) { .. }`"
            }
            pub struct Job;
        "#]],
    );
    check(
        quote!(shared = [A]),
        quote!(
            fn method(&self, store: &ReactonStore) {}
        ),
        &expect![[r#"
            ::core::compile_error! {
                "a worker is a free function: move it out of the `impl` block"
            }
            fn method(&self, store: &ReactonStore) {}
        "#]],
    );
}

#[test]
fn a_worker_that_never_returns_has_no_outcome() {
    let item = quote!(
        fn serves(store: &ReactonStore) -> ! {
            loop {}
        }
    );
    let expansion = print(expand(quote!(shared = [A]), item));
    let run = expansion.find("fn run(").and_then(|at| expansion[at..].split("impl serves").next());
    expect![[r#"
        fn run(
                store: &::reacton::ReactonStore,
                (): Self::Args,
            ) -> ::core::result::Result<(), ::std::string::String> {
                serves(<::reacton::__private::Lent>::borrowed::<_>(store))
            }
        }
    "#]]
    .assert_eq(run.expect("it is run"));
}

#[test]
fn two_attributes_and_too_many_arguments_are_refused() {
    let twice = quote!(
        #[reacton::worker(shared = [A])]
        fn job(store: &ReactonStore) {}
    );
    let nine = quote!(
        fn job(
            store: &ReactonStore,
            a: u8,
            b: u8,
            c: u8,
            d: u8,
            e: u8,
            f: u8,
            g: u8,
            h: u8,
            i: u8,
        ) {
        }
    );
    let of_self = quote!(
        fn job(store: &ReactonStore, all: Vec<Self>) {}
    );
    let unsized_ones = quote!(
        fn job(store: &ReactonStore, a: str, b: [u8], c: dyn Fn(), d: Option<LocalReacton<u8>>) {}
    );
    let all = [twice, nine, of_self, unsized_ones];
    let said: String =
        all.into_iter().map(|item| messages(expand(quote!(shared = [A]), item))).collect();
    expect![[r#"
        `#[worker]` stands alone: remove this attribute or that one
        a worker takes at most 8 arguments after its store: put some of them into a struct
        a worker is a free function: move it out of the `impl` block
        an argument has a size of its own: write `String`
        an argument has a size of its own: write `Vec<..>`
        an argument has a size of its own: write `Box<dyn ..>`
        a local reacton belongs to one store: share a `#[reacton]` static instead
    "#]]
    .assert_eq(&said);
}
