//! The family `archive`.

fn main() {
    stepbox_tool::main("archive", stepbox_archive::find_tool, |_, _| 127)
}
