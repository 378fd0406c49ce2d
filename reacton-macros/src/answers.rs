//! The list of the calls that a worker answers: parsed, reduced to paths, and expanded to slots.

use std::collections::HashSet;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, ExprPath, Path, Token, parse::ParseStream, punctuated::Punctuated};

use crate::diagnostics::{Problems, spanning, written};
use crate::elements::bare;

const ELEMENT: &str = "expected the path of a `#[call]` static, such as `A` or `path::B`";

/// Reads the elements of a list, up to the end of `input`.
pub(crate) fn read(input: ParseStream<'_>, problems: &mut Problems) -> syn::Result<Vec<Path>> {
    // As expressions, so that one wrong element is one precise error and the others are still checked.
    let elements = match Punctuated::<Expr, Token![,]>::parse_terminated(input) {
        Ok(elements) => elements,
        Err(error) => {
            // Consumes the rest, or syn would report it a second time.
            problems.push(syn::Error::new(error.span(), ELEMENT));
            input.parse::<TokenStream>()?;
            return Ok(Vec::new());
        }
    };
    let (mut paths, mut seen) = (Vec::new(), HashSet::new());
    for element in elements {
        match bare(element) {
            Expr::Path(ExprPath { attrs, qself: None, path }) if attrs.is_empty() => {
                let text = written(&path);
                if seen.insert(text.clone()) {
                    paths.push(path);
                } else {
                    problems.at(&path, format!("`{text}` is listed twice: remove one of them"));
                }
            }
            Expr::Path(ExprPath { attrs, .. }) if !attrs.is_empty() => {
                let message = "an element cannot come and go: put the `cfg` on the whole worker";
                problems.at(quote!(#(#attrs)*), message);
            }
            Expr::Reference(reference) => {
                let inner = reference.expr.to_token_stream().to_string().replace(' ', "");
                let message = format!("name the call itself, without `&`: `{inner}`");
                problems.at(&reference, message);
            }
            other => problems.at(&other, ELEMENT),
        }
    }
    Ok(paths)
}

/// The slots of `calls`: a missing bound is reported at its element.
pub(crate) fn slots(krate: &Path, calls: &[Path]) -> impl Iterator<Item = TokenStream> {
    calls.iter().map(move |path| {
        let slot = spanning(path, quote!(<#krate::__private::AnswerSlot>::listed::<>));
        let new = spanning(path, quote!(<#krate::__private::ListedCall<_>>::new::<>));
        let new = spanning(path, quote!(#new(&#path)));
        let element = spanning(path, quote!(#new.element()));
        quote!(#slot(#element))
    })
}

/// Checks what tokens cannot show: whether two paths in the list of `worker` are the same call.
pub(crate) fn doubled(krate: &Path, worker: &Ident, calls: &[Path]) -> TokenStream {
    let names = calls.iter().map(written);
    let slot = quote!(#krate::__private::AnswerSlot);
    let checks = calls.iter().enumerate().skip(1).map(|(at, path)| {
        let at = Literal::usize_unsuffixed(at);
        let reject = spanning(path, quote!(<#slot>::reject_duplicate::<>));
        let call = spanning(path, quote!(#reject(SLOTS, #at, NAMES)));
        quote!(#call;)
    });
    quote! {
        const _: () = {
            const NAMES: &[&str] = &[#(#names),*];
            const SLOTS: &[#slot] = <#worker as #krate::__private::Worker>::ANSWERS;
            #(#checks)*
        };
    }
}
