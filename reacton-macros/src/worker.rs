//! `#[worker]`: a function in, the function and a type of its name that starts it out.

mod signature;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Error, Path, ReturnType, Signature, Visibility,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    spanned::Spanned,
    token::Brace,
};

use self::signature::Arguments;
use crate::{
    args::{self, Options},
    diagnostics::{Problems, shown_at, written},
};

const ATTRIBUTE: args::Attribute = args::Attribute {
    name: "worker",
    options: &["shared", "delivery", "zero_copy", "name", "crate"],
};

/// Expands `#[worker(args)] item`.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let options = args::parse(&ATTRIBUTE, args, &mut problems);
    if options.shared.is_none() {
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
    let twin = Twin {
        function: &function,
        arguments,
        options: &options,
        runnable: problems.is_empty(),
    };
    let mut expansion = problems.before(item);
    twin.to_tokens(&mut expansion);
    expansion
}

/// The part of the user's function that the type beside it repeats.
struct Function {
    attrs: Vec<Attribute>,
    vis: Visibility,
    signature: Signature,
}

impl Function {
    fn read(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let keyword = input.span();
        // The compiler has read the item already: what is no signature here is no function.
        let signature: Signature = input.parse().map_err(|_| {
            let message =
                "`#[worker]` goes on a function: write `fn name(store: &ReactonStore) { .. }`";
            Error::new(keyword, message)
        })?;
        if let Some(receiver) = signature.receiver() {
            let message = "a worker is a free function: move it out of the `impl` block";
            return Err(Error::new_spanned(receiver, message));
        }
        if !input.peek(Brace) {
            return Err(Error::new(
                signature.ident.span(),
                "a worker is a function with a body",
            ));
        }
        // The body is emitted as it came and need not be understood.
        input.parse::<TokenStream>()?;
        Ok(Self {
            attrs,
            vis,
            signature,
        })
    }
}

/// The type of the worker's name: an empty enum, which leaves the name free for the function itself.
struct Twin<'f> {
    function: &'f Function,
    arguments: Arguments<'f>,
    options: &'f Options,
    /// Whether nothing is wrong. If something is, the type shares nothing and never runs, but has
    /// every function that a use of it may name.
    runnable: bool,
}

