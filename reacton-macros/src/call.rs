//! `#[call]`: a `static` of two types in, a `static` that declares the call out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, Expr, GenericArgument, Ident, PathArguments, Token, Type, Visibility,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use crate::{
    args::{self, Options},
    declaration::refuse_second,
    diagnostics::{Problems, sized_form, spanning},
};

const ATTRIBUTE: args::Attribute =
    args::Attribute { name: "call", options: &["id", "zero_copy", "crate"] };

/// The form of a declaration, for messages.
const FORM: &str = "static NAME: Call<Question, Answer>;";

/// The parts of the user's item that the expansion uses again.
struct Declaration {
    attrs: Vec<Attribute>,
    vis: Visibility,
    ident: Ident,
    ty: Type,
    question: Type,
    answer: Type,
}

/// Expands `#[call(args)] item`.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let options = args::parse(&ATTRIBUTE, args, &mut problems);
    let mut is_static = false;
    let read = |input: ParseStream<'_>| Declaration::read(input, &mut is_static, &mut problems);
    match read.parse2(item.clone()) {
        Ok(declaration) => declaration.expand(&options, &mut problems),
        Err(error) => {
            problems.push(error);
            // A static without a value would only cause a second error.
            if is_static { problems.to_token_stream() } else { problems.before(item) }
        }
    }
}

