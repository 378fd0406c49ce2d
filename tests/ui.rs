//! What the compiler says to programs that use the library wrongly: one mistake a file. `ui_pass.rs` has the others.
//!
//! `TRYBUILD=overwrite cargo test --test ui` writes the messages down anew; read them before keeping them.

#[test]
fn misuse_is_refused_with_a_message_that_says_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
