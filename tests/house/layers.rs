//! Checks that imports between the modules of a crate go down only.

use std::collections::BTreeMap;

use super::{compare_with_exceptions, files};

/// The layers of `reacton-core`, files or folders, from the lowest to the highest. Modules in one line may import each
/// other only by exception.
const CORE: &[&[&str]] = &[
    &["id", "error", "stack", "panics", "backlog"],
    &["value", "merge"],
    &["inbox"],
    &["graph"],
    &["store"],
    &["reacton"],
    &["ops"],
    &["collections", "history"],
    &["wiring"],
    &["turns"],
];

/// The layers of `reacton-isolate`.
const ISOLATE: &[&[&str]] = &[
    &["error", "interrupt"],
    &["wire"],
    &["sync", "shared"],
    &["call"],
    &["link"],
    &["hub"],
    &["pool"],
    &["worker"],
    &["host"],
    &["isolate"],
    &["api", "sink"],
    &["testing", "fuzzing"],
];

/// The one name of a higher layer that a lower one uses: the graph holds the handles of user code, and calls none of
/// them. If the graph were generic over them, it would be compiled into each program, and its inlining would be left to
/// chance.
const HANDLES: &str = "store::code::";

/// Returns the line of a module. Panics if no line has it.
fn level(layers: &[&[&str]], module: &str) -> Option<usize> {
    layers.iter().position(|layer| layer.contains(&module))
}

/// Returns the modules that a file names after `crate::`, once for each time.
fn imported(text: &str) -> Vec<String> {
    // Unit tests may import any module.
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let paths = code.split("crate::").skip(1).filter(|path| !path.starts_with(HANDLES));
    let first = |path: &str| {
        path.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
    };
    paths.map(first).collect()
}

fn upward(folder: &str, layers: &[&[&str]]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (path, text) in files(&[folder], "rs") {
        let name =
            path.strip_prefix(folder).expect("the path is in the folder").trim_start_matches('/');
        let module = name.split(['/', '.']).next().expect("the name has a first part");
        if module == "lib" || name.ends_with("tests.rs") || name.contains("/tests/") {
            continue;
        }
        let own = level(layers, module).unwrap_or_else(|| panic!("{path}: in no layer"));
        for other in imported(&text) {
            let Some(its) = level(layers, &other).filter(|_| other != module) else { continue };
            if its >= own {
                *found.entry(format!("{folder}: {module} -> {other}")).or_default() += 1;
            }
        }
    }
    found
}

#[test]
fn imports_between_layers_go_down_only() {
    let mut found = upward("reacton-core/src", CORE);
    found.extend(upward("reacton-isolate/src", ISOLATE));
    compare_with_exceptions("import", &found);
}

#[test]
fn imports_are_found_outside_of_comments_and_tests() {
    let text = "use crate::graph::Id;use crate::store::code::Effect;\n// crate::store\nfn a() { crate::value::b() }\n#[cfg(test)]\nmod tests {\nuse crate::turn;";
    assert_eq!(imported(text), ["graph", "value"]);
}
