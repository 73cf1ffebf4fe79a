//! Lets the linker replace what WASI's C library does not do: modes of files. `shared/src/abi.rs` has the replacements.

fn main() {
    println!("cargo:rerun-if-changed=../build.rs");
    for name in ["chmod", "fchmod", "fchmodat", "fstat", "fstatat", "lstat", "stat"] {
        println!("cargo:rustc-link-arg-bins=--wrap={name}");
    }
}
