//! Two declarations with one id in one store: the panic that names both and says what to do.

use crate::id::Head;
use crate::store::ReactonStore;

impl ReactonStore {
    /// Panics because `second` has the id of `first`, which is in this store.
    #[cold]
    #[track_caller]
    pub(crate) fn refuse_duplicate(&self, first: &Head, second: &Head) -> ! {
        panic!(
            "two reactons share one id in {self:?}:\n  `{}` declared at {}\n  `{}` declared at {}\n{}",
            first.rref,
            first.at,
            second.rref,
            second.at,
            remedy(first, second),
        )
    }
}

/// What to do depends on how the duplicate came about.
fn remedy(first: &Head, second: &Head) -> String {
    let name = first.rref.name();
    if name != second.rref.name() {
        return "rename one of them, or give it an id of its own: `#[reacton(id = \"..\")]`".into();
    }
    let (module, _) = name.rsplit_once("::").unwrap_or((name, ""));
    let krate = name.split("::").next().unwrap_or(name);
    if first.at == second.at {
        // For the root of the crate, the reacton itself is imported.
        let import = if module == krate { name } else { module };
        return format!(
            "they are one declaration that was compiled twice:\n\
             - if `main.rs` and `lib.rs` both declare its module with `mod`, remove that line from `main.rs` and write \
             `use {import};`\n\
             - if a dynamic library has a copy of the crate `{krate}`, each copy has statics of its own: pass the reactons \
             from one side to the other as `&'static Reacton<..>`, or let each side use a store of its own"
        );
    }
    if first.at.file() == second.at.file() {
        return "both stand in one module, in different functions or blocks: rename one of them, or give it an id of its \
                own: `#[reacton(id = \"..\")]`"
            .into();
    }
    format!(
        "two crates are called `{krate}`: two versions of one package (`cargo tree -d` lists them), or a library and a \
         program of one name:\n\
         - in code of yours, rename one of the two, or give it an id of its own; that of a published library names the \
         version: `#[reacton(id = \"{krate}@2::..\")]`\n\
         - in other people's code, use the two in different stores, or let the newest of both depend on one version"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ReactonRef, RefId};
    use std::panic::Location;

    #[track_caller]
    fn head(name: &'static str) -> Head {
        Head { rref: ReactonRef::new(RefId::of("id"), name), at: Location::caller() }
    }

    #[test]
    fn one_declaration_that_was_compiled_twice_is_imported() {
        let of = |name| {
            let head = head(name);
            remedy(&head, &head)
        };
        assert!(of("libbin::state::COUNT").contains("write `use libbin::state;`"));
        assert!(of("libbin::COUNT").contains("write `use libbin::COUNT;`"));
        assert!(of("libbin::state::COUNT").contains("a copy of the crate `libbin`"));
    }

    #[test]
    fn two_functions_of_a_module_need_an_id() {
        let words = remedy(&head("app::LIMIT"), &head("app::LIMIT"));
        assert!(words.contains("rename one of them, or give it an id"), "{words}");
    }

    #[test]
    fn two_versions_of_a_package_get_ids_with_the_version() {
        // Called through a pointer, it returns the place of the function itself, which is in another file.
        let place: fn() -> &'static Location<'static> = Location::caller;
        let elsewhere = Head { at: place(), ..head("state::THEME") };
        let words = remedy(&head("state::THEME"), &elsewhere);
        assert!(words.contains("cargo tree -d") && words.contains("state@2::"), "{words}");
    }

    #[test]
    fn another_name_is_given_by_id() {
        assert!(remedy(&head("a::ONE"), &head("b::TWO")).contains("id = "));
    }
}
