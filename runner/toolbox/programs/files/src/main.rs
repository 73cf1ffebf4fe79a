//! The family `files`.

fn main() {
    stepbox_tool::main("files", stepbox_files::find_tool, |_, _| 127)
}