impl Declaration {
    fn read(
        input: ParseStream<'_>,
        is_static: &mut bool,
        problems: &mut Problems,
    ) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        refuse_second(ATTRIBUTE.name, &attrs)?;
        let vis = input.parse()?;
        if input.peek(Token![const]) && input.peek2(Ident) {
            let token: Token![const] = input.parse()?;
            problems.at(token, "`#[call]` needs a `static`: a `const` has no identity");
        } else if input.peek(Token![static]) {
            input.parse::<Token![static]>()?;
        } else {
            let message = format!("`#[call]` goes on a `static`: write `{FORM}`");
            return Err(input.error(message));
        }
        *is_static = true;
        if let Some(token) = input.parse::<Option<Token![mut]>>()? {
            problems.at(token, "a call holds no value: remove `mut`");
        }
        let ident: Ident = input.parse()?;
        if !input.peek(Token![:]) {
            let message =
                format!("`{ident}` needs the types of its question and its answer: write `{FORM}`");
            return Err(Error::new(ident.span(), message));
        }
        input.parse::<Token![:]>()?;
        let ty: Type = input.parse()?;
        let (question, answer) = carried(&ty, problems)?;
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            let value: Expr = input.parse()?;
            problems.at(value, format!("a call holds no value: write `{FORM}`"));
        }
        input.parse::<Token![;]>()?;
        Ok(Self { attrs, vis, ident, ty, question, answer })
    }

    fn expand(&self, options: &Options, problems: &mut Problems) -> TokenStream {
        let Self { attrs, vis, ident, ty, question, answer } = self;
        for carried in [question, answer] {
            check(carried, options, problems);
        }
        let krate = &options.krate;
        let mode = options.zero_copy.then(|| quote!(, #krate::ZeroCopy));
        let declared = match &mode {
            None if problems.is_empty() => ty.to_token_stream(),
            _ => quote!(#krate::Call<#question, #answer #mode>),
        };
        // Uses an import of `Call` even where the declared type is another.
        let named = mode.is_some().then(|| {
            let cfgs = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
            quote!(#(#cfgs)* const _: fn(&#ty) = |_| ();)
        });
        let name = ident.unraw().to_string();
        let path =
            quote!(#krate::__private::concat!(#krate::__private::module_path!(), "::", #name));
        let ways = [question, answer].map(|ty| way(ty, options, problems.is_empty()));
        // After an error, the id may be the cause.
        let id = options.id.iter().filter(|_| problems.is_empty());
        quote! {
            #problems
            #(#attrs)*
            #vis static #ident: #declared =
                <#krate::Call<#question, #answer #mode>>::__new(#path, #(#ways),*) #(.__id(#id))*;
            #named
        }
    }
}

/// How values of `ty` cross. A missing bound is reported at the type.
fn way(ty: &Type, options: &Options, sound: bool) -> TokenStream {
    let krate = &options.krate;
    let way = match (sound, options.zero_copy) {
        // After an error, the type is not checked any further.
        (false, _) => quote!(none),
        (true, false) => quote!(copied),
        (true, true) => quote!(counted),
    };
    let way = spanning(ty, quote!(<#krate::__private::CallWay<#ty>>::#way::<>));
    quote!({ #way }())
}

/// The types of question and answer in a type that is written as a `Call`.
fn carried(ty: &Type, problems: &mut Problems) -> syn::Result<(Type, Type)> {
    let refused = || {
        Error::new_spanned(
            ty,
            format!("the type of a call is `Call<Question, Answer>`: write `{FORM}`"),
        )
    };
    let Type::Path(path) = ty else { return Err(refused()) };
    let last = path.path.segments.last().filter(|last| last.ident == "Call");
    let Some(PathArguments::AngleBracketed(arguments)) = last.map(|last| &last.arguments) else {
        return Err(refused());
    };
    let mut types = arguments.args.iter().map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    match (types.next().flatten(), types.next().flatten(), types.next()) {
        (Some(question), Some(answer), None) => Ok((question, answer)),
        (Some(question), Some(answer), Some(_)) => {
            let message = "a call has two types: remove the third, and write `#[call(zero_copy)]` to hand values over";
            problems.at(&arguments.args[2], message);
            Ok((question, answer))
        }
        _ => Err(refused()),
    }
}

/// Reports types that tokens alone show to be impossible.
fn check(ty: &Type, options: &Options, problems: &mut Problems) {
    if let Some(instead) = sized_form(ty) {
        problems.at(ty, format!("a value has a size of its own: write `{instead}`"));
    } else if !options.zero_copy
        && let Some(borrowed) = reference(ty.to_token_stream())
    {
        let message = "what a call carries owns its data: write `String` for `&str`, `Vec` for a slice, \
                       or hand it over as it is with `#[call(zero_copy)]`";
        problems.at(borrowed, message);
    }
}

/// The first `&'a` of a type, at any depth.
fn reference(tokens: TokenStream) -> Option<TokenStream> {
    for token in tokens {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '&' => {
                return Some(sign.into_token_stream());
            }
            TokenTree::Group(group) if group.delimiter() != Delimiter::Brace => {
                if let Some(found) = reference(group.stream()) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots this way")]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::diagnostics::testing::{messages, print};

    fn check(args: TokenStream, item: TokenStream, expected: &Expect) {
        expected.assert_eq(&print(expand(args, item)));
    }

    fn refused(args: TokenStream, item: TokenStream, expected: &Expect) {
        expected.assert_eq(&messages(expand(args, item)));
    }

    #[test]
    fn a_static_of_two_types_becomes_a_call() {
        check(
            TokenStream::new(),
            quote! {
                /// Makes a picture smaller.
                pub static THUMBNAIL: Call<Job, Result<Picture, String>>;
            },
            &expect![[r#"
                /// Makes a picture smaller.
                pub static THUMBNAIL: Call<Job, Result<Picture, String>> = <::reacton::Call<
                    Job,
                    Result<Picture, String>,
                >>::__new(
                    ::reacton::__private::concat!(
                        ::reacton::__private::module_path!(), "::", "THUMBNAIL"
                    ),
                    { <::reacton::__private::CallWay<Job>>::copied }(),
                    { <::reacton::__private::CallWay<Result<Picture, String>>>::copied }(),
                );
            "#]],
        );
    }

    #[test]
    fn options_change_the_mode_and_the_id() {
        check(
            quote!(zero_copy, id = "thumbs::make", crate = state),
            quote!(
                #[cfg(feature = "pictures")]
                static THUMBNAIL: reacton::Call<Job, &'static str>;
            ),
            &expect![[r##"
                #[cfg(feature = "pictures")]
                static THUMBNAIL: state::Call<Job, &'static str, state::ZeroCopy> = <state::Call<
                    Job,
                    &'static str,
                    state::ZeroCopy,
                >>::__new(
                        state::__private::concat!(state::__private::module_path!(), "::", "THUMBNAIL"),
                        { <state::__private::CallWay<Job>>::counted }(),
                        { <state::__private::CallWay<&'static str>>::counted }(),
                    )
                    .__id("thumbs::make");
                #[cfg(feature = "pictures")]
                const _: fn(&reacton::Call<Job, &'static str>) = |_| ();
            "##]],
        );
    }

    #[test]
    fn an_item_that_is_no_declaration_is_refused() {
        let none = TokenStream::new;
        refused(
            none(),
            quote!(
                static A: Call<u8, u8> = 1;
            ),
            &expect![[r#"
            a call holds no value: write `static NAME: Call<Question, Answer>;`
        "#]],
        );
        refused(
            none(),
            quote!(
                const A: Call<u8, u8>;
            ),
            &expect![[r#"
            `#[call]` needs a `static`: a `const` has no identity
        "#]],
        );
        refused(
            none(),
            quote!(
                static mut A: Call<u8, u8>;
            ),
            &expect![[r#"
            a call holds no value: remove `mut`
        "#]],
        );
        refused(
            quote!(eq = never),
            quote!(
                static A: Call<&'static str, [u8]>;
            ),
            &expect![[r#"
            unknown option `eq`: `#[call]` takes `id`, `zero_copy`, `crate`
            what a call carries owns its data: write `String` for `&str`, `Vec` for a slice, or hand it over as it is with `#[call(zero_copy)]`
            a value has a size of its own: write `Vec<..>`
        "#]],
        );
        let only = |item: TokenStream| {
            let expansion = expand(none(), item).to_string();
            expansion.split('"').nth(1).map(String::from).unwrap_or_default()
        };
        expect!["`A` needs the types of its question and its answer: write `static NAME: Call<Question, Answer>;`"].assert_eq(&only(quote!(static A;)));
        expect!["the type of a call is `Call<Question, Answer>`: write `static NAME: Call<Question, Answer>;`"].assert_eq(&only(quote!(static A: u8;)));
        expect!["the type of a call is `Call<Question, Answer>`: write `static NAME: Call<Question, Answer>;`"].assert_eq(&only(quote!(static A: Call<u8>;)));
        expect!["a call has two types: remove the third, and write `#[call(zero_copy)]` to hand values over"].assert_eq(&only(quote!(static A: Call<u8, u8, ZeroCopy>;)));
        expect!["`#[call]` goes on a `static`: write `static NAME: Call<Question, Answer>;`"]
            .assert_eq(&only(quote!(
                fn a() {}
            )));
        expect!["`#[call]` stands alone: remove this attribute or that one"].assert_eq(&only(
            quote!(
                #[reacton]
                static A: Call<u8, u8>;
            ),
        ));
    }
}
