//! The list of shared reactons: parsed, reduced to paths, and expanded to the slots of a shared set.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Error, Expr, ExprPath, Path, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::diagnostics::{Problems, closest, spanning, written};

const ELEMENT: &str = "expected the path of a `#[reacton]` static, such as `A` or `path::B`";

const DIRECTIONS: &str = "write `in A` for what the worker only reads, `out A` for what only the worker writes, or `A` for both";

/// Expands `shared![A, path::B]`, which comes as `path::to::reacton; A, path::B`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let read = |input: ParseStream<'_>| {
        let krate = input.call(Path::parse_mod_style)?;
        input.parse::<Token![;]>()?;
        if input.is_empty() {
            problems.push(Error::new(Span::call_site(), empty("shared![A]")));
        }
        Ok((krate, read(input, &mut problems)?))
    };
    let (krate, elements) = match read.parse2(input) {
        Ok(read) => read,
        // Only a call that does not come from the facade's macro gets here.
        Err(error) => return error.to_compile_error(),
    };
    let set = quote!(<#krate::SharedSet as ::core::convert::From<_>>::from);
    if problems.is_empty() {
        let slots = slots(&krate, &elements, "listed");
        let import = import(&krate);
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

/// One reacton of a list: `A`, `in A` or `out A`.
pub(crate) struct Element {
    /// `None` if both sides write it.
    direction: Option<Direction>,
    pub(crate) path: Path,
}

impl Element {
    /// Whether one side only writes it.
    pub(crate) fn is_directed(&self) -> bool {
        self.direction.is_some()
    }
}

/// Which side writes a reacton.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// The store that spawns the worker.
    In,
    /// The worker.
    Out,
}

impl Direction {
    /// The method that sets this direction of a slot.
    fn method(self) -> Ident {
        let name = match self {
            Self::In => "inward",
            Self::Out => "outward",
        };
        Ident::new(name, Span::call_site())
    }

    /// Parses the words before a reacton. `out` is a keyword only there: elsewhere it may be a path.
    fn read(input: ParseStream<'_>, problems: &mut Problems) -> syn::Result<Option<Self>> {
        let mut read = None;
        loop {
            let word: Ident = if input.peek(Token![in]) || precedes_path(input) {
                input.call(Ident::parse_any)?
            } else {
                return Ok(read);
            };
            let direction = match word.to_string().as_str() {
                "in" => Self::In,
                "out" => Self::Out,
                other => {
                    let hint = closest(other, &["in", "out"])
                        .map_or_else(String::new, |meant| format!("did you mean `{meant}`? "));
                    problems.at(&word, format!("unknown direction `{other}`: {hint}{DIRECTIONS}"));
                    continue;
                }
            };
            match read.replace(direction) {
                Some(before) if before == direction => {
                    problems.at(&word, format!("`{word}` is repeated: remove one of them"));
                }
                Some(_) => problems.at(&word, format!("a reacton has one direction: {DIRECTIONS}")),
                None => {}
            }
        }
    }
}

/// Whether the next word can only be a direction, because a path follows it. Names of statics are not taken for
/// directions: between two of them a comma is missing.
fn precedes_path(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let word: Option<Ident> = ahead.parse().ok();
    let is_word = word.is_some_and(|word| word.to_string().starts_with(char::is_lowercase));
    let begins_path = |next: Ident| {
        let next = next.to_string();
        syn::parse_str::<Ident>(&next).is_ok()
            || matches!(next.as_str(), "in" | "crate" | "self" | "super")
    };
    is_word && ahead.call(Ident::parse_any).is_ok_and(begins_path)
}

/// Reads the elements of a list, up to the end of `input`.
pub(crate) fn read(input: ParseStream<'_>, problems: &mut Problems) -> syn::Result<Vec<Element>> {
    // Parsed as expressions first, so that a wrong element causes one precise error and the others are still checked.
    let mut directions = Vec::new();
    let mut elements = Punctuated::<Expr, Token![,]>::new();
    while !input.is_empty() {
        directions.push(Direction::read(input, problems)?);
        let place = input.span();
        match input.parse() {
            Ok(element) => elements.push_value(element),
            Err(_) => return refuse(Error::new(place, ELEMENT), input, problems),
        }
        if input.is_empty() {
            break;
        }
        match input.parse() {
            Ok(comma) => elements.push_punct(comma),
            Err(error) => return refuse(error, input, problems),
        }
    }
    Ok(narrow(directions.into_iter().zip(elements), problems))
}

/// Reports `error` and consumes the rest, or syn would report it a second time.
fn refuse(
    error: Error,
    rest: ParseStream<'_>,
    problems: &mut Problems,
) -> syn::Result<Vec<Element>> {
    problems.push(error);
    rest.parse::<TokenStream>()?;
    Ok(Vec::new())
}

fn narrow(
    elements: impl IntoIterator<Item = (Option<Direction>, Expr)>,
    problems: &mut Problems,
) -> Vec<Element> {
    let mut narrowed = Vec::new();
    let mut seen = HashSet::new();
    for (direction, element) in elements {
        match bare(element) {
            Expr::Path(ExprPath { attrs, qself: None, path }) if attrs.is_empty() => {
                let text = written(&path);
                if seen.contains(&text) {
                    problems.at(&path, format!("`{text}` is listed twice: remove one of them"));
                } else {
                    seen.insert(text);
                    narrowed.push(Element { direction, path });
                }
            }
            Expr::Path(ExprPath { attrs, .. }) if !attrs.is_empty() => {
                let message = "an element cannot come and go: put the `cfg` on the whole worker";
                problems.at(quote!(#(#attrs)*), message);
            }
            Expr::Reference(reference) => {
                let inner = reference.expr.to_token_stream();
                let message = format!("name the reacton itself, without `&`: `{inner}`");
                problems.at(&reference, message.replace(" :: ", "::"));
            }
            Expr::MethodCall(call) if call.method == "of" => {
                let message = "one member of a family cannot be shared with a worker: \
                               share the family, whose members cross one by one";
                problems.at(&call, message);
            }
            other => problems.at(&other, ELEMENT),
        }
    }
    narrowed
}

/// The expression without the invisible groups that `macro_rules!` adds.
fn bare(element: Expr) -> Expr {
    match element {
        Expr::Group(group) => bare(*group.expr),
        element => element,
    }
}

/// The slots of `elements`, made by the function `listed`: a missing bound is reported at its element.
pub(crate) fn slots<'p>(
    krate: &Path,
    elements: &'p [Element],
    listed: &str,
) -> impl Iterator<Item = TokenStream> + use<'p> {
    let (krate, listed) = (krate.clone(), Ident::new(listed, Span::call_site()));
    elements.iter().map(move |Element { direction, path }| {
        let slot = spanning(path, quote!(<#krate::__private::SharedSlot>::#listed::<>));
        let new = spanning(path, quote!(<#krate::__private::ListEntry<_>>::new::<>));
        let new = spanning(path, quote!(#new(&#path)));
        let element = spanning(path, quote!(#new.entry()));
        let direction = direction.map(Direction::method);
        let direction = direction.map(|method| quote!(.#method()));
        quote!(#slot(#element) #direction)
    })
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
                        "expected the path of a `#[reacton]` static, such as `A` or `path::B`"
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
