//! Builds the families of the toolbox for `wasm32-wasip1`, compiles them ahead of time and leaves both, compressed, for
//! `include_bytes!`.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs, thread};

use sha2::{Digest, Sha256};

const TARGET: &str = "wasm32-wasip1";

/// The families: each is a program of `runner/toolbox/programs`.
const FAMILIES: [&str; 5] = ["archive", "core", "data", "files", "text"];

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
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", root.join("../../guest-sdk/src").display());
    println!("cargo:rerun-if-changed={}", root.join("../../guest-sdk/Cargo.toml").display());
    inputs(&root.join("../toolbox"));

    let built = out.join("toolbox");
    build(&root.join("../toolbox/programs/Cargo.toml"), &built);
    let target = variable("TARGET");
    let compatibility = stepbox_codegen::compatibility(&target).unwrap_or_else(|error| fail(&error.to_string()));
    let compatibility = format!("{compatibility:016x}");
    // A compiler uses all processors for itself, but for its beginning and end.
    let families: Vec<String> = thread::scope(|scope| {
        let (built, out, target, compatibility) = (&built, &out, &target, &compatibility);
        let compiling = FAMILIES.map(|name| scope.spawn(move || compile(name, built, out, target, compatibility)));
        compiling.into_iter().map(|one| one.join().unwrap_or_else(|_| fail("the compiler failed inside"))).collect()
    });
    write(&out.join("families.rs"), format!("const FAMILIES: &[Family] = &[\n{}];\n", families.concat()).as_bytes());
}

/// Tells cargo what the toolbox is made of; not the target directory that working in it leaves.
fn inputs(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap_or_else(|error| fail(&format!("{}: {error}", directory.display()))) {
        let path = entry.unwrap_or_else(|error| fail(&error.to_string())).path();
        match path.file_name().and_then(|name| name.to_str()) {
            Some("target") => {}
            Some("src") => println!("cargo:rerun-if-changed={}", path.display()),
            Some(name) if name.starts_with("Cargo.") || name == "build.rs" => {
                println!("cargo:rerun-if-changed={}", path.display());
            }
            _ if path.is_dir() => inputs(&path),
            _ => {}
        }
    }
}

/// Builds all programs.
fn build(manifest: &Path, target_directory: &Path) {
    let mut command = Command::new(variable("CARGO"));
    command.args(["build", "--locked", "--target", TARGET, "--manifest-path"]).arg(manifest);
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
}

/// Compiles a family where its wasm is not that of the last time; its line of the table.
fn compile(name: &str, built: &Path, out: &Path, target: &str, compatibility: &str) -> String {
    let path = built.join(TARGET).join("debug").join(name).with_extension("wasm");
    let wasm = fs::read(&path).unwrap_or_else(|error| fail(&format!("{}: {error}", path.display())));
    let made_from = format!("{} {target} {compatibility}", hex(&Sha256::digest(&wasm)));
    let of = |extension: &str| out.join(format!("{name}.{extension}"));
    let (note, line) = (of("made-from"), of("line"));
    if fs::read_to_string(&note).is_ok_and(|text| text == made_from)
        && let Ok(line) = fs::read_to_string(&line)
    {
        return line;
    }
    let compiled = stepbox_codegen::precompile(&wasm, target).unwrap_or_else(|error| fail(&error.to_string()));
    let digest = hex(&Sha256::digest(&compiled));
    write(&of("wasm.zst"), &compress(&wasm, 9));
    write(&of("cwasm.zst"), &compress(&compiled, 3));
    let text = format!(
        "    Family {{ name: {name:?}, key: \"{name}-{}-{compatibility}\", length: {}, wasm: include_bytes!({:?}), compiled: include_bytes!({:?}) }},\n",
        &digest[..32],
        compiled.len(),
        of("wasm.zst"),
        of("cwasm.zst"),
    );
    write(&line, text.as_bytes());
    write(&note, made_from.as_bytes());
    text
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
