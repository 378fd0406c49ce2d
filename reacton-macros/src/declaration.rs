//! `#[reacton]` and `#[computed]`: a `static` of a value in, a `static` that only declares it out.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Error, Expr, Ident, Token, Type, Visibility,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    spanned::Spanned,
};

use crate::{
    args::{self, Equality, Options},
    diagnostics::{Problems, shown_at},
};

/// Which of the two attributes stands on the `static`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Reacton,
    Computed,
}

impl Kind {
    fn attribute(self) -> &'static args::Attribute {
        match self {
            Self::Reacton => &args::Attribute {
                name: "reacton",
                options: &["id", "eq", "zero_copy", "crate"],
            },
            Self::Computed => &args::Attribute {
                name: "computed",
                options: &["id", "eq", "crate"],
            },
        }
    }

    /// What a declaration looks like.
    fn form(self) -> &'static str {
        match self {
            Self::Reacton => "static NAME: Type = value;",
            Self::Computed => "static NAME: Type = |cx| ..;",
        }
    }
}

/// The user's item, in the tokens that go into the expansion again.
struct Declaration {
    attrs: Vec<Attribute>,
    vis: Visibility,
    static_token: Token![static],
    ident: Ident,
    colon: Token![:],
    ty: Type,
    equals: Token![=],
    /// `None` if there is none, or none that fits: the error is reported, any value of the type will do.
    init: Option<Expr>,
    semicolon: Token![;],
}

/// Expands `#[reacton(args)] item` or `#[computed(args)] item`.
pub(crate) fn expand(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let options = args::parse(kind.attribute(), args, &mut problems);
    let read = |input: ParseStream<'_>| Declaration::read(kind, input, &mut problems);
    match read.parse2(item.clone()) {
        Ok(declaration) => declaration.expand(kind, &options, &problems),
        Err(error) => {
            problems.push(error);
            problems.before(item)
        }
    }
}

impl Declaration {
    /// Reads the item token by token, because only then can a `const` or a missing value be
    /// reported and still end in a declaration that all uses of the name agree with.
    fn read(kind: Kind, input: ParseStream<'_>, problems: &mut Problems) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let static_token = read_static(kind, input, problems)?;
        if let Some(token) = input.parse::<Option<Token![mut]>>()? {
            let message = "the value lives in a store, which is what changes it: remove `mut`";
            problems.at(token, message);
        }
        let ident: Ident = input.parse()?;
        if !input.peek(Token![:]) {
            let message = format!("`{ident}` needs a type: write `{}`", kind.form());
            return Err(Error::new(ident.span(), message));
        }
        let (colon, ty) = (input.parse()?, input.parse()?);
        let (equals, init) = if input.peek(Token![;]) {
            let message = format!("`{ident}` needs an initial value: write `{}`", kind.form());
            problems.at(&ident, message);
            (<Token![=]>::default(), None)
        } else {
            (input.parse()?, Some(input.parse()?))
        };
        Ok(Self {
            attrs,
            vis,
            static_token,
            ident,
            colon,
            ty,
            equals,
            init: init.filter(|init| kind == Kind::Reacton || is_computation(init, problems)),
            semicolon: input.parse()?,
        })
    }

    fn expand(&self, kind: Kind, options: &Options, problems: &Problems) -> TokenStream {
        let Self {
            attrs,
            vis,
            static_token,
            ident,
            colon,
            ty,
            equals,
            semicolon,
            ..
        } = self;
        let krate = &options.krate;
        let mode = options.zero_copy.then(|| quote!(, #krate::ZeroCopy));
        let declared = match kind {
            Kind::Reacton => quote!(Reacton),
            Kind::Computed => quote!(Computed),
        };
        // Where the bounds on the type are asked; so the type is where they are missed.
        let target = quote_spanned!(shown_at(ty.span())=> #declared::<#ty #mode>);
        let path = self.path(options);
        let init = self.initialiser(kind);
        let new = match &options.eq {
            // After an error no question of equality is left to ask of the type.
            _ if !problems.is_empty() => {
                quote!(#krate::#target::__with_eq(#path, #init, ::core::option::Option::None))
            }
            None => quote!(#krate::#target::__new(#path, #init)),
            Some(Equality::Never) => {
                quote!(#krate::#target::__with_eq(#path, #init, ::core::option::Option::None))
            }
            Some(Equality::By(eq)) => {
                quote!(#krate::#target::__with_eq(#path, #init, ::core::option::Option::Some(#eq)))
            }
        };
        let id = options.id.as_ref().map(|id| quote!(.__id(#id)));
        quote! {
            #problems
            #(#attrs)*
            #vis #static_token #ident #colon #krate::#declared<#ty #mode> #equals
                #new #id #semicolon
        }
    }

    /// What the id is the hash of, unless the user gives one.
    fn path(&self, options: &Options) -> TokenStream {
        let krate = &options.krate;
        let name = self.ident.unraw().to_string();
        quote!(#krate::__private::concat!(#krate::__private::module_path!(), "::", #name))
    }

    fn initialiser(&self, kind: Kind) -> TokenStream {
        match (kind, &self.init) {
            // Shown at the value, so that a value of the wrong type is underlined and nothing else.
            (Kind::Reacton, Some(init)) => quote_spanned!(shown_at(init.span())=> || #init),
            (Kind::Computed, Some(init)) => init.to_token_stream(),
            (Kind::Reacton, None) => quote!(|| ::core::unreachable!()),
            (Kind::Computed, None) => quote!(|_| ::core::unreachable!()),
        }
    }
}

/// Reads `static`, or takes a `const` for one and says so.
fn read_static(
    kind: Kind,
    input: ParseStream<'_>,
    problems: &mut Problems,
) -> syn::Result<Token![static]> {
    let attribute = kind.attribute().name;
    // `const fn` is not followed by a name.
    if input.peek(Token![const]) && input.peek2(Ident) {
        let token: Token![const] = input.parse()?;
        let message = format!("`#[{attribute}]` needs a `static`: a `const` has no identity");
        problems.at(token, message);
        return Ok(Token![static](token.span));
    }
    if !input.peek(Token![static]) {
        let message = format!(
            "`#[{attribute}]` goes on a `static`: write `{}`",
            kind.form()
        );
        return Err(input.error(message));
    }
    input.parse()
}

/// Whether `init` can be what a computed is computed by; if not, says what can.
fn is_computation(init: &Expr, problems: &mut Problems) -> bool {
    match init {
        Expr::Path(_) => true,
        Expr::Paren(inner) => is_computation(&inner.expr, problems),
        Expr::Group(inner) => is_computation(&inner.expr, problems),
        Expr::Closure(closure) if closure.inputs.len() == 1 => true,
        Expr::Closure(closure) => {
            let (begin, inputs, end) =
                (&closure.inputs_begin, &closure.inputs, &closure.inputs_end);
            let message = "a computed takes one parameter, the reader: write `|cx| ..`";
            problems.at(quote!(#begin #inputs #end), message);
            false
        }
        other => {
            let message = "expected a closure `|cx| ..` or the path of a `fn(&Reader<'_>) -> T`";
            problems.at(other, message);
            false
        }
    }
}
