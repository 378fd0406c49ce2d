//! What `#[reacton]` and `#[computed]` make of an item that is wrong.

use super::*;

#[test]
fn a_family_needs_a_function_of_its_key() {
    let item = quote!(
        static TODO: Family<u64, Todo> = Todo::default();
    );
    let said = messages(expand(Kind::Reacton, quote!(), item));
    assert!(
        said.contains("expected a closure `|key| ..` or the path of a `fn(&K) -> T`"),
        "{said}"
    );
}

#[test]
fn errors_keep_the_name_the_type_and_the_value() {
    reacton(
        quote!(id = "", zero_cpoy, eq = 5),
        quote!(
            pub static mut COUNT: u32 = start();
        ),
        &expect![[r#"
            ::core::compile_error! {
                "an id cannot be empty: write a path that no other reacton has, such as `\"app::count\"`"
            }
            ::core::compile_error! {
                "unknown option `zero_cpoy`: did you mean `zero_copy`? `#[reacton]` takes `id`, `eq`, `zero_copy`, `merge`, `crate`"
            }
            ::core::compile_error! {
                "expected `eq = path`, the path of a `fn(&T, &T) -> bool`, or `eq = never`"
            }
            ::core::compile_error! {
                "the value lives in a store, which is what changes it: remove `mut`"
            }
            pub static COUNT: ::reacton::Reacton<u32> = {
                <::reacton::Reacton<u32>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "COUNT"),
                || { start() },
                ::core::option::Option::None,
            );
        "#]],
    );
}

#[test]
fn a_value_that_cannot_be_computed_is_replaced() {
    computed(
        quote!(zero_copy),
        quote!(
            static TOTAL: u32 = || 5;
        ),
        &expect![[r#"
            ::core::compile_error! {
                "a computed is never shared: remove `zero_copy` and share the reactons that it reads"
            }
            ::core::compile_error! {
                "a computed takes one parameter, the reader: write `|cx| ..`"
            }
            static TOTAL: ::reacton::Computed<u32> = {
                <::reacton::Computed<u32>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "TOTAL"),
                |_| ::core::unreachable!(),
                ::core::option::Option::None,
            );
        "#]],
    );
}

#[test]
fn a_const_or_a_missing_value_still_declares_the_name() {
    reacton(
        quote!(),
        quote!(
            const COUNT: u32 = 5;
        ),
        &expect![[r#"
            ::core::compile_error! {
                "`#[reacton]` needs a `static`: a `const` has no identity"
            }
            static COUNT: ::reacton::Reacton<u32> = {
                <::reacton::Reacton<u32>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "COUNT"),
                || { 5 },
                ::core::option::Option::None,
            );
        "#]],
    );
    reacton(
        quote!(),
        quote!(
            static COUNT: u32;
        ),
        &expect![[r#"
            ::core::compile_error! {
                "`COUNT` needs an initial value: write `static NAME: Type = value;`"
            }
            static COUNT: ::reacton::Reacton<u32> = {
                <::reacton::Reacton<u32>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "COUNT"),
                || ::core::unreachable!(),
                ::core::option::Option::None,
            );
        "#]],
    );
}

#[test]
fn another_item_stays_as_it_is() {
    reacton(
        quote!(id = 5),
        quote!(
            pub const fn third() -> u32 {
                3
            }
        ),
        &expect![[r#"
            ::core::compile_error! {
                "expected `id = \"a::unique::path\"`"
            }
            ::core::compile_error! {
                "`#[reacton]` goes on a `static`: write `static NAME: Type = value;`"
            }
            pub const fn third() -> u32 {
                3
            }
        "#]],
    );
}

#[test]
fn every_mistake_in_a_declaration_says_what_to_write() {
    let items = [
        (
            Kind::Reacton,
            quote!(
                struct Count;
            ),
        ),
        (
            Kind::Computed,
            quote!(
                const fn total() {}
            ),
        ),
        (
            Kind::Computed,
            quote!(
                const TOTAL: u32 = 5;
            ),
        ),
        (
            Kind::Computed,
            quote!(
                static TOTAL: u32 = |cx, other| 5;
            ),
        ),
        (
            Kind::Computed,
            quote!(
                static TOTAL: u32;
            ),
        ),
        (
            Kind::Computed,
            quote!(
                static TOTAL: u32 = async |cx| 5;
            ),
        ),
        (
            Kind::Reacton,
            quote!(
                static LISTENER: dyn Fn(u32) = |n| ();
            ),
        ),
    ];
    let all: String =
        items.into_iter().map(|(kind, item)| messages(expand(kind, quote!(), item))).collect();
    expect![[r#"
        `#[reacton]` goes on a `static`: write `static NAME: Type = value;`
        `#[computed]` goes on a `static`: write `static NAME: Type = |cx| ..;`
        `#[computed]` needs a `static`: a `const` has no identity
        expected a closure `|cx| ..` or the path of a `fn(&Reader<'_>) -> T`
        a computed takes one parameter, the reader: write `|cx| ..`
        `TOTAL` needs an initial value: write `static NAME: Type = |cx| ..;`
        a value is there at once: remove `async`, and await in a worker
        a value has a size of its own: write `Box<dyn ..>`
    "#]]
    .assert_eq(&all);
}

#[test]
fn what_is_nearly_never_is_looked_up_where_never_is() {
    reacton(
        quote!(eq = nevr),
        quote!(
            static CLICKS: u32 = 0;
        ),
        &expect![[r#"
            static CLICKS: ::reacton::Reacton<u32> = {
                <::reacton::Reacton<u32>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "CLICKS"),
                || { 0 },
                <::core::option::Option<
                    _,
                >>::Some({
                    #[allow(unused_imports, reason = "for the compiler to look around in")]
                    use ::reacton::__private::words::*;
                    nevr
                }),
            );
        "#]],
    );
}

#[test]
fn an_invalid_type_is_replaced_by_one_with_the_same_uses() {
    reacton(
        quote!(),
        quote!(
            static COUNT: Reacton<u32> = 0;
        ),
        &expect![[r#"
            ::core::compile_error! {
                "write the type of the value alone: the attribute makes a reacton of it"
            }
            static COUNT: ::reacton::Reacton<u32> = {
                <::reacton::Reacton<u32>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "COUNT"),
                || { 0 },
                ::core::option::Option::None,
            );
        "#]],
    );
    computed(
        quote!(),
        quote!(
            static TWICE: reacton::Computed<u32> = |cx| cx.get(&COUNT) * 2;
        ),
        &expect![[r#"
            ::core::compile_error! {
                "write the type of the value alone: the attribute makes a reacton of it"
            }
            static TWICE: ::reacton::Computed<u32> = {
                <::reacton::Computed<u32>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "TWICE"),
                |cx| cx.get(&COUNT) * 2,
                ::core::option::Option::None,
            );
        "#]],
    );
    reacton(
        quote!(),
        quote!(
            static NAME: str = *"nobody";
        ),
        &expect![[r#"
            ::core::compile_error! {
                "a value has a size of its own: write `String`"
            }
            static NAME: ::reacton::Reacton<::std::boxed::Box<str>> = {
                <::reacton::Reacton<::std::boxed::Box<str>>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "NAME"),
                || ::core::unreachable!(),
                ::core::option::Option::None,
            );
        "#]],
    );
    computed(
        quote!(),
        quote!(
            static SQUARE: Family<u32, u32> = |n| n * n;
        ),
        &expect![[r#"
            ::core::compile_error! {
                "a computed family takes two parameters, the reader and the key: write `|cx, key| ..`"
            }
            static SQUARE: ::reacton::ComputedFamily<u32, u32> = {
                <::reacton::ComputedFamily<u32, u32>>::__with_eq
            }(
                ::reacton::__private::concat!(::reacton::__private::module_path!(), "::", "SQUARE"),
                |_, _| ::core::unreachable!(),
                ::reacton::__private::keys::<u32>()
                    .shown_by({
                        use ::reacton::__private::KeyWithoutDebug as _;
                        ::reacton::__private::KeyText::<u32>::SHOW
                    }),
                ::core::option::Option::None,
            );
            const _: fn(&Family<u32, u32>) = |_| ();
        "#]],
    );
}

#[test]
fn an_item_with_another_attribute_is_not_expanded() {
    reacton(
        quote!(),
        quote!(
            #[reacton::computed]
            static TWICE: u32 = |cx| cx.get(&COUNT) * 2;
        ),
        &expect![[r#"
            ::core::compile_error! {
                "`#[reacton]` stands alone: remove this attribute or that one"
            }
            #[reacton::computed]
            static TWICE: u32 = |cx| cx.get(&COUNT) * 2;
        "#]],
    );
}
