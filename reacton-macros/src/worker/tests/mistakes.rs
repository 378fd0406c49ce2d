//! What `#[worker]` makes of a function that is wrong.

use super::*;

#[test]
fn errors_keep_the_function_and_everything_a_use_may_name() {
    check(
        quote!(shard = [A], delivery = newest),
        quote! {
            const fn job(store: ReactonStore, count: u32) {}
        },
        &expect![[r#"
            ::core::compile_error! {
                "unknown option `shard`: did you mean `shared`? `#[worker]` takes `shared`, `answers`, `delivery`, `zero_copy`, `name`, `crate`"
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
                const PATH: &'static str = ::reacton::__private::concat!(
                    ::reacton::__private::module_path!(), "::", "job"
                );
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
                const PATH: &'static str = ::reacton::__private::concat!(
                    ::reacton::__private::module_path!(), "::", "job"
                );
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
