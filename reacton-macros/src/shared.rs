//! The list of shared reactons: expanded to the slots of a shared set.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

use crate::{
    diagnostics::Problems,
    elements::{Element, Expansion, Use, has_groups, read_call, shared_slot},
};

/// Expands `shared![A, path::B, ..GROUP]`, which comes as `path::to::reacton; A, path::B, ..GROUP`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let empty = empty("shared![A]");
    let (krate, elements) = match read_call(input, Use::Shared, &empty, &mut problems) {
        Ok(read) => read,
        // Only a call that does not come from the facade's macro gets here.
        Err(error) => return error.to_compile_error(),
    };
    let set = quote!(<#krate::SharedSet as ::core::convert::From<_>>::from);
    if problems.is_empty() {
        let import = import(&krate);
        if has_groups(&elements) {
            let slots = slots(&krate, &elements, false);
            return quote!({ #import #set(#slots) });
        }
        let slots = elements.iter().map(|element| shared_slot(&krate, element, "listed"));
        quote!({ #import #set([#(#slots),*]) })
    } else {
        let problems = problems.to_token_stream();
        quote!({ #problems #set([]) })
    }
}

/// The message for an empty list; `form` is a list that is not empty.
pub(crate) fn empty(form: &str) -> String {
    format!("an empty list shares nothing: name at least one reacton, as in `{form}`")
}

/// The slots of `elements`: an expression of type `&'static [SharedSlot]`.
pub(crate) fn slots(krate: &Path, elements: &[Element], by_reference: bool) -> TokenStream {
    let listed = if by_reference { "listed_by_reference" } else { "listed" };
    let list =
        Expansion { krate, elements, slot: "SharedSlot", part: "SharedPart", spread: listed };
    list.slots(|element| shared_slot(krate, element, listed))
}

/// The import for a list whose values cross as bytes: a trait that refuses references. Every list uses it, because an
/// `allow` for an unused import does not compile if the program has a `forbid`.
pub(crate) fn import(krate: &Path) -> TokenStream {
    quote! {
        use #krate::__private::OfReferences as _;
        const _: fn() = || ().imported();
    }
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots this way")]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::diagnostics::testing::print;

    fn check(input: &TokenStream, expected: &Expect) {
        let set = expand(input.clone());
        expected.assert_eq(&print(quote!(fn set() -> SharedSet { #set })));
    }

    #[test]
    fn a_list_becomes_a_set_of_slots() {
        check(
            &quote!(::reacton; COUNT, state::STEP,),
            &expect![[r#"
                fn set() -> SharedSet {
                    {
                        use ::reacton::__private::OfReferences as _;
                        const _: fn() = || ().imported();
                        <::reacton::SharedSet as ::core::convert::From<
                            _,
                        >>::from([
                            <::reacton::__private::SharedSlot>::listed(
                                <::reacton::__private::ListEntry<_>>::new(&COUNT).entry(),
                            ),
                            <::reacton::__private::SharedSlot>::listed(
                                <::reacton::__private::ListEntry<_>>::new(&state::STEP).entry(),
                            ),
                        ])
                    }
                }
            "#]],
        );
    }

    #[test]
    fn a_direction_is_part_of_the_slot() {
        check(
            &quote!(::reacton; in COUNT, out state::STEP, out, in out::COUNT),
            &expect![[r#"
                fn set() -> SharedSet {
                    {
                        use ::reacton::__private::OfReferences as _;
                        const _: fn() = || ().imported();
                        <::reacton::SharedSet as ::core::convert::From<
                            _,
                        >>::from([
                            <::reacton::__private::SharedSlot>::listed(
                                    <::reacton::__private::ListEntry<_>>::new(&COUNT).entry(),
                                )
                                .inward(),
                            <::reacton::__private::SharedSlot>::listed(
                                    <::reacton::__private::ListEntry<_>>::new(&state::STEP).entry(),
                                )
                                .outward(),
                            <::reacton::__private::SharedSlot>::listed(
                                <::reacton::__private::ListEntry<_>>::new(&out).entry(),
                            ),
                            <::reacton::__private::SharedSlot>::listed(
                                    <::reacton::__private::ListEntry<_>>::new(&out::COUNT).entry(),
                                )
                                .inward(),
                        ])
                    }
                }
            "#]],
        );
    }

    #[test]
    fn a_wrong_direction_is_reported_at_its_token() {
        check(
            &quote!(::reacton; in in COUNT, out in STEP, inn SCORE, shared LIST, NAME in),
            &expect![[r#"
                fn set() -> SharedSet {
                    {
                        ::core::compile_error! {
                            "`in` is repeated: remove one of them"
                        }
                        ::core::compile_error! {
                            "a reacton has one direction: write `in A` for what the worker only reads, `out A` for what only the worker writes, or `A` for both"
                        }
                        ::core::compile_error! {
                            "unknown direction `inn`: did you mean `in`? write `in A` for what the worker only reads, `out A` for what only the worker writes, or `A` for both"
                        }
                        ::core::compile_error! {
                            "unknown direction `shared`: write `in A` for what the worker only reads, `out A` for what only the worker writes, or `A` for both"
                        }
                        ::core::compile_error! {
                            "expected `,`"
                        }
                        <::reacton::SharedSet as ::core::convert::From<_>>::from([])
                    }
                }
            "#]],
        );
        check(
            &quote!(::reacton; in, COUNT),
            &expect![[r#"
                fn set() -> SharedSet {
                    {
                        ::core::compile_error! {
                            "expected the path of a `#[reacton]` static, such as `A` or `path::B`, or of a group, `..GROUP`"
                        }
                        <::reacton::SharedSet as ::core::convert::From<_>>::from([])
                    }
                }
            "#]],
        );
    }

    #[test]
    fn a_wrong_list_is_an_empty_set() {
        check(
            &quote!(::reacton; COUNT, &COUNT, SCORE.of(1), COUNT),
            &expect![[r#"
            fn set() -> SharedSet {
                {
                    ::core::compile_error! {
                        "name the reacton itself, without `&`: `COUNT`"
                    }
                    ::core::compile_error! {
                        "one member of a family cannot be shared with a worker: share the family, whose members cross one by one"
                    }
                    ::core::compile_error! {
                        "`COUNT` is listed twice: remove one of them"
                    }
                    <::reacton::SharedSet as ::core::convert::From<_>>::from([])
                }
            }
        "#]],
        );
        check(
            &quote!(::reacton;),
            &expect![[r#"
            fn set() -> SharedSet {
                {
                    ::core::compile_error! {
                        "an empty list shares nothing: name at least one reacton, as in `shared![A]`"
                    }
                    <::reacton::SharedSet as ::core::convert::From<_>>::from([])
                }
            }
        "#]],
        );
    }
}
