//! What `#[worker]` makes of a function.

mod mistakes;

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
                const PATH: &'static str = ::reacton::__private::concat!(
                    ::reacton::__private::module_path!(), "::", "image_worker"
                );
                const SHARED: &'static [::reacton::__private::SharedSlot] = {
                    use ::reacton::__private::OfReferences as _;
                    const _: fn() = || ().imported();
                    &[
                        <::reacton::__private::SharedSlot>::listed(
                            <::reacton::__private::ListEntry<_>>::new(&IMAGE_PATH).entry(),
                        ),
                    ]
                };
                type Args = ();
                fn run(
                    store: &::reacton::ReactonStore,
                    (): Self::Args,
                ) -> ::core::result::Result<(), ::std::string::String> {
                    ::reacton::__private::Outcome::done(
                        image_worker(<::reacton::__private::StoreArg>::borrowed::<_>(store)),
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
                const PATH: &'static str = rx::__private::concat!(
                    rx::__private::module_path!(), "::", "match"
                );
                const SHARED: &'static [rx::__private::SharedSlot] = &[
                    <rx::__private::SharedSlot>::listed_by_reference(
                        <rx::__private::ListEntry<_>>::new(&A).entry(),
                    ),
                    <rx::__private::SharedSlot>::listed_by_reference(
                        <rx::__private::ListEntry<_>>::new(&state::B).entry(),
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
                            <rx::__private::StoreArg>::borrowed::<_>(store),
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
                const PATH: &'static str = ::reacton::__private::concat!(
                    ::reacton::__private::module_path!(), "::", "waits"
                );
                const SHARED: &'static [::reacton::__private::SharedSlot] = {
                    use ::reacton::__private::OfReferences as _;
                    const _: fn() = || ().imported();
                    &[
                        <::reacton::__private::SharedSlot>::listed(
                            <::reacton::__private::ListEntry<_>>::new(&A).entry(),
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
                        waits(<::reacton::__private::StoreArg>::owned::<_>(store), delay),
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
                serves(<::reacton::__private::StoreArg>::borrowed::<_>(store))
            }
        }
    "#]]
    .assert_eq(run.expect("the expansion has a function `run`"));
}
