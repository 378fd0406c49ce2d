//! The list of a group: expanded to a constant.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

use crate::{
    diagnostics::{Problems, spanning},
    elements::{Element, Expansion, Use, read_call},
};

/// Expands `group![A, path::B, ..GROUP]`, which comes as `path::to::reacton; A, path::B, ..GROUP`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let empty = "an empty group has nothing to be shared or reset: name at least one reacton, as in `group![A]`";
    let (krate, elements) = match read_call(input, Use::Group, empty, &mut problems) {
        Ok(read) => read,
        // Only a call that does not come from the facade's macro gets here.
        Err(error) => return error.to_compile_error(),
    };
    let group = quote!(<#krate::Group>::__of);
    if !problems.is_empty() {
        let problems = problems.to_token_stream();
        return quote!({ #problems #group(&[]) });
    }
    let (slot, part, spread) = ("GroupSlot", "GroupPart", "of_group");
    let list = Expansion { krate: &krate, elements: &elements, slot, part, spread };
    let slots = list.checked_slots(|element| member(&krate, element));
    quote!({
        use #krate::__private::probes::*;
        #group(#slots)
    })
}

/// One reacton or family: what it is, and in which ways its values cross.
fn member(krate: &Path, element: &Element) -> TokenStream {
    let path = &element.path;
    let of = spanning(path, quote!(<#krate::__private::Sharing>::member::<>));
    let new = spanning(path, quote!(<#krate::__private::ListEntry<_>>::new::<>));
    let new = spanning(path, quote!(#new(&#path)));
    let entry = spanning(path, quote!(#new.entry()));
    quote!(#of(#entry, &|| {
        let probing = &&<#krate::__private::Probing<_>>::of(&#path);
        (probing.own(), probing.by_reference(), probing.in_bytes())
    }))
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots this way")]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::diagnostics::testing::print;

    fn check(input: &TokenStream, expected: &Expect) {
        let group = expand(input.clone());
        expected.assert_eq(&print(quote!(const GROUP: Group = #group;)));
    }

    #[test]
    fn a_group_is_a_constant_list() {
        check(
            &quote!(::reacton; COUNT),
            &expect![[r#"
                const GROUP: Group = {
                    use ::reacton::__private::probes::*;
                    <::reacton::Group>::__of({
                        const __GROUPS: &[::reacton::__private::Group] = &[];
                        const __PARTS: &[::reacton::__private::ListPart] = &[
                            <::reacton::__private::ListPart>::one("COUNT"),
                        ];
                        const __LEN: usize = <::reacton::__private::ListPart>::count(__PARTS);
                        const __SLOTS: &[::reacton::__private::GroupSlot] = &<::reacton::__private::GroupSlot>::joined::<
                            __LEN,
                        >(
                            &[
                                <::reacton::__private::GroupPart>::of(
                                    &[
                                        <::reacton::__private::Sharing>::member(
                                            <::reacton::__private::ListEntry<_>>::new(&COUNT).entry(),
                                            &|| {
                                                let probing = &&<::reacton::__private::Probing<
                                                    _,
                                                >>::of(&COUNT);
                                                (probing.own(), probing.by_reference(), probing.in_bytes())
                                            },
                                        ),
                                    ],
                                ),
                            ],
                        );
                        const __REFS: &[::reacton::__private::ReactonRef; __LEN] = &<::reacton::__private::GroupSlot>::refs::<
                            __LEN,
                        >(__SLOTS);
                        const __FIRSTS: &[usize] = &::reacton::__private::firsts::<
                            __LEN,
                            { 2 * __LEN },
                        >(__REFS);
                        const _: () = {};
                        __SLOTS
                    })
                };
            "#]],
        );
    }

    #[test]
    fn a_group_takes_another_one_by_spread() {
        check(
            &quote!(::reacton; COUNT, ..state::ALL),
            &expect![[r#"
                const GROUP: Group = {
                    use ::reacton::__private::probes::*;
                    <::reacton::Group>::__of({
                        const __GROUPS: &[::reacton::__private::Group] = &[state::ALL];
                        const __PARTS: &[::reacton::__private::ListPart] = &[
                            <::reacton::__private::ListPart>::one("COUNT"),
                            <::reacton::__private::ListPart>::group("state::ALL", __GROUPS[0].len()),
                        ];
                        const __LEN: usize = <::reacton::__private::ListPart>::count(__PARTS);
                        const __SLOTS: &[::reacton::__private::GroupSlot] = &<::reacton::__private::GroupSlot>::joined::<
                            __LEN,
                        >(
                            &[
                                <::reacton::__private::GroupPart>::of(
                                    &[
                                        <::reacton::__private::Sharing>::member(
                                            <::reacton::__private::ListEntry<_>>::new(&COUNT).entry(),
                                            &|| {
                                                let probing = &&<::reacton::__private::Probing<
                                                    _,
                                                >>::of(&COUNT);
                                                (probing.own(), probing.by_reference(), probing.in_bytes())
                                            },
                                        ),
                                    ],
                                ),
                                <::reacton::__private::GroupPart>::of_group(__GROUPS[0]),
                            ],
                        );
                        const __REFS: &[::reacton::__private::ReactonRef; __LEN] = &<::reacton::__private::GroupSlot>::refs::<
                            __LEN,
                        >(__SLOTS);
                        const __FIRSTS: &[usize] = &::reacton::__private::firsts::<
                            __LEN,
                            { 2 * __LEN },
                        >(__REFS);
                        const _: () = {
                            <::reacton::__private::ListPart>::reject_repeated(
                                __PARTS,
                                1,
                                __REFS,
                                __FIRSTS,
                            );
                        };
                        __SLOTS
                    })
                };
            "#]],
        );
    }

    #[test]
    fn a_wrong_group_is_empty() {
        check(
            &quote!(::reacton; in COUNT, SCORE.of(1), ..ALL, ..ALL, ..=B, A..B),
            &expect![[r#"
            const GROUP: Group = {
                ::core::compile_error! {
                    "a group has no directions: write them in the list that shares it, as in `in ..GROUP`"
                }
                ::core::compile_error! {
                    "a group has whole families: name the family, without `.of(..)`"
                }
                ::core::compile_error! {
                    "`..ALL` is listed twice: remove one of them"
                }
                ::core::compile_error! {
                    "expected the path of a `#[reacton]` static, such as `A` or `path::B`, or of a group, `..GROUP`"
                }
                ::core::compile_error! {
                    "expected the path of a `#[reacton]` static, such as `A` or `path::B`, or of a group, `..GROUP`"
                }
                <::reacton::Group>::__of(&[])
            };
        "#]],
        );
        check(
            &quote!(::reacton;),
            &expect![[r#"
            const GROUP: Group = {
                ::core::compile_error! {
                    "an empty group has nothing to be shared or reset: name at least one reacton, as in `group![A]`"
                }
                <::reacton::Group>::__of(&[])
            };
        "#]],
        );
    }
}
