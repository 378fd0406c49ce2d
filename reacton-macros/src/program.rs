//! What the attributes make of the README's program, as ARCHITECTURE.md shows it.
//!
//! `UPDATE_EXPECT=1 cargo test -p reacton-macros` writes it down anew.

use expect_test::expect_file;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Item, Meta};

use crate::{
    declaration::{self, Kind},
    diagnostics::testing::print,
    worker,
};

const README: &str = include_str!("../../README.md");
const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");

/// Before the expansion; after it stands the end of the block.
const BEGIN: &str =
    "<!-- What the test in reacton-macros/src/program.rs prints: -->\n```rust,ignore\n";
const END: &str = "```\n";

#[test]
fn the_architecture_shows_what_the_program_expands_to() {
    let (_, rest) = README.split_once("```rust\n").expect("the README begins with the program");
    let (program, _) = rest.split_once(END).expect("the program ends with a fence");
    let (before, rest) =
        ARCHITECTURE.split_once(BEGIN).expect("the expansion is in ARCHITECTURE.md");
    let (_, after) = rest.split_once(END).expect("the expansion ends with a fence");
    let expansion = expand(program);
    expect_file!["../../ARCHITECTURE.md"]
        .assert_eq(&format!("{before}{BEGIN}{expansion}{END}{after}"));
}

/// What the attributes of this library make of `program`, without the items that have none.
fn expand(program: &str) -> String {
    let program: syn::File = syn::parse_str(program).expect("the program is valid Rust");
    let expansions = program.items.into_iter().filter_map(|mut item| {
        let attrs = match &mut item {
            Item::Static(item) => &mut item.attrs,
            Item::Fn(item) => &mut item.attrs,
            _ => return None,
        };
        let at = attrs.iter().position(|a| !a.path().is_ident("doc"))?;
        let attribute = attrs.remove(at);
        let (options, item) = (options(&attribute), item.into_token_stream());
        let is = |name: &str| attribute.path().is_ident(name);
        assert!(is("reacton") || is("worker"), "the program has another attribute");
        Some(if is("reacton") {
            declaration::expand(Kind::Reacton, options, item)
        } else {
            worker::expand(options, item)
        })
    });
    // One by one, with an empty line between.
    expansions.map(print).collect::<Vec<_>>().join("\n")
}

pub(crate) fn options(attribute: &Attribute) -> TokenStream {
    match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    }
}
