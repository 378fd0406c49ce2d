//! `#[reacton]` and `#[computed]`: a `static` of a value in, a `static` that only declares it out.

mod merged;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Error, Expr, ExprPath, GenericArgument, Ident, PathArguments, Token, Type,
    Visibility,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    parse_quote,
};

use crate::{
    args::{self, Equality, Options},
    diagnostics::{Problems, ends, sized_form, spanning},
};

/// The attribute on the `static`.
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
                options: &["id", "eq", "zero_copy", "merge", "crate"],
            },
            Self::Computed => {
                &args::Attribute { name: "computed", options: &["id", "eq", "crate"] }
            }
        }
    }

    /// The type that is declared.
    fn declared(self, place: Span) -> Ident {
        match self {
            Self::Reacton => Ident::new("Reacton", place),
            Self::Computed => Ident::new("Computed", place),
        }
    }

    /// The form of a declaration, for messages.
    fn form(self) -> &'static str {
        match self {
            Self::Reacton => "static NAME: Type = value;",
            Self::Computed => "static NAME: Type = |cx| ..;",
        }
    }
}

/// The parts of the user's item that the expansion uses again.
struct Declaration {
    attrs: Vec<Attribute>,
    vis: Visibility,
    static_token: Token![static],
    ident: Ident,
    colon: Token![:],
    ty: Type,
    /// The key and the value of a `Family<K, T>`.
    family: Option<(Type, Type)>,
    /// The type is written as that of a collection, whose entries are written one by one.
    is_collection: bool,
    equals: Token![=],
    /// `None` if there is none, or none of the right form. The error was reported, so any value of the type will do.
    init: Option<Expr>,
    semicolon: Token![;],
}

/// Expands `#[reacton(args)] item` or `#[computed(args)] item`.
pub(crate) fn expand(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let options = args::parse(kind.attribute(), args, &mut problems);
    let read = |input: ParseStream<'_>| Declaration::read(kind, input, &mut problems);
    match read.parse2(item.clone()) {
        Ok(declaration) => declaration.expand(kind, &options, &mut problems),
        Err(error) => {
            problems.push(error);
            problems.before(item)
        }
    }
}

impl Declaration {
    /// Parses the item token by token: so a `const` or a missing value is reported, and still becomes a declaration
    /// that fits all uses of the name.
    fn read(kind: Kind, input: ParseStream<'_>, problems: &mut Problems) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        refuse_second(kind.attribute().name, &attrs)?;
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
        let (ty, sized) = sized(value_type(ty, problems), problems);
        let (equals, init) = if input.peek(Token![;]) {
            let message = format!("`{ident}` needs an initial value: write `{}`", kind.form());
            problems.at(&ident, message);
            (<Token![=]>::default(), None)
        } else {
            (input.parse()?, Some(input.parse()?))
        };
        let is_collection = kind == Kind::Reacton && merged::is_collection(&ty);
        let family = family(&ty);
        let what = match (kind, &family) {
            (Kind::Reacton, Some(_)) => Some(MEMBER),
            (Kind::Computed, Some(_)) => Some(MEMBER_COMPUTATION),
            (Kind::Computed, None) => Some(COMPUTATION),
            (Kind::Reacton, None) => None,
        };
        let fits = |init: &Expr| what.as_ref().is_none_or(|what| what.is(init, problems));
        let init = init.filter(fits).filter(|_| sized);
        Ok(Self {
            attrs,
            vis,
            static_token,
            ident,
            colon,
            ty,
            equals,
            is_collection,
            family,
            init,
            semicolon: input.parse()?,
        })
    }

