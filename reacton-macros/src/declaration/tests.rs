//! What `#[reacton]` and `#[computed]` make of an item.

mod mistakes;

use expect_test::{Expect, expect};
use quote::quote;

use super::*;
use crate::diagnostics::testing::{messages, print};

fn reacton(args: TokenStream, item: TokenStream, expected: &Expect) {
    expected.assert_eq(&print(expand(Kind::Reacton, args, item)));
}

fn computed(args: TokenStream, item: TokenStream, expected: &Expect) {
    expected.assert_eq(&print(expand(Kind::Computed, args, item)));
}

#[test]
fn a_reacton_keeps_its_attributes_and_visibility() {
    reacton(
        quote!(),
        quote! {
            /// Where the picture is.
            #[cfg(feature = "images")]
            pub(crate) static IMAGE_PATH: String = String::new();
        },
        &expect![[r#"
            /// Where the picture is.
            #[cfg(feature = "images")]
            pub(crate) static IMAGE_PATH: ::reacton::Reacton<String> = {
                <::reacton::Reacton<String>>::__new
            }(
                ::reacton::__private::concat!(
                    ::reacton::__private::module_path!(), "::", "IMAGE_PATH"
                ),
                || { String::new() },
            );
        "#]],
    );
}

#[test]
fn a_reacton_takes_all_its_options() {
    reacton(
        quote!(id = "app::picture", eq = Picture::same, zero_copy, crate = crate::rx),
        quote!(
            static r#PICTURE: Option<Picture> = None;
        ),
        &expect![[r#"
            static r#PICTURE: crate::rx::Reacton<Option<Picture>, crate::rx::ZeroCopy> = {
                <crate::rx::Reacton<Option<Picture>, crate::rx::ZeroCopy>>::__with_eq
            }(
                    crate::rx::__private::concat!(
                        crate ::rx::__private::module_path!(), "::", "PICTURE"
                    ),
                    || { None },
                    <::core::option::Option<_>>::Some(Picture::same),
                )
                .__beside({
                    use crate::rx::__private::NoBytes as _;
                    <crate::rx::__private::Probe<Option<Picture>, crate::rx::ZeroCopy>>::BYTES
                })
                .__id("app::picture");
        "#]],
    );
}

#[test]
fn a_family_is_declared_with_the_function_that_computes_initial_values() {
    reacton(
        quote!(id = "app::todo"),
        quote!(
            pub static TODO: Family<u64, Todo> = |id| Todo::new(*id);
        ),
        &expect![[r#"
            pub static TODO: Family<u64, Todo> = {
                <::reacton::Family<u64, Todo>>::__new
            }(
                    ::reacton::__private::concat!(
                        ::reacton::__private::module_path!(), "::", "TODO"
                    ),
                    |id| Todo::new(*id),
                    ::reacton::__private::keys::<u64>(),
                )
                .__id("app::todo");
        "#]],
    );
}

#[test]
fn a_computed_family_is_computed_by_key() {
    computed(
        quote!(eq = never),
        quote!(
            #[cfg(feature = "sheet")]
            pub static VALUE: Family<At, Value> = |cx, at| evaluate(cx, at);
        ),
        &expect![[r#"
            #[cfg(feature = "sheet")]
            pub static VALUE: ::reacton::ComputedFamily<At, Value> = {
                <::reacton::ComputedFamily<At, Value>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "VALUE"),
                |cx, at| evaluate(cx, at),
                ::reacton::__private::keys::<At>()
                    .shown_by({
                        use ::reacton::__private::KeyWithoutDebug as _;
                        ::reacton::__private::KeyText::<At>::SHOW
                    }),
                ::core::option::Option::None,
            );
            #[cfg(feature = "sheet")]
            const _: fn(&Family<At, Value>) = |_| ();
        "#]],
    );
}

#[test]
fn eq_never_asks_nothing_of_the_type() {
    reacton(
        quote!(eq = never),
        quote!(
            static CLICKS: Click = Click;
        ),
        &expect![[r#"
            static CLICKS: ::reacton::Reacton<Click> = {
                <::reacton::Reacton<Click>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "CLICKS"),
                || { Click },
                ::core::option::Option::None,
            );
        "#]],
    );
}

#[test]
fn a_computed_is_a_closure_or_a_path() {
    computed(
        quote!(),
        quote!(
            pub static TOTAL: u64 = |cx| cx.get(&ITEMS).len();
        ),
        &expect![[r#"
            pub static TOTAL: ::reacton::Computed<u64> = {
                <::reacton::Computed<u64>>::__new
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "TOTAL"),
                |cx| cx.get(&ITEMS).len(),
            );
        "#]],
    );
    computed(
        quote!(id = "app::report", eq = f64::eq),
        quote!(
            static REPORT: f64 = report;
        ),
        &expect![[r#"
            static REPORT: ::reacton::Computed<f64> = {
                <::reacton::Computed<f64>>::__with_eq
            }(
                    ::reacton::__private::concat!(
                        ::reacton::__private::module_path!(), "::", "REPORT"
                    ),
                    report,
                    <::core::option::Option<_>>::Some(f64::eq),
                )
                .__id("app::report");
        "#]],
    );
}

#[test]
fn a_family_is_compared_as_it_says() {
    reacton(
        quote!(eq = same_length),
        quote!(
            static NAME: Family<(u8, char), String> = name_of;
        ),
        &expect![[r#"
            static NAME: Family<(u8, char), String> = {
                <::reacton::Family<(u8, char), String>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "NAME"),
                name_of,
                ::reacton::__private::keys::<(u8, char)>(),
                <::core::option::Option<_>>::Some(same_length),
            );
        "#]],
    );
}
