//! The family `text`.

fn main() {
    stepbox_tool::main("text", stepbox_text::find_tool, |_, _| 127)
}