    fn expand(&self, kind: Kind, options: &Options, problems: &mut Problems) -> TokenStream {
        if self.family.is_some() && options.zero_copy {
            let message = "a family is handed over by reference count to a worker that is `zero_copy`: \
                           write it there, and remove it here";
            problems.at(&self.ty, message);
        }
        let Self { attrs, vis, static_token, ident, colon, ty, equals, semicolon, .. } = self;
        if self.family.is_some() && options.merge {
            problems
                .at(&self.ty, "a family has members, each with a value of its own: remove `merge`");
        }
        let krate = &options.krate;
        let mode = self.mode(options);
        let declared = kind.declared(Span::call_site());
        let ty = match (kind, &self.family) {
            (Kind::Reacton, Some(_)) => ty.to_token_stream(),
            (Kind::Computed, Some((key, value))) => quote!(#krate::ComputedFamily<#key, #value>),
            (_, None) => quote!(#krate::#declared<#ty #mode>),
        };
        let named = self.family_is_named(kind);
        let constructor = self.constructor(kind, options, problems);
        // After an error, the id may be the cause.
        let id = options.id.iter().filter(|_| problems.is_empty());
        quote! {
            #problems
            #(#attrs)*
            #vis #static_token #ident #colon #ty #equals
                #constructor #(.__id(#id))* #semicolon
            #named
        }
    }

    /// Uses the type as it is written, where the declared type is another; otherwise an import of `Family` would be
    /// unused.
    fn family_is_named(&self, kind: Kind) -> Option<TokenStream> {
        let ty = self.family.as_ref().filter(|_| kind == Kind::Computed).map(|_| &self.ty)?;
        let cfgs = self.attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
        Some(quote!(#(#cfgs)* const _: fn(&#ty) = |_| ();))
    }

    /// The call that creates the declaration.
    fn constructor(&self, kind: Kind, options: &Options, problems: &Problems) -> TokenStream {
        let (path, init) = (self.path(options), self.initialiser(kind));
        if self.merges(options) {
            return self.merged_constructor(options, problems, &path, &init);
        }
        let (new, eq) = match &options.eq {
            // After an error, the type is not checked for equality.
            None if problems.is_empty() => ("__new", None),
            Some(Equality::By(eq)) if problems.is_empty() => {
                let some = some_equality(eq, options);
                ("__with_eq", Some(quote!(, #some)))
            }
            _ => ("__with_eq", Some(quote!(, ::core::option::Option::None))),
        };
        // The compiler reports missing bounds at this path, so the path is shown at the type. It is in a block of its
        // own, or the compiler would say that the value is wrong.
        let new = Ident::new(new, Span::call_site());
        let (krate, ty) = (&options.krate, &self.ty);
        if let Some((key, value)) = &self.family {
            let family = match kind {
                Kind::Reacton => quote!(Family),
                Kind::Computed => quote!(ComputedFamily),
            };
            let new = spanning(value, quote!(<#krate::#family<#key, #value>>::#new::<>));
            // The message about a cycle names a computed, and a member with its key.
            let shown = (kind == Kind::Computed).then(|| {
                quote!(.shown_by({
                    use #krate::__private::KeyWithoutDebug as _;
                    #krate::__private::KeyText::<#key>::SHOW
                }))
            });
            return quote!({ #new }(#path, #init, #krate::__private::keys::<#key>() #shown #eq));
        }
        let (declared, mode) = (kind.declared(Span::call_site()), self.mode(options));
        let new = spanning(ty, quote!(<#krate::#declared<#ty #mode>>::#new::<>));
        // A type that borrows implements serde for one lifetime only, which the compiler finds out too late to choose
        // another way.
        let asks = options.zero_copy && problems.is_empty() && !borrows(ty.to_token_stream());
        let beside = asks.then(|| {
            quote!(.__beside({
                use #krate::__private::NoBytes as _;
                <#krate::__private::Probe<#ty #mode>>::BYTES
            }))
        });
        quote!({ #new }(#path, #init #eq) #beside)
    }

    /// The text whose hash is the id, unless the declaration names one.
    fn path(&self, options: &Options) -> TokenStream {
        let krate = &options.krate;
        let name = self.ident.unraw().to_string();
        quote!(#krate::__private::concat!(#krate::__private::module_path!(), "::", #name))
    }

    fn initialiser(&self, kind: Kind) -> TokenStream {
        let parameters = match (kind, &self.family) {
            (Kind::Computed, Some(_)) => quote!(_, _),
            (Kind::Computed, None) | (Kind::Reacton, Some(_)) => quote!(_),
            (Kind::Reacton, None) => TokenStream::new(),
        };
        match &self.init {
            Some(init) if !parameters.is_empty() => init.to_token_stream(),
            Some(init) => closure_at(init),
            None => quote!(|#parameters| ::core::unreachable!()),
        }
    }
}

/// Whether the type contains a reference or a lifetime.
fn borrows(ty: TokenStream) -> bool {
    ty.into_iter().any(|token| match token {
        TokenTree::Punct(punct) => matches!(punct.as_char(), '&' | '\''),
        TokenTree::Group(group) => borrows(group.stream()),
        _ => false,
    })
}

/// The function that compares two values, as an `Option`.
fn some_equality(eq: &ExprPath, options: &Options) -> TokenStream {
    let some = spanning(eq, quote!(<::core::option::Option<_>>::Some));
    let krate = &options.krate;
    let eq = if Equality::resembles_never(eq) {
        // If the function does not exist, the compiler suggests a similar name.
        quote!({
            #[allow(unused_imports, reason = "for the compiler to look around in")]
            use #krate::__private::words::*;
            #eq
        })
    } else {
        eq.to_token_stream()
    };
    quote!(#some(#eq))
}

/// `|| { init }`, which errors underline exactly where `init` is.
///
/// With braces, or `|| Vec::new()` would be reported as a redundant closure.
fn closure_at(init: &Expr) -> TokenStream {
    let (first, last) = ends(init);
    let mut body = Group::new(Delimiter::Brace, init.to_token_stream());
    body.set_span(last);
    quote_spanned!(first=> || #body)
}

/// Parses `static`, or treats a `const` as one and reports it.
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
        let message = format!("`#[{attribute}]` goes on a `static`: write `{}`", kind.form());
        return Err(input.error(message));
    }
    input.parse()
}

/// Refuses an item with another attribute of this library.
pub(crate) fn refuse_second(attribute: &str, attrs: &[Attribute]) -> syn::Result<()> {
    let ours = |attr: &&Attribute| {
        let last = attr.path().segments.last();
        last.is_some_and(|last| {
            ["reacton", "computed", "call", "worker"].iter().any(|a| last.ident == a)
        })
    };
    match attrs.iter().find(ours) {
        Some(second) => {
            let message =
                format!("`#[{attribute}]` stands alone: remove this attribute or that one");
            Err(Error::new_spanned(second, message))
        }
        None => Ok(()),
    }
}

/// The type of the value. If `ty` is written as the reacton's own type, that is reported.
fn value_type(ty: Type, problems: &mut Problems) -> Type {
    let inner = arguments(&ty, "Reacton").or_else(|| arguments(&ty, "Computed"));
    match inner.as_deref() {
        Some([inner, ..]) => {
            let message = "write the type of the value alone: the attribute makes a reacton of it";
            problems.at(&ty, message);
            inner.clone()
        }
        _ => ty,
    }
}

/// The type, and whether it has a size. If not, that is reported, and it is replaced with a similar one that has.
fn sized(ty: Type, problems: &mut Problems) -> (Type, bool) {
    let Some(instead) = sized_form(&ty) else { return (ty, true) };
    problems.at(&ty, format!("a value has a size of its own: write `{instead}`"));
    (parse_quote!(::std::boxed::Box<#ty>), false)
}

/// The key and the value of a type that is written as a `Family` of them.
fn family(ty: &Type) -> Option<(Type, Type)> {
    match arguments(ty, "Family")?.as_slice() {
        [key, value] => Some((key.clone(), value.clone())),
        // The compiler reports a wrong number of them.
        _ => None,
    }
}

/// The type arguments of a type that is written as a `name` with some.
fn arguments(ty: &Type, name: &str) -> Option<Vec<Type>> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let types = arguments.args.iter().map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    types.collect()
}

/// The form that an initialiser must have, and the message about it.
struct Function {
    /// The number of its parameters, and the message about another number.
    parameters: usize,
    parameter: &'static str,
    form: &'static str,
}

/// The computation of a computed.
const COMPUTATION: Function = Function {
    parameters: 1,
    parameter: "a computed takes one parameter, the reader: write `|cx| ..`",
    form: "expected a closure `|cx| ..` or the path of a `fn(&Reader<'_>) -> T`",
};

/// The initial value of a family's member.
const MEMBER: Function = Function {
    parameters: 1,
    parameter: "a family takes one parameter, the key: write `|key| ..`",
    form: "expected a closure `|key| ..` or the path of a `fn(&K) -> T`",
};

/// The computation of a member of a computed family.
const MEMBER_COMPUTATION: Function = Function {
    parameters: 2,
    parameter: "a computed family takes two parameters, the reader and the key: write `|cx, key| ..`",
    form: "expected a closure `|cx, key| ..` or the path of a `fn(&Reader<'_>, &K) -> T`",
};

impl Function {
    /// Whether `init` may be such a function; if not, reports what may.
    fn is(&self, init: &Expr, problems: &mut Problems) -> bool {
        match init {
            Expr::Path(_) => true,
            Expr::Paren(inner) => self.is(&inner.expr, problems),
            Expr::Group(inner) => self.is(&inner.expr, problems),
            Expr::Closure(closure) if closure.asyncness.is_some() => {
                let message = "a value is there at once: remove `async`, and await in a worker";
                problems.at(closure.asyncness, message);
                false
            }
            Expr::Closure(closure) if closure.inputs.len() == self.parameters => true,
            Expr::Closure(closure) => {
                let (begin, inputs, end) =
                    (&closure.inputs_begin, &closure.inputs, &closure.inputs_end);
                problems.at(quote!(#begin #inputs #end), self.parameter);
                false
            }
            other => {
                problems.at(other, self.form);
                false
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots this way")]
mod tests;
