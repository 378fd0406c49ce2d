//! What the compiler says of a wrong list of `saved!`: one mistake a file.
//!
//! `TRYBUILD=overwrite cargo test -p reacton-persist --test ui` writes the messages down anew; read them before keeping them.

#[test]
fn misuse_is_refused_with_a_message_that_says_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
