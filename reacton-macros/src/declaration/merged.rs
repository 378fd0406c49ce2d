//! Declarations of values that are written entry by entry: collections, and what says `merge`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Ident, Type};

use super::{Declaration, borrows, some_equality};
use crate::args::{Equality, Options};
use crate::diagnostics::{Problems, spanning};

impl Declaration {
    /// The same of a reacton whose values are written entry by entry. What compares them stands in a constant, which can be referred to
    /// for ever.
    pub(super) fn merged_constructor(
        &self,
        options: &Options,
        problems: &Problems,
        path: &TokenStream,
        init: &TokenStream,
    ) -> TokenStream {
        let (krate, ty, mode) = (&options.krate, &self.ty, self.mode(options));
        let (new, entries) = match &options.eq {
            None if problems.is_empty() => ("__new", None),
            eq => {
                let some = match eq {
                    Some(Equality::By(eq)) if problems.is_empty() => some_equality(eq, options),
                    _ => quote!(::core::option::Option::None),
                };
                let entries = quote!(#krate::__private::Entries::compared_by(#some));
                ("__with_eq", Some(quote!(, const { &#entries })))
            }
        };
        let new = Ident::new(new, Span::call_site());
        let new = spanning(ty, quote!(<#krate::Reacton<#ty #mode>>::#new::<>));
        // Its entries may also be asked for as bytes, for a worker in a process.
        let asks = options.zero_copy && problems.is_empty() && !borrows(ty.to_token_stream());
        let beside = asks.then(|| {
            quote!(.__beside({
                use #krate::__private::NoBytes as _;
                <#krate::__private::Probe<#ty #mode>>::BYTES
            }))
        });
        quote!({ #new }(#path, #init #entries) #beside)
    }

    /// Whether its values are written entry by entry.
    pub(super) fn merges(&self, options: &Options) -> bool {
        self.family.is_none() && (self.is_collection || options.merge)
    }

    /// How values cross, as the last argument of the type; nothing if they are copied.
    pub(super) fn mode(&self, options: &Options) -> Option<TokenStream> {
        let krate = &options.krate;
        match (self.merges(options), options.zero_copy) {
            (false, false) => None,
            (false, true) => Some(quote!(, #krate::ZeroCopy)),
            (true, false) => Some(quote!(, #krate::Merged)),
            (true, true) => Some(quote!(, #krate::MergedByCount)),
        }
    }
}

/// Whether `ty` is written as one of the collections, whose values are written entry by entry.
pub(super) fn is_collection(ty: &Type) -> bool {
    const COLLECTIONS: [&str; 4] = ["ReactonMap", "ReactonSet", "ReactonList", "Counter"];
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|last| COLLECTIONS.iter().any(|name| last.ident == name))
}
