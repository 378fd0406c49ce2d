//! `#[worker]`: a function in, the function and a type of its name that starts it out.

mod signature;
mod twin;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, Error, Signature, Visibility,
    parse::{ParseStream, Parser},
    token::Brace,
};

use self::twin::Twin;
use crate::{args, declaration::refuse_second, diagnostics::Problems};

const ATTRIBUTE: args::Attribute = args::Attribute {
    name: "worker",
    options: &["shared", "answers", "delivery", "zero_copy", "name", "crate"],
};

/// Expands `#[worker(args)] item`.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let options = args::parse(&ATTRIBUTE, args, &mut problems);
    if options.shared.is_none() && options.answers.is_none() {
        let message =
            "`#[worker]` needs the reactons to share: write `#[worker(shared = [A, path::B])]`";
        problems.push(Error::new(Span::call_site(), message));
    }
    let function = match Function::read.parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            problems.push(error);
            return problems.before(item);
        }
    };
    let arguments = signature::check(&function.signature, &mut problems);
    let twin =
        Twin { function: &function, arguments, options: &options, runnable: problems.is_empty() };
    let mut expansion = problems.before(item);
    twin.to_tokens(&mut expansion);
    expansion
}

/// The parts of the user's function that the generated type repeats.
struct Function {
    attrs: Vec<Attribute>,
    vis: Visibility,
    signature: Signature,
}

impl Function {
    fn read(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        refuse_second(ATTRIBUTE.name, &attrs)?;
        let vis = input.parse()?;
        let keyword = input.span();
        // The compiler has already parsed the item: if there is no signature here, it is not a function.
        let signature: Signature = input.parse().map_err(|_| {
            let message =
                "`#[worker]` goes on a function: write `fn name(store: &ReactonStore) { .. }`";
            Error::new(keyword, message)
        })?;
        let receiver = signature.receiver().map(ToTokens::to_token_stream);
        if let Some(method) = receiver.or_else(|| mention_of_self(signature.to_token_stream())) {
            let message = "a worker is a free function: move it out of the `impl` block";
            return Err(Error::new_spanned(method, message));
        }
        if !input.peek(Brace) {
            let message = "a worker is a free function with a body: move it out of the `trait`";
            return Err(Error::new_spanned(&signature.ident, message));
        }
        // The body is emitted unchanged, without parsing.
        input.parse::<TokenStream>()?;
        Ok(Self { attrs, vis, signature })
    }
}

/// The first `Self`, which shows that a function without a receiver is in an `impl` block.
fn mention_of_self(tokens: TokenStream) -> Option<TokenStream> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "Self" => Some(ident.into_token_stream()),
        TokenTree::Group(group) => mention_of_self(group.stream()),
        _ => None,
    })
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots this way")]
#[allow(clippy::too_many_lines, reason = "an expansion is shown whole")]
mod tests;
