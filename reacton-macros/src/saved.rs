//! `saved![..]`: the list of what is kept in a file. It is read as a shared list is, and expanded to slots that cross as bytes.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::Path;

use crate::diagnostics::{Problems, spanning, written};
use crate::elements::{Element, Expansion, Use, has_groups, read_call, shared_slot};
use crate::shared;

/// Expands `saved![A, path::B]`, which comes as `path::to::reacton_persist; A, path::B`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let empty = "an empty list saves nothing: name at least one reacton, as in `saved![A]`";
    let (krate, elements) = match read_call(input, Use::Saved, empty, &mut problems) {
        Ok(read) => read,
        // Only a call that does not come from the macro of the crate gets here.
        Err(error) => return error.to_compile_error(),
    };
    for element in elements.iter().filter(|element| element.is_directed()) {
        let message = "what is saved has no direction: remove `in` or `out`";
        problems.at(&element.path, message);
    }
    let set = quote!(<#krate::SavedSet>::__of);
    if problems.is_empty() {
        if has_groups(&elements) {
            return with_groups(&krate, &elements);
        }
        let slots = elements.iter().map(|element| shared_slot(&krate, element, "stored"));
        let (import, checks) = (shared::import(&krate), checks(&krate, &elements));
        quote!({
            #import
            const __SLOTS: &[#krate::__private::SharedSlot] = &[#(#slots),*];
            #checks
            #set(__SLOTS)
        })
    } else {
        let problems = problems.to_token_stream();
        quote!({ #problems #set(&[]) })
    }
}

/// As [`expand`], for a list with groups. The names of their reactons are checked where all are known.
fn with_groups(krate: &Path, elements: &[Element]) -> TokenStream {
    let list =
        Expansion { krate, elements, slot: "SharedSlot", part: "SharedPart", spread: "stored" };
    let slots = list.checked_slots(|element| shared_slot(krate, element, "stored"));
    let import = shared::import(krate);
    quote!({
        #import
        const __SAVED: &[#krate::__private::SharedSlot] = #slots;
        const _: () = <#krate::__private::SharedSlot>::require_ids(__SAVED);
        <#krate::SavedSet>::__of(__SAVED)
    })
}

/// The checks of what tokens cannot tell: whether each has a name for the file, and none is listed twice. Each is at its element.
///
/// The names of the constants begin with underscores, because an element may be called `NAMES`.
fn checks(krate: &Path, elements: &[Element]) -> TokenStream {
    let slot = quote!(#krate::__private::SharedSlot);
    let names = elements.iter().map(|element| written(&element.path));
    let (len, places) = (elements.len(), 2 * elements.len());
    let (len, places) = (Literal::usize_unsuffixed(len), Literal::usize_unsuffixed(places));
    let checks = elements.iter().enumerate().map(|(at, Element { path, .. })| {
        let at = Literal::usize_unsuffixed(at);
        let require = spanning(path, quote!(<#slot>::require_id::<>));
        let require = spanning(path, quote!(#require(__SLOTS, #at, __NAMES)));
        let reject = spanning(path, quote!(<#slot>::reject_duplicate::<>));
        let reject = spanning(path, quote!(#reject(__FIRSTS, #at, __NAMES)));
        quote! {
            const _: () = #require;
            const _: () = #reject;
        }
    });
    quote! {
        const __NAMES: &[&str] = &[#(#names),*];
        const __FIRSTS: &[usize] = &<#slot>::firsts::<#len, #places>(__SLOTS);
        #(#checks)*
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
        expected.assert_eq(&print(quote!(fn set() -> SavedSet { #set })));
    }

    #[test]
    fn a_list_becomes_a_set_of_slots_that_are_checked() {
        check(
            &quote!(::reacton_persist; SETTINGS, state::RECENT),
            &expect![[r#"
            fn set() -> SavedSet {
                {
                    use ::reacton_persist::__private::OfReferences as _;
                    const _: fn() = || ().imported();
                    const __SLOTS: &[::reacton_persist::__private::SharedSlot] = &[
                        <::reacton_persist::__private::SharedSlot>::stored(
                            <::reacton_persist::__private::ListEntry<_>>::new(&SETTINGS).entry(),
                        ),
                        <::reacton_persist::__private::SharedSlot>::stored(
                            <::reacton_persist::__private::ListEntry<_>>::new(&state::RECENT).entry(),
                        ),
                    ];
                    const __NAMES: &[&str] = &["SETTINGS", "state::RECENT"];
                    const __FIRSTS: &[usize] = &<::reacton_persist::__private::SharedSlot>::firsts::<
                        2,
                        4,
                    >(__SLOTS);
                    const _: () = <::reacton_persist::__private::SharedSlot>::require_id(
                        __SLOTS,
                        0,
                        __NAMES,
                    );
                    const _: () = <::reacton_persist::__private::SharedSlot>::reject_duplicate(
                        __FIRSTS,
                        0,
                        __NAMES,
                    );
                    const _: () = <::reacton_persist::__private::SharedSlot>::require_id(
                        __SLOTS,
                        1,
                        __NAMES,
                    );
                    const _: () = <::reacton_persist::__private::SharedSlot>::reject_duplicate(
                        __FIRSTS,
                        1,
                        __NAMES,
                    );
                    <::reacton_persist::SavedSet>::__of(__SLOTS)
                }
            }
        "#]],
        );
    }

    #[test]
    fn a_wrong_list_is_an_empty_set() {
        check(
            &quote!(::reacton_persist; in SETTINGS, &RECENT, RECENT),
            &expect![[r#"
            fn set() -> SavedSet {
                {
                    ::core::compile_error! {
                        "name the reacton itself, without `&`: `RECENT`"
                    }
                    ::core::compile_error! {
                        "what is saved has no direction: remove `in` or `out`"
                    }
                    <::reacton_persist::SavedSet>::__of(&[])
                }
            }
        "#]],
        );
        check(
            &quote!(::reacton_persist;),
            &expect![[r#"
            fn set() -> SavedSet {
                {
                    ::core::compile_error! {
                        "an empty list saves nothing: name at least one reacton, as in `saved![A]`"
                    }
                    <::reacton_persist::SavedSet>::__of(&[])
                }
            }
        "#]],
        );
    }
}
