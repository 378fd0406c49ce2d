//! Options as users write them, right and wrong.

use expect_test::{Expect, expect};
use quote::quote;

use super::*;
use crate::diagnostics::{testing::messages, written};

const ALL: Attribute = Attribute {
    name: "all",
    options: &["shared", "delivery", "zero_copy", "id", "eq", "name", "crate"],
};

fn check(args: TokenStream, expected: &Expect) -> Options {
    let mut problems = Problems::default();
    let options = parse(&ALL, args, &mut problems);
    expected.assert_eq(&messages(problems.to_token_stream()));
    options
}

#[test]
fn all_options_are_read_in_any_order() {
    let args = quote!(
        crate = a::b,
        name = "n",
        eq = <T as Near>::near,
        id = "i",
        zero_copy,
        delivery = latest,
        shared = [A, b::C,],
    );
    let options = check(args, &expect![[""]]);
    assert_eq!(written(&options.krate), "a::b");
    assert_eq!(options.name.map(|name| name.value()).as_deref(), Some("n"));
    assert_eq!(options.id.map(|id| id.value()).as_deref(), Some("i"));
    assert!(options.zero_copy);
    assert!(matches!(options.eq, Some(Equality::By(_))));
    assert!(options.delivery.is_some_and(|delivery| delivery == "Latest"));
    let shared: Vec<_> =
        options.shared.iter().flatten().map(|element| written(&element.path)).collect();
    assert_eq!(shared, ["A", "b::C"]);
}

#[test]
fn the_message_about_an_option_of_the_wrong_form_shows_the_right_form() {
    check(
        quote!(
            id,
            eq = |a, b| a == b,
            name = 5,
            delivery = newest,
            zero_copy = true,
            crate = "x",
            shared = A
        ),
        &expect![[r#"
            expected `id = "a::unique::path"`
            expected `eq = path`, the path of a `fn(&T, &T) -> bool`, or `eq = never`
            expected `name = "thread-name"`
            expected `delivery = latest` or `delivery = every`
            expected `zero_copy` alone, without a value
            expected `crate = path::to::reacton`
            expected `shared = [A, path::B]`
        "#]],
    );
    check(
        quote!(delivery(latest), shared: [A]),
        &expect![[r#"
            expected `delivery = latest` or `delivery = every`: did you mean `latest`?
            expected `shared = [A, path::B]`
        "#]],
    );
}

#[test]
fn an_option_that_is_unknown_or_repeated_does_not_hide_the_others() {
    check(
        quote!(shard = [A, B], transferable, id = "", id = "x", "y", name = "a\0b", name = ""),
        &expect![[r#"
            unknown option `shard`: did you mean `shared`? `#[all]` takes `shared`, `delivery`, `zero_copy`, `id`, `eq`, `name`, `crate`
            unknown option `transferable`: `#[all]` takes `shared`, `delivery`, `zero_copy`, `id`, `eq`, `name`, `crate`
            an id cannot be empty: write a path that no other reacton has, such as `"app::count"`
            `id` is given twice: remove one of them
            expected an option: `#[all]` takes `shared`, `delivery`, `zero_copy`, `id`, `eq`, `name`, `crate`
            a thread's name cannot contain `\0`: remove it
            `name` is given twice: remove one of them
        "#]],
    );
    check(
        quote!(COUNT, delivery = every),
        &expect![[r#"
            unknown option `COUNT`: write `shared = [COUNT]`; `#[all]` takes `shared`, `delivery`, `zero_copy`, `id`, `eq`, `name`, `crate`
        "#]],
    );
    check(
        quote!(name = ""),
        &expect![[r#"
        a name cannot be empty: remove `name` to call the thread after its function
    "#]],
    );
}

#[test]
fn every_wrong_element_of_a_list_is_reported() {
    let args = quote!(
        shared = [
            A,
            &A,
            &b::C,
            "A",
            A + 1,
            A,
            b::C,
            b::C,
            #[cfg(x)]
            D
        ]
    );
    let options = check(
        args,
        &expect![[r#"
            name the reacton itself, without `&`: `A`
            name the reacton itself, without `&`: `b::C`
            expected the path of a `#[reacton]` static, such as `A` or `path::B`, or of a group, `..GROUP`
            expected the path of a `#[reacton]` static, such as `A` or `path::B`, or of a group, `..GROUP`
            `A` is listed twice: remove one of them
            `b::C` is listed twice: remove one of them
            an element cannot come and go: put the `cfg` on the whole worker
        "#]],
    );
    let shared: Vec<_> =
        options.shared.iter().flatten().map(|element| written(&element.path)).collect();
    assert_eq!(shared, ["A", "b::C"]);
    check(
        quote!(shared = [], zero_copy),
        &expect![[r#"
            an empty list shares nothing: name at least one reacton, as in `shared = [A]`
        "#]],
    );
    check(
        quote!(shared = [A B], id = ""),
        &expect![[r#"
        expected `,`
        an id cannot be empty: write a path that no other reacton has, such as `"app::count"`
    "#]],
    );
}

#[test]
fn what_may_have_been_meant_as_the_list_counts_as_one() {
    let given = |args| {
        let options = parse(&ALL, args, &mut Problems::default());
        options.shared.is_some()
    };
    assert!(given(quote!(shard = [A])));
    assert!(given(quote!(A)));
    assert!(given(quote!([A])));
    assert!(!given(quote!(delivry = latest)));
    assert!(!given(quote!()));
}
