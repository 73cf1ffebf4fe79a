//! Builds the toolbox for `wasm32-wasip1`, compiles it ahead of time and leaves both, compressed, for `include_bytes!`.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs};

use sha2::{Digest, Sha256};

const TARGET: &str = "wasm32-wasip1";

/// What the nested cargo must not take over from the one that runs this script.
const SCRUBBED: [&str; 8] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "MAKEFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

fn main() {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR"));
    let toolbox = root.join("../toolbox");
    for input in ["Cargo.toml", "Cargo.lock", "build.rs", "src", "../../guest-sdk/Cargo.toml", "../../guest-sdk/src"] {
        println!("cargo:rerun-if-changed={}", toolbox.join(input).display());
    }
    println!("cargo:rerun-if-changed=build.rs");

    let wasm = build(&toolbox, &out.join("toolbox"));
    let target = variable("TARGET");
    let compiled = stepbox_codegen::precompile(&wasm, &target).unwrap_or_else(|error| fail(&error.to_string()));
    let compatibility = stepbox_codegen::compatibility(&target).unwrap_or_else(|error| fail(&error.to_string()));
    let digest = hex(&Sha256::digest(&compiled));
    write(&out.join("core.wasm.zst"), &compress(&wasm, 9));
    write(&out.join("core.cwasm.zst"), &compress(&compiled, 3));
    let constants = format!(
        "const KEY: &str = \"core-{}-{compatibility:016x}\";\nconst COMPILED_LENGTH: usize = {};\n",
        &digest[..32],
        compiled.len(),
    );
    write(&out.join("constants.rs"), constants.as_bytes());
}

/// The toolbox as wasm.
fn build(toolbox: &Path, target_directory: &Path) -> Vec<u8> {
    let mut command = Command::new(variable("CARGO"));
    command.args(["build", "--locked", "--target", TARGET, "--manifest-path"]).arg(toolbox.join("Cargo.toml"));
    command.arg("--target-dir").arg(target_directory);
    for name in SCRUBBED {
        command.env_remove(name);
    }
    // Settings of the outer build's profiles come as variables too.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PROFILE_")) {
        command.env_remove(name);
    }
    let output = command.output().unwrap_or_else(|error| fail(&format!("cannot start cargo: {error}")));
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        if text.contains("E0463") {
            fail(&format!(
                "the toolbox cannot be built: the target {TARGET} is missing\nhint: type `rustup target add {TARGET}`, or `rustup toolchain install` in this directory"
            ));
        }
        fail(&format!("the toolbox cannot be built:\n{text}"));
    }
    let path = target_directory.join(TARGET).join("debug/core.wasm");
    fs::read(&path).unwrap_or_else(|error| fail(&format!("{}: {error}", path.display())))
}

fn compress(data: &[u8], level: i32) -> Vec<u8> {
    zstd::bulk::compress(data, level).unwrap_or_else(|error| fail(&format!("cannot compress: {error}")))
}

fn write(path: &Path, data: &[u8]) {
    fs::write(path, data).unwrap_or_else(|error| fail(&format!("{}: {error}", path.display())));
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("cargo has not set {name}")))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    exit(1)
}
