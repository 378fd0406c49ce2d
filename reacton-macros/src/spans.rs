//! Where the names of an expansion lead to: what an editor goes to, and what an error underlines.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;

use crate::{
    declaration::{self, Kind},
    program::options,
    worker,
};

/// Prints each name of the expansion of `source` that has a place in it, once for each place: the line and
/// column, the name, and what stands at that place if it is something else.
fn check(source: &str, expected: &Expect) {
    let mut item: syn::Item = syn::parse_str(source).expect("the source is an item");
    let attrs = match &mut item {
        syn::Item::Static(item) => &mut item.attrs,
        syn::Item::Fn(item) => &mut item.attrs,
        _ => panic!("the source is neither a static nor a function"),
    };
    let attribute = attrs.remove(0);
    let (options, item) = (options(&attribute), item.to_token_stream());
    let kind = if attribute.path().is_ident("computed") { Kind::Computed } else { Kind::Reacton };
    let expansion = if attribute.path().is_ident("worker") {
        // The function itself comes first, as it is.
        let after = item.clone().into_iter().count();
        worker::expand(options, item).into_iter().skip(after).collect()
    } else {
        declaration::expand(kind, options, item)
    };
    let mut places = BTreeSet::new();
    each_ident(expansion, &mut |ident| {
        // What belongs to the expansion alone has no text.
        if let Some(text) = ident.span().source_text().filter(|text| !text.is_empty()) {
            let (start, name) = (ident.span().start(), ident.to_string());
            let instead = if text == name { String::new() } else { format!(" at `{text}`") };
            places.insert((start.line, start.column, format!("{name}{instead}")));
        }
    });
    let lines = places.iter().map(|(line, column, name)| format!("{line}:{column} {name}\n"));
    expected.assert_eq(&lines.collect::<String>());
}

fn each_ident(tokens: TokenStream, tell: &mut impl FnMut(&Ident)) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => tell(&ident),
            TokenTree::Group(group) => each_ident(group.stream(), tell),
            _ => {}
        }
    }
}

#[test]
fn the_names_of_a_worker_lead_to_its_function_and_its_list() {
    check(
        "#[worker(shared = [COUNT, state::STEP])]\nfn counter(store: &ReactonStore, by: u32) {}",
        &expect![[r#"
            1:19 COUNT
            1:26 state
            1:33 STEP
            2:3 builder at `counter`
            2:3 counter
            2:3 enum at `counter`
            2:3 shared at `counter`
            2:3 spawn at `counter`
            2:3 spawn_async at `counter`
            2:19 _ at `ReactonStore`
            2:33 by
            2:37 u32
        "#]],
    );
}

#[test]
fn the_names_of_an_async_worker_lead_to_its_return_type() {
    check(
        "#[worker(shared = [COUNT], crate = rx)]\nasync fn counter(store: ReactonStore) -> Result<(), E> {}",
        &expect![[r#"
            1:19 COUNT
            1:35 rx
            2:9 builder at `counter`
            2:9 counter
            2:9 enum at `counter`
            2:9 shared at `counter`
            2:9 spawn at `counter`
            2:9 spawn_async at `counter`
            2:24 _ at `ReactonStore`
            2:41 __private at `Result`
            2:41 counter at `Result`
            2:41 drive at `Result`
            2:41 rx at `Result`
            2:41 store at `Result`
        "#]],
    );
}

#[test]
fn the_names_of_a_declaration_lead_to_it() {
    check(
        "#[reacton(eq = near)]\nstatic LEVEL: f64 = start();",
        &expect![[r#"
            1:15 Some at `near`
            1:15 near
            2:0 static
            2:7 LEVEL
            2:14 f64
            2:20 start
        "#]],
    );
    check(
        "#[computed]\nstatic TWICE: u32 = |cx| cx.get(&COUNT) * 2;",
        &expect![[r#"
            2:0 static
            2:7 TWICE
            2:14 u32
            2:21 cx
            2:25 cx
            2:28 get
            2:33 COUNT
        "#]],
    );
    check(
        "#[reacton]\nstatic NAME: Family<u32, String> = name_of;",
        &expect![[r#"
            2:0 static
            2:7 NAME
            2:13 Family
            2:20 u32
            2:25 String
            2:35 name_of
        "#]],
    );
}
