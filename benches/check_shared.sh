#!/usr/bin/env bash
# How long `cargo check` takes of a crate whose worker shares n reactons: benches/check_shared.sh [n..]
#
# The dependencies are built before the first line. Each check begins without what an earlier one has left.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target/check-shared}
package=$CARGO_TARGET_DIR/package
mkdir -p "$package/src"
cat > "$package/Cargo.toml" <<TOML
[package]
name = "shared"
version = "0.1.0"
edition = "2024"

[dependencies]
reacton = { path = "$root" }

[workspace]
TOML
cp "$root/Cargo.lock" "$package/"
cd "$package"

# A program with that many reactons.
write() {
    echo 'use reacton::prelude::*;'
    for i in $(seq "$1"); do printf '#[reacton]\nstatic R%d: u64 = 0;\n' "$i"; done
    printf '#[worker(shared = [%s])]\nfn worker(_: &ReactonStore) {}\n' "$(seq -f 'R%.0f' -s, "$1")"
    echo 'fn main() { let _worker = worker::spawn(&ReactonStore::new()); }'
}

write 1 > src/main.rs
cargo check --quiet
for n in "${@:-250}" $([ $# -gt 0 ] || echo 500 1000); do
    write "$n" > src/main.rs
    rm -rf "$CARGO_TARGET_DIR"/debug/incremental/shared-*
    begin=$(date +%s%N)
    cargo check --quiet
    echo "$n reactons: $((($(date +%s%N) - begin) / 1000000)) ms"
done