impl ToTokens for Twin<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let (item, worker, starters) = (self.item(), self.worker(), self.starters());
        let attrs = |name| self.function.attrs.iter().filter(move |a| a.path().is_ident(name));
        // What stands beside the function exists where the function does, and ages with it.
        let (cfgs, deprecated) = (attrs("cfg"), attrs("deprecated"));
        let cfgs = quote!(#(#cfgs)*);
        let quiet = attrs("deprecated").map(|_| {
            quote!(#[allow(deprecated, reason = "deprecated with its worker function")])
        });
        let cfgs_and_quiet = quote!(#cfgs #(#quiet)*);
        tokens.extend(quote! {
            #cfgs #(#deprecated)* #item
            #cfgs_and_quiet #worker
            #cfgs_and_quiet #starters
        });
        if self.shared().len() > 1 {
            let duplicates = self.duplicates();
            tokens.extend(quote!(#cfgs_and_quiet #duplicates));
        }
    }
}

impl Twin<'_> {
    fn item(&self) -> TokenStream {
        let (vis, ident, name) = (&self.function.vis, self.ident(), self.name());
        let doc = format!(
            "The worker [`{name}`](fn@{name}): `{name}::spawn` starts it on a thread of its own."
        );
        quote! {
            #[doc = #doc]
            #[allow(non_camel_case_types, reason = "named after its worker function")]
            #vis enum #ident {}
        }
    }

    /// What the library has to know about the worker.
    fn worker(&self) -> TokenStream {
        let krate = &self.options.krate;
        let (ident, slots, args, run) = (self.ident(), self.slots(), self.args(), self.run());
        let name = match &self.options.name {
            Some(name) => name.to_token_stream(),
            None => self.name().to_token_stream(),
        };
        let delivery =
            self.options.delivery.as_ref().map(
                |variant| quote!(const DELIVERY: #krate::Delivery = #krate::Delivery::#variant;),
            );
        quote! {
            impl #krate::__private::Worker for #ident {
                const NAME: &'static str = #name;
                const SHARED: &'static [#krate::__private::SharedSlot] = &[#(#slots),*];
                #delivery
                type Args = #args;
                #run
            }
        }
    }

    fn slots(&self) -> impl Iterator<Item = TokenStream> {
        let krate = &self.options.krate;
        let of = Ident::new(
            if self.options.zero_copy {
                "by_reference"
            } else {
                "of"
            },
            Span::call_site(),
        );
        self.shared().iter().map(
            move |path| quote_spanned!(path.span()=> #krate::__private::SharedSlot::#of(&#path)),
        )
    }

    /// The type of what `spawn` hands to the thread, shown where its parts are written.
    fn args(&self) -> TokenStream {
        let types = &self.arguments.types;
        match types.as_slice() {
            _ if !self.arguments.sound => quote!(()),
            [ty] => quote_spanned!(shown_at(ty.span())=> (#ty,)),
            _ => {
                let parameters = self.function.signature.paren_token.span.join();
                quote_spanned!(shown_at(parameters)=> (#(#types,)*))
            }
        }
    }

    /// What the thread does: call the function, and make a result of what it returns.
    fn run(&self) -> TokenStream {
        let krate = &self.options.krate;
        let returns = quote!(::core::result::Result<(), ::std::string::String>);
        if !self.runnable {
            return quote! {
                fn run(_: &#krate::ReactonStore, _: Self::Args) -> #returns {
                    ::core::unreachable!()
                }
            };
        }
        let signature = &self.function.signature;
        let names = &self.arguments.names;
        let place =
            shown_at(signature::store(signature).map_or_else(Span::call_site, Spanned::span));
        // A type that is no outcome is underlined where the function says that it returns it.
        let output = match &signature.output {
            ReturnType::Type(_, ty) => ty.to_token_stream(),
            ReturnType::Default => TokenStream::new(),
        };
        let ident = &signature.ident;
        let outcome = if signature.asyncness.is_some() {
            let store = quote_spanned!(place=> ::core::clone::Clone::clone(store));
            let future = call_at(&output, ident, &quote!(#store #(, #names)*));
            quote!(#krate::__private::drive(store, #future))
        } else {
            let store = Ident::new("store", place);
            let value = call_at(&output, ident, &quote!(#store #(, #names)*));
            quote!(#krate::__private::Outcome::done(#value))
        };
        quote! {
            fn run(store: &#krate::ReactonStore, (#(#names,)*): Self::Args) -> #returns {
                #outcome
            }
        }
    }

    /// The functions that users call.
    fn starters(&self) -> TokenStream {
        let krate = &self.options.krate;
        let (vis, ident, name, spawn) =
            (&self.function.vis, self.ident(), self.name(), self.spawn());
        let builder = format!("The options of [`{name}`](fn@{name}), to be spawned with.");
        let shared = format!("What [`{name}`](fn@{name}) shares with the store that starts it.");
        quote! {
            impl #ident {
                #spawn
                #[doc = #builder]
                #vis fn builder() -> #krate::WorkerBuilder<Self> {
                    #krate::WorkerBuilder::new()
                }
                #[doc = #shared]
                #vis fn shared() -> #krate::SharedSet {
                    #krate::SharedSet::__of::<Self>()
                }
            }
        }
    }

    fn spawn(&self) -> TokenStream {
        let krate = &self.options.krate;
        let (
            vis,
            name,
            Arguments {
                names,
                types,
                sound,
            },
        ) = (&self.function.vis, self.name(), &self.arguments);
        let doc = format!(
            "Starts [`{name}`](fn@{name}) on a thread of its own; returns after the handshake."
        );
        // Anything will do for arguments of which the types are wrong: that has been said once.
        let types = types.iter().map(|ty| match sound {
            true => ty.to_token_stream(),
            false => quote!(impl ::core::marker::Sized),
        });
        let body = match sound {
            true => quote!(#krate::__private::spawn_worker::<Self>(store, (#(#names,)*))),
            false => quote!(::core::unreachable!()),
        };
        quote! {
            #[doc = #doc]
            ///
            /// # Errors
            ///
            /// If the thread cannot be started, or the worker ends or stays silent before the
            /// handshake is complete.
            #vis fn spawn(
                store: &#krate::ReactonStore #(, #names: #types)*
            ) -> ::core::result::Result<#krate::IsolateStore, #krate::SpawnError> {
                #body
            }
        }
    }

    /// A check of what tokens cannot tell: whether two paths lead to one reacton.
    fn duplicates(&self) -> TokenStream {
        let krate = &self.options.krate;
        let ident = self.ident();
        let checks = self.shared().iter().enumerate().skip(1).map(|(at, path)| {
            let message = format!(
                "`{}` names a reacton that `shared` already lists under another path",
                written(path),
            );
            let arguments = quote!(<#ident as __rx::Worker>::SHARED, #at, #message);
            let reject = Ident::new("reject_duplicate", Span::call_site());
            let path = path.to_token_stream();
            let first = first_and_last(&path).0;
            let call = call_at(&path, &reject, &arguments);
            quote_spanned!(first=> __rx::#call;)
        });
        quote! {
            const _: () = {
                use #krate::__private as __rx;
                #(#checks)*
            };
        }
    }

    fn shared(&self) -> &[Path] {
        match &self.options.shared {
            Some(paths) if self.runnable => paths,
            _ => &[],
        }
    }

    /// The function's name as a name of the expansion: lints take an unused worker for one item, not two.
    fn ident(&self) -> Ident {
        let mut ident = self.function.signature.ident.clone();
        ident.set_span(shown_at(ident.span()));
        ident
    }

    /// The function's name in text, without `r#`.
    fn name(&self) -> String {
        self.function.signature.ident.unraw().to_string()
    }
}

/// `function(arguments)`, which errors underline exactly where `tokens` are.
///
/// `Span::join` is unstable, but the compiler itself joins the start of a call with its closing
/// parenthesis, so those two get the spans of the first token and the last.
fn call_at(tokens: &TokenStream, function: &Ident, arguments: &TokenStream) -> TokenStream {
    let (first, last) = first_and_last(tokens);
    let mut function = function.clone();
    function.set_span(first);
    let mut group = Group::new(Delimiter::Parenthesis, arguments.clone());
    group.set_span(last);
    quote!(#function #group)
}

fn first_and_last(tokens: &TokenStream) -> (Span, Span) {
    let spans: Vec<_> = tokens
        .clone()
        .into_iter()
        .map(|token: TokenTree| token.span())
        .collect();
    let place = |span: Option<&Span>| span.map_or_else(Span::call_site, |span| shown_at(*span));
    (place(spans.first()), place(spans.last()))
}
