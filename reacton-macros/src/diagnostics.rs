//! Collects the errors of a macro and passes them to the compiler.

use std::fmt::Display;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote};

/// All errors of one item, so that one compilation shows every one of them.
#[derive(Default)]
pub(crate) struct Problems(Option<syn::Error>);

impl Problems {
    /// Reports `message`, with all of `tokens` underlined.
    ///
    /// `tokens` must not be empty: an error on nothing would underline the whole attribute.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub(crate) fn append(&mut self, others: Self) {
        if let Some(error) = others.0 {
            self.push(error);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The errors, then the item exactly as the user wrote it, so that completion in an editor still works.
    pub(crate) fn before(&self, item: TokenStream) -> TokenStream {
        let mut tokens = self.to_token_stream();
        tokens.extend(item);
        tokens
    }
}

/// One `compile_error!` for each problem; nothing when there is none.
impl ToTokens for Problems {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.as_ref().map(syn::Error::to_compile_error));
    }
}

/// A span that is shown at `place` but belongs to the expansion. Errors underline the user's code there, and lints know
/// that the user did not write this.
pub(crate) fn shown_at(place: Span) -> Span {
    Span::call_site().located_at(place)
}

/// The spans of the first token and the last, between which the compiler underlines.
///
/// `Span::join` is unstable, but the compiler itself joins the start of an expression with its
/// closing delimiter: with these two for spans it is shown at all of `tokens`.
pub(crate) fn ends(tokens: impl ToTokens) -> (Span, Span) {
    let spans: Vec<_> = tokens.into_token_stream().into_iter().map(|token| token.span()).collect();
    let place = |span: Option<&Span>| span.copied().unwrap_or_else(Span::call_site);
    (place(spans.first()), place(spans.last()))
}

/// `function(arguments)`, which errors underline exactly where `tokens` are.
pub(crate) fn call_at(
    tokens: impl ToTokens,
    function: &Ident,
    arguments: TokenStream,
) -> TokenStream {
    let (first, last) = ends(tokens);
    let mut function = function.clone();
    function.set_span(shown_at(first));
    let mut arguments = Group::new(Delimiter::Parenthesis, arguments);
    arguments.set_span(shown_at(last));
    quote!(#function #arguments)
}

/// `expression`, which errors underline exactly where `tokens` are.
///
/// Only its first and last token are shown there, and these must be punctuation: "go to definition" in an editor
/// follows every name that is shown at the place of the user's name.
pub(crate) fn spanning(tokens: impl ToTokens, expression: TokenStream) -> TokenStream {
    let (first, last) = ends(tokens);
    let mut expression: Vec<_> = expression.into_iter().collect();
    for (end, place) in [(expression.len() - 1, last), (0, first)] {
        expression[end].set_span(shown_at(place));
    }
    expression.into_iter().collect()
}

/// `path`, shown at `place`, with the meaning that it had where it was written.
pub(crate) fn moved_to(path: &syn::Path, place: Span) -> TokenStream {
    let mut tokens = path.to_token_stream().into_iter().collect::<Vec<_>>();
    for token in &mut tokens {
        token.set_span(token.span().located_at(place));
    }
    tokens.into_iter().collect()
}

/// What to write for a type without a size, as far as tokens show.
pub(crate) fn sized_form(ty: &syn::Type) -> Option<&'static str> {
    match ty {
        syn::Type::Slice(_) => Some("Vec<..>"),
        syn::Type::TraitObject(_) => Some("Box<dyn ..>"),
        syn::Type::Path(path) if path.path.is_ident("str") => Some("String"),
        _ => None,
    }
}

/// Writes `words` as "`a`, `b`, `c`".
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// The path without the spaces with which tokens are printed.
pub(crate) fn written(path: &syn::Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}

/// The entry of `known` that `word` is most likely a misspelling of.
pub(crate) fn closest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    // Two typos are likely in a long word; in a short one, only one.
    let slips = if word.len() > 3 { 2 } else { 1 };
    let candidates = known.iter().map(|k| (distance(word, k), *k));
    let nearest = candidates.min_by_key(|(distance, _)| *distance)?;
    let begun = || known.iter().copied().find(|k| word.len() > 2 && k.starts_with(word));
    if nearest.0 <= slips { Some(nearest.1) } else { begun() }
}

/// The Levenshtein distance, one row of the table at a time.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.chars().count()]
}

#[cfg(test)]
pub(crate) mod testing {
    //! What the snapshots of all files are printed with.

    use proc_macro2::TokenStream;
    use quote::ToTokens;
    use syn::Item;

    /// The expansion, as a person would write it.
    pub(crate) fn print(expansion: TokenStream) -> String {
        prettyplease::unparse(&syn::parse2(expansion).expect("the expansion is a list of items"))
    }

    /// The messages of the expansion alone, one a line.
    pub(crate) fn messages(expansion: TokenStream) -> String {
        let file: syn::File = syn::parse2(expansion).expect("the expansion is a list of items");
        let errors = file.items.iter().filter_map(|item| match item {
            Item::Macro(item) => Some(item.mac.tokens.to_token_stream()),
            _ => None,
        });
        let literals = errors.map(syn::parse2::<syn::LitStr>);
        let texts =
            literals.map(|literal| literal.expect("the error is one literal").value() + "\n");
        texts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_single_letter_edits() {
        assert_eq!(distance("shared", "shared"), 0);
        assert_eq!(distance("shard", "shared"), 1);
        assert_eq!(distance("zerocopy", "zero_copy"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "id"), 2);
    }

    #[test]
    fn a_suggestion_is_made_only_for_a_likely_misspelling() {
        let known = ["id", "eq", "zero_copy", "crate"];
        assert_eq!(closest("zero_cpoy", &known), Some("zero_copy"));
        assert_eq!(closest("Id", &known), Some("id"));
        assert_eq!(closest("zero", &known), Some("zero_copy"));
        assert_eq!(closest("transferable", &known), None);
        assert_eq!(closest("xy", &known), None);
    }
}
