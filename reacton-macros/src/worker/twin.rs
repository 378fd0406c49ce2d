//! The type beside a worker's function: `spawn` for its users, the `Worker` trait for the library.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Path, ReturnType, Type, ext::IdentExt, spanned::Spanned};

use super::{Function, signature::Arguments};
use crate::{
    answers,
    args::Options,
    diagnostics::{call_at, ends, moved_to, shown_at, spanning, written},
    elements::{Element, has_groups},
    shared,
};

/// The type of the worker's name: an empty enum, which leaves the name free for the function itself.
pub(crate) struct Twin<'f> {
    pub(crate) function: &'f Function,
    pub(crate) arguments: Arguments<'f>,
    pub(crate) options: &'f Options,
    /// Whether nothing is wrong. If something is, the type shares nothing and never runs, but has
    /// every function that a use of it may name.
    pub(crate) runnable: bool,
}

impl ToTokens for Twin<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let (item, worker, starters) = (self.item(), self.worker(), self.starters());
        // What stands beside the function exists where the function does, and ages with it.
        let cfgs = self.attributes("cfg");
        let deprecated = self.attributes("deprecated");
        let quiet = (!deprecated.is_empty())
            .then(|| quote!(#[allow(deprecated, reason = "deprecated with its function")]));
        tokens.extend(quote! {
            #cfgs #deprecated #item
            #cfgs #quiet #worker
            #cfgs #quiet #starters
        });
        // A list with groups is checked where it is made.
        if self.shared().len() > 1 && !has_groups(self.shared()) {
            let duplicates = self.duplicates();
            tokens.extend(quote!(#cfgs #quiet #duplicates));
        }
        if self.calls().len() > 1 {
            let doubled = answers::doubled(&self.options.krate, &self.ident(), self.calls());
            tokens.extend(quote!(#cfgs #quiet #doubled));
        }
    }
}

impl Twin<'_> {
    fn item(&self) -> TokenStream {
        let (vis, ident, name) = (&self.function.vis, self.ident(), self.name());
        let doc = format!(
            " The worker [`{name}`](fn@{name}): `{name}::spawn` starts it on a thread of its own."
        );
        // A name that is taken is underlined where the user wrote it.
        let item = quote_spanned!(ident.span()=> enum #ident {});
        quote! {
            #[doc = #doc]
            #[allow(non_camel_case_types, reason = "named after its worker function")]
            #vis #item
        }
    }

    /// What the library has to know about the worker.
    fn worker(&self) -> TokenStream {
        let krate = &self.options.krate;
        let (ident, slots, args, run) = (self.ident(), self.slots(), self.args(), self.run());
        let slots = if self.options.zero_copy {
            slots
        } else {
            let import = shared::import(krate);
            quote!({ #import #slots })
        };
        let name = match &self.options.name {
            Some(name) => name.to_token_stream(),
            None => self.name().to_token_stream(),
        };
        let answers = self.answers();
        let function = self.name();
        let path = quote! {
            #krate::__private::concat!(#krate::__private::module_path!(), "::", #function)
        };
        let delivery = self.options.delivery.as_ref();
        let delivery =
            delivery.map(|variant| quote!(#krate::Delivery = #krate::Delivery::#variant));
        let delivery = delivery.map(|value| quote!(const DELIVERY: #value;));
        quote! {
            impl #krate::__private::Worker for #ident {
                const NAME: &'static str = #name;
                const PATH: &'static str = #path;
                const SHARED: &'static [#krate::__private::SharedSlot] = #slots;
                #answers
                #delivery
                type Args = #args;
                #run
            }
        }
    }

    fn slots(&self) -> TokenStream {
        shared::slots(&self.options.krate, self.shared(), self.options.zero_copy)
    }

    /// The calls that the worker answers, if there are any.
    fn answers(&self) -> Option<TokenStream> {
        let krate = &self.options.krate;
        let calls = self.calls();
        let slots = answers::slots(krate, calls);
        (!calls.is_empty()).then(
            || quote!(const ANSWERS: &'static [#krate::__private::AnswerSlot] = &[#(#slots),*];),
        )
    }

    fn calls(&self) -> &[Path] {
        match &self.options.answers {
            Some(calls) if self.runnable => calls,
            _ => &[],
        }
    }

    /// The type of what `spawn` hands to the thread, shown where its parts are written.
    fn args(&self) -> TokenStream {
        let types = &self.arguments.types;
        match types.as_slice() {
            _ if !self.arguments.sound => quote!(()),
            [ty] => quote_spanned!(ty.span()=> (#ty,)),
            _ => {
                let parameters = self.function.signature.paren_token.span.join();
                quote_spanned!(parameters=> (#(#types,)*))
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
        let names = &self.arguments.names;
        let outcome = self.outcome();
        quote! {
            fn run(store: &#krate::ReactonStore, (#(#names,)*): Self::Args) -> #returns {
                #outcome
            }
        }
    }

    /// The call of the function, shown where an error in it is made: a parameter that is no store at
    /// its type, a value that is no outcome at the type that the function says it returns.
    fn outcome(&self) -> TokenStream {
        let krate = &self.options.krate;
        let Arguments { store, names, .. } = &self.arguments;
        let signature = &self.function.signature;
        let (ident, output) = (&signature.ident, returned(&signature.output));
        let lent = if signature.asyncness.is_some() { quote!(owned) } else { quote!(borrowed) };
        let whose = quote_spanned!(shown_at(ends(store).0)=> _);
        let lent = quote!(<#krate::__private::StoreArg>::#lent::<#whose>);
        let first = quote!(#lent(store));
        let call = call_at(&output, ident, quote!(#first #(, #names)*));
        if signature.asyncness.is_some() {
            let place = shown_at(ends(&output).0);
            let krate = moved_to(krate, place);
            quote_spanned!(place=> #krate::__private::drive(store, #call))
        } else if matches!(&signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
        {
            // What is called on it would be unreachable.
            call
        } else {
            quote!(#krate::__private::Outcome::done(#call))
        }
    }

    /// The functions that users call.
    fn starters(&self) -> TokenStream {
        let krate = &self.options.krate;
        let (new, set) = (self.called("builder"), self.called("shared"));
        let (vis, ident, name, spawn) =
            (&self.function.vis, self.ident(), self.name(), self.spawn());
        let builder = format!(
            " The builder of [`{name}`](fn@{name}), for options that the attribute does not take."
        );
        let shared = format!(" What [`{name}`](fn@{name}) shares with the store that starts it.");
        quote! {
            impl #ident {
                #spawn
                #[doc = #builder]
                #vis fn #new() -> #krate::WorkerBuilder<Self> {
                    #krate::WorkerBuilder::new()
                }
                #[doc = #shared]
                #vis fn #set() -> #krate::SharedSet {
                    #krate::SharedSet::__of::<Self>()
                }
            }
        }
    }

    fn spawn(&self) -> TokenStream {
        let krate = &self.options.krate;
        let (vis, name, start) = (&self.function.vis, self.name(), self.called("spawn"));
        let start_async = self.called("spawn_async");
        let Arguments { names, types, sound, .. } = &self.arguments;
        let doc = format!(
            " Starts [`{name}`](fn@{name}) on a thread of its own; returns after the handshake."
        );
        let (types, body, body_async) = if *sound {
            let types = types.iter().map(ToTokens::to_token_stream).collect();
            let arguments = quote!((store, (#(#names,)*)));
            (
                types,
                quote!(#krate::__private::spawn_worker::<Self> #arguments),
                quote!(#krate::__private::spawn_worker_async::<Self> #arguments),
            )
        } else {
            // Anything will do where the types are wrong: that has been said once.
            let any = quote!(impl ::core::marker::Sized);
            let never = quote!(::core::unreachable!());
            (vec![any; types.len()], never.clone(), never)
        };
        quote! {
            #[doc = #doc]
            ///
            /// # Errors
            /// If the thread cannot be started, or the worker is silent or over before the handshake.
            #vis fn #start(
                store: &#krate::ReactonStore #(, #names: #types)*
            ) -> ::core::result::Result<#krate::IsolateStore, #krate::SpawnError> {
                #body
            }
            /// As `spawn`, but waits for the handshake without blocking the thread.
            #vis fn #start_async(
                store: &#krate::ReactonStore #(, #names: #types)*
            ) -> #krate::Spawning {
                #body_async
            }
        }
    }

    /// A check of what tokens cannot tell: whether two paths lead to one reacton.
    ///
    /// The list is searched once, in linear time. Each element is then checked by a call at its own place.
    fn duplicates(&self) -> TokenStream {
        let krate = &self.options.krate;
        let ident = self.ident();
        let slot = quote!(#krate::__private::SharedSlot);
        let names = self.shared().iter().map(|element| written(&element.path));
        let len = Literal::usize_unsuffixed(self.shared().len());
        let places = Literal::usize_unsuffixed(2 * self.shared().len());
        let checks = self.shared().iter().enumerate().skip(1).map(|(at, Element { path, .. })| {
            let at = Literal::usize_unsuffixed(at);
            let reject = spanning(path, quote!(<#slot>::reject_duplicate::<>));
            let call = spanning(path, quote!(#reject(FIRSTS, #at, NAMES)));
            quote!(#call;)
        });
        quote! {
            const _: () = {
                const NAMES: &[&str] = &[#(#names),*];
                const FIRSTS: &[usize] = &<#slot>::firsts::<#len, #places>(
                    <#ident as #krate::__private::Worker>::SHARED,
                );
                #(#checks)*
            };
        }
    }

    /// The user's attributes of one name, which the added items repeat.
    fn attributes(&self, name: &str) -> TokenStream {
        let attrs = self.function.attrs.iter();
        attrs.filter(|attr| attr.path().is_ident(name)).map(ToTokens::to_token_stream).collect()
    }

    fn shared(&self) -> &[Element] {
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

    /// A name that an editor follows to the user's function.
    fn called(&self, name: &str) -> Ident {
        Ident::new(name, self.ident().span())
    }

    /// The function's name in text, without `r#`.
    fn name(&self) -> String {
        self.function.signature.ident.unraw().to_string()
    }
}

fn returned(output: &ReturnType) -> TokenStream {
    match output {
        ReturnType::Type(_, ty) => ty.to_token_stream(),
        ReturnType::Default => TokenStream::new(),
    }
}
